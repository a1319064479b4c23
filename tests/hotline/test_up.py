"""``hotline up`` as a person meets it: one sentence when it cannot start, nothing left when it is gone."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

pytestmark = pytest.mark.database

_HOTLINE = (sys.executable, "-m", "hotline.cli")
_COMPLAINT = {
    "jurisdiction": "shuangyashan",
    "channel": "phone",
    "type": "complaint",
    "category": "城市管理/市政道路",
    "statement": "路面坑洼，影响出行",
    "address": "某路与某街交叉口",
    "requester": {"anonymous": True},
}


@dataclass(frozen=True, slots=True)
class Up:
    """A suite that says it is up, and what it said."""

    process: asyncio.subprocess.Process
    url: str
    said: str

    def everybody(self) -> list[psutil.Process]:
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]


@asynccontextmanager
async def up(data: Path, *options: str) -> AsyncIterator[Up]:
    process = await asyncio.create_subprocess_exec(
        *_HOTLINE, "up", "--data", str(data), "--port", "0", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said = ""
        async with asyncio.timeout(120):
            while "Ctrl-C stops." not in said:
                line = await process.stdout.readline()
                assert line, f"{said}\n{(await process.stderr.read()).decode()}"
                said += line.decode()
        found = re.search(r"http://[0-9.]+:[0-9]+", said)
        assert found is not None
        yield Up(process, found[0], said)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await process.communicate()


async def refused(data: Path, *options: str, **environment: str) -> str:
    """What a start that is refused says; it must be one sentence and exit code 2."""
    process = await asyncio.create_subprocess_exec(
        *_HOTLINE, "up", "--data", str(data), *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, told = await process.communicate()
    assert process.returncode == 2, told.decode()
    lines = told.decode().strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


async def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those still alive after the servers had their time to stop."""
    return (await asyncio.to_thread(psutil.wait_procs, processes, timeout=30))[1]


async def register(suite: Up, key: str) -> httpx.Response:
    """Register a ticket as soon as the suite takes one, as a softphone would: by asking again."""
    token = suite.said.split("dev-token:\n")[1].splitlines()[0]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with httpx.AsyncClient(base_url=suite.url, headers=headers, timeout=10) as client, asyncio.timeout(60):
        while (await client.get("/intake/readyz")).status_code != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        return await client.post("/intake/v1/tickets", json=_COMPLAINT)


async def test_ctrl_c_stops_everything_and_a_second_start_finds_the_data(tmp_path: Path) -> None:
    async with up(tmp_path) as suite:
        first = await register(suite, "a-key")
        assert first.status_code == 201, first.text
        everybody = suite.everybody()
        suite.process.send_signal(signal.SIGINT)
        assert await suite.process.wait() == 0
        assert not await gone(everybody)
    async with up(tmp_path) as suite:
        again = await register(suite, "a-key")
        assert again.status_code == 201
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["Idempotent-Replay"] == "true"
        assert (tmp_path / "dev-token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("processes", ["1", "2", "per-service"])
async def test_nothing_survives_a_killed_parent(tmp_path: Path, processes: str) -> None:
    async with up(tmp_path, "--processes", processes) as suite:
        everybody = suite.everybody()
        assert len(everybody) >= {"1": 3, "2": 5, "per-service": 8}[processes]
        suite.process.kill()
        assert not await gone(everybody)


async def test_a_child_that_dies_is_started_anew(tmp_path: Path) -> None:
    async with up(tmp_path, "--processes", "2") as suite:
        children = [one for one in suite.everybody() if "hotline.child" in one.cmdline()]
        children[0].kill()
        assert (await register(suite, "after-the-death")).status_code == 201
        async with asyncio.timeout(60):
            while len([one for one in suite.everybody() if "hotline.child" in one.cmdline()]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} " in await refused(tmp_path, "--port", str(port))


async def test_a_data_directory_in_use_is_one_sentence(tmp_path: Path) -> None:
    async with up(tmp_path):
        assert "in use by another running instance" in await refused(tmp_path, "--port", "0")


async def test_a_broken_data_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    assert "not a PostgreSQL data directory" in await refused(tmp_path, "--port", "0")


async def test_missing_packs_and_a_strange_start_are_one_sentence(tmp_path: Path) -> None:
    assert "No policy packs" in await refused(tmp_path, "--port", "0", "--packs", str(tmp_path))
    assert "--start" in await refused(tmp_path, "--start", "2025-01-01T08:00")


async def test_the_development_issuer_does_not_serve_real_engines(tmp_path: Path) -> None:
    told = await refused(tmp_path, "--port", "0", HOTLINE_BUS="kafka://127.0.0.1:1", HOTLINE_DEVELOPMENT="")
    assert "HOTLINE_ISSUERS" in told


@pytest.mark.parametrize("processes", ["1", "2", "per-service"])
async def test_the_simulated_clock_moves_in_one_process_and_in_several_and_survives(
    tmp_path: Path, processes: str
) -> None:
    chosen = ("--clock", "simulated", "--start", "2025-01-01T08:00+08:00", "--processes", processes)
    async with up(tmp_path, *chosen) as suite, httpx.AsyncClient(base_url=suite.url, timeout=70) as client:
        moved = await client.post("/clock", json={"advance_to": "2025-01-02T08:00:00+08:00"})
        assert moved.status_code == 200, moved.text
        assert moved.json()["now"] == "2025-01-02T00:00:00+00:00"
        assert moved.json()["parked"] == {}
        back = await client.post("/clock", json={"advance_to": "2025-01-01T08:00:00+08:00"})
        assert (back.status_code, back.json()["code"]) == (409, "clock_went_back")
        naive = await client.post("/clock", json={"advance_to": "2025-01-03T08:00:00"})
        assert naive.status_code == 422
    assert json.loads((tmp_path / "clock.json").read_text())["now"] == "2025-01-02T00:00:00+00:00"


async def test_a_data_directory_keeps_its_kind_of_clock(tmp_path: Path) -> None:
    simulated = ("--clock", "simulated", "--start", "2025-01-01T08:00+08:00")
    async with up(tmp_path / "real"):
        pass
    assert "was started with the real clock" in await refused(tmp_path / "real", "--port", "0", *simulated)
    async with up(tmp_path / "simulated", *simulated):
        pass
    assert "was started with the simulated clock" in await refused(tmp_path / "simulated", "--port", "0")


async def test_a_command_without_a_running_suite_is_one_sentence(tmp_path: Path) -> None:
    for wanted in (("list",), ("replay", "sla", "1")):
        process = await asyncio.create_subprocess_exec(
            *_HOTLINE, "parked", *wanted, "--url", "http://127.0.0.1:9", env={**os.environ, "HOTLINE_TOKEN": "x"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, told = await process.communicate()
        assert process.returncode == 2
        assert len(told.decode().strip().splitlines()) == 1, told.decode()


async def test_with_the_real_clock_there_is_no_clock_to_move(tmp_path: Path) -> None:
    async with up(tmp_path) as suite, httpx.AsyncClient(base_url=suite.url) as client:
        assert (await client.post("/clock", json={"advance_to": "2030-01-01T00:00:00Z"})).status_code == 404
        assert (await client.get("/time")).status_code == 404
        assert (await client.get("/asyncapi.json")).json()["asyncapi"].startswith("3.")
