"""Whether the calendar reaches as far as it should by now: the next year missing late in the year is an alarm (G-5)."""

import asyncio
from collections.abc import Collection
from datetime import date
from typing import Final, Literal

import structlog

from common.clock import local_date
from common.messaging.room import Room
from common.observability import Metrics
from common.runtime.service import pause

from .store import years_in_force

log = structlog.get_logger()

YearState = Literal["published", "awaited", "missing"]

#: The State Council has published a year's arrangement between 25 October and 8 December of the year before. From
#: November on somebody should look for it; no regulation says when.
_LOOK_FOR_IT_FROM_MONTH: Final = 11
_LOOK_SECONDS: Final = 30.0


def states(published: Collection[int], on: date) -> dict[int, YearState]:
    """The published years, this one and the next: ``awaited`` until somebody should look for it, then ``missing``."""
    found: dict[int, YearState] = dict.fromkeys(sorted(published), "published")
    found.setdefault(on.year, "missing")
    found.setdefault(on.year + 1, "missing" if on.month >= _LOOK_FOR_IT_FROM_MONTH else "awaited")
    return dict(sorted(found.items()))


class Outlook:
    """Looks by domain time; what is missing is a metric at all times, and an error in the log once a day."""

    def __init__(self, room: Room, metrics: Metrics) -> None:
        self._room = room
        self._missing = metrics.gauge("calendar_years_missing", "Years whose days off should be published by now")
        self._told_on: date | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.look()
            await pause(stopping, _LOOK_SECONDS)

    async def look(self) -> list[int]:
        """The years that are missing today. Before the first publication there is nothing to compare with."""
        async with self._room.database.engine.connect() as connection:
            published = await years_in_force(connection)
        today = local_date(self._room.clock.now())
        missing = [year for year, state in states(published, today).items() if state == "missing" and published]
        self._missing.set(len(missing))
        if missing and self._told_on != today:
            self._told_on = today
            log.error("calendar year missing: limits that reach into it are provisional", years=missing)
        return missing
