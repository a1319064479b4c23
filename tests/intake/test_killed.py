"""A process that dies between commit and answer: the retry tells what was registered."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.intake.centre import Centre, demand

_PROCESS = """
import asyncio, json, sys
from pathlib import Path
from types import SimpleNamespace
import httpx
from common.clock import SimulatedClock
from tests.support.wire import alone, at
from intake.service import build

async def main():
    told = json.load(sys.stdin)
    clock, folder = SimulatedClock(at("2025-09-26 16:00")), Path(told["folder"])
    room = SimpleNamespace(admin_url=told["admin"], url=lambda _: told["url"])
    async with alone(build, room, clock, folder) as found:
        transport = httpx.ASGITransport(app=found.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline/intake/v1") as client:
            await client.post("/tickets", json=told["body"], headers=told["headers"])

asyncio.run(main())
"""


async def test_a_ticket_committed_before_the_kill_is_answered_to_the_retry(centre: Centre, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {centre.token()}", "Idempotency-Key": "k"}
    told = {
        "folder": str(tmp_path),
        "admin": centre.admin_url,
        "url": centre.service_url,
        "body": demand(),
        "headers": headers,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROCESS,
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, "HOTLINE_FAILPOINTS": "intake.committed:1:kill", "PYTHONPATH": os.getcwd()},
    )
    await process.communicate(json.dumps(told).encode())
    assert process.returncode == -signal.SIGKILL
    assert await centre.count("ticket") == 1
    answer = await centre.post("/tickets", demand(), key="k")
    (event,) = await centre.wire.announced()
    assert answer.status_code == 201
    assert answer.headers["Hotline-Event"] == str(event.id)
    assert await centre.count("ticket") == 1
    # The dead process had taken a block of numbers: a gap, never a number twice.
    assert (await centre.register())["number"] != answer.json()["number"]
