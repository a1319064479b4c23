"""An amendment recounts the open round and leaves a trace; closed rounds stand (双鸭山 第十六条、第十七条)."""

from typing import Any

from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.basis import Basis
from common.events.dispatch import RequesterContacted
from common.events.sla import BreachWithdrawn, DeadlineMoved, DeadlineSet
from common.events.vocabulary import LegalLimit

COMPLAINT_DUE, INQUIRY_DUE = "2024-10-24 00:00", "2024-10-01 00:00"


async def test_a_complaint_that_is_an_inquiry_and_back_again_leaves_its_trace(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-28 09:00")
    [first] = await desk.wire.deliver(desk.amended(ticket, "type", type="inquiry"))
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.original_due_at, row.anchor.at) == (
        at(INQUIRY_DUE),
        at(INQUIRY_DUE),
        at("2024-09-27 16:00"),
    )
    assert row.basis[0].article == "第十六条（一）"
    desk.set("2024-09-28 10:00")
    [second] = await desk.wire.deliver(desk.amended(ticket, "type", type="complaint"))
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.generation, row.basis[0].article) == (at(COMPLAINT_DUE), 3, "第十六条（三）")
    moves = [event.data for event in await desk.events(ticket, "DeadlineMoved", kind="closing")]
    told = [(m.reason, m.cause, m.old_due_at, m.due_at) for m in moves if isinstance(m, DeadlineMoved)]
    assert told == [
        ("amendment", first, at(COMPLAINT_DUE), at(INQUIRY_DUE)),
        ("amendment", second, at(INQUIRY_DUE), at(COMPLAINT_DUE)),
    ]
    assert (await desk.row(ticket, "extension_window")).due_at == at(COMPLAINT_DUE), "the window goes with it"
    assert (await desk.row(ticket, "sign_in")).generation == 1, "what does not depend on the type stands"


async def test_an_amendment_that_moves_the_limit_past_now_withdraws_the_red_lamp(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    await desk.reach("2024-10-01 09:00")
    assert (await desk.row(ticket, "closing")).state == "breached"
    await desk.tell(desk.amended(ticket, "type", type="complaint"))
    [withdrawn] = await desk.events(ticket, "BreachWithdrawn", kind="closing")
    assert isinstance(withdrawn.data, BreachWithdrawn)
    assert withdrawn.data.reason == "amendment"
    assert (await desk.row(ticket, "closing")).state == "armed"
    desk.set("2024-10-24 09:00")
    await desk.tell(desk.amended(ticket, "type", type="inquiry"))
    await desk.catch_up()
    await desk.fire()
    assert (await desk.row(ticket, "closing")).state == "breached", "and back into the past, it is red at once"


async def test_a_special_mark_that_is_added_later_sets_its_limits_from_then(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")
    desk.set("2024-09-29 22:00")
    [event] = await desk.wire.deliver(desk.amended(ticket, "marks", type="help", marks=("special",)))
    [told] = [one.data for one in await desk.events(ticket, "DeadlineSet")][1:]
    assert isinstance(told, DeadlineSet)
    assert (told.cause, {row.kind for row in told.deadlines}) == (event, {"first_response", "progress"})
    row = await desk.row(ticket, "first_response")
    assert (row.due_at, row.anchor.event, row.unit) == (at("2024-09-30 02:00"), event, LEAD)
    desk.set("2024-09-29 23:00")
    await desk.tell(desk.amended(ticket, "marks", type="help", marks=("special_urgent",)))
    row = await desk.row(ticket, "first_response")
    assert (row.due_at, row.generation) == (at("2024-09-30 00:00"), 2), "two hours from the first mark"
    desk.set("2024-09-29 23:30")
    await desk.tell(desk.amended(ticket, "marks", type="help"))
    assert {row.state for row in await desk.rows(ticket) if row.kind in ("first_response", "progress")} == {
        "superseded"
    }
    assert (await desk.told(ticket, "first_response"))[-1] == "DeadlineStopped"
    desk.set("2024-09-30 10:00")
    await desk.tell(desk.amended(ticket, "marks", type="help", marks=("special",)))
    row = await desk.row(ticket, "first_response")
    assert (row.state, row.due_at, row.generation) == ("armed", at("2024-09-30 14:00"), 3), "and again from then on"
    assert (await desk.told(ticket, "progress"))[-2:] == ["DeadlineStopped", "DeadlineMoved"]


async def test_an_amendment_keeps_what_was_granted(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")  # 5 working days: 10 October
    await desk.extend(ticket, 2)
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-13 00:00")
    await desk.tell(desk.amended(ticket, "type", when="2024-09-27 17:00"))
    row = await desk.row(ticket, "closing")
    assert (row.original_due_at, row.due_at) == (at(COMPLAINT_DUE), at("2024-10-26 00:00"))
    assert [basis.article for basis in row.basis] == ["第十六条（三）", "第二十条"]


async def test_a_laws_limit_that_is_entered_later_goes_before_the_table_and_its_extensions_stay(desk: Desk) -> None:
    law = LegalLimit(amount=60, unit="natural_days", basis=Basis(rule="law", document="土地管理法", article="第五十条"))
    ticket = await desk.dispatch()
    desk.set("2024-09-28 10:00")
    await desk.tell(desk.amended(ticket, "legal_limit", legal_limit=law))
    moved = [event.data for event in await desk.events(ticket, "DeadlineMoved", kind="closing")]
    assert [getattr(data, "reason", None) for data in moved] == ["legal_limit"]
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.basis[0].article) == (at("2024-11-27 00:00"), "第五十条")
    await desk.tell(desk.amended(ticket, "type", type="inquiry", legal_limit=law))
    assert (await desk.row(ticket, "closing")).due_at == at("2024-11-27 00:00"), "an amendment changes only the table"


async def test_a_closed_round_is_frozen(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-10-08 09:00")
    await desk.tell(desk.signed_in(ticket), desk.closing_reported(ticket), desk.closed(ticket, "2024-10-08 09:00"))
    desk.set("2024-10-09 09:00")
    closed = await desk.rows(ticket)
    await desk.tell(desk.amended(ticket, "type", "marks", type="inquiry", marks=("special",)))
    assert [row for row in await desk.rows(ticket) if not row.open] == [row for row in closed if not row.open]
    assert not await desk.rows(ticket, "first_response"), "a closed report needs no first response"
    desk.set("2024-10-10 09:00")
    await desk.tell(desk.reissued(ticket, 2))
    first = [row for row in await desk.rows(ticket) if row.round == 1]
    assert (await desk.row(ticket, "closing", 2)).due_at == at("2024-10-13 00:00"), "the redo is an inquiry's"
    desk.set("2024-10-11 09:00")
    await desk.tell(desk.amended(ticket, "type", round=2))
    assert [row for row in await desk.rows(ticket) if row.round == 1] == first


async def test_an_amendment_between_two_units_counts_for_the_next_round_alone(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.round_ended(ticket, "2024-09-29 10:00"))
    before = await desk.rows(ticket)
    desk.set("2024-09-29 11:00")
    await desk.tell(desk.amended(ticket, "type", type="inquiry"))
    assert await desk.rows(ticket) == before
    desk.set("2024-09-29 12:00")
    await desk.tell(desk.dispatched(ticket, 2, OTHER))
    assert (await desk.row(ticket, "closing", 2)).due_at == at("2024-10-09 00:00")


async def test_a_matter_that_was_special_before_it_was_answered_is_judged_when_that_is_known(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")
    desk.set("2024-09-27 21:00")
    call: dict[str, Any] = {"unit": LEAD, "level": 2, "outcome": "reached"}
    await desk.tell(desk.fact(RequesterContacted, ticket, "2024-09-27 20:00", **call))
    await desk.tell(desk.amended(ticket, "marks", when="2024-09-27 17:00", type="help", marks=("special",)))
    assert (await desk.row(ticket, "first_response")).verdict == "met"
    assert (await desk.row(ticket, "progress")).open
    about = await desk.events(ticket, "DeadlineSet", "DeadlineMet")
    assert [event.type for event in about] == ["DeadlineSet", "DeadlineSet", "DeadlineMet"]


async def test_an_amendment_that_arrives_behind_the_closing_it_preceded_still_counts(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    await desk.reach("2024-10-08 09:00")
    await desk.tell(desk.closing_reported(ticket))
    desk.set("2024-10-08 10:00")
    await desk.tell(desk.closed(ticket, "2024-10-08 09:00"))
    assert (await desk.row(ticket, "closing")).verdict == "missed"
    await desk.tell(desk.amended(ticket, "type", when="2024-10-08 08:00", type="complaint"))
    row = await desk.row(ticket, "closing")
    assert (row.verdict, row.due_at, row.breached_at) == ("met", at(COMPLAINT_DUE), None)
    assert (await desk.told(ticket, "closing"))[-3:] == ["DeadlineMoved", "BreachWithdrawn", "DeadlineMet"]
    await desk.tell(desk.amended(ticket, "type", when="2024-10-08 11:00", type="inquiry"))
    assert (await desk.row(ticket, "closing")).verdict == "met", "one after the closing does not"
