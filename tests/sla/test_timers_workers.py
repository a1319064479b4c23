"""Timer workers as processes of their own: killed, frozen, two at once (T3, R16 for timers); mutants are found out."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Interval, bindparam, text
from tests.conftest import FreshDatabase
from tests.messaging.fleet import until
from tests.sla.desk import Desk
from tests.sla.lamp_oracle import faults

LEASE = 0.7
"""Seconds that a worker may be silent inside a transaction; ten in production."""
OVERDUE = "2024-10-01 00:00"
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@asynccontextmanager
async def worker(
    database: FreshDatabase, name: str = "timers", failpoints: str = "", **environment: str
) -> AsyncIterator[Process]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.sla.timer_member", database.admin_url, str(LEASE), name),
        env=os.environ | {"HOTLINE_FAILPOINTS": failpoints} | environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def killed(database: FreshDatabase, name: str, batch: int) -> None:
    async with worker(database, name, f"timers.before_commit:{batch}:kill") as dying:
        assert await dying.wait() == -signal.SIGKILL


async def works_to_the_end(database: FreshDatabase, name: str = "timers", **environment: str) -> str:
    async with worker(database, name, **environment) as running:
        said, _ = await running.communicate()
        assert running.returncode == 0
    return said.decode()


async def overdue(desk: Desk, tickets: int) -> None:
    """So many sign-ins are overdue; sla was away, and knows now that nobody signed in."""
    for _ in range(tickets):
        await desk.dispatch()
    desk.set(OVERDUE)
    await desk.catch_up()


async def counted(desk: Desk) -> Counter[int]:
    """How often each lamp was told → how many such lamps, of those that are lit."""
    told = Counter(
        (event.type, event.subject) for event in await desk.wire.announced("DeadlineApproaching", "DeadlineBreached")
    )
    async with desk.service.room.database.engine.connect() as connection:
        lit = await connection.execute(text("select subject from deadline where state = 'breached'"))
        for subject in lit.scalars():
            for lamp in ("DeadlineApproaching", "DeadlineBreached"):
                told.setdefault((lamp, subject), 0)
    return Counter(told.values())


async def test_workers_that_are_killed_in_mid_batch_cost_no_lamp_and_double_none(
    desk: Desk, database: FreshDatabase
) -> None:
    """T3: five deaths here, a hundred in the long run (``docs/timers.md``)."""
    deaths = int(os.environ.get("HOTLINE_DEATHS", "5"))
    await overdue(desk, 4 * (deaths + 2))
    for death in range(deaths):
        await killed(database, "timers", 1 + death % 2)
    await works_to_the_end(database)
    assert await counted(desk) == {1: 8 * (deaths + 2)}
    assert faults(await desk.wire.announced()) == []


async def test_the_mutant_that_tells_afterwards_loses_lamps_when_it_is_killed(
    desk: Desk, database: FreshDatabase
) -> None:
    await overdue(desk, 12)
    await killed(database, "tells_afterwards", 2)
    await works_to_the_end(database, "tells_afterwards")
    assert (await counted(desk))[0] == 8


async def test_two_workers_share_what_is_due(desk: Desk, database: FreshDatabase) -> None:
    await overdue(desk, 48)
    await asyncio.gather(works_to_the_end(database), works_to_the_end(database))
    assert await counted(desk) == {1: 96}


async def frozen_for_three_leases(desk: Desk, database: FreshDatabase, name: str) -> str:
    """A worker freezes in mid-batch; the server ends its session, another works on, and it wakes. What it said."""
    async with worker(database, name, "timers.before_commit:2:freeze") as zombie:
        await until(lambda: _stopped(zombie))
        await until(lambda: _cut_off(desk))
        await until(_after(3 * LEASE))
        await works_to_the_end(database, name)
        zombie.send_signal(signal.SIGCONT)
        said, _ = await zombie.communicate()
    return said.decode()


async def _stopped(process: Process) -> bool:
    return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)


async def _cut_off(desk: Desk) -> bool:
    async with desk.service.room.database.engine.connect() as connection:
        query = "select count(*) from pg_stat_activity where usename = 'sla' and state like 'idle in transaction%'"
        return (await connection.execute(text(query))).scalar() == 0


def _after(seconds: float) -> Callable[[], Awaitable[bool]]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def passed() -> bool:
        return loop.time() >= end

    return passed


async def test_a_worker_frozen_for_three_leases_lights_nothing_when_it_wakes(
    desk: Desk, database: FreshDatabase
) -> None:
    await overdue(desk, 12)
    said = await frozen_for_three_leases(desk, database, "timers")
    assert "interrupted" in said
    assert await counted(desk) == {1: 24}


async def test_the_mutant_without_lock_and_generation_lights_twice_when_it_wakes(
    desk: Desk, database: FreshDatabase
) -> None:
    await overdue(desk, 12)
    await frozen_for_three_leases(desk, database, "looks_beforehand")
    assert (await counted(desk))[2] == 8
    assert any(fault.startswith("told twice") for fault in faults(await desk.wire.announced()))


@pytest.mark.skipif(not LIBRARY.exists(), reason="libfaketime is not installed: apt-get install faketime")
@pytest.mark.parametrize(
    ("name", "shift", "lit"),
    [("timers", "+3d", 1), ("timers", "-1h", 1), ("wall_clock", "+3d", 3), ("wall_clock", "-1h", 0)],
)
async def test_a_host_whose_clock_jumps_lights_nothing_early_and_nothing_late(
    desk: Desk, database: FreshDatabase, name: str, shift: str, lit: int
) -> None:
    """T6: the database's clock is right. One limit has passed, two lie ahead; ``wall_clock`` is the mutant."""
    await overdue(desk, 3)
    async with desk.service.room.database.engine.begin() as connection:
        await connection.execute(text("update deadline set next_at = null, state = 'closed' where kind <> 'sign_in'"))
        await connection.execute(text("update caught_up set at = clock_timestamp() + interval '10 days'"))
        tickets = (await connection.execute(text("select ticket from deadline where kind = 'sign_in'"))).scalars().all()
        for ticket, ahead in zip(
            tickets, (timedelta(minutes=-1), timedelta(minutes=30), timedelta(days=2)), strict=True
        ):
            await connection.execute(_DUE_IN, {"ticket": ticket, "ahead": ahead})
    shifted = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    await works_to_the_end(database, name, **shifted)
    assert len(await desk.wire.announced("DeadlineBreached")) == lit


_DUE_IN = text(
    """
    update deadline set next_at = clock_timestamp() + :ahead, due_at = clock_timestamp() + :ahead, warn_at = null
    where kind = 'sign_in' and ticket = :ticket
    """
).bindparams(bindparam("ahead", type_=Interval))
