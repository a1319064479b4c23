"""An amendment that arrives behind what it preceded takes back even what had been judged under the one before; one of
the very instant in which a round was over leaves that round alone.
"""

from uuid import UUID

from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.events.dispatch import ProgressReported
from sla.deadlines import Deadline


async def test_a_duty_that_never_applied_keeps_no_verdict(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")  # at 16:00
    await desk.tell(desk.amended(ticket, "marks", when="2024-09-27 15:50", type="help", marks=("special",)))
    desk.set("2024-09-27 17:30")
    await desk.tell(desk.fact(ProgressReported, ticket, unit=LEAD, concludes_part=False, text="正在抢修"))
    assert (await desk.row(ticket, "first_response")).verdict == "met"
    await desk.tell(desk.amended(ticket, "marks", when="2024-09-27 15:55", type="help"))
    row = await desk.row(ticket, "first_response")
    assert (row.state, row.verdict, row.fact_event) == ("superseded", None, None)
    assert (await desk.told(ticket, "first_response"))[-1] == "DeadlineStopped"
    assert await desk.parked() == []


async def _ended_and_dispatched_anew(desk: Desk, ticket: UUID) -> list[Deadline]:
    """A conclusion takes the ticket from its unit and gives it to another, in one instant; the first round's rows."""
    await desk.tell(desk.round_ended(ticket, "2024-09-28 10:00"), desk.dispatched(ticket, 2, OTHER))
    return await _first_round(desk, ticket)


async def _first_round(desk: Desk, ticket: UUID) -> list[Deadline]:
    return [row for row in await desk.rows(ticket) if row.round == 1]


async def test_an_amendment_in_the_instant_of_its_rounds_dispatch_leaves_the_round_before_alone(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-28 10:00")
    first = await _ended_and_dispatched_anew(desk, ticket)
    [amended] = await desk.wire.deliver(desk.amended(ticket, "type", type="help", round=2))
    assert await _first_round(desk, ticket) == first
    moved = await desk.events(ticket, "DeadlineMoved")
    assert {(event.data.round, event.data.cause) for event in moved} == {(2, amended)}  # type: ignore[attr-defined]
    row = await desk.row(ticket, "closing", 2)
    assert (row.due_at, row.anchor.type) == (at("2024-10-11 00:00"), "Dispatched"), "five working days, of a request"


async def test_an_amendment_in_the_instant_that_ends_a_round_leaves_that_round_alone(desk: Desk) -> None:
    ticket, other = await desk.dispatch(), await desk.dispatch()
    desk.set("2024-09-28 10:00")
    await desk.tell(desk.round_ended(ticket, "2024-09-28 10:00"))
    first = await _first_round(desk, ticket)
    await desk.tell(desk.amended(ticket, "type", "marks", type="help", marks=("special",)))
    assert await _first_round(desk, ticket) == first
    assert not await desk.events(ticket, "DeadlineMoved")
    await desk.tell(desk.amended(other, "type", "marks", type="help", marks=("special",)))
    await desk.tell(desk.round_ended(other, "2024-09-28 10:00"))
    await desk.tell(desk.dispatched(ticket, 2, OTHER), desk.dispatched(other, 2, OTHER))
    ends = [
        {
            (row.kind, row.round): (row.state, row.verdict, row.due_at, row.original_due_at)
            for row in await desk.rows(each)
            if row.round == 2 or row.kind not in ("first_response", "progress")
        }
        for each in (ticket, other)
    ]
    assert ends[0] == ends[1], "whichever was heard first"


async def test_an_amendment_in_the_instant_of_a_closing_leaves_its_verdict_alone(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-10-08 09:00")
    await desk.tell(desk.closing_reported(ticket, "2024-10-08 08:00"), desk.closed(ticket, "2024-10-08 08:00"))
    first = await _first_round(desk, ticket)
    await desk.tell(desk.amended(ticket, "type", type="inquiry"))
    assert await _first_round(desk, ticket) == first
    assert (await desk.row(ticket, "closing")).verdict == "met", "an inquiry's limit would have been missed"
