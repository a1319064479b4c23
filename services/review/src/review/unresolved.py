"""Which tickets' responsibility stayed unresolved: what 会商 writes and 专报 reads (双鸭山 第十五条).

One row per ticket, the last attempt that came to nothing; it goes when somebody names the unit.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Table, Text, Uuid, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from review.docket import METADATA

UNRESOLVED: Final = Table(
    "unresolved",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("consultation", Uuid, nullable=False),
    Column("form", Text, nullable=False),
    Column("since", Instant, nullable=False),
)


async def note(connection: AsyncConnection, ticket: UUID, consultation: UUID, form: str, at: datetime) -> None:
    """An attempt came to nothing; it takes the place of an earlier one."""
    row = {"consultation": consultation, "form": form, "since": at}
    upsert = insert(UNRESOLVED).values(ticket=ticket, **row)
    await connection.execute(upsert.on_conflict_do_update(index_elements=["ticket"], set_=row))


async def of(connection: AsyncConnection, ticket: UUID) -> tuple[UUID, str] | None:
    """The consultation that stayed unresolved, and its form; None: there is none."""
    query = select(UNRESOLVED.c.consultation, UNRESOLVED.c.form).where(UNRESOLVED.c.ticket == ticket)
    row = (await connection.execute(query)).first()
    return None if row is None else (row.consultation, row.form)


async def settle(connection: AsyncConnection, ticket: UUID) -> None:
    """Somebody has named the unit."""
    await connection.execute(delete(UNRESOLVED).where(UNRESOLVED.c.ticket == ticket))


async def take_back(connection: AsyncConnection, consultation: UUID) -> None:
    """The conclusion that it is unresolved came too late to count."""
    await connection.execute(delete(UNRESOLVED).where(UNRESOLVED.c.consultation == consultation))
