"""A unit ends: its open tickets go on with its heir, in the same round and with the same clocks."""

import pytest
from tests.dispatch.office import LEAD, OTHER, THIRD, Office
from tests.dispatch.test_feed import lines, types
from tests.dispatch.test_feed import told as numbered
from tests.support.wire import at

from common.events.dispatch import UnitSucceeded
from dispatch.succession.commands import Succession, pass_to_heirs
from dispatch.succession.rules import Parts, passed

HEIR = "shuangyashan.renshe"


async def pass_all(office: Office) -> int:
    async with office.service.room.transaction() as tx:
        return await pass_to_heirs(tx)


async def test_open_tickets_pass_to_the_heir_on_the_day_and_ended_ones_stay(office: Office) -> None:
    lead = await office.signed_in(co_handlers=[OTHER])
    part, closed = await office.dispatched(unit=OTHER, co_handlers=[LEAD]), await office.closed()
    await office.post(f"tickets/{part}/sign-ins", {"round": 1}, "unit", LEAD)
    archived = await office.closed()
    await office.hear("CallbackJudged", archived, outcome="archive")
    await office.enter_unit(LEAD, '"1"', ended_on="2025-09-28", successor=HEIR)
    succession = Succession(office.service.room)
    assert await pass_all(office) == 0
    assert await succession.next_due() == at("2025-09-28 00:00")

    office.clock.set(at("2025-09-28 00:00"))
    before = await office.docket(lead)
    assert await succession.behind()
    assert await pass_all(office) == 3
    assert (await pass_all(office), await succession.behind()) == (0, False)
    docket = await office.docket(lead)
    assert (docket.unit, docket.co_handlers, docket.status) == (HEIR, (OTHER,), "signed_in")
    assert (docket.round, docket.round_began_at) == (before.round, before.round_began_at)
    event = (await office.announced(lead))[-1].data
    assert isinstance(event, UnitSucceeded)
    assert (event.unit, event.successor, event.round, event.actor.role) == (LEAD, HEIR, 1, "system")
    assert (await office.docket(part)).signed_parts == (HEIR,)
    assert (await office.docket(archived)).unit == LEAD

    assert (await office.file_closing(lead, LEAD)).status_code == 404
    assert (await office.file_closing(lead, HEIR)).status_code == 201
    statement = {"round": 1, "text": "已答复。", "evidence": ["答复书"]}
    assert (await office.post(f"tickets/{closed}/statements", statement, "unit", HEIR)).status_code == 201


async def test_the_heirs_feed_begins_with_the_story_so_far_and_the_old_units_ends_there(office: Office) -> None:
    ticket = await office.signed_in()
    await numbered(office)
    await office.enter_unit(LEAD, '"1"', ended_on="2025-09-26", successor=HEIR)
    await pass_all(office)
    await numbered(office)
    await office.file_closing(ticket, HEIR)
    await numbered(office)
    story = ["TicketCreated", "Dispatched", "SignedIn", "UnitSucceeded"]
    assert types(await lines(office, HEIR)) == [*story, "ClosingReported", "Closed"]
    assert types(await lines(office, LEAD)) == story


async def test_a_line_of_heirs_is_followed_to_the_one_that_stands_and_no_further(office: Office) -> None:
    ticket = await office.signed_in()
    other = await office.dispatched(unit=THIRD)
    await office.enter_unit(LEAD, '"1"', ended_on="2025-09-25", successor=OTHER)
    await office.enter_unit(OTHER, '"1"', ended_on="2025-09-26", successor=HEIR)
    await office.enter_unit(THIRD, '"1"', ended_on="2025-09-26")
    assert await pass_all(office) == 1
    assert ((await office.docket(ticket)).unit, (await office.docket(other)).unit) == (HEIR, THIRD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Parts("a", ("x",), ("x",), {}), Parts("b", ("x",), ("x",), {})),
        (Parts("x", ("a", "y"), ("a",), {}), Parts("x", ("b", "y"), ("b",), {})),
        (Parts("a", ("b",), ("b",), {}), Parts("b", (), (), {})),  # the heir was a co-handler already
        (Parts("b", ("a",), ("a",), {}), Parts("b", (), (), {})),  # the heir is the lead
        (Parts("x", ("a", "b"), ("a", "b"), {}), Parts("x", ("b",), ("b",), {})),
        (Parts("a", (), (), {"k": "a"}), Parts("b", (), (), {"k": "b"})),  # who works for it works for the heir
        (Parts("x", (), (), {"a": "x"}), Parts("x", (), (), {"b": "x"})),
        (Parts("b", (), (), {"a": "b"}), Parts("b", (), (), {})),  # nobody works for itself
    ],
)
def test_the_heir_stands_where_the_unit_stood_and_nobody_twice(before: Parts, after: Parts) -> None:
    assert passed(before, "a", "b") == after
