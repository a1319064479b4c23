"""Timers around an outage: the database's clock jumps (T7), the bus is away (T13), a backup comes back (T14), four
weeks go by (T15); and what the auditor sees of timers that are wrong."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.conftest import FreshDatabase
from tests.sla.desk import Desk
from tests.sla.lamp_oracle import faults
from tests.sla.timer_mutants import TellsAfterwards
from tests.support.wire import Wire, alone, at

from common.clock import DatabaseClock, SimulatedClock
from common.events.catalogue import TICKETS
from common.events.codec import peek
from common.events.sla import OneDeadline
from common.messaging.relay import Relay, unpublished
from common.messaging.room import Room
from common.messaging.wakeup import Bell
from common.observability import Metrics
from common.runtime.timekeeping import ask_the_time
from hotline import postgres
from sla.auditor import Auditor
from sla.service import build
from sla.timers import Knowledge, Timers

SIGN_IN_DUE = "2024-09-30 00:00"
LAMPS = ("DeadlineApproaching", "DeadlineBreached")


async def change(desk: Desk, statement: str, **given: object) -> None:
    async with desk.service.room.database.engine.begin() as connection:
        await connection.execute(text(statement), given)


async def looked(auditor: Auditor) -> int:
    """What the auditor alarms about: seen in two looks running."""
    await auditor.look()
    return await auditor.look()


# --- T7: the database's clock ---


async def test_a_database_clock_that_jumps_ahead_and_back_doubles_nothing(desk: Desk) -> None:
    """Lamps of the hour that was jumped over are lit early, once; those behind it at their time."""
    tickets = [await desk.dispatch() for _ in range(3)]
    for ticket, due_at in zip(tickets, ("12:00", "12:30", "14:00"), strict=True):
        await change(
            desk,
            "update deadline set due_at = :at, next_at = :at, warn_at = null "
            "where ticket = :ticket and kind = 'sign_in'",
            at=at(f"2024-09-28 {due_at}"), ticket=ticket,
        )  # fmt: skip
    clock = DatabaseClock()
    room = Room("sla", desk.service.room.database, clock)
    timers = Timers(room, Knowledge(room))
    told = []
    for says in ("11:59", "13:00", "12:00:01", "12:45", "14:00"):  # true, an hour ahead, back, and on
        reading = loop_time()
        clock.look(at(f"2024-09-28 {says}"), reading, reading)
        await change(desk, "insert into caught_up values (0, :at) on conflict (partition) do update set at = :at",
                     at=clock.now())  # fmt: skip
        await timers.fire()
        told.append(len(await desk.wire.announced(*LAMPS)))
    assert told == [0, 2, 2, 2, 3]
    assert faults(await desk.wire.announced()) == []


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def test_a_jump_of_the_database_clock_is_an_alarm_at_the_next_look(desk: Desk) -> None:
    clock = DatabaseClock()
    await ask_the_time(desk.service.room.database, clock)
    assert abs(clock.ahead()) < 1
    reading = loop_time()
    clock.look(clock.now() - timedelta(hours=1), reading, reading)  # as it was before it jumped
    with capture_logs() as logs:
        await ask_the_time(desk.service.room.database, clock)
    [line] = [one for one in logs if one["event"] == "database's clock jumped"]
    assert line["seconds"] == pytest.approx(3600, abs=1)


# --- T13: the bus is away ---


async def test_lamps_lit_while_the_bus_is_away_are_told_when_it_is_back(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(6)]
    await desk.reach(SIGN_IN_DUE)
    assert await unpublished(desk.service.room) >= 12
    relay = Relay(desk.service.room, desk.around.bus.sink(), Bell())
    async with desk.service.room.database.engine.connect() as pooled:
        connection = await pooled.execution_options(isolation_level="AUTOCOMMIT")
        while await relay.publish_some(connection):
            pass
    source = desk.around.bus.source("onlookers", [TICKETS])
    await source.start()
    read: Counter[tuple[str, str]] = Counter()
    while messages := (await source.fetch(100, 0.2)).messages:
        heads = [peek(message) for message in messages]
        read.update((head.type, head.subject) for head in heads if head.type in LAMPS)
    await source.close()
    assert read == Counter({(lamp, f"ticket/{ticket}"): 1 for lamp in LAMPS for ticket in tickets})


@pytest.mark.parametrize("kind", [Timers, TellsAfterwards])
async def test_a_lamp_that_cannot_be_told_is_not_lit(desk: Desk, kind: type[Timers]) -> None:
    """The outbox refuses a row: no deadline of the batch is changed. The mutant lights what it never tells."""
    await desk.dispatch()
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()
    await change(desk, "alter table outbox rename to outbox_gone")
    with pytest.raises(Exception, match="outbox"):
        await kind(desk.service.room, desk.knowledge).fire()
    await change(desk, "alter table outbox_gone rename to outbox")
    assert await desk.fire() == (1 if kind is Timers else 0)
    assert len(await desk.wire.announced(*LAMPS)) == (2 if kind is Timers else 0)


# --- T14: a backup with overdue deadlines ---


@pytest.fixture
async def restored(
    desk: Desk, database: FreshDatabase, postgres: postgres.Server, tmp_path: Path
) -> AsyncIterator[Desk]:
    """sla as of a dump of its schema that was made before, three weeks later."""
    for day in ("2024-09-28 10:00", "2024-09-29 09:00", "2024-09-30 08:00"):
        desk.set(day)
        for _ in range(3):
            await desk.dispatch()
    dump = tmp_path / "sla.dump"
    command(postgres, "pg_dump", "--format=custom", "--schema=sla", f"--file={dump}", f"--dbname={database.admin_url}")
    command(postgres, "psql", f"--dbname={database.admin_url}", "--command=drop schema sla cascade")
    command(postgres, "pg_restore", "--exit-on-error", f"--dbname={database.admin_url}", str(dump))
    clock = SimulatedClock(at("2024-10-20 12:00"))
    again = tmp_path / "again"
    again.mkdir()
    async with alone(build, database, clock, again) as found:
        yield Desk(found.service, Wire(found.service, clock), desk.client, found.issuer, clock, found.around)


def command(server: postgres.Server, name: str, *words: str) -> None:
    subprocess.run([str(postgres._program(name)), *words], check=True, capture_output=True, timeout=60)


async def test_after_a_restore_all_that_is_overdue_fires_once_oldest_first_with_its_true_time(restored: Desk) -> None:
    auditor = Auditor(restored.service.room, Metrics("sla"))
    await restored.catch_up()
    assert await looked(auditor) > 0
    small = Timers(restored.service.room, restored.knowledge, most=4)
    while await small.fire():
        pass
    assert await looked(auditor) == 0
    fired = await restored.wire.announced(*LAMPS)
    instants = [event.data.occurred_at for event in fired if isinstance(event.data, OneDeadline)]
    assert instants == sorted(instants)
    assert len(fired) == 18
    assert {event.time for event in fired} == {at("2024-10-20 12:00")}
    assert instants[0] < at("2024-10-01 00:00")
    assert faults(await restored.wire.announced()) == []


# --- T15: four weeks ---


async def test_four_weeks_step_by_step_drift_by_nothing(desk: Desk) -> None:
    """Simulated time steps from instant to instant, as it does in the suite; tickets come every day at odd hours."""
    began = desk.clock.now()
    arrivals = [began + timedelta(days=day, hours=day % 7, minutes=7 * day % 60, seconds=day) for day in range(28)]
    types = ("complaint", "inquiry")
    for number in range(400):
        due = await desk.service.next_due()
        arriving = arrivals[0] if arrivals else began + timedelta(days=28)
        if due is not None and due <= arriving:
            desk.clock.set(due)
            await desk.catch_up()
            assert await desk.fire() > 0
        elif arrivals:
            desk.clock.set(arrivals.pop(0))
            await desk.dispatch(type=types[number % 2])
        else:
            break
    fired = await desk.wire.announced(*LAMPS)
    assert len(fired) > 60
    assert [event.time for event in fired if isinstance(event.data, OneDeadline)] == [
        event.data.occurred_at for event in fired if isinstance(event.data, OneDeadline)
    ]
    assert faults(await desk.wire.announced()) == []
    assert await looked(Auditor(desk.service.room, Metrics("sla"))) == 0


# --- the auditor ---


async def test_the_auditor_finds_a_deadline_that_the_timers_were_not_told_of(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await change(desk, "update deadline set next_at = null where ticket = :ticket and kind = 'sign_in'", ticket=ticket)
    await desk.reach("2024-09-30 00:01")
    assert await desk.told(ticket, "sign_in") == []
    assert await looked(Auditor(desk.service.room, Metrics("sla"))) == 1


async def test_the_auditor_finds_a_deadline_that_the_timers_were_told_wrongly(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await change(
        desk, "update deadline set next_at = next_at + interval '1 year' where ticket = :ticket and kind = 'sign_in'",
        ticket=ticket,
    )  # fmt: skip
    await desk.reach("2024-09-29 16:01")
    assert await looked(Auditor(desk.service.room, Metrics("sla"))) == 1, "the yellow lamp counts, too"


async def test_the_auditor_finds_timers_that_skip_a_partition(desk: Desk) -> None:
    class Skips(Timers):
        """The mutant: of partition 7 it lights nothing."""

        async def fire(self) -> int:
            await change(desk, "update deadline set next_at = next_at + interval '9 years' where partition = 7")
            lit = await super().fire()
            await change(desk, "update deadline set next_at = next_at - interval '9 years' where partition = 7")
            return lit

    _, there = await desk.dispatch(), await desk.dispatch()
    await change(desk, "update deadline set partition = 7 where ticket = :ticket", ticket=there)
    desk.set("2024-09-30 00:01")
    await desk.catch_up(0, 7)
    auditor = Auditor(desk.service.room, Metrics("sla"))
    assert await Skips(desk.service.room, desk.knowledge).fire() == 1
    assert await looked(auditor) == 1
    assert await Timers(desk.service.room, desk.knowledge).fire() == 1
    assert await looked(auditor) == 0


async def test_the_auditor_tells_of_partitions_that_nobody_reads(desk: Desk) -> None:
    await desk.dispatch()
    await change(desk, "update deadline set partition = 7")
    desk.set("2024-09-30 00:01")
    await desk.catch_up(0)
    with capture_logs() as logs:
        await looked(Auditor(desk.service.room, Metrics("sla")))
    assert [one["deadlines"] for one in logs if one["event"] == "deadlines of partitions that nobody reads"] == [1, 1]


async def test_however_many_are_held_back_the_auditor_sees_those_without_an_excuse(desk: Desk) -> None:
    unread, _ = await desk.dispatch(), await desk.dispatch()
    await change(desk, "update deadline set partition = 7, due_at = due_at - interval '1 day' where ticket = :ticket",
                 ticket=unread)  # fmt: skip
    desk.set("2024-09-30 00:01")
    await desk.catch_up(0)
    assert await looked(Auditor(desk.service.room, Metrics("sla"), most=1)) == 1
