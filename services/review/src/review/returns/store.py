"""The returns and the windows they are measured by."""

from collections.abc import Iterable, Sequence
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
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from review import board, cases, filings
from review.board import Wanted
from review.clauses import stored_basis
from review.deadlines import DEADLINE, of_round, of_same_round
from review.docket import METADATA, Docket
from review.returns.rules import UNDECIDED, UNSETTLED, Decision, Filing, State, Window

RETURN: Final = Table(
    "return_case",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ground", Text),
    Column("reason", Text),
    Column("legal_basis", Text),
    Column("suggested_unit", Text),
    Column("papers", ARRAY(Uuid), nullable=False),
    Column("filed_at", Instant, nullable=False),
    Column("outcome", Text),
    Column("decided_ground", Text),
    Column("by_rule", Boolean),
    Column("note", Text),
    Column("window_due_at", Instant),
    Column("late", Boolean),
    Column("basis", JSONB),
    Column("decided_at", Instant),
    Column("lapsed_because", Text),
    Column("designation", JSONB(none_as_null=True)),
    Column("explanation", Text),
)
Index(
    "return_case_unsettled_key",
    RETURN.c.ticket,
    RETURN.c.round,
    unique=True,
    postgresql_where=text("state in ('pending', 'queued', 'approved')"),
)
Index("return_case_ticket_idx", RETURN.c.ticket, RETURN.c.id)
Index("return_case_state_idx", RETURN.c.state, RETURN.c.id)
Index("return_case_unit_idx", RETURN.c.unit, RETURN.c.id)

_FILING: Final = tuple(RETURN.c[name] for name in Filing.__dataclass_fields__)


def _filing(row: Any) -> Filing:
    columns = {name: getattr(row, name) for name in Filing.__dataclass_fields__}
    return Filing(**{**columns, "papers": tuple(row.papers)})


async def load(connection: AsyncConnection, case: UUID) -> Filing | None:
    """One return, as of now: the caller holds the docket's row."""
    row = (await connection.execute(select(*_FILING).where(RETURN.c.id == case))).first()
    return None if row is None else _filing(row)


async def unsettled(connection: AsyncConnection, ticket: UUID, round: int) -> State | None:
    """The state of the round's return that is not settled, if there is one."""
    return await cases.unsettled(connection, RETURN, ticket, UNSETTLED, round)


async def undecided(connection: AsyncConnection, ticket: UUID, states: Sequence[State] = UNDECIDED) -> list[Filing]:
    """The ticket's returns that nobody has decided, oldest first."""
    query = select(*_FILING).where(RETURN.c.ticket == ticket, RETURN.c.state.in_(states)).order_by(RETURN.c.id)
    return [_filing(row) for row in await connection.execute(query)]


async def add(connection: AsyncConnection, filing: Filing) -> None:
    columns = {name: getattr(filing, name) for name in Filing.__dataclass_fields__}
    await connection.execute(insert(RETURN).values({**columns, "papers": list(filing.papers)}))


async def set_state(connection: AsyncConnection, filing: Filing, state: State, because: str | None = None) -> Filing:
    """``because``: why it lapsed."""
    await filings.set_state(connection, RETURN, filing.id, state, because)
    return replace(filing, state=state)


async def keep_decision(connection: AsyncConnection, filing: Filing, decision: Decision, at: datetime) -> Filing:
    await connection.execute(
        update(RETURN)
        .where(RETURN.c.id == filing.id)
        .values(
            state=decision.outcome,
            outcome=decision.outcome,
            decided_ground=decision.ground,
            by_rule=decision.by_rule,
            note=decision.note,
            window_due_at=decision.window_due_at,
            late=decision.late,
            basis=stored_basis(decision.basis),
            decided_at=at,
            designation=None if decision.designation is None else decision.designation.model_dump(mode="json"),
        )
    )
    return replace(filing, state=decision.outcome)


async def window_of(connection: AsyncConnection, filing: Filing, docket: Docket) -> Window | None:
    """The window of the filing's round, None while sla has not announced it.

    It is the filer's own, or that of the successor which took the ticket over before it was announced.
    """
    units = dict.fromkeys((filing.unit, docket.unit or filing.unit))
    known = await of_round(connection, filing.ticket, "return_window", filing.round, tuple(units))
    if known is None:
        return None
    second = await of_round(connection, filing.ticket, "return_late_window", filing.round, tuple(units))
    return Window(known.due_at, known.basis, second.due_at if second is not None else None)


_SECOND: Final = DEADLINE.alias("second")
_VIEW: Final = (
    board.view(RETURN, DEADLINE.c.due_at.label("current_due_at"), _SECOND.c.due_at.label("last_due_at"))
    .outerjoin(DEADLINE, of_same_round(RETURN, "return_window"))
    .outerjoin(_SECOND, of_same_round(RETURN, "return_late_window", _SECOND))
)


async def view(connection: AsyncConnection, case: UUID) -> Any:
    """One return with its ticket and window, for reading; 404 for none."""
    return await board.one(connection, _VIEW, RETURN, case)


async def listed(connection: AsyncConnection, wanted: Wanted) -> Sequence[Any]:
    """Returns with their tickets and windows, in the order in which they were filed."""
    return await board.listed(connection, _VIEW, RETURN, wanted)


async def history(connection: AsyncConnection, tickets: Iterable[UUID]) -> Sequence[Any]:
    """Every return of these tickets in short, oldest first."""
    columns = [RETURN.c[name] for name in ("id", "ticket", "round", "unit", "state", "ground", "filed_at")]
    query = select(*columns).where(RETURN.c.ticket.in_(set(tickets))).order_by(RETURN.c.id)
    return (await connection.execute(query)).all()
