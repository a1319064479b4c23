"""Lives under way while processes are killed: clients that never give up, and a clock that is moved over deadlines."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from benchmarks.client import Line
from benchmarks.ledger import Ledger
from benchmarks.lives import Life, draw_course
from benchmarks.office import NoAnswer, Office
from benchmarks.oracle import QUIET_SECONDS, Findings, judge
from benchmarks.running import SuiteRun

BEGIN = datetime.fromisoformat("2025-09-22T09:00+08:00")
"""A Monday before the make-up Sunday 28 September and the holidays after it."""
_STRIDE = timedelta(hours=7)
_LAST_STRIDE = timedelta(days=4)


@dataclass
class Siege:
    """``clients`` people who begin one life after another until told that it is enough."""

    suite: SuiteRun
    office: Office
    ledger: Ledger
    chance: random.Random
    now: datetime = BEGIN
    lives: int = 0
    kills: list[str] = field(default_factory=list)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _people: list[asyncio.Task[None]] = field(default_factory=list)
    _clock: asyncio.Task[None] | None = None

    def begin(self, clients: int) -> None:
        self._people = [asyncio.create_task(self._live_on()) for _ in range(clients)]
        self._clock = asyncio.create_task(self._move_clock())

    async def _live_on(self) -> None:
        with self.suite.line() as line:
            while not self._enough.is_set():
                number, self.lives = self.lives, self.lives + 1
                life = Life(self.office, line, f"life-{number}", number, self._dawdle)
                await life.live(draw_course(self.chance))

    async def _dawdle(self) -> None:
        await asyncio.sleep(self.chance.random() * 0.1)

    async def _move_clock(self) -> None:
        with self.suite.line(seconds=120) as line:
            while not self._enough.is_set():
                await asyncio.sleep(0.3)
                await self._advance(line, _STRIDE)

    async def _advance(self, line: Line, stride: timedelta) -> None:
        told = await self.office.advance(line, (self.now + stride).isoformat())
        if "now" in told:
            self.now = datetime.fromisoformat(told["now"])

    async def more_answers(self, number: int, seconds: float = 120.0) -> None:
        """Wait until so many more commands have been acknowledged."""
        wanted = len(self.ledger.acknowledged) + number
        give_up = time.monotonic() + seconds
        while (missing := wanted - len(self.ledger.acknowledged)) > 0:
            self.raise_faults()
            if time.monotonic() > give_up:
                raise NoAnswer(
                    f"{missing} of {number} answers missing after {seconds:.0f} s; {dict(self.office.waits)}"
                )
            await asyncio.sleep(0.02)

    async def strike(self, what: str, blow: Callable[[], Awaitable[object]]) -> None:
        """Kill something and write down what."""
        await blow()
        self.kills.append(what)

    def raise_faults(self) -> None:
        """A client that met what it must not meet ends the siege."""
        for task in self._tasks():
            if task.done() and not task.cancelled():
                task.result()

    async def end(self, quiet_seconds: float = QUIET_SECONDS) -> Findings:
        """Let every life come to its end, move the clock past what is due by then, and judge."""
        self._enough.set()
        for task in self._tasks():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with self.suite.line(seconds=120) as line:
            await self._advance(line, _LAST_STRIDE)
        findings = await judge(self.suite, self.ledger, self.office.oddities, self.now, quiet_seconds)
        findings.looked_at |= {
            "lives": self.lives,
            "kills": len(self.kills),
            "attempts": self.ledger.attempts,
            "answered again": self.ledger.repeats_answered,
        }
        return findings

    def abandon(self) -> None:
        """Nobody goes on: the lives stay where they are, and so does the clock until the end."""
        for task in self._tasks():
            task.cancel()

    async def give_up(self) -> None:
        self.abandon()
        await asyncio.gather(*self._tasks(), return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*self._people, *([self._clock] if self._clock else [])]


@asynccontextmanager
async def besieged(
    suite: SuiteRun, seed: int, *, failpoints: str = "", clients: int = 6, patience_seconds: float = 120.0
) -> AsyncIterator[Siege]:
    """A new suite on a simulated clock with lives under way; its processes are gone afterwards."""
    suite.start_at = BEGIN
    ledger = Ledger(suite.data / "ledger.jsonl")
    office = Office(suite, ledger, patience_seconds)
    siege = Siege(suite, office, ledger, random.Random(seed))
    try:
        await suite.start()
        with suite.line() as line:
            await office.enter_units(line)
        if failpoints:
            await suite.stop()
            await suite.start({"HOTLINE_FAILPOINTS": failpoints})
        siege.begin(clients)
        yield siege
    finally:
        await siege.give_up()
        await suite.kill()
