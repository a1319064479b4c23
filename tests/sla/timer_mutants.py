"""Timers that are wrong in one way each. The tests of the timers must find every one of them out."""

import asyncio
from collections.abc import Mapping

from common.failpoint import reach
from common.messaging.room import Transaction
from sla.announcements import announcement
from sla.store import lock_due, write
from sla.timers import Timers
from sla.verdicts import fired


class TellsAfterwards(Timers):
    """The lamp is lit in one transaction, and told in another one behind it."""

    async def fire(self) -> int:
        async with self._room.database.engine.begin() as connection:
            tx = Transaction(self._room.service, connection, self._room.clock.now())
            ripe = await lock_due(connection, tx.now, self._knowledge.reached, self._most)
            steps = [(one, step) for one in ripe if (step := fired(one.deadline, min(tx.now, one.reached)))]
            await write(connection, (step.deadline for _, step in steps))
        reach("timers.before_commit")
        async with self._room.transaction() as tx:
            for one, step in steps:
                for told in step.told:
                    tx.announce(announcement(one, step.deadline, told, tx.now), one.subject)
        return len(steps)


class LooksBeforehand(Timers):
    """No lock and no generation: what is due is read, and fired some time later as it was read."""

    async def fire(self) -> int:
        async with self._room.database.engine.begin() as connection:
            now = self._room.clock.now()
            ripe = await lock_due(connection, now, self._knowledge.reached, self._most)
        reach("timers.before_commit")
        await asyncio.sleep(0.1)
        async with self._room.transaction() as tx:
            steps = [(one, step) for one in ripe if (step := fired(one.deadline, min(now, one.reached)))]
            await write(tx.connection, (step.deadline for _, step in steps))
            for one, step in steps:
                for told in step.told:
                    tx.announce(announcement(one, step.deadline, told, tx.now), one.subject)
        return len(steps)


MUTANTS: Mapping[str, type[Timers]] = {
    "tells_afterwards": TellsAfterwards,
    "looks_beforehand": LooksBeforehand,
}
