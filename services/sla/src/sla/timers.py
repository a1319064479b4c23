"""Lamps: lit when their instant has come and everything that happened before it is known here.

A deadline fires when its ticket's partition was read up to then and nothing of the ticket is parked. No cache decides:
each look asks the tables again.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from common.database import is_transient
from common.events.catalogue import TICKETS
from common.failpoint import reach
from common.messaging.bus import Place
from common.messaging.room import Room

from .announcements import announcement
from .store import anything_to_fire, light, lock_due, next_instant, save_caught_up
from .verdicts import Step, fired

log = structlog.get_logger()

MOST: Final = 500
"""How many deadlines fire in one transaction."""
TICK_SECONDS: Final = 0.25
_SAVE_SECONDS: Final = 5.0
_SAVE_STEP: Final = timedelta(seconds=10)
_WAKE_STEP: Final = timedelta(seconds=1)


class Knowledge:
    """Up to which domain instant this process knows everything, per partition of hotline.tickets.

    What was once read stays known: an instant of a partition that has gone to another worker is old, never wrong. The
    timers here see it at once; the table, for the other workers and the auditor, is written every five seconds, and at
    once when simulated time has taken a step.
    """

    def __init__(self, room: Room) -> None:
        self.reached: dict[int, datetime] = {}
        self.grown = asyncio.Event()
        self._room = room
        self._woken_at: datetime | None = None
        self._saved_at: datetime | None = None
        self._saved_when = float("-inf")

    async def learn(self, places: Collection[Place], at: datetime) -> None:
        """The runner has applied everything that had been published on these partitions at ``at``."""
        for topic, partition in places:
            if topic == TICKETS:
                self.reached[partition] = max(at, self.reached.get(partition, at))
        if self._woken_at is None or at - self._woken_at >= _WAKE_STEP:
            self._woken_at = at
            self.grown.set()
        await self._save(at)

    async def _save(self, at: datetime) -> None:
        now = asyncio.get_running_loop().time()
        stepped = self._saved_at is None or at - self._saved_at >= _SAVE_STEP
        if not self.reached or (now - self._saved_when < _SAVE_SECONDS and not stepped):
            return
        try:
            async with self._room.database.engine.begin() as connection:
                await save_caught_up(connection, self.reached)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("position not noted", error=type(error).__name__)
        self._saved_when, self._saved_at = now, at


class Timers:
    """One timer worker. Several may work at once: each deadline is one worker's, by its row locks."""

    def __init__(self, room: Room, knowledge: Knowledge, *, most: int = MOST) -> None:
        self._room = room
        self._knowledge = knowledge
        self._most = most

    async def run(self, stopping: asyncio.Event) -> None:
        """Fire until told to stop; batches drain until nothing is due."""
        while not stopping.is_set():
            self._knowledge.grown.clear()
            if await self.fire() == 0:
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._knowledge.grown.wait()
        except TimeoutError:
            return

    async def fire(self) -> int:
        """Light the lamps that are due, oldest first, at most one batch; how many deadlines fired.

        Each is lit under three guards: the lock on its docket, the lock on its row, and its generation and state in
        the statement that writes it.
        """
        reached = dict(self._knowledge.reached)
        async with self._room.transaction() as tx:
            ripe = await lock_due(tx.connection, tx.now, reached, self._most)
            if not ripe:
                return 0
            # What comes later than the last of a full batch waits for the next one, so that due times stay in order.
            horizon = ripe[-1].next_at if len(ripe) == self._most else tx.now
            lit = [(one, step) for one in ripe if (step := fired(one.deadline, min(tx.now, horizon, one.reached)))]
            await light(tx.connection, [one.deadline for one, _ in lit], [step.deadline for _, step in lit])
            said = [(told.at, step.deadline, told, one) for one, step in lit for told in step.told]
            for _, deadline, told, one in sorted(said, key=lambda each: (each[0], each[1].id)):
                tx.announce(announcement(one, deadline, told, tx.now), one.subject)
            reach("timers.before_commit")
        self._tell([step for _, step in lit])
        return len(lit)

    def _tell(self, steps: list[Step]) -> None:
        for step in steps:
            one = step.deadline
            log.info("lamp", ticket=str(one.ticket), kind=one.kind, round=one.round, state=one.state, unit=one.unit)

    async def next_due(self) -> datetime | None:
        """The next instant at which a lamp may have to be lit: simulated time stops there."""
        now = self._room.clock.now()
        async with self._room.database.engine.connect() as connection:
            return await next_instant(connection, now)

    async def unfinished(self) -> bool:
        """Whether a lamp is due now and not lit yet; what a parked event holds back does not count."""
        now = self._room.clock.now()
        async with self._room.database.engine.connect() as connection:
            return await anything_to_fire(connection, now)
