"""The demo's end of the listener: its process, and what it has heard so far."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from .own_suite import Running

_STEP_SECONDS = 0.02
_STOP_SECONDS = 15.0


@dataclass(slots=True)
class Ear:
    """What a unit's own program has heard, in the order it came."""

    unit: str
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def hears(self, seq: int, seconds: float = 20.0) -> bool:
        """Wait until it has heard the feed up to that number; False when it does not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not self.heard or self.heard[-1]["seq"] < seq:  # noqa: ASYNC110 - another process tells it
                    await asyncio.sleep(_STEP_SECONDS)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def listening(running: Running, unit: str, tell: Callable[[dict[str, Any]], None]) -> AsyncIterator[Ear]:
    """Run the listener beside us; it ends when we do, however we do."""
    # The embedded log has no reader's role of its own: the listener enters it as the service whose feed it is.
    bus = running.bus or running.database("dispatch")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hotline.demo.listener", "--bus", bus, "--unit", unit),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None,
        start_new_session=True,
    )
    ear = Ear(unit)
    assert process.stdin is not None
    assert process.stdout is not None
    reading = asyncio.create_task(_read(process.stdout, ear, tell))
    try:
        yield ear
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading


async def _read(lines: asyncio.StreamReader, ear: Ear, tell: Callable[[dict[str, Any]], None]) -> None:
    async for line in lines:
        heard: dict[str, Any] = json.loads(line)
        ear.heard.append(heard)
        tell(heard)
