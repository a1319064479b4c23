"""A child process that starts while the database recovers, or is not there at all."""

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase

from hotline.children import private_client
from hotline.plan import ChildOrders, Plan

pytestmark = pytest.mark.database

ROOT = Path(__file__).parents[2]
_RECOVERING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is not yet accepting connections\0\0"
_IMPATIENT = "import runpy; from common.runtime import patience; patience.when_reachable.__defaults__ = (1.0,); "
_RUN = "runpy.run_module('hotline.child', run_name='__main__')"


class Recovering:
    """Stands before the database: turns away the first connections as a server that recovers does."""

    def __init__(self, behind: Path, times: int) -> None:
        self._behind = behind
        self.left = times

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.left > 0:
                self.left -= 1
                length = struct.unpack("!i", await reader.readexactly(4))[0]
                await reader.readexactly(length - 4)
                writer.write(b"E" + struct.pack("!i", len(_RECOVERING) + 4) + _RECOVERING)
                await writer.drain()
            else:
                inner_reader, inner_writer = await asyncio.open_unix_connection(self._behind / ".s.PGSQL.5432")
                await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


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
    before = Recovering(Path(folder), times=5)
    server = await asyncio.start_unix_server(before.serve, tmp_path / ".s.PGSQL.5432")
    async with server, child(tmp_path, tmp_path, path.rpartition("/")[2], "-m", "hotline.child") as process:
        async with asyncio.timeout(60):
            while not await _answers(tmp_path):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        assert before.left == 0
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
