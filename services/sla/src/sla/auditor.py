"""An independent look at what should have fired and has not: always none."""

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import bindparam, text

from common.clock import DatabaseClock
from common.database import Instant
from common.messaging.room import Room
from common.observability import Metrics
from common.runtime.service import pause
from common.runtime.timekeeping import JUMP_SECONDS

log = structlog.get_logger()

MOST: Final = 1000
"""So many of each kind are counted, the oldest first."""
_LOOK_SECONDS: Final = 10.0
_OLD_SECONDS: Final = 60.0


class Auditor:
    """Counts duties whose lamp is not lit although their partition was read to 30 seconds past its instant.

    It asks by limit, warning and state, through indexes of its own, and never by what the timers look at: a deadline
    that they were not told of, or told wrongly, is found. What nobody reads at all counts by the clock.

    What is seen in two looks running is an alarm: the first may have caught the timers at work after an outage, or
    simulated time between two steps. A parked event holds its ticket's lamps back with good reason: counted apart.
    """

    def __init__(self, room: Room, metrics: Metrics, *, most: int = MOST) -> None:
        self._room = room
        self._most = most
        self._unfired = metrics.gauge("deadlines_unfired", "Duties past their limit whose lamp is not lit", "held")
        self._age = metrics.gauge("caught_up_age_seconds", "How long ago the slowest partition was read to its end")
        self._ahead = metrics.gauge("clock_ahead_seconds", "The host's wall clock ahead of the database's")
        self._seen: frozenset[UUID] = frozenset()
        self._was_old = self._was_wrong = False

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.look()
            await pause(stopping, _LOOK_SECONDS)

    async def look(self) -> int:
        """How many are unfired without a parked event to excuse it, in this look and the one before."""
        now = self._room.clock.now()
        async with self._room.database.engine.connect() as connection:
            rows = (await connection.execute(_UNFIRED, {"now": now, "most": self._most})).all()
            oldest = (await connection.execute(_OLDEST)).scalar()
        unexcused = frozenset(row.id for row in rows if row.held == "no")
        still = unexcused & self._seen
        self._seen = unexcused
        held = Counter(row.held for row in rows)
        for why in ("no", "parked", "unread"):
            self._unfired.labels(self._room.service, why).set(held[why])
        if still:
            log.error("deadlines not fired", deadlines=len(still))
        if held["unread"]:
            log.error("deadlines of partitions that nobody reads", deadlines=held["unread"])
        if oldest is not None:
            self._judge_age((now - oldest).total_seconds())
        if isinstance(self._room.clock, DatabaseClock):
            self._judge_clock(self._room.clock.ahead())
        return len(still)

    def _judge_age(self, age: float) -> None:
        self._age.set(max(0.0, age))
        if age > _OLD_SECONDS and self._was_old:
            log.error("bus not read to its end", seconds=round(age))
        self._was_old = age > _OLD_SECONDS

    def _judge_clock(self, ahead: float) -> None:
        self._ahead.set(round(ahead, 3))
        wrong = abs(ahead) > JUMP_SECONDS
        if wrong and not self._was_wrong:
            log.error("host's clock is wrong", seconds=round(ahead, 1))
        self._was_wrong = wrong


# Each kind by its own: however many are held back, those without an excuse are seen.
_UNFIRED = text(
    """
    with unlit as (
        select d.id, d.subject, d.due_at as at, c.at as read_to from deadline d left join caught_up c using (partition)
        where d.state in ('armed', 'approaching') and not d.is_window
          and d.due_at < cast(:now as timestamptz) - interval '30 seconds'
          and d.due_at < coalesce(c.at, :now) - interval '30 seconds'
        union
        select d.id, d.subject, d.warn_at, c.at from deadline d left join caught_up c using (partition)
        where d.state = 'armed' and not d.is_window
          and d.warn_at < cast(:now as timestamptz) - interval '30 seconds'
          and d.warn_at < coalesce(c.at, :now) - interval '30 seconds'
    ), held as (
        select id, min(at) as at,
               case when bool_or(read_to is null) then 'unread'
                    when bool_or(exists (select from parked p where p.ended_at is null and p.subject = unlit.subject))
                    then 'parked' else 'no' end as held
        from unlit group by id
    )
    (select id, held from held where held = 'no' order by at limit :most)
    union all (select id, held from held where held = 'unread' order by at limit :most)
    union all (select id, held from held where held = 'parked' order by at limit :most)
    """
).bindparams(bindparam("now", type_=Instant))
_OLDEST = text("select min(at) from caught_up")
