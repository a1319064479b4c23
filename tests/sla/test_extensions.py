"""延期 (双鸭山 第二十条): granted time is counted on from the end of the limit, once dispatch has answered."""

from uuid import uuid4

from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.events.review import ExtensionGranted
from common.events.sla import BreachWithdrawn, DeadlineMoved
from sla.recompute import Recount

# A complaint dispatched on Friday 2024-09-27: its 15th working day is Wednesday 23 October, its 20th the 30th.
DUE, EXTENDED, TWICE = "2024-10-24 00:00", "2024-10-31 00:00", "2024-11-05 00:00"


async def test_a_granted_extension_counts_nothing_before_dispatch_has_answered(desk: Desk) -> None:
    ticket, case = await desk.dispatch(), uuid4()
    desk.set("2024-10-22 10:00")
    await desk.tell(desk.extension(ticket, case))
    assert (await desk.row(ticket, "closing")).due_at == at(DUE)
    desk.set("2024-10-22 10:05")
    [ruling] = await desk.wire.deliver(desk.applied(ticket, case, "extension"))
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.original_due_at, row.generation) == (at(EXTENDED), at(DUE), 2)
    window = await desk.row(ticket, "extension_window")
    assert (window.due_at, window.original_due_at) == (at(EXTENDED), at(DUE)), "asked for again before the new end"
    moved = [event.data for event in await desk.events(ticket, "DeadlineMoved")]
    assert all(isinstance(data, DeadlineMoved) for data in moved)
    assert {getattr(data, "kind", "") for data in moved} == {"closing", "extension_window"}
    for data in moved:
        assert isinstance(data, DeadlineMoved)
        assert (data.reason, data.cause, data.old_due_at) == ("extension", ruling, at(DUE))
        assert data.allowance is not None
        assert (data.allowance.amount, data.allowance.unit) == (15, "working_days"), "as the rule states it"
    assert (await desk.row(ticket, "sign_in")).generation == 1
    await desk.extend(ticket, 3)
    assert (await desk.row(ticket, "closing")).due_at == at(TWICE)


async def test_asked_for_in_time_and_granted_after_the_breach_it_withdraws_the_red_lamp(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(desk.signed_in(ticket))
    await desk.reach("2024-10-24 09:00")
    assert (await desk.row(ticket, "closing")).state == "breached"
    await desk.extend(ticket)
    assert await desk.told(ticket, "closing") == [
        "DeadlineApproaching", "DeadlineBreached", "DeadlineMoved", "BreachWithdrawn",
    ]  # fmt: skip
    [withdrawn] = await desk.events(ticket, "BreachWithdrawn")
    assert isinstance(withdrawn.data, BreachWithdrawn)
    assert (withdrawn.data.reason, withdrawn.data.due_at) == ("extension", at(EXTENDED))
    row = await desk.row(ticket, "closing")
    assert (row.state, row.breached_at, row.warned_at) == ("armed", None, None)
    await desk.reach("2024-10-31 09:00")
    assert (await desk.told(ticket, "closing"))[4:] == ["DeadlineApproaching", "DeadlineBreached"]


async def test_an_extension_that_is_over_already_leaves_the_red_lamp_burning(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-11-08 09:00")
    await desk.extend(ticket)
    row = await desk.row(ticket, "closing")
    assert (row.state, row.due_at) == ("breached", at(EXTENDED))
    assert "BreachWithdrawn" not in await desk.told(ticket, "closing")


async def test_an_extension_while_the_report_is_decided_counts_for_its_filing(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-25 09:00")
    await desk.tell(desk.closing_reported(ticket))
    await desk.extend(ticket)
    assert (await desk.told(ticket, "closing"))[-2:] == ["DeadlineMoved", "BreachWithdrawn"]
    await desk.tell(desk.closed(ticket, "2024-10-25 09:00"))
    assert (await desk.row(ticket, "closing")).verdict == "met"


async def test_an_extension_until_an_instant_and_one_of_natural_days_are_counted_as_they_say(desk: Desk) -> None:
    fixed, natural = await desk.dispatch(), await desk.dispatch()
    first, second = uuid4(), uuid4()
    until = desk.extension(fixed, first, None, granted_until=at("2024-11-01 00:00"))
    days = desk.extension(natural, second, None, granted={"amount": 3, "unit": "natural_days"})
    await desk.tell(until, desk.applied(fixed, first, "extension"))
    await desk.tell(days, desk.applied(natural, second, "extension"))
    assert (await desk.row(fixed, "closing")).due_at == at("2024-11-01 00:00")
    # 24, 25, 26 October; the 26th is a Saturday, so the last day is Monday the 28th.
    assert (await desk.row(natural, "closing")).due_at == at("2024-10-29 00:00")


async def test_a_new_calendar_keeps_what_was_granted(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.extend(ticket)
    await desk.take_back_make_up_day()
    while await Recount(desk.service.room).step():
        pass
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.original_due_at) == (at("2024-11-01 00:00"), at("2024-10-25 00:00"))


async def test_an_extension_is_explained_as_counting_that_goes_on(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.extend(ticket)
    told = (await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")).json()
    assert (told["due_at"], told["original_due_at"]) == ("2024-10-30T16:00:00Z", "2024-10-23T16:00:00Z")
    assert told["allowance"] == "15个工作日，延期5个工作日"
    days = [day["on"] for day in told["explanation"]]
    assert days == sorted(set(days)), "each day is told once"
    assert sum(day["counts"] for day in told["explanation"]) == 20
    assert "第1次延期：批准延长5个工作日，自上述期限届满后继续计算。" in told["text"]
    assert told["text"][-1] == "期限至2024年10月30日24:00届满，此后办理的为超期。"
    assert [basis["article"] for basis in told["bases"]] == ["第十六条（三）", "第二十条"]


async def test_an_extension_of_a_round_that_is_over_moves_nothing(desk: Desk) -> None:
    ticket, case = await desk.dispatch(), uuid4()
    desk.set("2024-10-08 09:00")
    await desk.tell(desk.extension(ticket, case), desk.round_ended(ticket, "2024-10-08 09:00"))
    await desk.tell(desk.dispatched(ticket, 2, OTHER))
    before = await desk.rows(ticket)
    await desk.tell(desk.applied(ticket, case, "extension", round=1))
    assert await desk.rows(ticket) == before


async def test_an_answer_to_an_extension_that_never_came_is_parked(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(desk.applied(ticket, uuid4(), "extension"))
    assert await desk.parked() == [f"a ruling took effect whose {ExtensionGranted.__name__} never came"]
    assert (await desk.row(ticket, "closing")).unit == LEAD
