"""The deadlines that review's rules read, as sla announced them: windows of rounds, limits of units and of cases.

Only sla computes. A row's later move replaces it; an older one that comes after changes nothing. ``due_at`` None says
that the round has no such window: sla has told the round's deadlines, and it is not among them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, FromClause, Index, Integer, Table, Text, Uuid, and_, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant
from common.events.envelope import Event, ticket_of_subject
from common.events.sla import DeadlineMoved, DeadlineRow, DeadlineSet
from common.events.vocabulary import Limit
from common.messaging.room import Transaction
from review import docket as dockets
from review.clauses import basis_of, stored_basis
from review.docket import METADATA, Docket

OF_ROUND: Final = (
    "return_window",
    "return_late_window",
    "extension_window",
    "special_extension_window",
    "latest_extension",
    "closing",
)
"""Kinds of the lead's round of which it is known that they do not apply, once the round's deadlines have been told."""
KEPT: Final = frozenset(
    {*OF_ROUND, "ruling", "designation", "coordination", "consultation", "escalation", "supervision_reply"}
)
_CENTRE: Final = ""
_NO_CASE: Final = UUID(int=0)

DEADLINE: Final = Table(
    "deadline",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("unit", Text, primary_key=True, comment="empty: owed by the centre"),
    Column("matter", Uuid, primary_key=True, comment="the case it belongs to; all zeros: none"),
    Column("due_at", Instant, comment="null: none applies to this round"),
    Column("generation", Integer, nullable=False),
    Column("basis", JSONB, nullable=False),
    Column("allowance", JSONB(none_as_null=True)),
)
Index(
    "deadline_matter_idx",
    DEADLINE.c.matter,
    DEADLINE.c.kind,
    postgresql_where=text("matter <> '00000000-0000-0000-0000-000000000000'"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """One deadline as told. ``allowance``: the limit as the rule states it, None where an instant was given."""

    due_at: datetime | None
    generation: int
    basis: tuple[Basis, ...] = ()
    allowance: Limit | None = None


async def note(tx: Transaction, event: Event) -> Docket | None:
    """Keep what ``DeadlineSet`` or ``DeadlineMoved`` tells of a ticket; its docket, held, or None.

    None: it is about something wider than a ticket, or of a ticket that review does not know.
    """
    ticket = ticket_of_subject(event.subject)
    data = event.data
    assert isinstance(data, DeadlineSet | DeadlineMoved)
    if ticket is None:
        return None
    docket = await dockets.load(tx.connection, ticket, lock=True)
    rows = (data,) if isinstance(data, DeadlineMoved) else data.deadlines
    told = [_told(ticket, row, unit) for row in rows if row.kind in KEPT for unit in _owing(docket, row)]
    cause = data.cause if isinstance(data, DeadlineSet) else None  # a move says nothing of what was not moved
    if docket is not None and docket.unit is not None and cause is not None and cause == docket.round_event:
        known = {row.kind for row in rows if docket.unit in _owing(docket, row)}
        told += [_none(docket, kind) for kind in OF_ROUND if kind not in known]
    if told:
        await tx.connection.execute(_PUT, told)
    return docket


def _owing(docket: Docket | None, row: DeadlineRow) -> tuple[str, ...]:
    """Whose deadline it is: the unit's that sla names, and its successor's.

    A round has one lead, and sla goes on naming the one that it began with: who leads that round now succeeded it.
    """
    named = row.unit or _CENTRE
    if docket is None or docket.unit in (None, named) or row.kind not in OF_ROUND or row.round != docket.round:
        return (named,)
    assert docket.unit is not None
    return named, docket.unit


def _told(ticket: UUID, row: DeadlineRow, unit: str) -> dict[str, Any]:
    return {
        "ticket": ticket,
        "kind": row.kind,
        "round": row.round,
        "unit": unit,
        "matter": row.case or _NO_CASE,
        "due_at": row.due_at,
        "generation": row.generation,
        "basis": stored_basis(row.basis),
        "allowance": None if row.allowance is None else row.allowance.model_dump(mode="json"),
    }


def _none(docket: Docket, kind: str) -> dict[str, Any]:
    """None of this kind applies to the docket's round."""
    whose = {"ticket": docket.ticket, "kind": kind, "round": docket.round, "unit": docket.unit, "matter": _NO_CASE}
    return whose | {"due_at": None, "generation": 0, "basis": [], "allowance": None}


_NEW: Final = insert(DEADLINE)
_PUT: Final = _NEW.on_conflict_do_update(
    index_elements=["ticket", "kind", "round", "unit", "matter"],
    set_={name: _NEW.excluded[name] for name in ("due_at", "generation", "basis", "allowance")},
    where=DEADLINE.c.generation < _NEW.excluded.generation,
)
"""Note deadlines, unless a later move of them is known already."""


async def pass_on(connection: AsyncConnection, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit has the same deadlines, until the same instants."""
    same = ("due_at", "generation", "basis", "allowance")
    own = select(
        DEADLINE.c.ticket,
        DEADLINE.c.kind,
        DEADLINE.c.round,
        literal(successor, Text),
        DEADLINE.c.matter,
        *(DEADLINE.c[name] for name in same),
    ).where(DEADLINE.c.ticket == ticket, DEADLINE.c.unit == unit)
    columns = ["ticket", "kind", "round", "unit", "matter", *same]
    await connection.execute(insert(DEADLINE).from_select(columns, own).on_conflict_do_nothing())


_KNOWN: Final = tuple(DEADLINE.c[name] for name in Known.__dataclass_fields__)


async def of_round(
    connection: AsyncConnection, ticket: UUID, kind: str, round: int, units: Collection[str]
) -> Known | None:
    """The deadline of a round; None while sla has not told it. ``units``: the first that has one counts."""
    wanted = list(units)
    query = select(DEADLINE.c.unit, *_KNOWN).where(
        DEADLINE.c.ticket == ticket,
        DEADLINE.c.kind == kind,
        DEADLINE.c.round == round,
        DEADLINE.c.unit.in_(wanted),
        DEADLINE.c.matter == _NO_CASE,
    )
    rows = sorted(await connection.execute(query), key=lambda row: wanted.index(row.unit))
    return _known(rows[0]) if rows else None


async def of_cases(connection: AsyncConnection, kind: str, cases: Iterable[UUID]) -> dict[UUID, Known]:
    """The deadlines of that kind of these cases, as far as they are known; of a successor's, the one moved last."""
    query = select(DEADLINE.c.matter, *_KNOWN).where(DEADLINE.c.kind == kind, DEADLINE.c.matter.in_(set(cases)))
    query = query.order_by(DEADLINE.c.generation)
    return {row.matter: _known(row) for row in await connection.execute(query)}


def of_same_round(cases: Table, kind: str, deadline: FromClause = DEADLINE) -> ColumnElement[bool]:
    """The deadline of that kind of the unit that a case is of, in the case's round: how to join it."""
    same = (deadline.c[name] == cases.c[name] for name in ("ticket", "round", "unit"))
    return and_(deadline.c.kind == kind, *same)


def _known(row: Any) -> Known:
    return Known(
        due_at=row.due_at,
        generation=row.generation,
        basis=basis_of(row.basis),
        allowance=None if row.allowance is None else Limit(**row.allowance),
    )
