"""Moving the simulated clock: from due instant to due instant, each time until everybody is quiet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from common.clock import ClockWentBack

log = structlog.get_logger()
_PAUSE_SECONDS = 0.01
NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""The instant of a process that does not answer yet."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One process at one moment. ``busy`` names what is not finished; ``parked`` counts per service."""

    now: datetime
    next_due: datetime | None
    busy: tuple[str, ...]
    parked: Mapping[str, int]


class Child(Protocol):
    """A process whose clock is moved: this one, or one reached through its own socket."""

    async def read(self) -> Reading: ...

    async def put(self, now: datetime, *, moving: bool) -> None: ...


class NoQuiet(TimeoutError):
    """Somebody did not finish in time; the text names who."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the clock stands, in how many steps it came there, and what is parked by service."""

    now: datetime
    steps: int
    parked: Mapping[str, int]


@dataclass(slots=True)
class Stepper:
    """Moves the clocks of all children together. ``persist`` is called with each instant before anybody is set to it,
    so that a process that starts anew begins at the instant the others have reached."""

    children: Callable[[], Sequence[Child]]
    persist: Callable[[datetime], None]
    patience_seconds: float = 60.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self, to: datetime) -> Moved:
        """Move to ``to``: everything due by then is announced and consumed, in order of due time.

        Raises :class:`ClockWentBack`, and :class:`NoQuiet` when the suite does not come to rest.
        """
        async with self._lock:
            now = await self._present()
            if to < now:
                raise ClockWentBack(f"the clock stands at {now.isoformat()}; it does not go back")
            steps = 0
            try:
                readings = await self._rest_at(now)
                while now < to:
                    now = min((due for one in readings if (due := one.next_due) and now < due < to), default=to)
                    self.persist(now)
                    readings = await self._rest_at(now)
                    steps += 1
            finally:
                await self._put(now, moving=False)
            parked: dict[str, int] = {}
            for one in readings:
                for service, count in one.parked.items():
                    parked[service] = max(count, parked.get(service, 0))
            return Moved(now, steps, {service: count for service, count in parked.items() if count})

    async def _put(self, now: datetime, *, moving: bool) -> None:
        await asyncio.gather(*(child.put(now, moving=moving) for child in self.children()))

    async def _read(self) -> list[Reading]:
        return list(await asyncio.gather(*(child.read() for child in self.children())))

    async def _present(self) -> datetime:
        """Where the clock stands. Asked without waiting for quiet: while people work there is none."""
        readings: list[Reading] = []
        async with self._patience(lambda: readings):
            while True:
                readings = await self._read()
                if all(one.now > NEVER for one in readings):
                    return max(one.now for one in readings)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _rest_at(self, now: datetime) -> list[Reading]:
        """Set everybody to ``now`` and wait until all stand there and nobody is busy, seen twice unchanged."""
        before: list[Reading] | None = None
        readings: list[Reading] = []
        async with self._patience(lambda: readings):
            await self._put(now, moving=True)
            while True:
                readings = await self._read()
                if any(NEVER < one.now < now for one in readings):
                    # It started anew meanwhile, and had read the instant before this one was persisted.
                    await self._put(now, moving=True)
                    before = None
                elif any(one.busy for one in readings):
                    before = None
                elif readings == before:
                    return readings
                else:
                    before = readings
                await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _patience(self, readings: Callable[[], Sequence[Reading]]) -> AsyncIterator[None]:
        """A bounded wait; :class:`NoQuiet` names who was still busy."""
        try:
            async with asyncio.timeout(self.patience_seconds):
                yield
        except TimeoutError as error:
            busy = _who(readings())
            log.error("no quiet", seconds=self.patience_seconds, busy=busy)
            raise NoQuiet(f"no quiet within {self.patience_seconds:.0f} s: {', '.join(busy)}") from error


def _who(readings: Sequence[Reading]) -> Sequence[str]:
    """Who kept the clock waiting, as it was seen last."""
    if busy := sorted({what for one in readings for what in one.busy}):
        return busy
    return ["nobody is busy, and what is due changes"] if readings else ["nobody answers"]
