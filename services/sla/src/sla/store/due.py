"""What has to be done by now: lamps to light; and how far the bus was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json import loads
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Integer, Row, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant
from common.events.vocabulary import Anchor
from sla.counting import Counting
from sla.deadlines import Deadline

from .tables import DEADLINE


class LampOvertaken(RuntimeError):
    """A deadline was changed under its row lock by somebody else: nothing of the batch may stand."""


@dataclass(frozen=True, slots=True)
class Ripe:
    """A deadline whose next instant has come, locked with its docket, and what its ticket is announced under.

    ``reached``: how far its ticket's partition was read.
    """

    deadline: Deadline
    next_at: datetime
    reached: datetime
    number: str
    jurisdiction: str
    policy: str

    @property
    def ticket(self) -> UUID:
        return self.deadline.ticket

    @property
    def subject(self) -> str:
        return self.deadline.subject


async def lock_due(
    connection: AsyncConnection, now: datetime, reached: Mapping[int, datetime], most: int
) -> list[Ripe]:
    """What fires now, oldest first: due, its partition read up to then, nothing of its ticket parked.

    Docket and deadline are locked. Where somebody holds one of them the deadline is passed over: who moves or judges it
    at this moment has the say, and the next look finds what he left. What changed since the look began is judged as it
    stands once locked. ``reached`` is what this process knows beyond the table.
    """
    places = sorted(reached)
    arguments = {"now": now, "partitions": places, "ats": [reached[place] for place in places], "most": most}
    # Planned with these very values, and along the index: after an outage statistics may be so old that a plan would
    # fetch and sort all that is due for every batch. Where nothing was read for long, the latest instant that is known
    # of any partition spares looking at what waits for it.
    await connection.execute(_PLAN_ANEW)
    return [_ripe(row) for row in await connection.execute(_DUE, arguments)]


async def light(connection: AsyncConnection, before: Sequence[Deadline], after: Sequence[Deadline]) -> None:
    """Write down which lamps are lit, in one statement. ``before`` and ``after`` stand in the same order.

    Each row is written only as the generation and in the state it was locked in: ``LampOvertaken`` if one is not.
    """
    if not after:
        return
    arguments = {
        "ids": [one.id for one in after],
        "generations": [one.generation for one in before],
        "stood": [one.state for one in before],
        "states": [one.state for one in after],
        "nexts": [one.next_at for one in after],
        "warned": [one.warned_at for one in after],
        "breached": [one.breached_at for one in after],
    }
    written = (await connection.execute(_LIGHT, arguments)).rowcount
    if written != len(after):
        raise LampOvertaken(f"{len(after) - written} of {len(after)} deadlines are not what was locked")


def _ripe(row: Row[tuple[object, ...]]) -> Ripe:
    one = row._mapping  # by name, like every other row
    deadline = Deadline(
        id=one["id"],
        subject=one["subject"],
        ticket=one["ticket"],
        kind=one["kind"],
        unit=one["unit"],
        round=one["round"],
        case=one["case_id"],
        window=False,
        anchor=Anchor.model_construct(event=one["anchor_event"], at=one["anchor_at"], type=one["anchor_type"]),
        counting=counting_of(one["allowance"]),
        warn_at=one["warn_at"],
        due_at=one["due_at"],
        original_due_at=one["original_due_at"],
        policy=one["policy"],
        calendar=one["calendar"],
        provisional=one["provisional"],
        basis=basis_of(one["basis"]),
        partition=one["partition"],
        state=one["state"],
        generation=one["generation"],
        filed_at=one["filed_at"],
        warned_at=one["warned_at"],
        breached_at=one["breached_at"],
    )
    return Ripe(deadline, one["next_at"], one["reached"], one["number"], one["jurisdiction"], one["under"])


# Thousands of deadlines share a rule: its words are read once.
@lru_cache(maxsize=4096)
def basis_of(written: str) -> tuple[Basis, ...]:
    """The clauses as they stand in a row."""
    return tuple(_BASES.validate_json(written))


@lru_cache(maxsize=4096)
def counting_of(written: str) -> Counting:
    """How a deadline is counted, as it stands in a row."""
    return Counting.parse(loads(written))


_BASES = TypeAdapter(list[Basis])


async def next_instant(connection: AsyncConnection, after: datetime) -> datetime | None:
    """The earliest instant after ``after`` at which a lamp may have to be lit."""
    query = select(func.min(DEADLINE.c.next_at)).where(DEADLINE.c.next_at > after)
    found: datetime | None = (await connection.execute(query)).scalar()
    return found


async def anything_to_fire(connection: AsyncConnection, now: datetime) -> bool:
    """Whether a lamp is due that no parked event holds back."""
    return bool((await connection.execute(_ANYTHING_TO_FIRE, {"now": now})).scalar())


_PLAN_ANEW = text(
    "select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_sort', 'off', true)"
)
_DUE = text(
    """
    with known as materialized (
        select partition, max(at) as at
        from (
            select partition, at from caught_up
            union all
            select * from unnest(:partitions, :ats) as here (partition, at)
        ) told
        group by partition
    )
    select d.id, d.subject, d.ticket, d.kind, d.unit, d.round, d.case_id, d.anchor_event, d.anchor_at, d.anchor_type,
           d.allowance::text as allowance, d.warn_at, d.due_at, d.original_due_at, d.policy, d.calendar, d.provisional,
           d.basis::text as basis, d.partition, d.state, d.generation, d.filed_at, d.warned_at, d.breached_at,
           d.next_at, k.number, k.jurisdiction, k.policy as under, known.at as reached
    from deadline d join known on known.partition = d.partition join docket k on k.ticket = d.ticket
    where d.next_at <= :now and d.next_at <= (select max(at) from known) and d.next_at <= known.at
      and not exists (select from parked p where p.ended_at is null and p.subject = d.subject)
    order by d.next_at limit :most
    for update of k, d skip locked
    """
).bindparams(
    bindparam("partitions", type_=ARRAY(Integer)),
    bindparam("ats", type_=ARRAY(Instant)),
    bindparam("now", type_=Instant),
)
_LIGHT = text(
    """
    update deadline d
    set state = lit.state, next_at = lit.next_at, warned_at = lit.warned_at, breached_at = lit.breached_at
    from unnest(:ids, :generations, :stood, :states, :nexts, :warned, :breached)
         as lit (id, generation, stood, state, next_at, warned_at, breached_at)
    where d.id = lit.id and d.generation = lit.generation and d.state = lit.stood
    """
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("generations", type_=ARRAY(Integer)),
    bindparam("stood", type_=ARRAY(TEXT)),
    bindparam("states", type_=ARRAY(TEXT)),
    bindparam("nexts", type_=ARRAY(Instant)),
    bindparam("warned", type_=ARRAY(Instant)),
    bindparam("breached", type_=ARRAY(Instant)),
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
