"""P2: whole lives through five services, beside pgbench writing the same rows."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import psutil

from benchmarks import anchor, results
from benchmarks.lives import Life
from benchmarks.machine import Meter, grouped, what_binds
from benchmarks.office import Office
from benchmarks.oracle import busy
from benchmarks.running import SuiteRun
from hotline import broker, postgres

_CLIENTS, _ANCHOR_CLIENTS = 32, 32
_WARM_UP_LIVES = 64
_AIM = 60


async def embedded(seconds: float) -> None:
    """On the embedded default, two processes."""
    await _measure("p2", "2", "", seconds)


async def kafka(seconds: float) -> None:
    """On a real Apache Kafka, one process a service."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-kafka-"))
    server = await asyncio.to_thread(broker.start, folder)
    try:
        await _measure("p2-kafka", "per-service", f"kafka://{server.bootstrap}", seconds, server.guard.pid)
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(name: str, processes: str, bus: str, seconds: float, broker_guard: int | None = None) -> None:
    data = Path(tempfile.mkdtemp(prefix="hotline-"))
    suite = SuiteRun(data, processes=processes, bus=bus)

    def everybody() -> Iterable[psutil.Process]:
        beside = psutil.Process(broker_guard).children(recursive=True) if broker_guard else []
        return [*suite.tree(), *beside]

    try:
        await suite.start()
        office = Office(suite)
        with suite.line() as line:
            await office.enter_units(line)
        await _live(suite, office, "warm", lives=_WARM_UP_LIVES)
        await asyncio.sleep(2)
        before = await anchor.counters(suite.admin_url)
        office.waits.clear()
        meter, began = Meter(everybody()), time.monotonic()
        lives = await _live(suite, office, "run", seconds=seconds)
        last_command = time.monotonic() - began
        await _quiet(suite)
        took = time.monotonic() - began
        used = meter.read(everybody())
        await asyncio.sleep(2)
        written = anchor.per_piece(before, await anchor.counters(suite.admin_url), lives)
        archived = await _archived(suite)
        await suite.stop()
        limit = await _limit(data, written, seconds)
    finally:
        await suite.kill()
        shutil.rmtree(data, ignore_errors=True)
    rate = lives / took
    cost = sum(spent for who, spent in used.items() if who not in ("others", "generator")) * 1e6 / lives
    results.keep(
        name,
        {
            "lives/s": f"{rate:.1f} (aim {_AIM})",
            "pgbench, the same rows of a life, transactions/s": round(limit.rate, 1),
            "pgbench, processor ms a transaction": round(limit.processor_us / 1e3, 2),
            "ratio": f"{rate / limit.rate:.1%} (aim 15 %)",
            "ratio by processor time, without generator": f"{limit.processor_us / cost:.1%} of {cost / 1e3:.1f} ms",
            "lives": f"{lives} with {_CLIENTS} clients in {took:.1f} s, {archived - _WARM_UP_LIVES} archived",
            "behind when the last command was answered": f"{took - last_command:.2f} s",
            "what binds": what_binds(used, took),
            "processor ms a life": {who: round(spent * 1e3 / lives, 2) for who, spent in grouped(used).items()},
            "of PostgreSQL's": {
                who: round(spent * 1e3 / lives, 2)
                for who, spent in used.items()
                if who.startswith("postgres") and spent * 1e3 / lives >= 0.1
            },
            "rows a life, inserted": round(sum(rows.inserted for rows in written.values()), 1),
            "rows a life, updated": round(sum(rows.updated for rows in written.values()), 1),
            "by table (inserted, updated)": {
                table: (round(rows.inserted, 1), round(rows.updated, 1))
                for table, rows in sorted(written.items())
                if rows.inserted + rows.updated >= 0.1
            },
            "clients waited for": dict(office.waits),
            "oddities": office.oddities[:3],
            "again": f"make bench NAME={name}",
        },
    )


async def _live(suite: SuiteRun, office: Office, name: str, *, lives: int = 0, seconds: float = 0.0) -> int:
    """Whole lives, one after another on each of the lines: so many, or for so long; how many were lived."""
    began, count = time.monotonic(), 0

    async def one_after_another() -> None:
        nonlocal count
        with suite.line() as line:
            while count < lives or time.monotonic() - began < seconds:
                number, count = count, count + 1
                await Life(office, line, f"{name}-{number}", number).live("archived")

    await asyncio.gather(*(one_after_another() for _ in range(_CLIENTS)))
    await _quiet(suite)
    return count


async def _quiet(suite: SuiteRun) -> None:
    """Everything announced is consumed by everybody."""
    connection = await asyncpg.connect(suite.admin_url)
    try:
        async with asyncio.timeout(120):
            while await busy(connection):  # noqa: ASYNC110 - other processes work in between
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def _archived(suite: SuiteRun) -> int:
    connection = await asyncpg.connect(suite.admin_url)
    try:
        return int(await connection.fetchval("select count(*) from dispatch.docket where status = 'archived'"))
    finally:
        await connection.close()


async def _limit(data: Path, written: dict[str, anchor.Written], seconds: float) -> anchor.Limit:
    server = await asyncio.to_thread(postgres.start, data)
    try:
        script = await anchor.prepare(server.admin_url, written)
        return await anchor.pgbench(server, script, clients=_ANCHOR_CLIENTS, seconds=seconds, folder=data)
    finally:
        await asyncio.to_thread(server.stop)
