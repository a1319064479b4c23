"""Writing the units' feeds: the story as it is consumed, then the numbers, by one writer."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

from common.events.catalogue import FOR_THE_CENTRE, TICKETS, unit_topic
from common.events.codec import encode
from common.events.dispatch import SubAssigned
from common.events.envelope import Event, Fact, Message, TicketFact, WiderFact
from common.messaging.bus import Place
from common.messaging.room import Room, Transaction
from common.messaging.runner import Unusable
from common.messaging.wakeup import Bell
from dispatch.feed import store
from dispatch.feed.rules import HandedTo, Joined, change_of

SEQUENCE_HEADER: Final = "ce_feedseq"
"""On a unit's own topic, as /asyncapi.json says: the event's place in the unit's feed, the same as over HTTP."""

_BEGINNINGS: Final = frozenset({"TicketCreated", "TicketAnswered", "TicketDeclined", "TicketTransferred"})
_MOST: Final = 500
_POLL_SECONDS: Final = 0.2


class Pulse:
    """Hints within one process that save waits: rows were told, rows were numbered, the process is stopping."""

    def __init__(self) -> None:
        self.told = Bell()
        self.numbered = Bell()
        self.stopping = False
        self._pending = False

    def tell_after_commit(self) -> None:
        self._pending = True

    async def on_caught_up(self, places: Collection[Place], at: datetime) -> None:
        """After a batch was committed: let the writer look now."""
        if self._pending:
            self._pending = False
            self.told.ring()


async def follow(tx: Transaction, event: Event, pulse: Pulse) -> bool:
    """Add a ticket's event to its story and to the feeds of its holders; False when it is not about one ticket.

    What is for the centre alone goes to no unit.

    ``Unusable`` for a ticket whose registration was never heard of.
    """
    data = event.data
    assert isinstance(data, TicketFact | WiderFact)
    if data.ticket is None:
        return False
    if event.type in FOR_THE_CENTRE:
        return True
    known = await store.tell(tx.connection, data.ticket, encode(without_account(event), TICKETS))
    if not known and event.type not in _BEGINNINGS:
        raise Unusable(f"{event.type} of a ticket that was never registered")
    match change_of(data):
        case HandedTo(units):
            await store.hand_over(tx.connection, data.ticket, units)
        case Joined(unit, instead_of):
            await store.join(tx.connection, data.ticket, unit, instead_of)
    pulse.tell_after_commit()
    return True


def without_account(event: Event) -> Event:
    """The event as units are told it: which role and unit acted, never which official's account it was."""
    fact = event.data
    assert isinstance(fact, Fact)
    kept: dict[str, object] = {"actor": fact.actor.model_copy(update={"account": None})}
    if isinstance(fact, SubAssigned):
        kept["to_account"] = None
    return replace(event, data=fact.model_copy(update=kept))


async def number_feeds(tx: Transaction) -> int:
    """Give numbers to what was told, and pass it on to the topics of units that asked for one; returns how many rows.

    Does nothing while another process does it.
    """
    if not await store.lead_writer(tx.connection):
        return 0
    count, forwarded = await store.give_numbers(tx.connection, _MOST)
    for one in forwarded:
        headers = {**one.headers, SEQUENCE_HEADER: str(one.seq)}
        tx.forward(Message(unit_topic(one.unit), one.headers["ce_subject"], headers, one.value.encode()))
    return count


class FeedWriter:
    """The background work that numbers the feeds. Polling is the truth, the pulse only saves the wait."""

    def __init__(self, room: Room, pulse: Pulse) -> None:
        self._room = room
        self._pulse = pulse

    async def run(self, stopping: asyncio.Event) -> None:
        """Number until told to stop."""
        try:
            while not stopping.is_set():
                heard = self._pulse.told.rings
                async with self._room.transaction() as tx:
                    count = await number_feeds(tx)
                if count:
                    self._pulse.numbered.ring()
                else:
                    await self._pulse.told.wait(heard, _POLL_SECONDS)
        finally:
            self._pulse.stopping = stopping.is_set()
            self._pulse.numbered.ring()

    async def behind(self) -> bool:
        """Whether anything still waits for its number."""
        async with self._room.database.engine.connect() as connection:
            return await store.unnumbered(connection)
