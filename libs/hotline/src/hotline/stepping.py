"""Moving the simulated clock: from due instant to due instant, each time until everybody is quiet."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from common.clock import ClockWentBack

_PAUSE_SECONDS = 0.01


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
            now = (await self._quiet())[0].now
            if to < now:
                raise ClockWentBack(f"the clock stands at {now.isoformat()}; it does not go back")
            steps = 0
            try:
                await self._put(now, moving=True)
                readings = await self._quiet()
                while now < to:
                    now = min((due for one in readings if (due := one.next_due) and now < due < to), default=to)
                    self.persist(now)
                    await self._put(now, moving=True)
                    readings = await self._quiet()
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

    async def _quiet(self) -> list[Reading]:
        """Wait until nobody is busy, seen twice unchanged."""
        before: list[Reading] | None = None
        readings: list[Reading] = []
        try:
            async with asyncio.timeout(self.patience_seconds):
                while True:
                    readings = list(await asyncio.gather(*(child.read() for child in self.children())))
                    if any(one.busy for one in readings):
                        before = None
                    elif readings == before:
                        return readings
                    else:
                        before = readings
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError as error:
            busy = sorted({what for one in readings for what in one.busy}) or ["nobody answers"]
            raise NoQuiet(f"no quiet within {self.patience_seconds:.0f} s: {', '.join(busy)}") from error
