"""P4: timers. Millions of armed deadlines, 200 due each second; 200,000 due at once; 100,000 overdue after an outage.

The workers are two ``python -m sla worker`` with everything on: lock of docket and row, event with its basis, outbox,
relay, bus, and their own reading of that bus. Beside them stand the same rows fired by plain SQL, and the libraries
that fire timers from PostgreSQL, whose jobs do nothing.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from benchmarks import peers, results
from benchmarks.armed import Armed
from benchmarks.machine import CORES, Meter, what_binds
from benchmarks.running import ROOT
from common.clock import RealClock
from common.database import Database, room_url
from common.messaging.room import Room
from sla.timers import Knowledge, Timers

ARMED = int(os.environ.get("P4_ARMED", "5000000"))
AT_ONCE = int(os.environ.get("P4_AT_ONCE", "200000"))
OVERDUE = int(os.environ.get("P4_OVERDUE", "100000"))
_FEW = 100_000
_DUE_EACH_SECOND = 200
_WORKERS = 2
_PEERS: Mapping[str, int] = {"pgqueuer": 20_000, "apscheduler": 4_000, "procrastinate": 500}
"""Library → how many of its jobs come due, beside 100,000 that do not."""


async def measure(seconds: float) -> None:
    """``seconds`` of 200 due each second; the rest takes as long as it takes, about ten minutes with 5 M."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    armed = await Armed.prepare(folder)
    told: dict[str, Any] = {}
    try:
        async with armed.workers(1):
            await armed.until("select exists (select from calendar) and exists (select from policy_version)")
        far = RealClock().now() + timedelta(days=30)
        await armed.fill(_FEW, far, 0.5)
        few = await _idle(armed)
        told |= await _outage(armed)
        told |= await _beside(armed)
        await armed.fill(ARMED - armed.filled, far, 0.5)
        many = await _idle(armed)
        told["idle poll, µs, with 100 k / all armed"] = [round(few), round(many)]
        told["idle poll: ratio all / 100 k (aim: flat)"] = f"{many / few:.2f} with {armed.filled:,} armed"
        told |= await _steady(armed, seconds)
        told |= await _at_once(armed)
    finally:
        await armed.stop()
        shutil.rmtree(folder, ignore_errors=True)
    results.keep("p4", {**told, "again": "make bench NAME=p4"})


async def _idle(armed: Armed) -> float:
    """Median time of a look that finds nothing, in microseconds; everything is known up to now."""
    database = Database.open(room_url(armed.server.admin_url, "sla"), "sla", pool_size=2)
    room = Room("sla", database, RealClock())
    knowledge = Knowledge(room)
    knowledge.reached = dict.fromkeys(range(12), RealClock().now())
    timers = Timers(room, knowledge)
    spent = []
    try:
        for _ in range(400):
            began = time.perf_counter()
            assert await timers.fire() == 0
            spent.append(time.perf_counter() - began)
    finally:
        await database.close()
    return statistics.median(spent) * 1e6


async def _outage(armed: Armed) -> dict[str, Any]:
    """Two hours without sla; the workers start and everything overdue is told."""
    began_at = RealClock().now() - timedelta(hours=2)
    await armed.fill(OVERDUE, began_at, 7200 / OVERDUE)
    last = RealClock().now()
    began = time.monotonic()
    async with armed.workers(_WORKERS):
        meter = Meter(psutil.Process().children(recursive=True))
        first = await armed.until("select exists (select from deadline where state = 'breached')", every=0.02)
        await armed.until("select not exists (select from deadline where next_at <= $1)", last, seconds=300)
        took = time.monotonic() - began
        used = meter.read(psutil.Process().children(recursive=True))
        published = await armed.until("select not exists (select from outbox where published_at is null)", seconds=300)
    return {
        "after an outage: overdue, s from the start of the workers until the last is lit (aim 60)": [
            OVERDUE, round(took, 1),
        ],
        "after an outage: first lit after s, lamps/s from then, published s later": [
            round(first, 1), round(OVERDUE / max(took - first, 0.01)), round(published, 1),
        ],
        "after an outage: processor µs a lamp, starts included; s if left alone": _cost(used, OVERDUE),
        "after an outage: what binds": what_binds(used, took),
    }  # fmt: skip


def _cost(used: Mapping[str, float], lamps: int) -> list[float]:
    """What others do on the machine moves this less than it moves the seconds."""
    ours = sum(spent for who, spent in used.items() if who not in ("others", "generator"))
    return [round(ours * 1e6 / lamps), round(ours / CORES, 1)]


async def _steady(armed: Armed, seconds: float) -> dict[str, Any]:
    """200 due each second."""
    number = int(seconds * _DUE_EACH_SECOND)
    first = RealClock().now() + timedelta(seconds=45)
    await armed.fill(number, first, 1 / _DUE_EACH_SECOND)
    late = RealClock().now() > first - timedelta(seconds=5)
    last = first + timedelta(seconds=seconds)
    async with armed.workers(_WORKERS):
        await _sleep_until(last + timedelta(seconds=3))
    span = await armed.lateness(first, last)
    return {
        f"{_DUE_EACH_SECOND}/s due, {armed.filled:,} armed: lamps, lateness s p50, p99 (aim 1), most (aim 2)": [
            int(span["lamps"]), span["p50"], span["p99"], span["most"],
        ],
        "steady: not lit at the end": await armed.unlit(last),
        **({"steady: rows came after their limit": True} if late else {}),
    }  # fmt: skip


async def _at_once(armed: Armed) -> dict[str, Any]:
    """All at one instant, such as 17:30 before a holiday."""
    at = RealClock().now() + timedelta(seconds=60)
    await armed.fill(AT_ONCE, at)
    ready = (at - RealClock().now()).total_seconds()
    async with armed.workers(_WORKERS):
        await _sleep_until(at)
        meter = Meter(psutil.Process().children(recursive=True))
        took = await armed.until("select not exists (select from deadline where next_at <= $1)", at, seconds=300)
        used = meter.read(psutil.Process().children(recursive=True))
        span = await armed.lateness(at, at + timedelta(seconds=1))
        published = await armed.until("select not exists (select from outbox where published_at is null)", seconds=300)
    return {
        "at one instant: lamps, the last lit s late (aim 20), lamps/s": [
            int(span["lamps"]), span["most"], round(AT_ONCE / max(span["most"], 0.01)),
        ],
        "at one instant: processor µs a lamp; s if left alone": _cost(used, AT_ONCE),
        "at one instant: the last published s after that": round(published, 1),
        "at one instant: rows stood ready s before (below 3: the workers were still starting)": round(ready),
        "at one instant: what binds": what_binds(used, took),
    }  # fmt: skip


async def _sleep_until(at: datetime) -> None:
    await asyncio.sleep(max(0.0, (at - RealClock().now()).total_seconds()))


async def _beside(armed: Armed) -> dict[str, Any]:
    """What others reach: plain SQL on copies of the same rows, and the libraries on the same server."""
    ours = await _plain(armed, 20_000)
    told: dict[str, Any] = {"plain SQL, the same rows and an outbox row each, batches of 500: lamps/s": round(ours)}
    python = await _interpreter()
    for name, due in _PEERS.items():
        connection = await asyncpg.connect(armed.server.url("postgres", "postgres"))
        await connection.execute(f"create database peer_{name}")
        await connection.close()
        url = armed.server.url("postgres", f"peer_{name}")
        told[f"{name}: jobs/s that do nothing, {_FEW:,} waiting"] = await _peer(python, name, url, due)
    return told


async def _peer(python: Path | None, name: str, url: str, due: int) -> str:
    if python is None:
        return "not measured: cannot be installed here"
    running = await asyncio.create_subprocess_exec(
        *(str(python), str(ROOT / "benchmarks" / "peers.py"), name, url, str(_FEW), str(due)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, wrong = await asyncio.wait_for(running.communicate(), 240)
    except TimeoutError:
        running.kill()
        await running.wait()
        return f"fewer than {due / 240:.0f}"
    if running.returncode != 0:
        return f"not measured: {wrong.decode('utf-8', 'replace').strip().splitlines()[-1][:200]}"
    return f"{due / float(said):.0f}"


async def _interpreter() -> Path | None:
    """One with the libraries, in the user's cache; None where they cannot be had."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hotline" / "peers"
    python = home / "bin" / "python"
    wanted = sorted({one for release in peers.RELEASES.values() for one in release})
    kept = home / "installed"
    if kept.exists() and kept.read_text() == "\n".join(wanted):
        return python
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
    ]
    for command in commands:
        made = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        if await made.wait() != 0:
            return None
    kept.write_text("\n".join(wanted))
    return python


async def _plain(armed: Armed, number: int) -> float:
    """The least that any timer of this kind must do: take the oldest that are due, mark them, write an outbox row."""
    connection = await armed.connect()
    try:
        await connection.execute("create table plain (like deadline including all)")
        await connection.execute("create table plain_outbox (like outbox including all)")
        await connection.execute(
            "insert into plain select * from deadline where state = 'breached' limit $1", number, timeout=300
        )
        await connection.execute("update plain set state = 'approaching', next_at = due_at", timeout=300)
        await connection.execute("vacuum analyze plain")
        value = await connection.fetchval("select value from outbox limit 1")
        began = time.monotonic()
        fired = 0
        while (lit := int((await connection.execute(_PLAIN, value, 500)).split()[-1])) > 0:
            fired += lit
        took = time.monotonic() - began
        assert fired == number
        await connection.execute("drop table plain, plain_outbox")
    finally:
        await connection.close()
    return number / took


_PLAIN = """
    with ripe as (
        select id from plain where next_at <= now() order by next_at limit $2 for update skip locked
    ), lit as (
        update plain p set state = 'breached', breached_at = due_at, next_at = null
        from ripe where p.id = ripe.id returning p.id, p.subject
    )
    insert into plain_outbox (event_id, topic, subject, sequence, headers, value)
    select gen_random_uuid(), 'hotline.tickets', subject, 1, '{"ce_type": "hotline.DeadlineBreached.v1"}', $1 from lit
"""
