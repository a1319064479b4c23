"""The extensions that units asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from common.events.vocabulary import Limit
from review import board, cases, filings
from review.board import Wanted
from review.clauses import stored_basis
from review.deadlines import DEADLINE, of_same_round
from review.docket import DOCKET, METADATA
from review.extensions.rules import UNDECIDED, UNSETTLED, Decision, Request, State

EXTENSION: Final = Table(
    "extension_case",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("requested_amount", Integer, nullable=False),
    Column("requested_unit", Text, nullable=False),
    Column("reason", Text),
    Column("plan", Text),
    Column("papers", ARRAY(Uuid), nullable=False),
    Column("filed_at", Instant, nullable=False),
    Column("outcome", Text),
    Column("decided_ground", Text),
    Column("by_rule", Boolean),
    Column("note", Text),
    Column("granted_amount", Integer),
    Column("granted_unit", Text),
    Column("window_due_at", Instant),
    Column("window_generation", Integer),
    Column("late", Boolean),
    Column("basis", JSONB),
    Column("decided_at", Instant),
    Column("told_at", Instant, comment="when the unit told the requester, after the grant"),
    Column("lapsed_because", Text),
    Column("sort", Text, nullable=False, server_default="ordinary"),
    Column("formalities", ARRAY(Text), nullable=False, server_default="{}"),
    Column("head_approval", Text),
)
Index(
    "extension_case_unsettled_key",
    EXTENSION.c.ticket,
    EXTENSION.c.round,
    unique=True,
    postgresql_where=text("state in ('pending', 'queued', 'granted')"),
)
Index("extension_case_ticket_idx", EXTENSION.c.ticket, EXTENSION.c.id)
Index("extension_case_state_idx", EXTENSION.c.state, EXTENSION.c.id)
Index("extension_case_unit_idx", EXTENSION.c.unit, EXTENSION.c.id)

_PLAIN: Final = tuple(name for name in Request.__dataclass_fields__ if name != "requested")
_REQUEST: Final = (*(EXTENSION.c[name] for name in _PLAIN), EXTENSION.c.requested_amount, EXTENSION.c.requested_unit)


def _request(row: Any) -> Request:
    columns = {name: getattr(row, name) for name in _PLAIN}
    requested = Limit(amount=row.requested_amount, unit=row.requested_unit)
    lists = {"papers": tuple(row.papers), "formalities": tuple(row.formalities)}
    return Request(**{**columns, **lists}, requested=requested)


async def load(connection: AsyncConnection, case: UUID) -> Request | None:
    """One extension, as of now: the caller holds the docket's row."""
    row = (await connection.execute(select(*_REQUEST).where(EXTENSION.c.id == case))).first()
    return None if row is None else _request(row)


async def unsettled(connection: AsyncConnection, ticket: UUID, round: int) -> State | None:
    """The state of the round's extension that is not settled, if there is one."""
    return await cases.unsettled(connection, EXTENSION, ticket, UNSETTLED, round)


async def undecided(connection: AsyncConnection, ticket: UUID, states: Sequence[State] = UNDECIDED) -> list[Request]:
    """The ticket's extensions that nobody has decided, oldest first."""
    query = select(*_REQUEST).where(EXTENSION.c.ticket == ticket, EXTENSION.c.state.in_(states))
    return [_request(row) for row in await connection.execute(query.order_by(EXTENSION.c.id))]


async def asked(connection: AsyncConnection, ticket: UUID, unit: str | None) -> int:
    """How many extensions of the ticket have been asked for, by this unit or, with None, by all."""
    query = select(func.count()).select_from(EXTENSION).where(EXTENSION.c.ticket == ticket)
    if unit is not None:
        query = query.where(EXTENSION.c.unit == unit)
    return int((await connection.execute(query)).scalar_one())


async def granted_before(connection: AsyncConnection, ticket: UUID, round: int) -> tuple[Limit, ...]:
    """The ordinary extensions of the round that took effect, or will."""
    query = select(EXTENSION.c.granted_amount, EXTENSION.c.granted_unit).where(
        EXTENSION.c.ticket == ticket,
        EXTENSION.c.round == round,
        EXTENSION.c.sort == "ordinary",
        EXTENSION.c.state.in_(("granted", "applied")),
    )
    return tuple(Limit(amount=row.granted_amount, unit=row.granted_unit) for row in await connection.execute(query))


async def settled_at_generation(connection: AsyncConnection, ticket: UUID, round: int) -> int | None:
    """The generation of the window when the round's last extension that took effect was granted."""
    query = select(func.max(EXTENSION.c.window_generation)).where(
        EXTENSION.c.ticket == ticket, EXTENSION.c.round == round, EXTENSION.c.state == "applied"
    )
    generation: int | None = (await connection.execute(query)).scalar()
    return generation


async def pass_by(connection: AsyncConnection, ticket: UUID, round: int, generation: int) -> None:
    """The window moved for another reason than the extension that was granted: the extension's own move comes yet."""
    await connection.execute(
        update(EXTENSION)
        .where(
            EXTENSION.c.ticket == ticket,
            EXTENSION.c.round == round,
            EXTENSION.c.state.in_(("granted", "applied")),
            EXTENSION.c.window_generation == generation - 1,
        )
        .values(window_generation=generation)
    )


async def add(connection: AsyncConnection, request: Request) -> None:
    columns = {name: getattr(request, name) for name in _PLAIN}
    requested = {"requested_amount": request.requested.amount, "requested_unit": request.requested.unit}
    await connection.execute(insert(EXTENSION).values({**columns, **requested, "papers": list(request.papers)}))


async def set_state(connection: AsyncConnection, request: Request, state: State, because: str | None = None) -> Request:
    """``because``: why it lapsed."""
    await filings.set_state(connection, EXTENSION, request.id, state, because)
    return replace(request, state=state)


async def keep_decision(connection: AsyncConnection, request: Request, decision: Decision, at: datetime) -> Request:
    granted = decision.granted
    await connection.execute(
        update(EXTENSION)
        .where(EXTENSION.c.id == request.id)
        .values(
            state=decision.outcome,
            outcome=decision.outcome,
            decided_ground=decision.ground,
            by_rule=decision.by_rule,
            note=decision.note,
            granted_amount=None if granted is None else granted.amount,
            granted_unit=None if granted is None else granted.unit,
            window_due_at=decision.window_due_at,
            window_generation=decision.window_generation,
            late=decision.late,
            basis=stored_basis(decision.basis),
            decided_at=at,
        )
    )
    return replace(request, state=decision.outcome)


async def pass_on(connection: AsyncConnection, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit goes on with what it asked for: same round, same count."""
    same = update(EXTENSION).where(EXTENSION.c.ticket == ticket, EXTENSION.c.unit == unit)
    await connection.execute(same.values(unit=successor))


async def keep_told(connection: AsyncConnection, ticket: UUID, unit: str, at: datetime) -> None:
    """The unit told the requester of what was granted to it before."""
    await connection.execute(
        update(EXTENSION)
        .where(
            EXTENSION.c.ticket == ticket,
            EXTENSION.c.unit == unit,
            EXTENSION.c.outcome == "granted",
            EXTENSION.c.told_at.is_(None),
            EXTENSION.c.decided_at <= at,
        )
        .values(told_at=at)
    )


_WINDOW: Final = DEADLINE.alias("extension_window")
_CLOSING: Final = DEADLINE.alias("closing")
_VIEW: Final = (
    board.view(
        EXTENSION,
        DOCKET.c.type,
        _WINDOW.c.due_at.label("current_due_at"),
        _CLOSING.c.due_at.label("closing_due_at"),
        _CLOSING.c.allowance.label("allowance"),
    )
    .outerjoin(_WINDOW, of_same_round(EXTENSION, "extension_window", _WINDOW))
    .outerjoin(_CLOSING, of_same_round(EXTENSION, "closing", _CLOSING))
)


async def view(connection: AsyncConnection, case: UUID) -> Any:
    """One extension with its ticket and limits, for reading; 404 for none."""
    return await board.one(connection, _VIEW, EXTENSION, case)


async def listed(connection: AsyncConnection, wanted: Wanted) -> Sequence[Any]:
    """Extensions with their tickets and limits, in the order in which they were asked for."""
    return await board.listed(connection, _VIEW, EXTENSION, wanted)
