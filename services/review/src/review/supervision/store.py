"""The supervisions that were issued, and what units replied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, Index, Integer, Table, Text, Uuid, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from review import board
from review.board import Wanted
from review.clauses import stored_basis
from review.docket import METADATA
from review.supervision.rules import Order

SUPERVISION: Final = Table(
    "supervision",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("ground", Text),
    Column("text", Text, nullable=False),
    Column("reply_due", Boolean, nullable=False),
    Column("by_rule", Boolean, nullable=False),
    Column("kind", Text, comment="by rule: the deadline that came near"),
    Column("generation", Integer, comment="by rule: which instant of that deadline"),
    Column("due_at", Instant, comment="by rule: the instant that came near"),
    Column("basis", JSONB, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("reply", Text),
    Column("attachments", ARRAY(Uuid), nullable=False),
    Column("replied_at", Instant),
)
Index(
    "supervision_approaching_key",
    SUPERVISION.c.ticket,
    SUPERVISION.c.round,
    SUPERVISION.c.unit,
    SUPERVISION.c.kind,
    SUPERVISION.c.generation,
    unique=True,
    postgresql_where=text("by_rule"),
)
Index("supervision_ticket_idx", SUPERVISION.c.ticket, SUPERVISION.c.id)
Index("supervision_unit_idx", SUPERVISION.c.unit, SUPERVISION.c.id)


async def add(connection: AsyncConnection, order: Order) -> bool:
    """Keep a supervision; False when the rule has issued it already for this instant of the deadline."""
    columns = {name: getattr(order, name) for name in Order.__dataclass_fields__}
    stored = {**columns, "basis": stored_basis(order.basis), "attachments": []}
    added = insert(SUPERVISION).values(stored).on_conflict_do_nothing().returning(SUPERVISION.c.id)
    return (await connection.execute(added)).first() is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reply is about: never changes but for the reply."""

    ticket: UUID
    unit: str
    round: int
    replied_at: datetime | None


async def standing(connection: AsyncConnection, case: UUID) -> Standing | None:
    columns = (SUPERVISION.c[name] for name in Standing.__dataclass_fields__)
    row = (await connection.execute(select(*columns).where(SUPERVISION.c.id == case))).first()
    return None if row is None else Standing(**row._mapping)


async def keep_reply(
    connection: AsyncConnection, case: UUID, reply: str, attachments: Sequence[UUID], at: datetime
) -> None:
    await connection.execute(
        update(SUPERVISION)
        .where(SUPERVISION.c.id == case)
        .values(reply=reply, attachments=list(attachments), replied_at=at)
    )


async def pass_on(connection: AsyncConnection, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit owes the replies that it owed; what a rule told the unit stays told to the unit."""
    same = update(SUPERVISION).where(
        SUPERVISION.c.ticket == ticket, SUPERVISION.c.unit == unit, SUPERVISION.c.by_rule.is_(False)
    )
    await connection.execute(same.values(unit=successor))


_VIEW: Final = board.view(SUPERVISION)


async def view(connection: AsyncConnection, case: UUID) -> Any:
    """One supervision with its ticket, for reading; 404 for none."""
    return await board.one(connection, _VIEW, SUPERVISION, case)


async def listed(
    connection: AsyncConnection, wanted: Wanted, form: str | None, awaiting_reply: bool | None
) -> Sequence[Any]:
    """Supervisions with their tickets, in the order in which they were issued.

    ``awaiting_reply``: a written reply is owed and has not come.
    """
    further = [] if form is None else [SUPERVISION.c.form == form]
    if awaiting_reply is not None:
        awaiting = SUPERVISION.c.reply_due & SUPERVISION.c.replied_at.is_(None)
        further.append(awaiting if awaiting_reply else ~awaiting)
    return await board.listed(connection, _VIEW, SUPERVISION, wanted, *further)
