"""T5: an extension, a closing report, the end of the round, a new calendar race the lamps.

A generation that was replaced never fires, and each deadline ends in exactly one of fired, armed anew, cancelled; the
mutant without lock and generation is found out. A few dozen races here; ``HOTLINE_RACES=12500`` makes the fifty
thousand of the long run (``docs/timers.md``).
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Coroutine
from uuid import UUID

import pytest
from tests.sla.desk import Desk
from tests.sla.lamp_oracle import faults
from tests.sla.timer_mutants import LooksBeforehand
from tests.support.wire import at

from sla.recompute import Recount
from sla.store import light, lock_due
from sla.store.due import LampOvertaken
from sla.timers import Timers
from sla.verdicts import fired

RACES = int(os.environ.get("HOTLINE_RACES", "12"))
CLOSING_DUE = "2024-10-24 00:00"

ENDS = {
    ("breached", 1, True): "fired",
    ("armed", 2, False): "armed anew",
    ("approaching", 2, False): "armed anew",
    ("stopped", 1, False): "cancelled",
    ("superseded", 1, False): "cancelled",
}
"""State, generation, whether the red lamp stands: every end that a race may have."""

Move = Callable[[Desk, list[UUID]], Coroutine[None, None, None]]


async def extensions(desk: Desk, tickets: list[UUID]) -> None:
    for ticket in tickets:
        await desk.extend(ticket)


async def closings(desk: Desk, tickets: list[UUID]) -> None:
    for ticket in tickets:
        await desk.tell(desk.closing_reported(ticket, "2024-10-23 23:00"))


async def ends(desk: Desk, tickets: list[UUID]) -> None:
    for ticket in tickets:
        await desk.tell(desk.round_ended(ticket, "2024-10-23 12:00"))


async def a_new_calendar(desk: Desk, tickets: list[UUID]) -> None:
    recount = Recount(desk.service.room)
    for _ in range(20):
        await recount.step()


MOVES = [extensions, closings, ends, a_new_calendar]


async def race(desk: Desk, move: Move, *workers: Timers) -> list[UUID]:
    """The limits of so many tickets and a move of each come at one instant; the workers fire meanwhile."""
    tickets = [await desk.dispatch() for _ in range(RACES)]
    await desk.reach("2024-10-23 12:00")
    if move is a_new_calendar:
        await desk.take_back_make_up_day()
    desk.set(CLOSING_DUE)
    await desk.catch_up()
    moving = asyncio.create_task(move(desk, tickets))

    async def work(worker: Timers) -> None:
        while not moving.done():
            await worker.fire()

    await asyncio.gather(moving, *map(work, workers))
    while await desk.timers.fire():
        pass
    return tickets


@pytest.mark.parametrize("move", MOVES)
async def test_a_move_races_the_lamps_and_no_replaced_generation_fires(desk: Desk, move: Move) -> None:
    tickets = await race(desk, move, *(Timers(desk.service.room, desk.knowledge, most=3) for _ in range(2)))
    announced = await desk.wire.announced()
    assert faults(announced) == []
    of = defaultdict(list)
    for event in announced:
        if getattr(event.data, "kind", None) == "closing":
            of[event.subject].append(event.type)
    for ticket in tickets:
        row = await desk.row(ticket, "closing")
        ended_as = (row.state, row.generation, row.breached_at is not None)
        told = of[f"ticket/{ticket}"]
        assert ended_as in ENDS, (ended_as, told)
        # A lamp that was lit before the move is taken back; one that is not lit is not.
        assert told.count("DeadlineBreached") - told.count("BreachWithdrawn") == (row.breached_at is not None)


async def test_the_mutant_without_lock_and_generation_is_found_out(desk: Desk) -> None:
    await race(desk, extensions, LooksBeforehand(desk.service.room, desk.knowledge))
    found = faults(await desk.wire.announced())
    assert any(fault.startswith("old generation") for fault in found), found


async def test_the_generation_alone_keeps_a_worker_that_lost_its_locks_from_firing(desk: Desk) -> None:
    """The last of the three guards by itself: looked at, let go, extended by somebody else, then written."""
    ticket = await desk.dispatch()
    await desk.reach("2024-10-23 12:00")
    desk.set(CLOSING_DUE)
    await desk.catch_up()
    async with desk.service.room.transaction() as tx:
        ripe = await lock_due(tx.connection, tx.now, desk.knowledge.reached, 10)
    await desk.extend(ticket)
    steps = [step for one in ripe if (step := fired(one.deadline, at(CLOSING_DUE))) is not None]
    assert steps
    with pytest.raises(LampOvertaken):
        async with desk.service.room.transaction() as tx:
            await light(tx.connection, [one.deadline for one in ripe], [step.deadline for step in steps])
    assert (await desk.row(ticket, "closing")).generation == 2
    assert await desk.told(ticket, "closing") == ["DeadlineApproaching", "DeadlineMoved"]
