"""Passing the open tickets of units that ended to their heirs, in batches, in the background."""

import asyncio
from dataclasses import replace
from datetime import datetime, time
from typing import Final
from uuid import UUID

from common.clock import SHANGHAI, local_date
from common.events.dispatch import UnitSucceeded
from common.messaging.room import Room, Transaction
from dispatch.docket import SYSTEM, fact, keep, load
from dispatch.lifecycle import HELD
from dispatch.succession import store
from dispatch.succession.rules import Parts, passed

_MOST: Final = 100
_POLL_SECONDS: Final = 1.0


async def pass_to_heirs(tx: Transaction) -> int:
    """Give a batch of tickets to the heirs of units that have ended; answers how many. Same round, same clocks.

    A unit whose successors have all ended too keeps its tickets: there is nobody to give them to.
    """
    heirs = await store.heirs(tx.connection, local_date(tx.now))
    left = await store.left_behind(tx.connection, heirs, _MOST) if heirs else ()
    return sum([await _pass(tx, ticket, unit, heirs[unit]) for ticket, unit in left])


async def _pass(tx: Transaction, ticket: UUID, unit: str, heir: str) -> bool:
    docket = await load(tx.connection, ticket, lock=True)
    assert docket is not None
    if unit not in docket.workers or docket.status not in (*HELD, "closed"):
        return False  # somebody was faster
    parts = passed(Parts(docket.unit, docket.co_handlers, docket.signed_parts, docket.sub_units), unit, heir)
    after = replace(
        docket,
        unit=parts.lead,
        co_handlers=parts.co_handlers,
        signed_parts=parts.signed,
        sub_units=parts.sub_units,
    )
    await keep(tx.connection, after)
    tx.announce(UnitSucceeded(**fact(tx, after, SYSTEM), unit=unit, successor=heir), after.subject)
    return True


class Succession:
    """The background work. Several processes may run it: the docket's row decides who gives a ticket away."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            async with self._room.transaction() as tx:
                given = await pass_to_heirs(tx)
            if given:
                continue
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def behind(self) -> bool:
        """Whether a ticket still waits for its heir."""
        async with self._room.database.single.connect() as connection:
            heirs = await store.heirs(connection, local_date(self._room.clock.now()))
            return bool(heirs) and bool(await store.left_behind(connection, heirs, 1))

    async def next_due(self) -> datetime | None:
        """The midnight on which the next unit with a successor ends: simulated time stops there."""
        async with self._room.database.single.connect() as connection:
            day = await store.next_end(connection, local_date(self._room.clock.now()))
        return None if day is None else datetime.combine(day, time(), SHANGHAI)
