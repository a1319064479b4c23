"""What becomes of a round's deadlines: each sentence of the rules by itself (双鸭山 第十六条、第十八条)."""

from uuid import uuid4

import pytest
from tests.sla.desk import LEAD, OTHER, PACK, Desk
from tests.support.wire import at

from common.basis import Basis
from common.events.dispatch import Dispatched
from common.events.envelope import Event
from common.events.sla import BreachWithdrawn, DeadlineMet, DeadlineMissed, DeadlineSet, DeadlineStopped
from common.events.vocabulary import LegalLimit
from common.messaging.runner import Transient
from sla.consumers import open_docket, take_in

# Dispatched on Friday 2024-09-27 at 16:00. Sunday the 29th was a working day, so sign-in and return are due that
# midnight; a complaint's 15 working days end on 2024-10-23, Saturday 12 October being one of them.
SIGN_IN_DUE, CLOSING_DUE = "2024-09-30 00:00", "2024-10-24 00:00"


async def test_a_dispatch_sets_all_clocks_of_its_round_in_one_event(desk: Desk) -> None:
    ticket = await desk.dispatch()
    [event] = await desk.events(ticket)
    data = event.data
    assert isinstance(data, DeadlineSet)
    due = {row.kind: row.due_at for row in data.deadlines}
    assert due == {
        "sign_in": at(SIGN_IN_DUE), "return_window": at(SIGN_IN_DUE),
        "closing": at(CLOSING_DUE), "extension_window": at(CLOSING_DUE),
    }  # fmt: skip
    assert {row.kind for row in data.deadlines if row.window} == {"return_window", "extension_window"}
    assert {(row.unit, row.round, row.generation, row.provisional) for row in data.deadlines} == {(LEAD, 1, 1, False)}
    assert {row.anchor.at for row in data.deadlines} == {at("2024-09-27 16:00")}
    [closing] = [row for row in data.deadlines if row.kind == "closing"]
    assert (closing.basis[0].rule, closing.basis[0].article) == ("SYS-16", "第十六条（三）")
    assert (data.jurisdiction, data.policy, data.round, data.ticket) == ("shuangyashan", PACK.version, 1, ticket)


@pytest.mark.parametrize(("signed_in", "verdict"), [("2024-09-29 23:59:59.999999", "met"), (SIGN_IN_DUE, "missed")])
async def test_a_fact_is_in_time_before_the_first_late_instant(desk: Desk, signed_in: str, verdict: str) -> None:
    ticket = await desk.dispatch()
    desk.set(signed_in)
    await desk.tell(desk.signed_in(ticket))
    row = await desk.row(ticket, "sign_in")
    assert (row.state, row.verdict, row.fact_at) == ("closed", verdict, at(signed_in))
    assert await desk.told(ticket, "sign_in") == ["DeadlineMet" if verdict == "met" else "DeadlineMissed"]


async def test_a_fact_in_time_that_arrives_late_withdraws_the_red_lamp(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-09-30 00:10")
    assert (await desk.row(ticket, "sign_in")).state == "breached"
    [event_id] = await desk.wire.deliver(desk.signed_in(ticket, "2024-09-29 23:59:59"))
    assert await desk.told(ticket, "sign_in") == [
        "DeadlineApproaching", "DeadlineBreached", "BreachWithdrawn", "DeadlineMet",
    ]  # fmt: skip
    [withdrawn] = await desk.events(ticket, "BreachWithdrawn")
    [met] = await desk.events(ticket, "DeadlineMet")
    assert isinstance(withdrawn.data, BreachWithdrawn)
    assert isinstance(met.data, DeadlineMet)
    assert (withdrawn.data.reason, withdrawn.data.fact) == ("fact_in_time", event_id)
    assert (met.data.fact, met.data.fact_at) == (event_id, at("2024-09-29 23:59:59"))


async def test_a_late_fact_leaves_the_breach_standing_and_is_judged_missed(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-09-30 09:00")
    await desk.tell(desk.signed_in(ticket))
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching", "DeadlineBreached", "DeadlineMissed"]
    row = await desk.row(ticket, "sign_in")
    assert (row.state, row.verdict, row.breached_at) == ("closed", "missed", at(SIGN_IN_DUE))


async def test_only_a_filing_judges_the_window_and_it_never_breaches(desk: Desk) -> None:
    silent, filed, late = [await desk.dispatch() for _ in range(3)]
    desk.set("2024-09-29 20:00")
    await desk.tell(desk.returned(filed))
    await desk.reach("2024-09-30 08:00")
    await desk.tell(desk.returned(late))
    assert (await desk.row(silent, "return_window")).state == "armed"
    assert await desk.told(silent, "return_window") == []
    assert await desk.told(filed, "return_window") == ["DeadlineMet"]
    assert await desk.told(late, "return_window") == ["DeadlineMissed"]


async def test_a_closing_report_turns_the_lamp_off_and_the_acceptance_judges_by_its_filing(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-23 12:00")
    [filing] = await desk.wire.deliver(desk.closing_reported(ticket))
    row = await desk.row(ticket, "closing")
    assert (row.state, row.verdict, row.filed_at, row.next_at) == ("stopped", None, at("2024-10-23 12:00"), None)
    await desk.reach("2024-10-25 09:00")
    await desk.tell(desk.closed(ticket, "2024-10-23 12:00"))
    assert await desk.told(ticket, "closing") == ["DeadlineApproaching", "DeadlineStopped", "DeadlineMet"]
    [met] = await desk.events(ticket, "DeadlineMet", kind="closing")
    assert isinstance(met.data, DeadlineMet)
    assert (met.data.fact, met.data.fact_at) == (filing, at("2024-10-23 12:00"))


async def test_a_report_that_is_filed_late_is_missed_when_it_is_accepted(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-24 00:00")
    await desk.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-10-24 00:00"))
    assert await desk.told(ticket, "closing") == [
        "DeadlineApproaching", "DeadlineBreached", "DeadlineStopped", "DeadlineMissed",
    ]  # fmt: skip


async def test_a_report_that_is_sent_back_relights_the_same_deadline(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-10 10:00")
    await desk.tell(desk.closing_reported(ticket))
    await desk.reach("2024-10-11 10:00")
    await desk.tell(desk.sent_back(ticket))
    row = await desk.row(ticket, "closing")
    assert (row.state, row.due_at, row.generation, row.filed_at) == ("armed", at(CLOSING_DUE), 1, None)
    assert await desk.told(ticket, "closing") == ["DeadlineStopped", "DeadlineResumed"]
    await desk.reach("2024-10-24 00:00")
    assert (await desk.told(ticket, "closing"))[2:] == ["DeadlineApproaching", "DeadlineBreached"]


async def test_a_report_sent_back_after_the_limit_lights_the_red_lamp_at_once(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-23 12:00")
    await desk.tell(desk.closing_reported(ticket))
    await desk.reach("2024-10-28 09:00")
    await desk.tell(desk.sent_back(ticket))
    await desk.fire()
    assert await desk.told(ticket, "closing") == [
        "DeadlineApproaching", "DeadlineStopped", "DeadlineResumed", "DeadlineBreached",
    ]  # fmt: skip
    await desk.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-10-28 09:00"))
    assert (await desk.row(ticket, "closing")).verdict == "missed"


async def test_a_late_report_sent_back_burns_red_again_without_a_second_breach(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-24 09:00")
    await desk.tell(desk.closing_reported(ticket))
    await desk.tell(desk.sent_back(ticket))
    await desk.fire()
    assert (await desk.row(ticket, "closing")).state == "breached"
    assert (await desk.told(ticket, "closing")).count("DeadlineBreached") == 1


async def test_an_approved_return_ends_the_round_at_its_filing(desk: Desk) -> None:
    """Duties due by then are judged missed; the others are superseded, and a red lamp among them is withdrawn."""
    ticket = await desk.dispatch(type="inquiry")  # closing due 2024-10-01 00:00
    await desk.reach("2024-10-08 09:00")
    [ruling] = await desk.wire.deliver(desk.round_ended(ticket, "2024-09-30 08:00"))
    assert (await desk.told(ticket, "sign_in"))[-1] == "DeadlineMissed"
    assert await desk.told(ticket, "closing") == [
        "DeadlineApproaching", "DeadlineBreached", "BreachWithdrawn", "DeadlineStopped",
    ]  # fmt: skip
    row = await desk.row(ticket, "closing")
    assert (row.state, row.verdict) == ("superseded", None)
    [missed] = await desk.events(ticket, "DeadlineMissed")
    [stopped] = await desk.events(ticket, "DeadlineStopped", kind="closing")
    assert isinstance(missed.data, DeadlineMissed)
    assert isinstance(stopped.data, DeadlineStopped)
    assert (missed.data.kind, missed.data.fact) == ("sign_in", None)
    assert (stopped.data.reason, stopped.data.fact) == ("superseded", ruling)
    assert (await desk.row(ticket, "return_window")).state == "closed"


async def test_a_duty_due_at_the_very_instant_of_the_rounds_end_is_judged(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set(SIGN_IN_DUE)
    await desk.tell(desk.round_ended(ticket, SIGN_IN_DUE))
    assert (await desk.row(ticket, "sign_in")).verdict == "missed"


async def test_a_denied_return_leaves_the_first_clock_running(desk: Desk) -> None:
    ticket = await desk.dispatch()
    before = await desk.row(ticket, "closing")
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.returned(ticket))
    desk.set("2024-10-09 10:00")
    overruled = desk.round_ended(ticket, "2024-10-09 10:00", outcome="denied", ended_round=None, round_ended_at=None)
    await desk.tell(overruled)
    assert await desk.row(ticket, "closing") == before


async def test_a_re_dispatch_begins_fresh_clocks_and_the_old_verdicts_stand(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.signed_in(ticket))
    await desk.tell(desk.round_ended(ticket, "2024-09-29 11:00"))
    closed = await desk.rows(ticket)
    desk.set("2024-10-08 09:00")
    await desk.tell(desk.dispatched(ticket, 2, OTHER))
    assert (await desk.row(ticket, "sign_in", 2)).due_at == at("2024-10-10 00:00")
    assert (await desk.row(ticket, "closing", 2)).due_at == at("2024-10-29 00:00")
    await desk.tell(desk.signed_in(ticket, round_=1), desk.closed(ticket, "2024-10-08 09:00", round_=1))
    assert (await desk.rows(ticket))[: len(closed)] == closed


async def test_a_redo_is_a_new_round_with_its_own_clocks(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.signed_in(ticket), desk.closing_reported(ticket), desk.closed(ticket, "2024-09-29 10:00"))
    desk.set("2024-10-09 10:00")
    await desk.tell(desk.reissued(ticket, 2))
    assert [row.verdict for row in await desk.rows(ticket, "closing")] == ["met", None]
    assert (await desk.row(ticket, "closing", 2)).due_at == at("2024-10-30 00:00")
    assert (await desk.row(ticket, "return_window", 1)).state == "closed"


async def test_a_round_that_nobody_ended_ends_with_the_next_dispatch(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-28 10:00")
    await desk.tell(desk.dispatched(ticket, 2, OTHER))
    assert {row.state for row in await desk.rows(ticket) if row.round == 1} == {"superseded"}


async def test_an_archived_ticket_has_nothing_open(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-10-09 10:00")
    await desk.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-10-09 10:00"), desk.archived(ticket))
    assert all(not row.open for row in await desk.rows(ticket))
    assert (await desk.row(ticket, "sign_in")).verdict == "missed"
    assert (await desk.row(ticket, "closing")).verdict == "met"


async def test_the_ticket_that_was_merged_away_says_so(desk: Desk) -> None:
    ticket = await desk.dispatch()
    merged = desk.round_ended(ticket, "2024-09-27 17:00", kind="merge", outcome="merged", new_status="merged")
    await desk.tell(merged)
    stopped = await desk.events(ticket, "DeadlineStopped", kind="closing")
    assert [getattr(event.data, "reason", None) for event in stopped] == ["merged"]


async def test_a_laws_own_limit_overrides_the_table_for_the_closing_alone(desk: Desk) -> None:
    law = Basis(rule="law", document="保障农民工工资支付条例", article="第三十九条")
    ticket = await desk.dispatch(legal_limit=LegalLimit(amount=10, unit="natural_days", basis=law))
    # 10 natural days from 27 September end on 7 October, a day off: on to the 8th.
    row = await desk.row(ticket, "closing")
    assert row.due_at == at("2024-10-09 00:00")
    assert [basis.article for basis in row.basis] == ["第三十九条", "第十六条"]
    assert (await desk.row(ticket, "sign_in")).due_at == at(SIGN_IN_DUE)


async def test_a_ticket_under_a_pack_that_is_not_here_waits(desk: Desk) -> None:
    desk.policy = "shuangyashan@0123456789ab"
    ticket = uuid4()
    event = Event(uuid4(), "intake", "TicketCreated", f"ticket/{ticket}", desk.clock.now(), 1, desk.created(ticket))
    async with desk.service.room.transaction() as tx:
        with pytest.raises(Transient, match="not here yet"):
            await open_docket(tx, event, 0)


async def test_a_dispatch_before_any_calendar_waits(bare: Desk) -> None:
    ticket = await bare.register()
    async with bare.service.room.transaction() as tx:
        with pytest.raises(Transient):
            await take_in(tx, _event(bare, bare.dispatched(ticket)))


async def test_a_fact_about_a_ticket_that_was_never_registered_is_parked(desk: Desk) -> None:
    await desk.tell(desk.signed_in(uuid4()))
    assert await desk.parked() == ["a fact about a ticket whose registration never came"]


def _event(desk: Desk, data: Dispatched) -> Event:
    return Event(uuid4(), "dispatch", "Dispatched", f"ticket/{data.ticket}", desk.clock.now(), 1, data)
