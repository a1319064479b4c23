"""The content of a ticket, as one amendment after the other leaves it."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from intake.docket import TICKET

_CONTENT = (TICKET.c.type, TICKET.c.category, TICKET.c.marks, TICKET.c.legal_limit, TICKET.c.revision)


async def content(connection: AsyncConnection, ticket: UUID) -> RowMapping:
    return (await connection.execute(select(*_CONTENT).where(TICKET.c.id == ticket))).mappings().one()


async def write(connection: AsyncConnection, ticket: UUID, **values: Any) -> None:
    await connection.execute(update(TICKET).where(TICKET.c.id == ticket).values(**values))
