"""Policies that a unit has to enter in the knowledge base."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, Index, RowMapping, Table, Text, insert, select, update
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from intake.docket import METADATA

DUTY = Table(
    "knowledge_duty",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("imposed_at", Instant, nullable=False),
    Column("imposed_by", Text, nullable=False),
    Column("entered_at", Instant),
    Column("entered_by", Text),
)
Index("knowledge_duty_unit_idx", DUTY.c.jurisdiction, DUTY.c.unit, DUTY.c.id)


async def add(connection: AsyncConnection, **row: Any) -> None:
    await connection.execute(insert(DUTY).values(**row))


async def load(connection: AsyncConnection, duty: UUID, *, lock: bool = False) -> RowMapping | None:
    """One duty; with ``lock`` nobody else answers it until the transaction ends."""
    query = select(*DUTY.c).where(DUTY.c.id == duty)
    return (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()


async def enter(connection: AsyncConnection, duty: UUID, **row: Any) -> None:
    await connection.execute(update(DUTY).where(DUTY.c.id == duty).values(**row))


async def listed(
    connection: AsyncConnection, jurisdiction: str | None, unit: str | None, after: UUID | None, most: int
) -> Sequence[RowMapping]:
    """Duties, the latest first."""
    query = select(*DUTY.c).order_by(DUTY.c.id.desc()).limit(most)
    if jurisdiction is not None:
        query = query.where(DUTY.c.jurisdiction == jurisdiction)
    if unit is not None:
        query = query.where(DUTY.c.unit == unit)
    if after is not None:
        query = query.where(DUTY.c.id < after)
    return (await connection.execute(query)).mappings().all()
