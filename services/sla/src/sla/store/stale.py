"""Open deadlines that have not been held against the calendar in force yet: found, locked, and written in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BOOLEAN, INTEGER, TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from common.events.vocabulary import Anchor
from sla.deadlines import Deadline

from .due import LampOvertaken, basis_of, counting_of

Place = tuple[datetime, UUID]
"""Where a batch ended: the limit and the id of its last deadline."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A deadline, locked with its docket, and what its ticket is announced under."""

    deadline: Deadline
    number: str
    jurisdiction: str
    policy: str

    @property
    def ticket(self) -> UUID:
        return self.deadline.ticket

    @property
    def place(self) -> Place:
        return self.deadline.due_at, self.deadline.id


@dataclass(frozen=True, slots=True)
class Held:
    """A deadline after it was held against a calendar. ``stands``: it keeps the one that it was counted with."""

    before: Deadline
    after: Deadline
    stands: bool


async def another_calendar(connection: AsyncConnection, version: str) -> str | None:
    """A calendar, other than this one, against which some open deadline was held last; None: all have been."""
    found = (await connection.execute(_ANOTHER, {"version": version})).scalar()
    return None if found is None else str(found)


async def lock_stale(connection: AsyncConnection, calendar: str, after: Place | None, most: int) -> list[Stale]:
    """Open deadlines last held against that calendar, by their limits, behind ``after``; docket and deadline locked.

    Where somebody holds one of them it is passed over: he counts with the calendar in force, or a later look comes.
    """
    at, id_ = after or _BEGINNING
    arguments = {"calendar": calendar, "at": at, "id": id_, "most": most}
    await connection.execute(_PLAN_ANEW)
    return [_stale(row) for row in (await connection.execute(_STALE, arguments)).mappings()]


async def write_held(connection: AsyncConnection, held: Sequence[Held], version: str) -> None:
    """Write down what holding them against the calendar came to, in one statement; the rows are locked.

    Each is written only as the generation it was locked in: ``LampOvertaken`` if one is not.
    """
    after = [one.after for one in held]
    arguments = {
        "version": version,
        "ids": [one.id for one in after],
        "generations": [one.before.generation for one in held],
        "stand": [one.stands for one in held],
        "dues": [one.due_at for one in after],
        "originals": [one.original_due_at for one in after],
        "warns": [one.warn_at for one in after],
        "nexts": [one.next_at for one in after],
        "states": [one.state for one in after],
        "warned": [one.warned_at for one in after],
        "moved": [one.generation for one in after],
        "provisional": [one.provisional for one in after],
    }
    written = (await connection.execute(_WRITE, arguments)).rowcount
    if written != len(held):
        raise LampOvertaken(f"{len(held) - written} of {len(held)} deadlines are not what was locked")


async def known_since(connection: AsyncConnection) -> datetime | None:
    """Up to when everything is known of every partition; None before any was read."""
    found: datetime | None = (await connection.execute(_KNOWN_SINCE)).scalar()
    return found


def _stale(one: RowMapping) -> Stale:
    plain = {name: one[name] for name in _PLAIN}
    deadline = Deadline(
        case=one["case_id"],
        window=one["is_window"],
        anchor=Anchor.model_construct(event=one["anchor_event"], at=one["anchor_at"], type=one["anchor_type"]),
        counting=counting_of(one["allowance"]),
        basis=basis_of(one["basis"]),
        **plain,
    )
    return Stale(deadline, one["number"], one["jurisdiction"], one["under"])


_BEGINNING: Final = datetime.fromisoformat("0001-01-02T00:00:00Z"), UUID(int=0)
_PLAIN: Final = (
    "id", "subject", "ticket", "kind", "unit", "round", "warn_at", "due_at", "original_due_at", "policy", "calendar",
    "provisional", "partition", "state", "verdict", "generation", "fact_at", "fact_event", "filed_at", "warned_at",
    "breached_at",
)  # fmt: skip
# The condition and the order are those of deadline_held_against_idx: a batch is one range of it.
_ANOTHER = text(
    """
    select coalesce(
        (select coalesce(held_against, calendar) from deadline
         where state in ('armed', 'approaching', 'breached', 'stopped') and coalesce(held_against, calendar) < :version
         order by coalesce(held_against, calendar) limit 1),
        (select coalesce(held_against, calendar) from deadline
         where state in ('armed', 'approaching', 'breached', 'stopped') and coalesce(held_against, calendar) > :version
         order by coalesce(held_against, calendar) limit 1)
    )
    """
)
_KNOWN_SINCE = text("select min(at) from caught_up")
_PLAN_ANEW = text("set local plan_cache_mode = force_custom_plan")
_STALE = text(
    """
    select d.id, d.subject, d.ticket, d.kind, d.unit, d.round, d.case_id, d.is_window, d.anchor_event, d.anchor_at,
           d.anchor_type, d.allowance::text as allowance, d.warn_at, d.due_at, d.original_due_at, d.policy, d.calendar,
           d.provisional, d.basis::text as basis, d.partition, d.state, d.verdict, d.generation, d.fact_at,
           d.fact_event, d.filed_at, d.warned_at, d.breached_at, k.number, k.jurisdiction, k.policy as under
    from deadline d join docket k on k.ticket = d.ticket
    where d.state in ('armed', 'approaching', 'breached', 'stopped')
      and coalesce(d.held_against, d.calendar) = :calendar and (d.due_at, d.id) > (:at, :id)
    order by d.due_at, d.id limit :most
    for update of k, d skip locked
    """
).bindparams(bindparam("at", type_=Instant), bindparam("id", type_=PgUUID))
_WRITE = text(
    """
    update deadline d
    set due_at = h.due_at, original_due_at = h.original_due_at, warn_at = h.warn_at, next_at = h.next_at,
        state = h.state, warned_at = h.warned_at, generation = h.moved, provisional = h.provisional,
        calendar = case when h.stands then d.calendar else :version end,
        held_against = case when h.stands then :version end
    from unnest(:ids, :generations, :stand, :dues, :originals, :warns, :nexts, :states, :warned, :moved, :provisional)
         as h (id, generation, stands, due_at, original_due_at, warn_at, next_at, state, warned_at, moved, provisional)
    where d.id = h.id and d.generation = h.generation
    """
).bindparams(
    bindparam("version", type_=TEXT),
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("generations", type_=ARRAY(INTEGER)),
    bindparam("stand", type_=ARRAY(BOOLEAN)),
    bindparam("dues", type_=ARRAY(Instant)),
    bindparam("originals", type_=ARRAY(Instant)),
    bindparam("warns", type_=ARRAY(Instant)),
    bindparam("nexts", type_=ARRAY(Instant)),
    bindparam("states", type_=ARRAY(TEXT)),
    bindparam("warned", type_=ARRAY(Instant)),
    bindparam("moved", type_=ARRAY(INTEGER)),
    bindparam("provisional", type_=ARRAY(BOOLEAN)),
)
