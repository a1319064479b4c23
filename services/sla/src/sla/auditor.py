"""An independent look at what should have fired and has not: always none."""

import asyncio
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from common.messaging.room import Room
from common.observability import Metrics
from common.runtime.service import pause

log = structlog.get_logger()

_LOOK_SECONDS: Final = 10.0
_OLD_SECONDS: Final = 60.0


class Auditor:
    """Counts duties that are armed although their partition was read to 30 seconds past their limit.

    What is seen in two looks running is an alarm: the first may have caught the timers at work after an outage, or
    simulated time between two steps. A parked event holds its ticket's lamps back with good reason: counted apart.
    """

    def __init__(self, room: Room, metrics: Metrics) -> None:
        self._room = room
        self._unfired = metrics.gauge("deadlines_unfired", "Duties past their limit whose lamp is not lit", "held")
        self._age = metrics.gauge("caught_up_age_seconds", "How long ago the slowest partition was read to its end")
        self._seen: frozenset[UUID] = frozenset()
        self._was_old = False

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.look()
            await pause(stopping, _LOOK_SECONDS)

    async def look(self) -> int:
        """How many are unfired without a parked event to excuse it, in this look and the one before."""
        async with self._room.database.engine.connect() as connection:
            rows = (await connection.execute(_UNFIRED)).all()
            oldest = (await connection.execute(_OLDEST)).scalar()
        unexcused = frozenset(row.id for row in rows if not row.parked)
        still = unexcused & self._seen
        self._seen = unexcused
        self._unfired.labels(self._room.service, "no").set(len(unexcused))
        self._unfired.labels(self._room.service, "parked").set(len(rows) - len(unexcused))
        if still:
            log.error("deadlines not fired", deadlines=len(still))
        if oldest is not None:
            age = max(0.0, (self._room.clock.now() - oldest).total_seconds())
            self._age.set(age)
            if age > _OLD_SECONDS and self._was_old:
                log.error("bus not read to its end", seconds=round(age))
            self._was_old = age > _OLD_SECONDS
        return len(still)


_UNFIRED = text(
    """
    select d.id, exists (select from parked p where p.ended_at is null and p.subject = d.subject) as parked
    from deadline d join caught_up c using (partition)
    where d.state in ('armed', 'approaching') and not d.is_window and d.due_at < c.at - interval '30 seconds'
    limit 1000
    """
)
_OLDEST = text("select min(at) from caught_up")
