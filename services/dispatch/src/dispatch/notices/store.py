"""The notices to units, an outbox of their own.

``notice.next_attempt_at`` is machine time: a claim is a lease that ends by itself, so that what a dead sender had in
hand is sent again, with the same key. ``not_before`` is domain time: quiet hours are over then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Interval,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from common.messaging.room import Transaction
from dispatch.docket import METADATA

NOTICE: Final = Table(
    "notice",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("cause", Uuid, nullable=False, comment="id of the event that brought it about"),
    Column("unit", Text, comment="null: nobody knows whom to tell"),
    Column("ticket", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False, comment="domain time: quiet hours hold it until then"),
    Column("state", Text, nullable=False),
    Column("reason", Text, comment="why it failed, stays unsent, or is tried again"),
    Column("attempts", Integer, nullable=False),
    Column(
        "next_attempt_at",
        Instant,
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="machine time: the end of a lease or of a pause",
    ),
    Column("settled_at", Instant),
    UniqueConstraint("cause", "unit", postgresql_nulls_not_distinct=True),
)
Index("notice_unit_id_idx", NOTICE.c.unit, NOTICE.c.id)
Index("notice_ticket_id_idx", NOTICE.c.ticket, NOTICE.c.id)
Index("notice_state_id_idx", NOTICE.c.state, NOTICE.c.id)
Index("notice_waiting_idx", NOTICE.c.not_before, NOTICE.c.id, postgresql_where=text("state = 'waiting'"))


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to one unit; to None where nobody knows whom to tell. ``settled_at``: when its fate was known."""

    id: UUID
    cause: UUID
    unit: str | None
    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    round: int
    occasion: str
    text: str
    made_at: datetime
    not_before: datetime
    state: str
    reason: str | None
    attempts: int
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice in hand, with the unit's present duty contact."""

    notice: Notice
    contact: str | None


_NAMES: Final = list(Notice.__dataclass_fields__)
_ADD: Final = insert(NOTICE).on_conflict_do_nothing(index_elements=["cause", "unit"])


async def above(connection: AsyncConnection, units: Sequence[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """For each unit itself and those above it with their kinds, the nearest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await connection.execute(_ABOVE, {"units": list(units)}):
        found.setdefault(row.of, []).append((row.code, row.kind))
    return {of: tuple(line) for of, line in found.items()}


def add(tx: Transaction, notice: Notice) -> None:
    """Enter a notice with the effects of the event that brought it about."""
    tx.append(_ADD, {name: getattr(notice, name) for name in _NAMES})


async def claim(connection: AsyncConnection, now: datetime, most: int, lease: timedelta) -> Sequence[Claimed]:
    """Take the oldest notices that may ring now; nobody else takes them until the lease ends (machine time)."""
    rows = await connection.execute(_CLAIM, {"now": now, "most": most, "lease": lease})
    return [Claimed(_notice(row), row.duty_contact) for row in rows]


async def put_off(connection: AsyncConnection, notice: Notice, reason: str | None, pause: timedelta) -> None:
    """To be tried again after the pause; nothing when somebody else has it in hand by now."""
    await connection.execute(_PUT_OFF, {"id": notice.id, "attempts": notice.attempts, "why": reason, "pause": pause})


async def taken(connection: AsyncConnection, notice: Notice) -> None:
    """The gateway has it; a receipt may have come first."""
    await connection.execute(
        update(NOTICE).where(NOTICE.c.id == notice.id, NOTICE.c.state == "waiting").values(state="sent", reason=None)
    )


async def settle(
    connection: AsyncConnection, notice: UUID, state: str, reason: str | None, at: datetime
) -> Notice | None:
    """Its fate; None when that was known already."""
    settled = (
        update(NOTICE)
        .where(NOTICE.c.id == notice, NOTICE.c.state.in_(("waiting", "sent")))
        .values(state=state, reason=reason, settled_at=at)
        .returning(*(NOTICE.c[name] for name in _NAMES))
    )
    row = (await connection.execute(settled)).one_or_none()
    return None if row is None else _notice(row)


async def find(connection: AsyncConnection, notice: UUID) -> Notice | None:
    row = (await connection.execute(select(NOTICE).where(NOTICE.c.id == notice))).one_or_none()
    return None if row is None else _notice(row)


async def leave_unsent(connection: AsyncConnection, reason: str, at: datetime) -> None:
    """Whatever still waits will not be sent."""
    await connection.execute(
        update(NOTICE).where(NOTICE.c.state == "waiting").values(state="unsent", reason=reason, settled_at=at)
    )


async def page(
    connection: AsyncConnection,
    *,
    jurisdiction: str | None,
    unit: str | None,
    ticket: UUID | None,
    state: str | None,
    before: UUID | None,
    most: int,
) -> Sequence[Notice]:
    """Notices, the latest first."""
    query = select(*(NOTICE.c[name] for name in _NAMES)).order_by(NOTICE.c.id.desc()).limit(most)
    wanted = {"jurisdiction": jurisdiction, "unit": unit, "ticket": ticket, "state": state}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(NOTICE.c[name] == value)
    if before is not None:
        query = query.where(NOTICE.c.id < before)
    return [_notice(row) for row in await connection.execute(query)]


async def next_to_ring(connection: AsyncConnection, after: datetime) -> datetime | None:
    """The next domain instant at which held notices may ring."""
    query = select(func.min(NOTICE.c.not_before)).where(NOTICE.c.state == "waiting", NOTICE.c.not_before > after)
    found: datetime | None = (await connection.execute(query)).scalar()
    return found


async def untried(connection: AsyncConnection, now: datetime) -> bool:
    """Whether a notice may ring now and nobody has taken it in hand yet."""
    return bool((await connection.execute(_UNTRIED, {"now": now})).scalar())


def _notice(row: Any) -> Notice:
    return Notice(**{name: row._mapping[name] for name in _NAMES})


_ABOVE: Final = text(
    """
    with recursive line (of, code, kind, parent, depth) as (
        select code, code, kind, parent, 0 from unit where code = any(:units)
        union all
        select l.of, u.code, u.kind, u.parent, l.depth + 1 from line l join unit u on u.code = l.parent
        where l.depth < 20
    )
    select of, code, kind from line order by of, depth
    """
).bindparams(bindparam("units", type_=ARRAY(TEXT)))
_CLAIM: Final = text(
    """
    with picked as (
        select id from notice
        where state = 'waiting' and not_before <= :now and next_attempt_at <= clock_timestamp()
        order by not_before, id limit :most
        for update skip locked  -- another sender's row is another sender's
    )
    update notice n set attempts = n.attempts + 1, next_attempt_at = clock_timestamp() + :lease
    from picked p where n.id = p.id
    returning n.*, (select u.duty_contact from unit u where u.code = n.unit) as duty_contact
    """
).bindparams(bindparam("now", type_=Instant), bindparam("lease", type_=Interval))
_PUT_OFF: Final = text(
    """
    update notice set reason = :why, next_attempt_at = clock_timestamp() + :pause
    where id = :id and state = 'waiting' and attempts = :attempts
    """
).bindparams(bindparam("id", type_=Uuid), bindparam("why", type_=TEXT), bindparam("pause", type_=Interval))
_UNTRIED: Final = text(
    """
    select exists (select from notice where state = 'waiting' and attempts = 0 and not_before <= :now)
    """
).bindparams(bindparam("now", type_=Instant))
