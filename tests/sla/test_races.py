"""Races about one deadline end in one of the allowed ways, and a worker that dies in mid-batch leaves nothing half."""

import asyncio
from collections import Counter

from tests.sla.desk import Desk
from tests.support.wire import at

from sla.recompute import Recount
from sla.store import lock_dockets
from sla.timers import Timers

SIGN_IN_DUE = "2024-09-30 00:00"
IN_TIME = "2024-09-29 23:59:59"
ALLOWED = {
    ("DeadlineMet",),
    ("DeadlineApproaching", "DeadlineMet"),
    ("DeadlineApproaching", "DeadlineBreached", "BreachWithdrawn", "DeadlineMet"),
}


async def test_a_lamp_is_not_lit_while_somebody_judges_the_ticket(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()
    async with desk.service.room.transaction() as judging:
        assert ticket in await lock_dockets(judging.connection, [ticket])
        assert await desk.timers.fire() == 0
    assert await desk.timers.fire() == 1


async def test_the_sign_in_races_the_red_lamp(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(20)]
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()

    async def sign_all() -> None:
        for ticket in tickets:
            await desk.tell(desk.signed_in(ticket, IN_TIME))

    async def fire_all() -> None:
        worker = Timers(desk.service.room, desk.knowledge, most=3)
        for _ in range(40):
            await worker.fire()

    await asyncio.gather(sign_all(), fire_all(), fire_all())
    await desk.fire()
    for ticket in tickets:
        assert tuple(await desk.told(ticket, "sign_in")) in ALLOWED
        assert (await desk.row(ticket, "sign_in")).verdict == "met"


async def test_the_end_of_the_round_races_the_red_lamp(desk: Desk) -> None:
    tickets = [await desk.dispatch(type="inquiry") for _ in range(15)]
    desk.set("2024-10-01 00:00")
    await desk.catch_up()

    async def end_all() -> None:
        for ticket in tickets:
            await desk.tell(desk.round_ended(ticket, "2024-09-30 12:00"))

    async def fire_all() -> None:
        worker = Timers(desk.service.room, desk.knowledge, most=4)
        for _ in range(40):
            await worker.fire()

    await asyncio.gather(end_all(), fire_all())
    await desk.fire()
    for ticket in tickets:
        told = await desk.told(ticket, "closing")
        assert told.count("DeadlineBreached") == told.count("BreachWithdrawn") <= 1
        assert told[-1] == "DeadlineStopped"
        assert (await desk.row(ticket, "closing")).state == "superseded"
        assert (await desk.row(ticket, "sign_in")).verdict == "missed"


async def test_a_worker_cut_off_in_mid_batch_leaves_every_lamp_to_be_lit_once(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(10)]
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()
    for turns in range(1, 60, 3):
        cut_off = asyncio.create_task(Timers(desk.service.room, desk.knowledge, most=2).fire())
        for _ in range(turns):
            await asyncio.sleep(0)
        cut_off.cancel()
        await asyncio.gather(cut_off, return_exceptions=True)
    await desk.fire()
    announced = await desk.wire.announced("DeadlineApproaching", "DeadlineBreached")
    once = Counter((event.type, event.subject) for event in announced)
    assert set(once.values()) == {1}
    assert len(once) == 2 * len(tickets)


async def test_a_new_calendar_races_the_red_lamp(desk: Desk) -> None:
    """Either the old instant fired before the move, or the new one fires after it: never both, never the old after."""
    tickets = [await desk.dispatch() for _ in range(12)]
    desk.set(SIGN_IN_DUE)
    await desk.catch_up()
    await desk.take_back_make_up_day()
    recount = Recount(desk.service.room)

    async def fire_all() -> None:
        worker = Timers(desk.service.room, desk.knowledge, most=3)
        for _ in range(20):
            await worker.fire()

    async def recount_all() -> None:
        for _ in range(10):
            await recount.step()

    await asyncio.gather(fire_all(), recount_all())
    await recount.step()
    for ticket in tickets:
        row = await desk.row(ticket, "sign_in")
        told = await desk.told(ticket, "sign_in")
        if row.generation == 1:
            assert (row.state, row.due_at) == ("breached", at(SIGN_IN_DUE))
            assert told == ["DeadlineApproaching", "DeadlineBreached"]
        else:
            assert (row.generation, row.due_at) == (2, at("2024-10-01 00:00"))
            assert "DeadlineBreached" not in told
    await desk.reach("2024-10-01 00:00")
    for ticket in tickets:
        assert (await desk.told(ticket, "sign_in")).count("DeadlineBreached") == 1
