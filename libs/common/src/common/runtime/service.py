"""One running service: its HTTP application, its relay, its consumers, its own background work, and a graceful stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from fastapi import FastAPI

from common.clock import Clock, DatabaseClock, RealClock
from common.database import Database, is_transient
from common.messaging.bus import Bus, BusUnavailable
from common.messaging.maintenance import keep_partitions
from common.messaging.parking import count_parked, unpark_next
from common.messaging.relay import Relay, unpublished
from common.messaging.room import Room
from common.messaging.runner import Runner
from common.messaging.wakeup import Bell, told_to_end
from common.runtime.patience import when_reachable
from common.runtime.timekeeping import ask_the_time, keep_time
from common.security.tokens import TokenVerifier
from common.web.edge import Activity
from common.web.idempotency import forget_old

log = structlog.get_logger()

IDEMPOTENCY_DAYS = 30
"""How long a key is remembered (machine time): a retry within it is recognised."""

_STATE_SECONDS = 10
_IDLE_CONNECTIONS = 2
_IDLE_CONNECTION_SECONDS = 30

Task = Callable[[asyncio.Event], Awaitable[None]]
"""Background work: runs until the event is set."""


@dataclass(frozen=True, slots=True)
class NoticeGateway:
    """Where notices to units go, and the key shared with it. ``hosts``: where units may take theirs themselves."""

    url: str
    key: bytes = field(repr=False)
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service finds when it is built: time, bus, trust, where its room is, how units are reached."""

    clock: Clock
    bus: Bus
    bus_bell: Bell
    database_of: Callable[[str], str]
    verifier: TokenVerifier
    keys: Path
    packs: Path
    development: bool = False
    pool_size: int = 5
    activity: Activity = field(default_factory=Activity)
    notices: NoticeGateway | None = None

    def room(self, service: str) -> Room:
        """The service's room with connections of its own."""
        database = Database.open(self.database_of(service), service, pool_size=self.pool_size)
        return Room(service, database, DatabaseClock() if isinstance(self.clock, RealClock) else self.clock)


@dataclass(frozen=True, slots=True)
class State:
    """What the simulated clock must know of a service before it moves on.

    ``busy`` names what is not finished yet.
    """

    busy: tuple[str, ...]
    next_due: datetime | None
    parked: int


async def nothing_due() -> datetime | None:
    return None


async def nothing_more() -> Sequence[str]:
    return ()


@dataclass(slots=True)
class Service:
    """Built by each service's ``service.py``.

    ``next_due``: the next domain instant at which background work has something to do. ``unfinished``: names of
    background work that has something to do right now.
    """

    name: str
    room: Room
    app: FastAPI
    bus: Bus
    bus_bell: Bell
    runners: Sequence[Runner]
    tasks: Sequence[Task] = ()
    next_due: Callable[[], Awaitable[datetime | None]] = nothing_due
    unfinished: Callable[[], Awaitable[Sequence[str]]] = nothing_more
    _running: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _relay: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the background work; it outlives errors of database and bus."""
        await when_reachable("database", self._keep_partitions)
        await self.ask_the_time()
        relay = Relay(self.room, self.bus.sink(), self.bus_bell)
        self._relay = asyncio.create_task(relay.run(), name=f"{self.name} relay")
        work: list[Task] = [runner.run for runner in self.runners]
        work += [self._unpark, self._keep_house, self._let_connections_go, self.keep_time, *self.tasks]
        self._running = [asyncio.create_task(self._keep_running(one)) for one in work]

    async def ask_the_time(self) -> None:
        """With the real clock: set this room's by its database."""
        if isinstance(self.room.clock, DatabaseClock):
            await ask_the_time(self.room.database, self.room.clock)

    async def keep_time(self, stopping: asyncio.Event) -> None:
        """Background work of every process with the real clock, of one that only answers requests too."""
        if isinstance(self.room.clock, DatabaseClock):
            await keep_time(self.room.database, self.room.clock, stopping)

    async def stop(self) -> None:
        """Finish what is in hand, commit it, publish what it announced, leave."""
        self._stopping.set()
        if self._running:
            _done, late = await asyncio.wait(self._running, timeout=10)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        if self._relay is not None:
            await self._drain_outbox()
            self._relay.cancel()
            await asyncio.gather(self._relay, return_exceptions=True)
        await self.room.database.close()

    async def _drain_outbox(self) -> None:
        """Let the relay publish what the last commands announced, for a moment; the rest waits for the next start."""
        try:
            async with asyncio.timeout(2):
                while await unpublished(self.room):  # noqa: ASYNC110 - the relay works in between
                    await asyncio.sleep(0.02)
        except Exception as error:
            log.warning("stopped with unpublished facts", service=self.name, why=type(error).__name__)

    async def state(self) -> State:
        """What is unfinished, what is due next, how much is parked; as long as that cannot be said, it is busy."""
        try:
            async with asyncio.timeout(_STATE_SECONDS):
                return await self._state()
        except TimeoutError:
            return State((f"{self.name}: no answer from database or bus",), None, 0)
        except Exception as error:
            if not is_transient(error):
                raise
            return State((f"{self.name}: database",), None, 0)

    async def _state(self) -> State:
        busy = [f"{self.name}: outbox"] if await unpublished(self.room) else []
        busy += [f"{self.name}: consumer" for runner in self.runners if await _behind(runner)]
        busy += [f"{self.name}: {what}" for what in await self.unfinished()]
        return State(tuple(busy), await self.next_due(), await count_parked(self.room))

    @property
    def consuming(self) -> bool:
        """Whether every consumer still runs (one that parked too much in a row has stopped)."""
        return not any(runner.stopped_by_parkings for runner in self.runners)

    async def _keep_running(self, work: Task) -> None:
        while not self._stopping.is_set():
            try:
                await work(self._stopping)
                return
            except (Exception, asyncio.CancelledError) as error:
                if told_to_end():
                    raise
                if is_transient(error) or isinstance(error, BusUnavailable):
                    log.warning("background work interrupted", service=self.name, error=type(error).__name__)
                else:
                    log.exception("background work failed", service=self.name)
                await self.pause(1)

    async def pause(self, seconds: float) -> None:
        """Wait, but not past the stop."""
        await pause(self._stopping, seconds)

    async def _unpark(self, stopping: asyncio.Event) -> None:
        """Parked events that were released or only waited behind another are tried again, in order."""
        while not stopping.is_set():
            moved = False
            for runner in self.runners:
                moved = await unpark_next(runner) or moved
            if not moved:
                await pause(stopping, 1)

    async def _keep_house(self, stopping: asyncio.Event) -> None:
        """A minute after the start and then every few hours: partitions ahead, old ones dropped, messages forgotten
        that everybody has consumed, and answers that nobody asks for again."""
        await pause(stopping, 60)
        while not stopping.is_set():
            await self._keep_partitions()
            while not stopping.is_set() and (await self.bus.forget_old() or await self._forget()):
                await pause(stopping, 0.1)
            await pause(stopping, 6 * 3600)

    async def _keep_partitions(self) -> None:
        async with self.room.database.engine.begin() as connection:
            await keep_partitions(connection)

    async def _forget(self) -> int:
        async with self.room.database.engine.begin() as connection:
            return await forget_old(connection, days=IDEMPOTENCY_DAYS)

    async def _let_connections_go(self, stopping: asyncio.Event) -> None:
        """After a rush the connections that nobody uses are closed."""
        while not stopping.is_set():
            await pause(stopping, _IDLE_CONNECTION_SECONDS)
            await self.room.database.let_go(_IDLE_CONNECTIONS)


async def _behind(runner: Runner) -> bool:
    """Whether the group has something to read yet; as long as the bus cannot say so, it has."""
    try:
        return await runner.source.behind() > 0
    except BusUnavailable:
        return True


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep for ``seconds`` of machine time, at most until the stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
