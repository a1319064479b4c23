"""What has to be done by now: lamps to light, deadlines to count again; and how far the bus was read."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant

from .tables import DEADLINE


class Candidate(NamedTuple):
    """A deadline whose next instant has come. ``reached``: how far its ticket's partition was read."""

    id: UUID
    ticket: UUID
    next_at: datetime
    reached: datetime


async def due(
    connection: AsyncConnection, now: datetime, reached: Mapping[int, datetime], most: int
) -> list[Candidate]:
    """What fires now, oldest first, not yet locked: due, its partition read up to then, nothing of its ticket parked.

    ``reached`` is what this process knows beyond the table.
    """
    places = sorted(reached)
    arguments = {"now": now, "partitions": places, "ats": [reached[place] for place in places], "most": most}
    return [Candidate(*row) for row in await connection.execute(_DUE, arguments)]


async def next_instant(connection: AsyncConnection, after: datetime) -> datetime | None:
    """The earliest instant after ``after`` at which a lamp may have to be lit."""
    query = select(func.min(DEADLINE.c.next_at)).where(DEADLINE.c.next_at > after)
    found: datetime | None = (await connection.execute(query)).scalar()
    return found


async def anything_to_fire(connection: AsyncConnection, now: datetime) -> bool:
    """Whether a lamp is due that no parked event holds back."""
    return bool((await connection.execute(_ANYTHING_TO_FIRE, {"now": now})).scalar())


async def counted_otherwise(connection: AsyncConnection, calendar: str, most: int) -> list[tuple[UUID, UUID]]:
    """(id, ticket) of unfired deadlines that were counted with another calendar than this one."""
    return [(row.id, row.ticket) for row in await connection.execute(_OTHERWISE, {"version": calendar, "most": most})]


_DUE = text(
    """
    with known as (
        select partition, max(at) as at
        from (
            select partition, at from caught_up
            union all
            select * from unnest(:partitions, :ats) as here (partition, at)
        ) told
        group by partition
    )
    select d.id, d.ticket, d.next_at, known.at as reached
    from deadline d join known on known.partition = d.partition
    where d.next_at <= :now and d.next_at <= known.at
      and not exists (select from parked p where p.ended_at is null and p.subject = d.subject)
    order by d.next_at, d.id limit :most
    """
).bindparams(
    bindparam("partitions", type_=ARRAY(Integer)),
    bindparam("ats", type_=ARRAY(Instant)),
    bindparam("now", type_=Instant),
)
_ANYTHING_TO_FIRE = text(
    """
    select exists (
        select from deadline d
        where d.next_at <= :now
          and not exists (select from parked p where p.ended_at is null and p.subject = d.subject)
    )
    """
).bindparams(bindparam("now", type_=Instant))
_OTHERWISE = text(
    """
    select id, ticket from deadline
    where state in ('armed', 'approaching', 'stopped') and breached_at is null
      and (calendar < :version or calendar > :version)
    order by due_at, id limit :most
    """
)


async def save_caught_up(connection: AsyncConnection, reached: Mapping[int, datetime]) -> None:
    """Note how far these partitions were read. Two workers may both say so: the later instant stands."""
    places = sorted(reached)
    await connection.execute(_SAVE_CAUGHT_UP, {"partitions": places, "ats": [reached[place] for place in places]})


_SAVE_CAUGHT_UP = text(
    """
    insert into caught_up as c (partition, at) select * from unnest(:partitions, :ats)
    on conflict (partition) do update set at = greatest(c.at, excluded.at)
    """
).bindparams(bindparam("partitions", type_=ARRAY(Integer)), bindparam("ats", type_=ARRAY(Instant)))
