"""A new calendar counts again what was counted with another one (G-5): unfired deadlines move, fired ones stand."""

import asyncio
from typing import Final

import structlog

from common.calendar import NoCalendar
from common.messaging.room import Room
from common.runtime.service import pause

from .counting import count
from .store import CALENDARS, calendar_cause, counted_otherwise, current_version, lock_deadlines, lock_dockets, record
from .verdicts import recounted

log = structlog.get_logger()

MOST: Final = 200
_LOOK_SECONDS: Final = 5.0


class Recount:
    """Background work: as soon as another calendar is in force, oldest limit first, in batches."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if await self.step() == 0:
                await pause(stopping, _LOOK_SECONDS)

    async def step(self) -> int:
        """Count one batch again; how many deadlines it looked at. A ticket that somebody works on waits."""
        async with self._room.transaction() as tx:
            try:
                calendar = await CALENDARS.current(tx.connection)
            except NoCalendar:
                return 0
            stale = await counted_otherwise(tx.connection, calendar.version, MOST)
            if not stale:
                return 0
            cause = await calendar_cause(tx.connection, calendar.version)
            dockets = await lock_dockets(tx.connection, {ticket for _, ticket in stale})
            ids = [deadline for deadline, ticket in stale if ticket in dockets]
            looked_at = 0
            for one in await lock_deadlines(tx.connection, ids) if ids else ():
                if one.open and one.breached_at is None:
                    looked_at += 1
                    instants = count(calendar, one.anchor.at, one.counting)
                    await record(tx, dockets[one.ticket], [recounted(one, instants, tx.now, cause)])
        log.info("counted again", deadlines=looked_at, calendar=calendar.version)
        return looked_at

    async def unfinished(self) -> bool:
        """Whether anything still stands as another calendar counted it."""
        async with self._room.database.engine.connect() as connection:
            version = await current_version(connection)
            return version is not None and bool(await counted_otherwise(connection, version, 1))
