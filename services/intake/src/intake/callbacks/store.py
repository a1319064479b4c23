"""The callbacks of a ticket."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Column, Integer, Table, Text, UniqueConstraint, insert, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from intake.docket import METADATA

CALLBACK = Table(
    "callback",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("ticket", PgUUID, nullable=False),
    Column("round", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("means", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("responded", Boolean),
    Column("resolved", Boolean),
    Column("satisfaction", Text),
    Column("occurred_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("proof", Text),
    Column("remark", Text, comment="masked"),
    UniqueConstraint("ticket", "round", "attempt", name="callback_ticket_round_attempt_key"),
)


async def attempts(connection: AsyncConnection, ticket: UUID, round: int) -> tuple[int, bool]:
    """How many attempts there were in that round, and whether one reached the requester."""
    row = (await connection.execute(_ATTEMPTS, {"ticket": ticket, "round": round})).one()
    return row.attempts, bool(row.reached)


async def add(connection: AsyncConnection, **row: Any) -> None:
    await connection.execute(insert(CALLBACK).values(**row))


_ATTEMPTS: Final = text(
    """
    select count(*) as attempts, bool_or(outcome = 'reached') as reached
    from callback where ticket = :ticket and round = :round
    """
)
