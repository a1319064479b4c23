"""The demo as a whole: start, play, let time pass, read, print."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress

from common.policy import Pack, load_pack
from hotline.backtest.codes import codes_for
from hotline.backtest.record import Suite
from hotline.backtest.run import backtested

from .desk import Desk
from .ear import Ear, listening
from .own_suite import BusKind, Running, own_suite
from .player import Ended, Played, Player
from .printing import Printer
from .stories import Collection, read_collection
from .timeline import Moved, Scene, merge, move

LISTENING_UNIT = "chengjian"
"""Whose events a separate process consumes: the unit that most of the stories go through."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What is played: the stories, each moved into the pack's time, and all their steps on one line."""

    collection: Collection
    pack: Pack
    cases: Sequence[Moved]
    scenes: Sequence[Scene]

    @property
    def start(self) -> datetime:
        """Where the simulated clock begins: shortly before the first step, on its day."""
        return self.scenes[0].at - timedelta(hours=1)

    @property
    def unit(self) -> str:
        return f"{self.pack.jurisdiction}.{LISTENING_UNIT}"

    @property
    def names(self) -> dict[str, str]:
        """Full code → name, of the story's units and of those that the pack itself enters."""
        own = {unit.code: unit.name for unit in self.pack.units}
        return {**own, **self.collection.source.names(self.pack.jurisdiction)}


def programme(collection: Collection, rules: Pack, *, weeks_later: int = 0) -> Programme:
    """The stories under those rules. ``weeks_later``: how many weeks more than the fewest that are needed."""
    cases = [move(story, rules.effective_from, weeks_later) for story in collection.stories]
    return Programme(collection, rules, cases, merge(cases))


@dataclass(slots=True)
class Stage:
    """The running suite with its players."""

    running: Running
    desk: Desk
    player: Player
    ear: Ear

    async def feed(self) -> int:
        """The last number of the listening unit's feed over HTTP."""
        found = await self.desk.get(self.ear.unit, f"/dispatch/v1/units/{self.ear.unit}/open")
        return int(found["seq"])

    async def notices(self) -> Sequence[Mapping[str, Any]]:
        """What units were to be told at once, by telephone or text message."""
        found = await self.desk.get("supervisor", "/dispatch/v1/notices", {"size": 200})
        items: Sequence[Mapping[str, Any]] = found["items"]
        return items


class Audience:
    """Whoever watches: nobody, unless a printer does."""

    def played(self, played: Played, moved: Moved) -> None:
        """A step was answered."""

    def heard(self, unit: str, line: Mapping[str, Any]) -> None:
        """The unit's program consumed an event."""


@asynccontextmanager
async def staged(
    shown: Programme, packs: Path, bus: BusKind, folder: Path, audience: Audience | None = None
) -> AsyncIterator[Stage]:
    """A suite of its own with the story's units entered and the listener running; all gone afterwards."""
    watching, unit = audience or Audience(), shown.unit
    async with (
        own_suite(folder, shown.start, packs, bus) as running,
        Desk(running.url, running.issuer, shown.pack.jurisdiction) as desk,
    ):
        player = Player(
            desk,
            shown.pack.jurisdiction,
            shown.cases,
            lambda played: watching.played(played, shown.cases[played.scene.case]),
        )
        await desk.clock(shown.start)  # answers when every service has the packs that the first start activates
        await player.enter_units(shown.collection.source, LISTENING_UNIT)
        async with listening(running, unit, lambda line: watching.heard(unit, line)) as ear:
            yield Stage(running, desk, player, ear)


class _Watching(Audience):
    """Prints what happens, with the progress below."""

    def __init__(self, printer: Printer, progress: Progress, steps: int) -> None:
        self._printer = printer
        self._progress = progress
        self._task = progress.add_task("演示", total=steps)

    def played(self, played: Played, moved: Moved) -> None:
        self._printer.step(played, moved)
        self._progress.advance(self._task)

    def heard(self, unit: str, line: Mapping[str, Any]) -> None:
        self._printer.heard(unit, line)


async def demonstrate(
    examples: Path,
    packs: Path,
    jurisdiction: str,
    bus: BusKind,
    weeks_later: int,
    against: Pack | None = None,
    record: Path | None = None,
) -> list[Ended]:
    """Run the demo and print it. Raises ``StartRefused`` when the suite does not come up.

    ``against``: a pack under which everything is judged once more in the end; ``record``: where the recorded events
    are written.
    """
    shown = programme(read_collection(examples), load_pack(packs / jurisdiction), weeks_later=weeks_later)
    console = Console(width=None if Console().is_terminal else 160)
    printer = Printer(console, shown.names)
    with tempfile.TemporaryDirectory(prefix="hotline-demo-") as folder, Progress(console=console) as progress:
        printer.shifts(shown.collection, shown.cases, f"{shown.pack.name}规则（{shown.pack.effective_from}起施行）")
        console.print(f"启动演示系统（{'Apache Kafka，每个服务一个进程' if bus == 'kafka' else '内置总线，单进程'}）……")
        watching = _Watching(printer, progress, len(shown.scenes))
        async with staged(shown, packs, bus, Path(folder), watching) as stage:
            console.print(
                "时刻带 * 的，通报没有写全，为推定；带 † 的，当时没有人做，本系统之下由人去做（理由见 examples/）。"
            )
            await stage.player.play(shown.scenes)
            console.print("时钟拨过所有未了的时限……")
            await stage.player.let_time_pass()
            endings = await stage.player.endings()
            feed = await stage.feed()
            await stage.ear.hears(feed)
            printer.stories(endings)
            printer.table(endings)
            printer.unit(shown.unit, stage.ear.heard, feed)
            printer.notices(await stage.notices(), shown.pack)
            printer.comparison(endings)
            await asyncio.to_thread(_look_back, stage.running, jurisdiction, console, against, record)
    return endings


def _look_back(
    running: Running, jurisdiction: str, console: Console, against: Pack | None, record: Path | None
) -> None:
    """The demo's record: kept, and judged again under another pack. ``OSError`` where it cannot be written."""
    if against is None and record is None:
        return
    headers = {"Authorization": f"Bearer {running.issuer.issue('admin', None, jurisdiction)}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=60) as client:
        suite = Suite(client, jurisdiction)
        if record is not None:
            console.print(f"\n{suite.write(record)} 件工单的全部事件写入 {record}。")
        if against is not None:
            backtested(suite.read(), codes_for(against, {}), console=console)
