"""Dispatch's own short copy of a ticket: what the life cycle and its rules read, and nothing else.

Every command on a ticket begins with :func:`take`: the docket's row lock comes first, before any other row of the
ticket, so that all that races about one ticket stands in one queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, Uuid, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant, metadata
from common.events.envelope import Actor, subject_of_ticket
from common.events.intake import TicketCreated
from common.events.vocabulary import Designation, Helper, Status
from common.messaging.parking import is_parked
from common.messaging.room import Transaction
from common.messaging.tables import add_event_tables
from common.policy.pack import Pack
from common.runtime.packs import PackShelf
from common.security.access import Principal, require
from common.web.idempotency import idempotency_table
from common.web.problems import Problem, conflict, not_found, stale_round
from dispatch import lifecycle
from dispatch.lifecycle import Command

METADATA: Final = metadata()
EVENTS: Final = add_event_tables(METADATA)
IDEMPOTENCY: Final = idempotency_table(METADATA)
SHELF: Final = PackShelf(METADATA)
SYSTEM: Final = Actor(role="system")

DOCKET: Final = Table(
    "docket",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text), nullable=False),
    Column("designated", Boolean, nullable=False),
    Column("has_contact", Boolean, nullable=False),
    Column("round_began_at", Instant),
    Column("pending_return", Uuid),
    Column("report", Uuid, comment="the closing report that waits for a decision"),
    Column("signed_parts", ARRAY(Text), nullable=False, comment="co-handlers that have signed in this round"),
    Column("sub_units", JSONB, nullable=False, comment="unit that a holder passed the ticket to: that holder"),
    Column("designation", JSONB(none_as_null=True), comment="who named the unit, where it is designated"),
    Column("territory", Text, comment="the territorial government, where somebody named it"),
    Column("registered_at", Instant, comment="null of tickets from before it was kept"),
    Column("clock_stop", Uuid, comment="the stop since which the clocks stand still"),
    Column("item", Text, comment="number in the responsibility catalogue, where one was named"),
    Column("helpers", JSONB, nullable=False, comment="units beside lead and co-handlers, in the roles of that item"),
)
_LIVE: Final = text("status in ('dispatched', 'signed_in', 'closing_filed')")
Index("docket_held_idx", DOCKET.c.unit, DOCKET.c.ticket, postgresql_where=_LIVE)
Index("docket_co_handlers_idx", DOCKET.c.co_handlers, postgresql_using="gin", postgresql_where=_LIVE)
Index("docket_closed_idx", DOCKET.c.unit, postgresql_where=text("status = 'closed'"))
Index("docket_sub_units_idx", DOCKET.c.sub_units, postgresql_using="gin", postgresql_where=_LIVE)


@dataclass(frozen=True, slots=True)
class Docket:
    """Where a ticket stands. ``round`` is the present one, or in 待派单 the last one that ended (0: none yet).

    ``signed_parts``: co-handlers that have signed for their part. ``sub_units``: whom a holder passed the ticket on to
    (双鸭山 第九条), each with that holder. ``designation``: who named the unit; with it ``designated`` is true.
    ``territory``: 属地政府 as a dispatcher named it (第十七条); it is the matter's and outlives the round.
    ``clock_stop``: since when the clocks stand still; it ends with the round or with the filing of a closing report.
    ``item``: of the responsibility catalogue, under which the round runs; ``helpers``: in the roles of that item.
    """

    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    status: Status
    round: int
    unit: str | None
    co_handlers: tuple[str, ...]
    designated: bool
    has_contact: bool
    round_began_at: datetime | None
    pending_return: UUID | None
    report: UUID | None
    signed_parts: tuple[str, ...] = ()
    sub_units: Mapping[str, str] = field(default_factory=dict)
    designation: Designation | None = None
    territory: str | None = None
    registered_at: datetime | None = None
    clock_stop: UUID | None = None
    item: str | None = None
    helpers: tuple[Helper, ...] = ()

    @property
    def holders(self) -> tuple[str, ...]:
        """The units that hold the ticket: the lead and the co-handlers."""
        return ((self.unit,) if self.unit else ()) + self.co_handlers

    @property
    def workers(self) -> tuple[str, ...]:
        """The holders, and the units that work on the ticket for one of them."""
        return (*self.holders, *self.sub_units)

    @property
    def subject(self) -> str:
        return subject_of_ticket(self.ticket)


class Standing(BaseModel):
    """Where a ticket stands: the answer to every command about it. ``unit`` null: nobody has it."""

    ticket: UUID
    number: str
    status: Status
    round: int
    unit: str | None
    co_handlers: tuple[str, ...]


def standing_of(docket: Docket) -> Standing:
    return Standing(
        ticket=docket.ticket,
        number=docket.number,
        status=docket.status,
        round=docket.round,
        unit=docket.unit,
        co_handlers=docket.co_handlers,
    )


async def fill(connection: AsyncConnection, created: TicketCreated) -> None:
    """Begin the ticket's life; one that has begun already goes on as it is."""
    docket = Docket(
        ticket=created.ticket,
        number=created.number,
        jurisdiction=created.jurisdiction,
        policy=created.policy,
        status="awaiting_dispatch",
        round=0,
        unit=None,
        co_handlers=(),
        designated=False,
        has_contact=created.requester.has_contact,
        round_began_at=None,
        pending_return=None,
        report=None,
        registered_at=created.occurred_at,
    )
    await connection.execute(_FILL, _columns(docket))


async def load(connection: AsyncConnection, ticket: UUID, *, lock: bool = False) -> Docket | None:
    """The docket; locked, its row is held until the transaction ends."""
    found = await connection.execute(_LOAD_LOCKED if lock else _LOAD, {"of": ticket})
    row = found.mappings().one_or_none()
    return None if row is None else _docket(row)


async def keep(connection: AsyncConnection, docket: Docket) -> None:
    """Write a docket that was loaded with its lock."""
    await connection.execute(_KEEP, {**_columns(docket), "of": docket.ticket})


async def held_by(connection: AsyncConnection, unit: str, after: UUID, most: int) -> Sequence[Docket]:
    """The tickets that the unit leads, co-handles or works on for another, and that nobody has closed, by id."""
    theirs = (DOCKET.c.unit == unit) | DOCKET.c.co_handlers.contains([unit]) | DOCKET.c.sub_units.has_key(unit)
    query = select(DOCKET).where(_LIVE, theirs, DOCKET.c.ticket > after).order_by(DOCKET.c.ticket).limit(most)
    return [_docket(row) for row in (await connection.execute(query)).mappings()]


async def take(tx: Transaction, caller: Principal, action: str, ticket: UUID, seen_round: int) -> Docket:
    """Load and lock the docket for a command of ``caller``, who saw ``seen_round``.

    404 for an absent ticket and, the same, for one on which the caller's unit does not work; 503 ``ticket_parked``
    while earlier events of the ticket wait; 409 ``stale_round``, naming the present one, when it has moved on.
    """
    docket = await load(tx.connection, ticket, lock=True)
    if docket is not None:
        require(action, caller, jurisdiction=docket.jurisdiction, holders=docket.workers)
    if await is_parked(tx.connection, subject_of_ticket(ticket)):
        raise Problem(503, "ticket_parked", "工单暂停处理", "该工单有事件待人工处理，请稍后重试。", retry_after=5)
    if docket is None:
        raise not_found()
    if docket.round != seen_round:
        raise stale_round(docket.round)
    return docket


def moved(docket: Docket, command: Command) -> Docket:
    """The docket after the command; 409 ``not_allowed`` that says what is, for an unlisted pair."""
    try:
        return replace(docket, status=lifecycle.move(docket.status, command))
    except lifecycle.NotAllowed as refusal:
        status, wanted = lifecycle.LABELS[refusal.status], lifecycle.COMMAND_LABELS[refusal.command]
        detail = f"工单处于“{status}”，不能进行“{wanted}”。"
        raise conflict("not_allowed", detail, allowed=refusal.allowed) from None


def require_lead(docket: Docket, caller: Principal, pack: Pack) -> None:
    """403 for a co-handler where the lead alone acts: it gives the final result (双鸭山 第十四条)."""
    if caller.role == "unit" and caller.unit != docket.unit:
        basis = pack.dispatching.basis_of_lead()
        raise Problem(403, "not_the_lead", "非主办单位", "此项操作由主办单位进行。", basis=basis)


def round_begun(docket: Docket, tx: Transaction, **given: Any) -> Docket:
    """The docket in the round that begins now: nobody has signed yet, and nobody has passed it on."""
    fresh = replace(docket, round_began_at=tx.now, signed_parts=(), sub_units={}, clock_stop=None)
    return replace(fresh, round=docket.round + 1, **given)


def holder_of(docket: Docket, caller: Principal) -> str:
    """The unit in whose place the caller acts: its own where it holds the ticket, the holder that passed the ticket on
    to it, and the lead for who is of no unit. 403 for any other.
    """
    unit = caller.unit or docket.unit
    holder = docket.sub_units.get(unit, unit) if unit is not None else None
    if holder is None or holder not in docket.holders:
        raise Problem(403, "not_a_holder", "非承办单位", "此项操作由承办该工单的单位进行。")
    return holder


def require_no_blocking_return(docket: Docket, command: str, pack: Pack) -> None:
    """409 ``return_pending`` where the pack lets a pending return block this command."""
    blocks = pack.returns.pending_blocks
    if docket.pending_return is not None and command in blocks.value:
        raise conflict("return_pending", "退单正在审核，审核结束前不能进行此项操作。", basis=(blocks.basis,))


def acting(caller: Principal) -> Actor:
    return Actor(role=caller.role, unit=caller.unit, account=caller.account)


def fact(tx: Transaction, docket: Docket, actor: Actor, occurred_at: datetime | None = None) -> dict[str, Any]:
    """What every fact about the ticket carries."""
    return {
        "jurisdiction": docket.jurisdiction,
        "policy": docket.policy,
        "ticket": docket.ticket,
        "number": docket.number,
        "round": docket.round,
        "occurred_at": occurred_at or tx.now,
        "accepted_at": tx.now,
        "actor": actor,
    }


_FILL: Final = insert(DOCKET).on_conflict_do_nothing()
_LOAD: Final = select(DOCKET).where(DOCKET.c.ticket == bindparam("of"))
_LOAD_LOCKED: Final = _LOAD.with_for_update()
_KEEP: Final = (
    update(DOCKET)
    .where(DOCKET.c.ticket == bindparam("of"))
    .values({name: bindparam(name) for name in Docket.__dataclass_fields__ if name != "ticket"})
)


def _columns(docket: Docket) -> dict[str, Any]:
    columns = {name: getattr(docket, name) for name in Docket.__dataclass_fields__}
    designation = docket.designation
    return {
        **columns,
        "co_handlers": list(docket.co_handlers),
        "signed_parts": list(docket.signed_parts),
        "sub_units": dict(docket.sub_units),
        "designation": None if designation is None else designation.model_dump(mode="json"),
        "helpers": [helper.model_dump(mode="json") for helper in docket.helpers],
    }


def _docket(row: Any) -> Docket:
    named = row["designation"]
    return Docket(
        **{
            **row,
            "co_handlers": tuple(row["co_handlers"]),
            "signed_parts": tuple(row["signed_parts"]),
            "designation": None if named is None else Designation.model_validate(named),
            "helpers": tuple(Helper.model_validate(helper) for helper in row["helpers"]),
        }
    )
