"""A suite of the demo's own: started, read off its log, stopped whatever happens; nothing is left behind."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from common.security.development import DevelopmentIssuer
from hotline import broker
from hotline.guard import Guarded, Lock, StartRefused, guarded, hold, last_words, released_on_error

BusKind = Literal["embedded", "kafka"]
_START_SECONDS = 120.0
_STOP_SECONDS = 40.0
_STEP_SECONDS = 0.02
_URL = re.compile(r"http://[0-9.]+:[0-9]+")
_UP = "Ctrl-C stops."


@dataclass(frozen=True, slots=True)
class Running:
    """A started suite. ``bus``: kafka://host:port, or empty for the embedded one."""

    url: str
    data: Path
    bus: str
    issuer: DevelopmentIssuer

    def database(self, login: str) -> str:
        """The embedded PostgreSQL, entered as that role; where it listens stands in the server's own file."""
        lines = (self.data / "postgres" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://{login}@/hotline?host={lines[4]}"


@asynccontextmanager
async def own_suite(folder: Path, start: datetime, packs: Path, bus: BusKind) -> AsyncIterator[Running]:
    """Start ``hotline up`` with the simulated clock on a free port; with Kafka, a broker and a process per service.

    Raises ``StartRefused``. ``folder`` is the caller's to remove.
    """
    if bus == "embedded":
        async with _up(folder / "data", start, packs, "", "1") as running:
            yield running
        return
    kafka = await asyncio.to_thread(broker.start, folder / "kafka")
    try:
        async with _up(folder / "data", start, packs, f"kafka://{kafka.bootstrap}", "per-service") as running:
            yield running
    finally:
        await asyncio.to_thread(kafka.stop)


@asynccontextmanager
async def _up(data: Path, start: datetime, packs: Path, bus: str, processes: str) -> AsyncIterator[Running]:
    log = data / "up.log"
    chosen = ["--clock", "simulated", "--start", start.isoformat(), "--processes", processes]
    guard, lock = await asyncio.to_thread(_launch, data, log, packs, bus, chosen)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while _UP not in (told := log.read_text("utf-8", "replace")):
                if guard.ended():
                    raise StartRefused(f"The suite did not start: {last_words(log, 0, 'Error', 'error')}")
                await asyncio.sleep(_STEP_SECONDS)
        found = _URL.search(told)
        assert found is not None
        yield Running(found[0], data, bus, DevelopmentIssuer(data / "issuer.pem"))
    finally:
        await asyncio.to_thread(guard.stop)
        lock.release()


def _launch(data: Path, log: Path, packs: Path, bus: str, chosen: list[str]) -> tuple[Guarded, Lock]:
    """Under a guard: the suite stops in order even when this process is killed, and a Ctrl-C reaches us alone."""
    data.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    lock = hold(data / "demo.lock")
    with released_on_error(lock), log.open("wb") as output:
        command: list[str | Path] = [sys.executable, "-m", "hotline.cli", "up", "--data", data, "--port", "0"]
        guard = guarded(
            [*command, "--packs", packs.resolve(), *chosen],
            log=output,
            signals=("TERM", "KILL"),
            patience=_STOP_SECONDS,
            lock=lock,
            environment={**environment, "HOTLINE_BUS": bus, "PYTHONUNBUFFERED": "1"},
        )
    return guard, lock
