"""What the wishes leave on the ticket's row."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from intake.docket import TICKET


async def count_urging(connection: AsyncConnection, ticket: UUID, at: datetime) -> int:
    """Count one more; how many there are now."""
    counted = update(TICKET).where(TICKET.c.id == ticket).values(urged=TICKET.c.urged + 1, urged_at=at)
    return int((await connection.execute(counted.returning(TICKET.c.urged))).scalar_one())


async def pending_withdrawal(connection: AsyncConnection, ticket: UUID) -> UUID | None:
    found: UUID | None = (
        await connection.execute(select(TICKET.c.withdrawal).where(TICKET.c.id == ticket))
    ).scalar_one()
    return found


async def keep_withdrawal(connection: AsyncConnection, ticket: UUID, case: UUID, at: datetime) -> None:
    """Remember it until dispatch answers."""
    asked = update(TICKET).where(TICKET.c.id == ticket).values(withdrawal=case, withdrawal_at=at)
    await connection.execute(asked)
