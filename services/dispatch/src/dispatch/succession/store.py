"""Tickets in the hands of units that have ended and have a successor."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncConnection


async def heirs(connection: AsyncConnection, on: date) -> Mapping[str, str]:
    """For each unit that has ended by that day the last of its successors, where that one has not ended. Read without
    locks, which come after the docket's: a unit that ends this very moment is followed in the next batch."""
    return {row.ended: row.heir for row in await connection.execute(_HEIRS, {"on": on})}


async def left_behind(connection: AsyncConnection, units: Collection[str], most: int) -> Sequence[tuple[UUID, str]]:
    """Open tickets in the hands of these units. Read without locks: whoever acts on one looks again."""
    rows = await connection.execute(_LEFT_BEHIND, {"units": list(units), "most": most})
    return [(row.ticket, row.unit) for row in rows]


async def next_end(connection: AsyncConnection, after: date) -> date | None:
    """The next day after that one on which a unit with a successor ends."""
    found: date | None = (await connection.execute(_NEXT_END, {"after": after})).scalar()
    return found


_HEIRS: Final = text(
    """
    with recursive line as (
        select code as ended, code, ended_on, successor from unit where successor is not null and ended_on <= :on
        union
        select l.ended, u.code, u.ended_on, u.successor from line l join unit u on u.code = l.successor
        where l.ended_on <= :on
    )
    select ended, code as heir from line where ended_on is null or ended_on > :on
    """
)
# A closed ticket is the lead's alone: it explains, states, or gets it back (双鸭山 第二十二条).
_LEFT_BEHIND: Final = text(
    """
    with ended as (
        select unnest(:units) as code
    )
    select d.ticket, e.code as unit from ended e join docket d on d.unit = e.code
    where d.status in ('dispatched', 'signed_in', 'closing_filed')
    union
    select d.ticket, e.code from ended e join docket d on d.co_handlers @> array[e.code]
    where d.status in ('dispatched', 'signed_in', 'closing_filed')
    union
    select d.ticket, e.code from ended e join docket d on d.sub_units ? e.code
    where d.status in ('dispatched', 'signed_in', 'closing_filed')
    union
    select d.ticket, e.code from ended e join docket d on d.unit = e.code where d.status = 'closed'
    limit :most
    """
).bindparams(bindparam("units", type_=ARRAY(TEXT)))
_NEXT_END: Final = text("select min(ended_on) from unit where successor is not null and ended_on > :after")
