"""Closing reports: what was filed when, and what was decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from dispatch.docket import METADATA

CLOSING_REPORT: Final = Table(
    "closing_report",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("filed_at", Instant, nullable=False),
    Column("decision", Text, comment="accepted or sent_back"),
    Column("decided_at", Instant),
)
Index("closing_report_ticket_idx", CLOSING_REPORT.c.ticket)


@dataclass(frozen=True, slots=True)
class Report:
    id: UUID
    ticket: UUID
    round: int
    unit: str
    filed_at: datetime


async def file(connection: AsyncConnection, report: Report) -> None:
    await connection.execute(
        insert(CLOSING_REPORT).values(
            id=report.id, ticket=report.ticket, round=report.round, unit=report.unit, filed_at=report.filed_at
        )
    )


async def find(connection: AsyncConnection, report: UUID) -> Report | None:
    """Read without a lock: the docket's row, taken after it, is what decisions queue on."""
    table = CLOSING_REPORT.c
    query = select(table.id, table.ticket, table.round, table.unit, table.filed_at).where(table.id == report)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Report(*row)


async def decide(connection: AsyncConnection, report: UUID, decision: str, at: datetime) -> None:
    await connection.execute(
        update(CLOSING_REPORT).where(CLOSING_REPORT.c.id == report).values(decision=decision, decided_at=at)
    )
