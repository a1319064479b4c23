"""A suite of our own: ``hotline up`` in processes that can be measured, killed and started anew on the same data."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.client import Line, Lost
from common.security.development import DevelopmentIssuer

ROOT = Path(__file__).parents[1]
_UP = (sys.executable, "-m", "hotline.cli")
_START_SECONDS = 90.0


class DidNotStart(RuntimeError):
    """The suite ended, or stayed silent, instead of starting; the text is what it said last."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class SuiteRun:
    """One data directory and whatever runs on it. ``bus``: empty for the embedded log, or ``kafka://host:port``.

    ``start_at`` makes the clock a simulated one. ``program`` is what is started with ``up …``.
    """

    data: Path
    processes: str = "1"
    bus: str = ""
    start_at: datetime | None = None
    program: Sequence[str] = _UP
    port: int = field(default_factory=free_port)
    starts: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self.data / "suite.log"

    @property
    def admin_url(self) -> str:
        """The embedded database, entered as its superuser."""
        return f"postgresql://postgres@/hotline?host={self.data / 'postgres'}"

    @property
    def issuer(self) -> DevelopmentIssuer:
        return DevelopmentIssuer(self.data / "issuer.pem")

    def line(self, *, seconds: float = 30.0) -> Line:
        return Line("127.0.0.1", self.port, seconds=seconds)

    async def start(self, environment: Mapping[str, str] | None = None) -> float:
        """Start and wait for the first answer of the last service to come; seconds it took."""
        self.data.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        self.starts += 1
        clock = ["--clock", "simulated", "--start", self.start_at.isoformat()] if self.start_at else []
        own = {"HOTLINE_BUS": self.bus, "HOTLINE_DEVELOPMENT": "1"} if self.bus else {}
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.program,
                *("up", "--data", str(self.data), "--port", str(self.port), "--processes", self.processes, *clock),
                cwd=ROOT,
                env={**os.environ, **own, **(environment or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            await self.answering()
        except BaseException:
            await self.kill()
            raise
        return time.monotonic() - began

    async def answering(self, seconds: float = _START_SECONDS) -> None:
        """Wait until every service says that it is ready."""
        give_up = time.monotonic() + seconds
        with self.line(seconds=5) as line:
            for service in ("intake", "dispatch", "sla", "review", "reporting"):
                while not await _ready(line, f"/{service}/readyz"):
                    if self.ended or time.monotonic() > give_up:
                        raise DidNotStart(self.log.read_text("utf-8", "replace")[-2000:])
                    await asyncio.sleep(0.05)

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.returncode is not None

    def tree(self) -> list[psutil.Process]:
        """The supervisor, its children, the guard and the database's processes."""
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def children(self) -> dict[str, psutil.Process]:
        """The supervisor's own children, by the service they run, or by number where each runs all."""
        found = {}
        for process in self.tree()[1:]:
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[-1:] == ["hotline.child"]:
                    orders = json.loads(process.environ()["HOTLINE_CHILD"])
                    alone = len(orders["services"]) == 1
                    found[orders["services"][0] if alone else Path(orders["socket"]).name] = process
        return found

    async def wait_ended(self, seconds: float = 60.0) -> None:
        """Wait until the supervisor has died by itself (at a failpoint)."""
        assert self.process is not None
        async with asyncio.timeout(seconds):
            await self.process.wait()

    async def kill_child(self, name: str) -> None:
        """SIGKILL for one child; the supervisor starts it anew."""
        self.children()[name].kill()

    async def kill(self) -> int:
        """SIGKILL for every process of the tree, PostgreSQL included; how many were hit."""
        if self.process is None:
            return 0
        victims = self.tree()
        # Stopped first: nobody has time to notice the others' deaths and to tidy up.
        for blow in (signal.SIGSTOP, signal.SIGKILL):
            for victim in victims:
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.send_signal(blow)
        await self.process.wait()
        gone, _ = await asyncio.to_thread(psutil.wait_procs, victims, 10)
        return len(gone)

    async def stop(self) -> int:
        """Ctrl-C, as a terminal sends it to the whole group; the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                async with asyncio.timeout(45):
                    await self.process.wait()
            except TimeoutError:
                await self.kill()
                raise
        return self.process.returncode or 0


async def _ready(line: Line, path: str) -> bool:
    try:
        return (await line.ask("GET", path, {})).status == 200
    except Lost:
        return False
