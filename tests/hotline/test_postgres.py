"""The embedded PostgreSQL: the data outlives everything, the server outlives nothing."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from hotline import postgres
from hotline.guard import (
    DataDirectoryBroken,
    DataDirectoryForbidden,
    DataDirectoryLocked,
    PlatformUnsupported,
    refuse_platform,
)

pytestmark = pytest.mark.database

# A process that starts the server, says so, and waits to be killed.
HOLDER = """
import sys, pathlib, signal
from hotline import postgres
server = postgres.start(pathlib.Path(sys.argv[1]), fsync=False)
print(server.guard.pid, flush=True)
signal.pause()
"""


@contextlib.asynccontextmanager
async def connected(server: postgres.Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


async def remember(server: postgres.Server, word: str) -> None:
    async with connected(server) as connection:
        await connection.execute("create table if not exists kept (word text primary key)")
        await connection.execute("insert into kept values ($1)", word)


async def remembered(server: postgres.Server) -> list[str]:
    async with connected(server) as connection:
        return [row["word"] for row in await connection.fetch("select word from kept order by word")]


def postmaster_of(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))


def dead(process: psutil.Process) -> bool:
    """Ended, if perhaps not yet reaped by whoever inherited it."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_a_second_start_finds_the_data_again(tmp_path: Path) -> None:
    first = postgres.start(tmp_path)
    await remember(first, "来电")
    first.stop()
    second = postgres.start(tmp_path)
    try:
        assert await remembered(second) == ["来电"]
    finally:
        second.stop()


async def test_nothing_survives_a_killed_parent_and_the_data_does(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        guard = psutil.Process(int(parent.stdout.readline()))
        server = postmaster_of(tmp_path)
        connection = await asyncpg.connect(f"postgresql://postgres@/hotline?host={tmp_path / 'postgres'}")
        await connection.execute("create table kept as select '来电' as word")
        parent.kill()
    psutil.wait_procs([server, guard], timeout=30)
    assert dead(server)
    assert dead(guard)
    connection.terminate()
    again = postgres.start(tmp_path, fsync=False)
    try:
        assert await remembered(again) == ["来电"]
    finally:
        again.stop()


async def test_a_server_whose_guard_was_killed_too_is_stopped_by_the_next_start(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        guard = int(parent.stdout.readline())
        orphan = postmaster_of(tmp_path)
        for process in psutil.Process(guard).children():
            if process.name() == "sh":
                process.kill()  # the watcher
        os.kill(guard, signal.SIGKILL)
        parent.kill()
    assert not dead(orphan)
    again = postgres.start(tmp_path, fsync=False)
    try:
        assert dead(orphan)
        await remember(again, "来电")
    finally:
        again.stop()


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, fsync=False)
    try:
        assert os.getsid(server.guard.pid) != os.getsid(0)
        assert os.getsid(postmaster_of(tmp_path).pid) == server.guard.pid
    finally:
        server.stop()


def test_a_directory_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, fsync=False)
    try:
        with pytest.raises(DataDirectoryLocked, match=rf"{tmp_path} is in use .*process {os.getpid()}"):
            postgres.start(tmp_path)
    finally:
        server.stop()


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "照片.jpg").write_bytes(b"x")
    with pytest.raises(DataDirectoryBroken, match="not a PostgreSQL data directory"):
        postgres.start(tmp_path)
    assert (tmp_path / "postgres" / "照片.jpg").exists()


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataDirectoryBroken, match=r"made by PostgreSQL 17, this is 18"):
        postgres.start(tmp_path)


def test_a_damaged_database_is_refused_with_what_postgresql_said_and_the_lock_is_given_back(tmp_path: Path) -> None:
    postgres.start(tmp_path, fsync=False).stop()
    (tmp_path / "postgres" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    for _ in range(2):
        with pytest.raises(DataDirectoryBroken, match=r"could not start on .*(FATAL|PANIC)"):
            postgres.start(tmp_path, fsync=False)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryForbidden, match="Cannot create"):
        postgres.start(tmp_path / "file" / "data")


@pytest.mark.parametrize("platform", ["win32", "cygwin", "emscripten"])
def test_an_unsupported_platform_is_refused_with_the_way_out(platform: str) -> None:
    with pytest.raises(PlatformUnsupported, match=rf"not on {platform}.*HOTLINE_DATABASE"):
        refuse_platform(platform)


def test_a_creation_that_was_killed_half_way_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    postgres.start(tmp_path, fsync=False).stop()
    assert not (tmp_path / "postgres.new").exists()


async def test_a_dead_servers_number_that_another_program_has_now_does_not_matter(tmp_path: Path) -> None:
    postgres.start(tmp_path, fsync=False).stop()
    left = f"{os.getpid()}\n{tmp_path / 'postgres'}\n1700000000\n5432\n\n\n  1 1\nready   \n"
    (tmp_path / "postgres" / "postmaster.pid").write_text(left)
    server = postgres.start(tmp_path, fsync=False)
    try:
        await remember(server, "来电")
    finally:
        server.stop()


async def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    server = postgres.start(tmp_path / ("长" * 40), fsync=False)
    try:
        await remember(server, "来电")
    finally:
        server.stop()
        server.socket_folder.rmdir()


async def test_only_the_servers_own_user_reaches_the_socket(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, fsync=False)
    try:
        assert server.socket_folder.stat().st_mode & 0o77 == 0
        async with connected(server) as connection:
            assert await connection.fetchval("show listen_addresses") == ""
    finally:
        server.stop()


async def test_the_log_holds_nothing_personal(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, fsync=False)
    try:
        await remember(server, "13900000000")
        with pytest.raises(asyncpg.UniqueViolationError):
            await remember(server, "13900000000")
        async with connected(server) as connection:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.execute("select 1/0 -- 13900000000")
    finally:
        server.stop()
    assert "division by zero" in server.log.read_text()
    assert "13900000000" not in server.log.read_text()
