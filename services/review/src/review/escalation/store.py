"""The reports upward and the decisions that came back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
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

from common.basis import Basis
from common.database import Instant
from review import board, cases
from review.board import Wanted
from review.clauses import stored_basis
from review.docket import METADATA
from review.escalation.rules import Decision, Escalation, State

ESCALATION: Final = Table(
    "escalation",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("consultation", Uuid, nullable=False, comment="the one that stayed unresolved"),
    Column("report", Text, nullable=False),
    Column("reply_line", Text),
    Column("reported_at", Instant, nullable=False),
    Column("reported_on", JSONB, nullable=False, comment="the clauses it was reported on"),
    Column("outcome", Text),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text)),
    Column("limit_set", JSONB),
    Column("instruction", Text),
    Column("decided_reply_line", Text),
    Column("basis", JSONB),
    Column("decided_at", Instant),
    Column("overtaken_because", Text),
)
Index(
    "escalation_unsettled_key",
    ESCALATION.c.ticket,
    unique=True,
    postgresql_where=text("state in ('reported', 'decided')"),
)
Index("escalation_ticket_idx", ESCALATION.c.ticket, ESCALATION.c.id)
Index("escalation_state_idx", ESCALATION.c.state, ESCALATION.c.id)

UNSETTLED: Final[tuple[State, ...]] = ("reported", "decided")
_OWN: Final = tuple(ESCALATION.c[name] for name in Escalation.__dataclass_fields__)


async def load(connection: AsyncConnection, case: UUID) -> Escalation | None:
    """One report, as of now: who decides on it holds the docket's row."""
    row = (await connection.execute(select(*_OWN).where(ESCALATION.c.id == case))).first()
    return None if row is None else Escalation(**row._mapping)


async def unsettled(connection: AsyncConnection, ticket: UUID) -> State | None:
    """The state of the ticket's report that is not settled, if there is one."""
    return await cases.unsettled(connection, ESCALATION, ticket, UNSETTLED)


async def add(connection: AsyncConnection, escalation: Escalation, basis: Iterable[Basis], at: datetime) -> None:
    columns = {name: getattr(escalation, name) for name in Escalation.__dataclass_fields__}
    await connection.execute(
        insert(ESCALATION).values({**columns, "reported_at": at, "reported_on": stored_basis(basis)})
    )


async def keep_decision(
    connection: AsyncConnection, case: UUID, decision: Decision, basis: Iterable[Basis], at: datetime
) -> None:
    await connection.execute(
        update(ESCALATION)
        .where(ESCALATION.c.id == case)
        .values(
            state="decided",
            outcome=decision.outcome,
            unit=decision.unit,
            co_handlers=list(decision.co_handlers),
            limit_set=None if decision.limit is None else decision.limit.model_dump(mode="json"),
            instruction=decision.instruction,
            decided_reply_line=decision.reply_line,
            basis=stored_basis(basis),
            decided_at=at,
        )
    )


async def answer(connection: AsyncConnection, case: UUID, state: State, because: str | None = None) -> Any | None:
    """Dispatch's answer to a decision, once: the report; None when it was answered before."""
    return await cases.answer(connection, ESCALATION, case, "decided", state, because)


async def lapse(connection: AsyncConnection, ticket: UUID) -> None:
    """The ticket's life has ended before anything came back."""
    await cases.lapse(connection, ESCALATION, ticket, "reported")


_VIEW: Final = board.view(ESCALATION, *board.READERS)


async def view(connection: AsyncConnection, case: UUID) -> Any:
    """One report with its ticket, for reading; 404 for none."""
    return await board.one(connection, _VIEW, ESCALATION, case)


async def listed(connection: AsyncConnection, wanted: Wanted, reader: str | None) -> Sequence[Any]:
    """Reports with their tickets, in the order in which they were sent up; ``reader``: those it may read."""
    further = [] if reader is None else [board.read_by(reader)]
    return await board.listed(connection, _VIEW, ESCALATION, wanted, *further)
