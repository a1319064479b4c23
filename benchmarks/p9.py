"""P9: from ``make run`` to the first accepted ticket, the second time; and what the whole suite takes when idle."""

import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.client import Line, Lost
from benchmarks.lives import registration
from benchmarks.machine import pss_mib
from benchmarks.office import Office
from benchmarks.running import ROOT, SuiteRun

_IDLE_SECONDS = 20.0
_STARTS = 3


class _MakeRun(SuiteRun):
    """The suite as ``make run`` starts it."""

    async def first_ticket(self, key: str) -> float:
        """Seconds from the command to the first 201."""
        began = time.monotonic()
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *("make", "--no-print-directory", "run", f"ARGS=--data {self.data} --port {self.port}"),
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        body = json.dumps(registration(1), ensure_ascii=False).encode()
        with self.line(seconds=5) as line:
            while not await self._accepted(line, key, body):
                if time.monotonic() - began > 90:
                    raise TimeoutError(self.log.read_text("utf-8", "replace")[-1500:])
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _accepted(self, line: Line, key: str, body: bytes) -> bool:
        if not (self.data / "issuer.pem").exists():
            return False
        headers = {
            "authorization": f"Bearer {Office(self).token('softphone')}",
            "content-type": "application/json",
            "idempotency-key": key,
        }
        try:
            return (await line.ask("POST", "/intake/v1/tickets", headers, body)).status == 201
        except Lost:
            return False


async def measure(seconds: float) -> None:
    """``seconds`` do not matter here: the starts take as long as they take."""
    data = Path(tempfile.mkdtemp(prefix="hotline-"))
    suite = _MakeRun(data)
    try:
        first = await suite.first_ticket("first")
        await suite.stop()
        again = []
        for number in range(_STARTS):
            again.append(round(await suite.first_ticket(f"again-{number}"), 2))
            if number < _STARTS - 1:
                await suite.stop()
        await asyncio.sleep(_IDLE_SECONDS)
        sizes = pss_mib(suite.tree())
        await suite.stop()
    finally:
        await suite.kill()
        shutil.rmtree(data, ignore_errors=True)
    results.keep(
        "p9",
        {
            "second start to first accepted ticket, s": f"{min(again)} of {again} (aim 4)",
            "first start, everything made, s": round(first, 2),
            "idle, PSS MiB": f"{sum(sizes.values()):.0f} (aim 400 MB)",
            "by process": sizes,
            "again": "make bench NAME=p9",
        },
    )
