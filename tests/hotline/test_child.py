"""A child process that starts while the database recovers, or is not there at all."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.support.doorkeeper import Doorkeeper

from hotline.children import ChildProcess, private_client
from hotline.plan import ChildOrders, Plan

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
_IMPATIENT = "import runpy; from common.runtime import patience; patience.when_reachable.__defaults__ = (1.0,); "
_RUN = "runpy.run_module('hotline.child', run_name='__main__')"


@asynccontextmanager
async def child(tmp_path: Path, sockets: Path, name: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """``review`` in a process of its own, on the database behind a socket folder."""
    plan = Plan(
        data=tmp_path, packs=ROOT / "policies", database=f"postgresql://postgres@/{name}?host={sockets}", bus="",
        embedded=True, simulated=False, development=True,
    )  # fmt: skip
    orders = ChildOrders(plan, ("review",), tmp_path / "own", tmp_path / "supervisor")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env={**os.environ, **orders.environment()}, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(30):
            await process.wait()


async def _answers(folder: Path) -> bool:
    async with private_client(folder / "own") as client:
        with contextlib.suppress(httpx.HTTPError):
            return (await client.get("/healthz")).status_code == 200
    return False


async def test_it_waits_until_the_database_has_recovered(tmp_path: Path, database: FreshDatabase) -> None:
    path, _, folder = database.admin_url.partition("?host=")
    before = Doorkeeper(Path(folder))
    before.turn_away = 5
    name = path.rpartition("/")[2]
    async with before.standing_in(tmp_path), child(tmp_path, tmp_path, name, "-m", "hotline.child") as process:
        async with asyncio.timeout(60):
            while not await _answers(tmp_path):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        assert before.turn_away == 0
        assert process.stdin is not None
        process.stdin.close()
        _, told = await asyncio.wait_for(process.communicate(), 30)
    assert "Traceback" not in told.decode()
    assert process.returncode == 0


async def test_without_a_database_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    async with child(tmp_path, tmp_path, "none", "-c", _IMPATIENT + _RUN) as process:
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.read(), 30)).decode().splitlines()
        assert await process.wait() == 1
    assert [line for line in said if not line.startswith("{")] == [
        "review cannot start: The bus could not be used within 1 s (FileNotFoundError)."
    ]


async def test_a_child_that_waits_for_the_database_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    async with child(tmp_path, tmp_path, "none", "-m", "hotline.child") as process:
        assert process.stderr is not None
        assert b"waiting to start" in await asyncio.wait_for(process.stderr.readline(), 30)
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 10) == 1


async def test_one_that_could_not_be_started_is_started_later(tmp_path: Path) -> None:
    program = tmp_path / "program"
    supervised = ChildProcess("review", (str(program),), {}, tmp_path / "own")
    await supervised.start()
    async with asyncio.timeout(10):
        while supervised.starts < 2:  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(0.02)
        program.write_text("#!/bin/sh\nexec cat\n")
        program.chmod(0o700)
        while supervised.pid is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await supervised.stop()
