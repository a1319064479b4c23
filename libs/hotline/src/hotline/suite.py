"""Some or all of the five services in this process, on one origin."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from importlib import import_module

from starlette.types import ASGIApp, Receive, Scope, Send

from common.clock import Clock, SimulatedClock
from common.database import SERVICES, Database, migrate
from common.runtime.patience import when_reachable
from common.runtime.service import Service, Surroundings
from hotline.stepping import Reading


class Suite:
    """The services of one process and what they share: clock, bus, activity."""

    def __init__(self, around: Surroundings, services: Sequence[Service]) -> None:
        self.around = around
        self.services = {service.name: service for service in services}

    @classmethod
    async def build(cls, around: Surroundings, names: Sequence[str] = SERVICES) -> "Suite":
        """Bring the named services' schemas up to date and build them; nothing runs yet."""
        for name in names:
            database = Database.open(around.database_of(name), name, pool_size=1)
            try:
                await when_reachable("database", partial(migrate, database))
            finally:
                await database.close()
        return cls(around, [import_module(f"{name}.service").build(around) for name in names])

    async def start(self) -> None:
        await asyncio.gather(*(service.start() for service in self.services.values()))

    async def stop(self) -> None:
        await asyncio.gather(*(service.stop() for service in self.services.values()))
        await self.around.bus.close()

    @property
    def clock(self) -> Clock:
        return self.around.clock

    def app(self, name: str) -> ASGIApp:
        return self.services[name].app

    async def read(self) -> Reading:
        """What the simulated clock must know before it moves on."""
        states = await asyncio.gather(*(service.state() for service in self.services.values()))
        busy = [what for state in states for what in state.busy]
        if self.around.activity.in_flight:
            busy.append(f"{self.around.activity.in_flight} commands in flight")
        dues = [state.next_due for state in states if state.next_due is not None]
        return Reading(
            now=self.clock.now(),
            next_due=min(dues, default=None),
            busy=tuple(busy),
            parked={service.name: state.parked for service, state in zip(self.services.values(), states, strict=True)},
        )

    async def put(self, now: datetime, *, moving: bool) -> None:
        """Set the simulated clock; while it moves, commands are refused with ``clock_moving``."""
        clock = self.clock
        assert isinstance(clock, SimulatedClock)
        self.around.activity.clock_moving = moving
        clock.set(now)


class Paths:
    """Hands a request to the application that its first path segment names."""

    def __init__(self, apps: dict[str, ASGIApp], otherwise: ASGIApp) -> None:
        self._apps = apps
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        first = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
        await self._apps.get(first, self._otherwise)(scope, receive, send)
