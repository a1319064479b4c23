"""Which versions of packs there are, and which open tickets are under which."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .tables import DOCKET, SHELF

_OPEN = and_(DOCKET.c.ended_at.is_(None), DOCKET.c.about == "ticket")


class Listed(NamedTuple):
    """A version of a pack in the registry."""

    version: str
    jurisdiction: str
    effective_from: date
    effective_to: date | None
    activated_at: datetime


async def versions_listed(connection: AsyncConnection) -> list[Listed]:
    """All versions, without their packs."""
    table = SHELF.table
    columns = (table.c.version, table.c.jurisdiction, table.c.effective_from, table.c.effective_to)
    return [Listed(*row) for row in await connection.execute(select(*columns, table.c.activated_at))]


async def open_under(connection: AsyncConnection, policy: str, after: UUID | None, most: int) -> Sequence[UUID]:
    """Tickets under that version that have not ended, those registered first first, after that one."""
    query = select(DOCKET.c.ticket).where(DOCKET.c.policy == policy, _OPEN).order_by(DOCKET.c.ticket).limit(most)
    if after is not None:
        query = query.where(DOCKET.c.ticket > after)
    return (await connection.execute(query)).scalars().all()


async def any_open_under(connection: AsyncConnection, policies: Collection[str], but: Collection[UUID] = ()) -> bool:
    """Whether a ticket under one of those versions has not ended, beside those named."""
    found = select(DOCKET.c.ticket).where(DOCKET.c.policy.in_(policies), _OPEN, DOCKET.c.ticket.not_in(but))
    return bool(await connection.scalar(select(exists(found))))


async def count_open_under(connection: AsyncConnection, policies: Collection[str]) -> int:
    """How many tickets under those versions have not ended."""
    query = select(func.count()).select_from(DOCKET).where(DOCKET.c.policy.in_(policies), _OPEN)
    return int((await connection.execute(query)).scalar_one())
