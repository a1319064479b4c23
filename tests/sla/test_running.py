"""The service running by itself on the embedded bus, time moved as ``POST /clock`` moves it."""

from uuid import UUID

import pytest
from tests.sla.desk import Desk
from tests.support.wire import at

from common.clock import new_id
from common.events.envelope import Payload
from hotline.stepping import Moved, Stepper
from hotline.suite import Suite


@pytest.fixture
async def running(bare: Desk) -> Desk:
    """Started: it activates what lies in ``policies/``, consumes, fires, publishes; the fixture before stops it."""
    await bare.service.start()
    return bare


async def publish(desk: Desk, *facts: Payload) -> None:
    sink = desk.around.bus.sink()
    await sink.publish([desk.wire.message(fact) for fact in facts])
    await sink.close()


async def advance(desk: Desk, moment: str) -> Moved:
    stepper = Stepper(lambda: [Suite(desk.around, [desk.service])], lambda _: None)
    return await stepper.advance(at(moment))


async def told(desk: Desk, ticket: UUID) -> list[tuple[str, str]]:
    return [(event.type, str(event.time)) for event in await desk.events(ticket) if event.type != "DeadlineSet"]


async def test_lamps_are_lit_at_their_instants_while_time_moves_for_weeks(running: Desk) -> None:
    ticket = new_id()
    await publish(running, running.created(ticket), running.dispatched(ticket))
    moved = await advance(running, "2024-11-01 09:00")
    assert await told(running, ticket) == [
        ("DeadlineApproaching", "2024-09-29 08:00:00+00:00"),
        ("DeadlineBreached", "2024-09-29 16:00:00+00:00"),
        ("DeadlineApproaching", "2024-10-22 16:00:00+00:00"),
        ("DeadlineBreached", "2024-10-23 16:00:00+00:00"),
    ]
    assert (moved.now, moved.steps, dict(moved.parked)) == (at("2024-11-01 09:00"), 5, {})


async def test_a_fact_on_its_way_when_time_moves_is_known_before_the_lamp_is_lit(running: Desk) -> None:
    ticket = new_id()
    await publish(running, running.created(ticket), running.dispatched(ticket))
    await advance(running, "2024-09-29 23:59:59")
    await publish(running, running.signed_in(ticket))
    await advance(running, "2024-09-30 09:00")
    row = await running.row(ticket, "sign_in")
    assert (row.verdict, row.breached_at) == ("met", None)
    assert [name for name, _ in await told(running, ticket)] == ["DeadlineApproaching", "DeadlineMet"]
