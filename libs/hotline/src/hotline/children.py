"""Children of the supervisor: their processes, their private sockets, their clocks."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import structlog

from common.clock import ClockWentBack
from hotline.stepping import NEVER, Moved, NoQuiet, Reading

log = structlog.get_logger()
_RESTART_PAUSE_SECONDS = 0.5
_STOP_SECONDS = 25


def private_client(socket: Path, *, seconds: float = 30.0) -> httpx.AsyncClient:
    """A client of whoever listens on a private socket."""
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://private", timeout=seconds
    )


@dataclass(slots=True)
class ChildProcess:
    """One child: which services it runs, where it listens. Started anew when it ends without being told to."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    socket: Path
    inherited: Sequence[int] = ()
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _client: httpx.AsyncClient | None = None
    _stopping: bool = False
    _watch: asyncio.Task[None] | None = field(default=None)

    async def start(self) -> None:
        self._client = private_client(self.socket)
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch {self.name}")

    async def _keep_alive(self) -> None:
        while not self._stopping:
            self.socket.unlink(missing_ok=True)
            self.starts += 1
            try:
                self._process = await self._begin()
            except OSError as error:  # no memory, no descriptor, at this moment
                log.error("child not started", child=self.name, why=type(error).__name__)
            else:
                status = await self._process.wait()
                if not self._stopping:
                    log.warning("child ended", child=self.name, status=status)
            if not self._stopping:
                await asyncio.sleep(_RESTART_PAUSE_SECONDS)

    async def _begin(self) -> asyncio.subprocess.Process:
        # Its standard input is a pipe that only we hold: however we end, it reads the end and ends too.
        return await asyncio.create_subprocess_exec(
            *self.command,
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.PIPE,
            pass_fds=tuple(self.inherited),
            start_new_session=True,
        )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def stop(self) -> None:
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def answers(self, path: str = "/healthz") -> bool:
        """Whether the child is up and says so."""
        assert self._client is not None
        try:
            return (await self._client.get(path)).status_code == 200
        except httpx.HTTPError:
            return False

    async def read(self) -> Reading:
        """The child's clock and work; one that is starting anew, or stands still, is busy with that."""
        assert self._client is not None
        try:
            told = (await self._client.get("/time")).raise_for_status().json()
        except httpx.HTTPError as error:
            what = "no answer" if isinstance(error, httpx.TimeoutException) else "starting"
            return Reading(NEVER, None, (f"{self.name}: {what}",), {})
        return Reading(
            now=datetime.fromisoformat(told["now"]),
            next_due=datetime.fromisoformat(told["next_due"]) if told["next_due"] else None,
            busy=tuple(told["busy"]),
            parked=told["parked"],
        )

    async def put(self, now: datetime, *, moving: bool) -> None:
        assert self._client is not None
        try:
            answer = await self._client.put("/time", content=json.dumps({"now": now.isoformat(), "moving": moving}))
            answer.raise_for_status()
        except httpx.HTTPError:
            # It reads the persisted instant when it starts; whoever waits for quiet sees that it is not there yet.
            log.warning("child not reached", child=self.name)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisor as a child sees it: it alone moves the clock."""

    socket: Path

    async def advance(self, to: datetime) -> Moved:
        async with private_client(self.socket, seconds=600) as client:
            answer = await client.post("/clock", content=json.dumps({"advance_to": to.isoformat()}))
        told = answer.json()
        if answer.status_code == 409:
            raise ClockWentBack(told["detail"])
        if answer.status_code != 200:
            raise NoQuiet(told.get("detail", "the supervisor did not answer"))
        return Moved(datetime.fromisoformat(told["now"]), told["steps"], told["parked"])


def python(module: str) -> list[str]:
    """The command that runs one of our modules in a process of its own."""
    return [sys.executable, "-m", module]
