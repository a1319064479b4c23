"""One runner per group member: from the bus into commands, each effect once, each subject in order."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from common.database import is_transient
from common.events.catalogue import DEAD
from common.events.codec import MAX_BYTES, Peeked, decode, peek
from common.events.envelope import Event, Message, UnusableMessage
from common.failpoint import reach

from . import inbox
from .bus import IDLE_SECONDS, BusUnavailable, Place, Source
from .inbox import Stream
from .room import Room, Transaction

log = structlog.get_logger()

Handler = Callable[[Transaction, Event], Awaitable[None]]
Handlers = Mapping[str, Handler]
"""A service's consumer table: event type → command."""


class Transient(Exception):
    """Cannot be done yet (a pack or calendar version that has not come): waits in place, is never parked."""


class Unusable(Exception):
    """The event can never be applied here; the text says why and holds nothing personal."""


class Runner:
    """Consumes topics for one service.

    A batch is one transaction: inbox, handlers, outbox; after its commit the offsets are committed. When the batch
    fails, its messages are applied one by one: what is transient waits with a growing pause, what is unusable or meets
    a bug is parked, and later events of a parked subject are parked behind it.
    """

    def __init__(
        self,
        room: Room,
        source: Source,
        handlers: Handlers,
        *,
        most: int = 300,
        wait_seconds: float = 0.05,
        parkings_in_a_row: int = 20,
        on_caught_up: Callable[[Collection[Place], datetime], Awaitable[None]] | None = None,
    ) -> None:
        self.room = room
        self.source = source
        self.handlers = handlers
        self.most = most
        self.wait_seconds = wait_seconds
        self.parkings_in_a_row = parkings_in_a_row
        self.stopped_by_parkings = False
        self._on_caught_up = on_caught_up
        self._pause = wait_seconds
        self._parked_lately = 0
        self._stopping = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop; what is in hand is finished and committed first."""
        self._stopping = stopping
        while not (stopping.is_set() or self.stopped_by_parkings):
            try:
                await self.source.start()
                while not (stopping.is_set() or self.stopped_by_parkings):
                    await self.step()
            except BusUnavailable as error:
                # Begun anew from the committed offsets; the inbox drops what comes twice.
                log.warning("bus unreachable", service=self.room.service, error=str(error))
                await self._wait(0.5)
            finally:
                await self.source.close()
        if self.stopped_by_parkings:
            log.error("consumer stopped: too many parkings in a row", service=self.room.service)

    async def step(self) -> int:
        """Fetch once, apply, commit offsets; returns how many messages were consumed."""
        looked_at = self.room.clock.now()
        fetched = await self.source.fetch(self.most, self._pause)
        if fetched.messages:
            reach("runner.handed_out")
            self._pause = self.wait_seconds
        elif self._on_caught_up is None:  # else somebody waits to hear how far it is
            self._pause = min(self._pause * 2, max(IDLE_SECONDS, self.wait_seconds))
        applied = await self.apply(fetched.messages) if fetched.messages else 0
        if applied:
            reach("runner.applied")
            await self.source.commit({(one.topic, one.partition): one.offset + 1 for one in fetched.messages[:applied]})
        if self._on_caught_up is not None and fetched.caught_up and applied == len(fetched.messages):
            await self._on_caught_up(fetched.caught_up, looked_at)
        return applied

    async def apply(self, messages: Sequence[Message]) -> int:
        """Give every message its effect, together if possible, else one by one.

        Returns how many, from the first on, are done: all, unless told to stop or stopped by parkings.
        """
        try:
            await self._together(messages)
        except Exception as error:
            if len(messages) > 1 and not is_transient(error):
                log.info("batch replayed singly", service=self.room.service, cause=type(error).__name__)
            for done, message in enumerate(messages):
                if self.stopped_by_parkings or not await self._singly(message):
                    return done
        else:
            self._parked_lately = 0
        return len(messages)

    async def _together(self, messages: Sequence[Message]) -> None:
        peeked = [(message, peek(message)) for message in messages]
        async with self.room.transaction() as tx:
            await self.consume(tx, peeked)
            reach("runner.before_commit")
        self.room.heard.add(head.id for _, head in peeked)

    async def consume(self, tx: Transaction, peeked: Sequence[tuple[Message, Peeked]]) -> None:
        """Within one transaction: claim the events in the inbox, drop repeats, park followers, run the handlers."""
        fresh = await inbox.claim(tx.connection, [head.id for _, head in peeked])
        reach("runner.claimed")
        todo = [(message, head) for message, head in peeked if head.id in fresh]
        if not todo:
            return
        streams: list[Stream] = sorted({(head.source, head.subject) for _, head in todo})
        last, blocked = await inbox.standing(tx.connection, streams)
        for message, head in todo:
            stream = (head.source, head.subject)
            known = last.get(stream, 0)
            if head.sequence <= known:
                continue
            if known and head.sequence > known + 1:
                log.error("gap", service=self.room.service, source=head.source, subject=head.subject, after=known)
            last[stream] = head.sequence
            if head.subject in blocked:
                await inbox.park(tx.connection, message, head.id, "behind", "an earlier event of its subject is parked")
            else:
                await self.handle(tx, message, head)
        await inbox.remember(tx.connection, {stream: last[stream] for stream in streams if stream in last})

    async def handle(self, tx: Transaction, message: Message, head: Peeked) -> None:
        handler = self.handlers.get(head.type)
        if handler is not None:
            await handler(tx, decode(message))

    async def _singly(self, message: Message) -> bool:
        """Apply one message, or park it, or wait until it can be applied; False when told to stop meanwhile."""
        pause = 0.05
        while True:
            try:
                await self._together([message])
                self._parked_lately = 0
                return True
            except (UnusableMessage, Unusable) as error:
                if await self._park(message, "unusable", str(error)):
                    return True
            except Transient as error:
                log.warning("waiting", service=self.room.service, why=str(error), subject=message.key)
            except Exception as error:
                if is_transient(error):
                    log.warning("waiting", service=self.room.service, why=type(error).__name__)
                elif await self._park(message, "bug", where(error)):
                    return True
            if await self._wait(pause):
                return False
            pause = min(pause * 2, 5)

    async def _wait(self, seconds: float) -> bool:
        """Wait, but not past the stop; True when told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    async def _park(self, message: Message, kind: str, reason: str) -> bool:
        """Park a message and tell the dead-letter topic; False when the database cannot take it now."""
        try:
            head = peek(message)
        except UnusableMessage:
            head = None
        try:
            async with self.room.transaction() as tx:
                if head is not None:
                    if not await inbox.claim(tx.connection, [head.id]):
                        return True
                    await inbox.remember(tx.connection, {(head.source, head.subject): head.sequence})
                if not await inbox.park(tx.connection, message, head and head.id, kind, reason):
                    return True
                tx.forward(dead_letter(message, reason))
        except Exception as error:
            if is_transient(error):
                return False
            raise
        log.error("parked", service=self.room.service, subject=message.key, kind=kind, reason=reason)
        self._parked_lately += 1
        self.stopped_by_parkings = self._parked_lately >= self.parkings_in_a_row
        return True


def dead_letter(message: Message, reason: str) -> Message:
    """What the dead-letter topic gets: the message as it was, as far as it can be stored, and why it was parked."""
    seen = inbox.storable(message)
    value = seen.value if len(seen.value) <= MAX_BYTES else b""
    return replace(seen, topic=DEAD, headers=seen.headers | {"hotline-reason": reason[:500]}, value=value)


def where(error: BaseException) -> str:
    """The kind and place of a bug, without its text: an error's text may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    place = own[-1] if own else last
    name = place.filename.rsplit("/", 1)[-1] if place else "?"
    return f"{type(error).__name__} at {name}:{place.lineno if place else 0} ({place.name if place else '?'})"
