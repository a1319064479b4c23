"""A new calendar counts again what was counted with another one (G-5): unfired deadlines move, fired ones stand.

Every open deadline is held against the calendar in force once. It moves, or comes to the same, or stands where it was
announced (``verdicts.recounted``) and keeps the calendar that it was counted with.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from common.calendar import OutsideCalendar, WorkingCalendar
from common.messaging.room import Room, Transaction
from common.runtime.service import pause

from .announcements import announcement
from .counting import count
from .store import CALENDARS, calendar_cause, current_version
from .store.stale import Held, Place, Stale, another_calendar, known_since, lock_stale, write_held
from .verdicts import Step, recounted

log = structlog.get_logger()

MOST: Final = 500
"""How many deadlines are counted again in one transaction: for so long their tickets wait."""
_LOOK_SECONDS: Final = 1.0
_TURN: Final = 25
_BEHIND: Final = timedelta(seconds=15)
_GIVE_WAY_SECONDS: Final = 0.5


class Recount:
    """Background work: as soon as another calendar is in force, oldest limit first, in batches.

    Several may work at once. Lamps and requests take turns with it; while the bus is not read to its end, because of
    what was just announced or otherwise, it goes slowly, for lamps wait for that.
    """

    def __init__(self, room: Room, *, most: int = MOST) -> None:
        self._room = room
        self._most = most
        self._after: Place | None = None
        self._asked_at = float("-inf")

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if await self.step() == 0:
                await pause(stopping, _LOOK_SECONDS)
            elif await self._behind():
                await pause(stopping, _GIVE_WAY_SECONDS)

    async def step(self) -> int:
        """Hold one batch against the calendar in force; how many deadlines. A ticket that somebody works on waits."""
        async with self._room.transaction() as tx:
            version = await current_version(tx.connection)
            other = version and await another_calendar(tx.connection, version)
            if not version or not other:
                self._after = None
                return 0
            # Behind the last batch: where it was, the index still leads through what has just been written.
            batch = await lock_stale(tx.connection, other, self._after, self._most)
            if not batch and self._after is not None:
                batch = await lock_stale(tx.connection, other, None, self._most)
            self._after = batch[-1].place if batch else None
            if not batch:
                return 0
            calendar = await CALENDARS.version(tx.connection, version)
            held = await self._held(tx, batch, calendar)
            await write_held(tx.connection, held, version)
        moved = sum(one.after.generation > one.before.generation for one in held)
        fired = sum(one.before.breached_at is not None for one in held)
        log.info("counted again", deadlines=len(held), moved=moved, fired=fired, calendar=version)
        return len(held)

    async def _held(self, tx: Transaction, batch: list[Stale], calendar: WorkingCalendar) -> list[Held]:
        cause = await calendar_cause(tx.connection, calendar.version)
        held = []
        for number, stale in enumerate(batch, 1):
            before = stale.deadline
            try:
                step = recounted(before, count(calendar, before.anchor.at, before.counting), tx.now, cause)
            except OutsideCalendar as beyond:
                log.error("deadline not counted again", ticket=str(before.ticket), kind=before.kind, why=str(beyond))
                step = Step(before, ())
            for told in step.told:
                tx.announce(announcement(stale, step.deadline, told, tx.now), before.subject)
            held.append(Held(before, step.deadline, stands=step.deadline.calendar != calendar.version))
            if number % _TURN == 0:
                await asyncio.sleep(0)
        return held

    async def _behind(self) -> bool:
        """Whether something that was published a while ago is not known here yet; asked once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < _LOOK_SECONDS:
            return False
        self._asked_at = now
        async with self._room.database.engine.connect() as connection:
            known = await known_since(connection)
        return known is not None and self._room.clock.now() - known > _BEHIND

    async def unfinished(self) -> bool:
        """Whether anything was not held against the calendar in force yet."""
        async with self._room.database.engine.connect() as connection:
            version = await current_version(connection)
            return version is not None and await another_calendar(connection, version) is not None
