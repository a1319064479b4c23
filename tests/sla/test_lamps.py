"""Yellow and red lamps: when they are lit, what they wait for, and that each is lit once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.sla.desk import Desk
from tests.support.wire import at

from common.clock import FrozenClock
from common.events.sla import DeadlineApproaching, DeadlineBreached, OneDeadline
from common.observability import Metrics
from sla.auditor import Auditor
from sla.timers import Knowledge, Timers

SIGN_IN_DUE = "2024-09-30 00:00"


async def test_the_yellow_lamp_is_lit_before_and_the_red_one_at_the_limit(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-09-29 15:59:59")
    assert await desk.told(ticket, "sign_in") == []
    await desk.reach("2024-09-29 16:00")
    assert (await desk.row(ticket, "sign_in")).state == "approaching"
    await desk.reach("2024-09-29 23:59:59.999999")
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching"]
    await desk.reach(SIGN_IN_DUE)
    await desk.fire()
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching", "DeadlineBreached"]


async def test_a_lamp_tells_its_true_time_however_late_it_is_lit(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-02 03:00")
    [yellow] = await desk.events(ticket, "DeadlineApproaching")
    [red] = await desk.events(ticket, "DeadlineBreached")
    assert isinstance(yellow.data, DeadlineApproaching)
    assert isinstance(red.data, DeadlineBreached)
    assert yellow.data.occurred_at == at("2024-09-29 16:00")
    assert (red.data.occurred_at, red.data.due_at, red.time) == (
        at(SIGN_IN_DUE), at(SIGN_IN_DUE), at("2024-10-02 03:00"),
    )  # fmt: skip


async def test_nothing_fires_before_everything_until_then_is_known(desk: Desk) -> None:
    """The unit signed in one second before its limit; the bus was down for an hour."""
    ticket = await desk.dispatch()
    await desk.reach("2024-09-29 17:00")
    desk.set("2024-09-30 01:00")
    assert await desk.fire() == 0
    listed = (await desk.get(f"tickets/{ticket}/deadlines")).json()["items"]
    [sign_in] = [row for row in listed if row["kind"] == "sign_in"]
    assert (sign_in["state"], sign_in["overdue"], sign_in["unconfirmed"]) == ("approaching", True, True)
    await desk.tell(desk.signed_in(ticket, "2024-09-29 23:59:59"))
    await desk.catch_up()
    await desk.fire()
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching", "DeadlineMet"]


async def test_a_partition_that_was_not_read_holds_only_its_own_tickets_back(desk: Desk) -> None:
    here, there = await desk.dispatch(), await desk.dispatch()
    async with desk.service.room.database.engine.begin() as connection:
        await connection.execute(text("update deadline set partition = 7 where ticket = :ticket"), {"ticket": there})
    desk.set(SIGN_IN_DUE)
    await desk.catch_up(0)
    await desk.fire()
    assert (await desk.row(here, "sign_in")).state == "breached"
    assert (await desk.row(there, "sign_in")).state == "armed"
    await desk.catch_up(7)
    await desk.fire()
    assert (await desk.row(there, "sign_in")).state == "breached"


async def test_what_another_worker_has_read_is_known_here_from_the_table(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()
    elsewhere = Timers(desk.service.room, Knowledge(desk.service.room))
    assert await elsewhere.fire() == 1
    assert (await desk.row(ticket, "sign_in")).state == "breached"


async def test_a_ticket_with_a_parked_event_is_held_back_until_it_is_discarded(desk: Desk) -> None:
    ticket = await desk.dispatch()
    broken = desk.wire.message(desk.signed_in(ticket))
    await desk.tell(replace(broken, value=b"{}"))
    assert len(await desk.parked()) == 1
    await desk.reach(SIGN_IN_DUE)
    assert await desk.told(ticket, "sign_in") == []
    assert not await desk.timers.unfinished()
    async with desk.service.room.database.engine.begin() as connection:
        await connection.execute(text("update parked set ended_at = now(), ended_how = 'discarded'"))
    assert await desk.timers.unfinished()
    await desk.fire()
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching", "DeadlineBreached"]


async def test_after_an_outage_everything_fires_once_in_the_order_of_its_time(desk: Desk) -> None:
    tickets = [await desk.dispatch()]
    for day in ("2024-09-28 10:00", "2024-09-29 09:00", "2024-09-30 08:00"):
        desk.set(day)
        tickets += [await desk.dispatch(type="inquiry"), await desk.dispatch()]
    desk.set("2024-10-20 12:00")
    await desk.catch_up()
    small = Timers(desk.service.room, desk.knowledge, most=4)
    while await small.fire():
        pass
    fired = await desk.wire.announced("DeadlineApproaching", "DeadlineBreached")
    instants = [event.data.occurred_at for event in fired if isinstance(event.data, OneDeadline)]
    assert instants == sorted(instants)
    once = Counter((event.type, event.subject, getattr(event.data, "kind", "")) for event in fired)
    assert set(once.values()) == {1}
    # Every sign-in twice, every inquiry's closing twice; the complaints' closings have time until 23 October.
    assert len(fired) == 2 * 7 + 2 * 3
    assert instants[-1] < at("2024-10-20 12:00")


async def test_two_workers_at_once_light_every_lamp_once(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(16)]
    desk.set("2024-10-01 00:00")
    await desk.catch_up()
    workers = [Timers(desk.service.room, desk.knowledge, most=5) for _ in range(2)]

    async def drain(worker: Timers) -> None:
        for _ in range(20):
            await worker.fire()

    await asyncio.gather(*(drain(worker) for worker in workers))
    fired = await desk.wire.announced("DeadlineApproaching", "DeadlineBreached")
    once = Counter((event.type, event.subject) for event in fired)
    assert set(once.values()) == {1}
    assert len(fired) == 2 * len(tickets)


async def test_simulated_time_stops_at_warnings_and_limits(desk: Desk) -> None:
    await desk.dispatch()
    stops = []
    for _ in range(4):
        due = await desk.service.next_due()
        assert due is not None
        stops.append(due)
        desk.clock.set(due)
        assert await desk.service.unfinished() == ["lamps to light"]
        await desk.catch_up()
        await desk.fire()
        assert await desk.service.unfinished() == []
    assert stops == [at("2024-09-29 16:00"), at(SIGN_IN_DUE), at("2024-10-23 00:00"), at("2024-10-24 00:00")]
    assert await desk.service.next_due() is None


async def test_the_auditor_finds_what_the_timers_left(desk: Desk) -> None:
    await desk.dispatch()
    await desk.dispatch()
    auditor = Auditor(desk.service.room, Metrics("sla"))
    desk.set("2024-09-30 00:00:31")
    await desk.catch_up()
    assert [await auditor.look(), await auditor.look()] == [0, 2]
    await desk.fire()
    assert await auditor.look() == 0


async def test_the_auditor_is_silent_within_thirty_seconds_of_the_limit(desk: Desk) -> None:
    await desk.dispatch()
    await desk.reach("2024-09-29 16:00")
    auditor = Auditor(desk.service.room, Metrics("sla"))
    desk.set("2024-09-30 00:00:30")
    await desk.catch_up()
    assert [await auditor.look(), await auditor.look()] == [0, 0]


async def test_position_is_noted_at_once_when_simulated_time_steps_and_never_goes_back(desk: Desk) -> None:
    async def noted() -> list[tuple[int, object]]:
        async with desk.service.room.database.engine.connect() as connection:
            rows = await connection.execute(text("select partition, at from caught_up order by partition"))
            return [(row.partition, row.at) for row in rows]

    await desk.catch_up(0, 3)
    desk.set("2024-09-28 16:00")
    await desk.catch_up(3)
    assert await noted() == [(0, at("2024-09-27 16:00")), (3, at("2024-09-28 16:00"))]
    behind = Knowledge(desk.service.room)
    await behind.learn([("hotline.tickets", 3), ("hotline.reference", 0)], at("2024-09-28 15:00"))
    assert await noted() == [(0, at("2024-09-27 16:00")), (3, at("2024-09-28 16:00"))]


@pytest.mark.parametrize("seconds_early", [1, 3600])
async def test_the_clock_of_the_worker_counts_as_well_as_what_was_read(desk: Desk, seconds_early: int) -> None:
    """A partition cannot be known further than it is: domain time that stands earlier fires nothing."""
    ticket = await desk.dispatch()
    await desk.knowledge.learn([("hotline.tickets", 0)], at(SIGN_IN_DUE))
    early = FrozenClock(at("2024-09-29 16:00") - timedelta(seconds=seconds_early))
    room = type(desk.service.room)("sla", desk.service.room.database, early)
    assert await Timers(room, desk.knowledge).fire() == 0
    assert await desk.told(ticket, "sign_in") == []
