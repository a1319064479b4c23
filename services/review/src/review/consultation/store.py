"""The consultations that were convened, the opinions in them, and what they came to."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
    func,
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
from review.consultation.rules import Conclusion, Consultation, State
from review.docket import METADATA

CONSULTATION: Final = Table(
    "consultation",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("ground", Text),
    Column("convener", Text, comment="null: the authority"),
    Column("participants", ARRAY(Text), nullable=False),
    Column("by_rule", ARRAY(Text), nullable=False, comment="invited for the part they play"),
    Column("disputants", ARRAY(Text), nullable=False, comment="whose responsibility is in question"),
    Column("subject", Text, nullable=False),
    Column("meets_at", Instant),
    Column("convened_at", Instant, nullable=False),
    Column("convened_on", JSONB, nullable=False, comment="the clauses it was convened on"),
    Column("minutes", Text),
    Column("minutes_at", Instant),
    Column("outcome", Text),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text)),
    Column("principle", Text),
    Column("limit_set", JSONB),
    Column("solution", Text),
    Column("reply_wording", Text),
    Column("basis", JSONB),
    Column("concluded_at", Instant),
    Column("overtaken_because", Text),
)
Index(
    "consultation_unsettled_key",
    CONSULTATION.c.ticket,
    unique=True,
    postgresql_where=text("state in ('convened', 'concluded')"),
)
Index("consultation_ticket_idx", CONSULTATION.c.ticket, CONSULTATION.c.id)
Index("consultation_state_idx", CONSULTATION.c.state, CONSULTATION.c.id)

OPINION: Final = Table(
    "consultation_opinion",
    METADATA,
    Column("consultation", Uuid, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("opinion", Text, nullable=False),
    Column("legal_basis", Text),
    Column("given_at", Instant, nullable=False),
)

UNSETTLED: Final[tuple[State, ...]] = ("convened", "concluded")
_LISTS: Final = ("participants", "by_rule", "disputants")
_OWN: Final = tuple(CONSULTATION.c[name] for name in Consultation.__dataclass_fields__)


def _consultation(row: Any) -> Consultation:
    return Consultation(**{**row._mapping, **{name: tuple(getattr(row, name)) for name in _LISTS}})


async def load(connection: AsyncConnection, case: UUID) -> Consultation | None:
    """One consultation, as of now: who decides on it holds the docket's row."""
    row = (await connection.execute(select(*_OWN).where(CONSULTATION.c.id == case))).first()
    return None if row is None else _consultation(row)


async def unsettled(connection: AsyncConnection, ticket: UUID) -> State | None:
    """The state of the ticket's consultation that is not settled, if there is one."""
    return await cases.unsettled(connection, CONSULTATION, ticket, UNSETTLED)


async def add(connection: AsyncConnection, consultation: Consultation, basis: Iterable[Basis]) -> None:
    columns = {name: getattr(consultation, name) for name in Consultation.__dataclass_fields__}
    lists = {name: list(columns[name]) for name in _LISTS}
    await connection.execute(insert(CONSULTATION).values({**columns, **lists, "convened_on": stored_basis(basis)}))


async def keep_opinion(
    connection: AsyncConnection, case: UUID, unit: str, opinion: str, legal_basis: str | None, at: datetime
) -> None:
    """The unit's standing opinion; an earlier one gives way and stays in the story."""
    said = {"opinion": opinion, "legal_basis": legal_basis, "given_at": at}
    upsert = insert(OPINION).values(consultation=case, unit=unit, **said)
    await connection.execute(upsert.on_conflict_do_update(index_elements=["consultation", "unit"], set_=said))


async def keep_minutes(connection: AsyncConnection, case: UUID, minutes: str, at: datetime) -> None:
    changing = update(CONSULTATION).where(CONSULTATION.c.id == case)
    await connection.execute(changing.values(minutes=minutes, minutes_at=at))


async def keep_conclusion(
    connection: AsyncConnection,
    consultation: Consultation,
    conclusion: Conclusion,
    basis: Iterable[Basis],
    at: datetime,
) -> Consultation:
    await connection.execute(
        update(CONSULTATION)
        .where(CONSULTATION.c.id == consultation.id)
        .values(
            state="concluded",
            outcome=conclusion.outcome,
            unit=conclusion.unit,
            co_handlers=list(conclusion.co_handlers),
            principle=conclusion.principle,
            limit_set=None if conclusion.limit is None else conclusion.limit.model_dump(mode="json"),
            solution=conclusion.solution,
            reply_wording=conclusion.reply_wording,
            basis=stored_basis(basis),
            concluded_at=at,
        )
    )
    return replace(consultation, state="concluded", unit=conclusion.unit)


async def answer(connection: AsyncConnection, case: UUID, state: State, because: str | None = None) -> Any | None:
    """Dispatch's answer to a conclusion, once: the consultation; None when it was answered before."""
    return await cases.answer(connection, CONSULTATION, case, "concluded", state, because)


async def lapse(connection: AsyncConnection, ticket: UUID) -> None:
    """The ticket's life has ended before anything was concluded."""
    await cases.lapse(connection, CONSULTATION, ticket, "convened")


async def pass_on(connection: AsyncConnection, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit takes its seat while nothing is concluded."""
    seats = {name: func.array_replace(CONSULTATION.c[name], unit, successor) for name in _LISTS}
    await connection.execute(
        update(CONSULTATION).where(CONSULTATION.c.ticket == ticket, CONSULTATION.c.state == "convened").values(seats)
    )


_VIEW: Final = board.view(CONSULTATION, *board.READERS)


async def view(connection: AsyncConnection, case: UUID) -> Any:
    """One consultation with its ticket, for reading; 404 for none."""
    return await board.one(connection, _VIEW, CONSULTATION, case)


async def listed(connection: AsyncConnection, wanted: Wanted, reader: str | None, form: str | None) -> Sequence[Any]:
    """Consultations with their tickets, in the order in which they were convened; ``reader``: those it may read."""
    further = [] if reader is None else [board.read_by(reader, CONSULTATION.c.participants)]
    if form is not None:
        further.append(CONSULTATION.c.form == form)
    return await board.listed(connection, _VIEW, CONSULTATION, wanted, *further)


async def opinions(connection: AsyncConnection, cases: Iterable[UUID]) -> Sequence[Any]:
    """The standing opinions in these consultations, in the order in which they were given."""
    query = select(OPINION).where(OPINION.c.consultation.in_(set(cases))).order_by(OPINION.c.given_at, OPINION.c.unit)
    return (await connection.execute(query)).all()
