"""Returns, callbacks and what comes too late: where races about a ticket end."""

import asyncio

from tests.dispatch.office import LEAD, OTHER, THIRD, Office, checked_pack
from tests.support.wire import at

from common.clock import new_id
from common.events.dispatch import Archived, Dispatched, Reissued, RulingApplied, RulingOvertaken
from common.events.vocabulary import Designation
from common.policy.pack import parse_pack


async def test_a_filed_return_is_noted_and_the_unit_goes_on(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    docket = await office.docket(ticket)
    assert (docket.status, docket.pending_return, docket.unit) == ("signed_in", case, LEAD)
    assert (await office.types(ticket))[-1] == "SignedIn"


async def test_a_denied_return_leaves_the_ticket_where_it_is(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.hear("ReturnDenied", ticket, case=case, unit=LEAD)
    docket = await office.docket(ticket)
    assert (docket.status, docket.pending_return) == ("signed_in", None)
    assert (await office.types(ticket))[-1] == "SignedIn"


async def test_an_approved_return_takes_the_ticket_at_once_and_ends_the_round_at_its_filing(office: Office) -> None:
    ticket, case = await office.signed_in(co_handlers=[OTHER]), new_id()
    filed_at = office.clock.now()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    office.clock.set(at("2025-09-28 10:00"))
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD, filed_at=filed_at)
    docket = await office.docket(ticket)
    assert (docket.status, docket.unit, docket.co_handlers, docket.round) == ("awaiting_dispatch", None, (), 1)
    assert docket.pending_return is None
    answer = (await office.announced(ticket))[-1].data
    assert isinstance(answer, RulingApplied)
    assert (answer.ruling, answer.kind, answer.outcome) == (case, "return", "approved")
    assert (answer.ended_round, answer.round_ended_at, answer.new_status) == (1, filed_at, "awaiting_dispatch")
    assert (await office.sign_in(ticket)).status_code == 404

    again = await office.assign(ticket, THIRD, round=1)
    assert again.json()["round"] == 2
    data = (await office.announced(ticket))[-1].data
    assert isinstance(data, Dispatched)
    assert (data.unit, data.round) == (THIRD, 2)


async def test_a_ruling_that_arrives_while_a_report_waits_wins_over_the_report(bare: Office) -> None:
    office = bare
    await office.activate(checked_pack())
    await office.enter_unit(LEAD)
    ticket, case = await office.signed_in(), new_id()
    filed_at = office.clock.now()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    report = (await office.file_closing(ticket)).json()["report"]
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD, filed_at=filed_at)
    docket = await office.docket(ticket)
    assert (docket.status, docket.report) == ("awaiting_dispatch", None)
    late = await office.post(f"closing-reports/{report}/decisions", {"round": 1, "decision": "accept"}, "reviewer")
    assert (late.status_code, late.json()["allowed"]) == (409, ["assign", "claim", "record_centre_contact"])


async def test_a_ruling_that_arrives_after_the_closing_is_overtaken(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.file_closing(ticket)
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
    answer = (await office.announced(ticket))[-1].data
    assert isinstance(answer, RulingOvertaken)
    assert (answer.ruling, answer.kind, answer.status) == (case, "return", "closed")
    assert answer.reason == "工单已处于“待回访”"


async def test_acceptance_and_ruling_at_once_end_one_way_only(bare: Office) -> None:
    office = bare
    await office.activate(checked_pack())
    await office.enter_unit(LEAD)
    for _ in range(10):
        ticket, case = await office.signed_in(), new_id()
        await office.hear("Returned", ticket, case=case, unit=LEAD)
        report = (await office.file_closing(ticket)).json()["report"]
        answer, _none = await asyncio.gather(
            office.post(f"closing-reports/{report}/decisions", {"round": 1, "decision": "accept"}, "reviewer"),
            office.hear("ReturnApproved", ticket, case=case, unit=LEAD),
        )
        status = (await office.docket(ticket)).status
        told = await office.announced(ticket, "Closed", "RulingApplied", "RulingOvertaken")
        if answer.status_code == 201:
            assert (status, [event.type for event in told]) == ("closed", ["Closed", "RulingOvertaken"])
        else:
            assert (status, [event.type for event in told]) == ("awaiting_dispatch", ["RulingApplied"])


async def test_a_return_that_comes_after_the_closing_is_answered_as_overtaken(office: Office) -> None:
    ticket, case = await office.closed(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    answer = (await office.announced(ticket))[-1].data
    assert isinstance(answer, RulingOvertaken)
    assert (answer.ruling, answer.kind) == (case, "return")


async def test_a_return_of_an_earlier_round_is_overtaken_by_the_present_one(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
    await office.assign(ticket, OTHER, round=1)
    late = new_id()
    await office.hear("Returned", ticket, case=late, unit=LEAD, round=1)
    answer = (await office.announced(ticket))[-1].data
    assert isinstance(answer, RulingOvertaken)
    assert (answer.ruling, answer.reason) == (late, "所指第 1 轮已经结束，现为第 2 轮")
    assert (await office.docket(ticket)).pending_return is None


async def test_a_denial_of_another_return_does_not_clear_the_pending_one(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.hear("ReturnDenied", ticket, case=new_id(), unit=LEAD)
    assert (await office.docket(ticket)).pending_return == case


async def test_a_judgement_to_archive_files_the_ticket(office: Office) -> None:
    ticket = await office.closed()
    await office.hear("CallbackJudged", ticket, outcome="archive")
    assert (await office.docket(ticket)).status == "archived"
    applied, archived = (event.data for event in (await office.announced(ticket))[-2:])
    assert isinstance(applied, RulingApplied)
    assert isinstance(archived, Archived)
    assert (applied.kind, applied.outcome, archived.how) == ("callback", "archive", "callback")


async def test_a_judgement_to_redo_gives_the_same_units_a_new_round(office: Office) -> None:
    ticket = await office.closed(co_handlers=[OTHER])
    office.clock.set(at("2025-10-09 09:00"))
    await office.hear("CallbackJudged", ticket, outcome="redo")
    docket = await office.docket(ticket)
    assert (docket.status, docket.round, docket.unit, docket.co_handlers) == ("dispatched", 2, LEAD, (OTHER,))
    assert docket.round_began_at == at("2025-10-09 09:00")
    reissued = (await office.announced(ticket))[-1].data
    assert isinstance(reissued, Reissued)
    assert (reissued.round, reissued.previous_round, reissued.unit) == (2, 1, LEAD)
    assert (await office.sign_in(ticket, round=2)).json()["status"] == "signed_in"


async def test_a_second_judgement_of_the_same_round_comes_too_late(office: Office) -> None:
    ticket = await office.closed()
    await office.hear("CallbackJudged", ticket, outcome="redo")
    await office.hear("CallbackJudged", ticket, outcome="archive", round=1)
    assert (await office.types(ticket))[-3:] == ["RulingApplied", "Reissued", "RulingOvertaken"]
    assert (await office.docket(ticket)).status == "dispatched"


async def test_the_same_event_again_changes_nothing_more(office: Office) -> None:
    ticket = await office.closed()
    judged = office.wire.message(office.fact("CallbackJudged", await office.docket(ticket), outcome="archive"))
    await office.wire.deliver(judged)
    before = await office.types(ticket)
    await office.wire.deliver(judged)
    await office.wire.deliver(judged, judged)
    assert await office.types(ticket) == before


async def test_a_pending_return_blocks_what_the_pack_says_it_blocks(bare: Office) -> None:
    office = bare
    content = office.pack.dump()
    blocking = {**content["returns"]["pending_blocks"], "value": ["sign_in", "closing"]}
    returns = {**content["returns"], "pending_blocks": blocking}
    await office.activate(parse_pack({**content, "returns": returns}))
    await office.enter_unit(LEAD)
    ticket, case = await office.dispatched(), new_id()
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    refused = await office.sign_in(ticket)
    assert (refused.status_code, refused.json()["code"]) == (409, "return_pending")
    assert refused.json()["basis"][0]["rule"] == "SYS-18"
    await office.hear("ReturnDenied", ticket, case=case, unit=LEAD)
    assert (await office.sign_in(ticket)).status_code == 201
    await office.hear("Returned", ticket, case=new_id(), unit=LEAD)
    assert (await office.file_closing(ticket)).json()["code"] == "return_pending"


async def test_a_conclusion_that_names_another_unit_designates_it_for_a_round_of_its_own(office: Office) -> None:
    ticket = await office.signed_in()
    await office.hear("ConsultationConcluded", ticket, outcome="unit_named", unit=OTHER, co_handlers=(THIRD,))
    docket = await office.docket(ticket)
    assert (docket.status, docket.unit, docket.co_handlers, docket.round) == ("dispatched", OTHER, (THIRD,), 2)
    assert docket.designated
    data = (await office.announced(ticket))[-1].data
    assert isinstance(data, Dispatched)
    assert data.designated


async def test_a_conclusion_that_names_the_present_lead_leaves_its_round_running(office: Office) -> None:
    ticket = await office.signed_in()
    case = new_id()
    await office.hear(
        "ConsultationConcluded",
        ticket,
        case=case,
        form="consultation",
        outcome="unit_named",
        unit=LEAD,
        co_handlers=(),
    )
    docket = await office.docket(ticket)
    assert (docket.status, docket.round, docket.designated) == ("signed_in", 1, True)
    answer = (await office.announced(ticket))[-1].data
    assert isinstance(answer, RulingApplied)
    assert (answer.designated, answer.ended_round, answer.new_status) == (LEAD, None, "signed_in")
    assert docket.designation == Designation(by="consultation", case=case)


async def test_a_conclusion_that_adds_co_handlers_to_the_present_lead_begins_a_round_for_them(office: Office) -> None:
    ticket = await office.signed_in()
    named = {"outcome": "unit_named", "unit": LEAD, "co_handlers": (OTHER,)}
    await office.hear("ConsultationConcluded", ticket, **named)
    docket = await office.docket(ticket)
    assert (docket.status, docket.round, docket.unit, docket.co_handlers) == ("dispatched", 2, LEAD, (OTHER,))
    await office.hear("ConsultationConcluded", ticket, **named, case=new_id())
    assert (await office.docket(ticket)).round == 2


async def test_a_designation_binds_through_a_redo_round_until_another_replaces_it(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    await office.hear(
        "EscalationDecided", ticket, case=case, outcome="unit_named", unit=OTHER, co_handlers=(), basis=()
    )
    dispatched = (await office.announced(ticket))[-1].data
    assert isinstance(dispatched, Dispatched)
    assert dispatched.designation == Designation(by="escalation", case=case)
    assert (await office.sign_in(ticket, OTHER, round=2)).status_code == 201
    assert (await office.file_closing(ticket, OTHER, round=2)).status_code == 201
    await office.hear("CallbackJudged", ticket, outcome="redo")
    again = (await office.announced(ticket))[-1].data
    assert isinstance(again, Reissued)
    assert (again.designated, again.designation) == (True, dispatched.designation)
    other = new_id()
    conclusion = {"form": "coordination", "outcome": "unit_named", "unit": THIRD, "co_handlers": ()}
    await office.hear("ConsultationConcluded", ticket, case=other, **conclusion)
    assert (await office.docket(ticket)).designation == Designation(by="coordination", case=other)


async def test_a_conclusion_that_names_a_unit_nobody_can_send_to_is_answered_and_blocks_nothing(office: Office) -> None:
    heir = "shuangyashan.renshe"
    await office.enter_unit(THIRD, '"1"', ended_on="2025-09-01", successor=heir)
    await office.enter_unit(OTHER, '"1"', ended_on="2025-09-01")
    ticket = await office.signed_in()
    for unit, co_handlers in (("shuangyashan.nobody", ()), (OTHER, ()), (None, ()), (LEAD, (OTHER,))):
        case = new_id()
        await office.hear(
            "ConsultationConcluded", ticket, case=case, outcome="unit_named", unit=unit, co_handlers=co_handlers
        )
        answer = (await office.announced(ticket))[-1].data
        assert isinstance(answer, RulingOvertaken), unit
        assert answer.ruling == case
        assert answer.reason == f"指定的单位不在单位库或者已经终止：{(*co_handlers, unit)[0] or '未写明主办单位'}"
    assert await office.parked() == []
    # One that ended with an heir is its heir.
    await office.hear("ConsultationConcluded", ticket, outcome="unit_named", unit=THIRD, co_handlers=())
    assert (await office.docket(ticket)).unit == heir


async def test_an_event_of_a_ticket_that_was_never_registered_is_parked_with_its_reason(office: Office) -> None:
    ticket = await office.closed()
    docket = await office.docket(ticket)
    stranger = new_id()
    fact = office.fact("CallbackJudged", docket, ticket=stranger, outcome="archive")
    await office.wire.deliver(fact)
    assert await office.parked() == ["CallbackJudged of a ticket that was never registered"]


async def test_a_ticket_answered_at_registration_has_a_story_and_no_life(office: Office) -> None:
    sample = await office.docket(await office.register())
    answered = new_id()
    await office.wire.deliver(
        office.fact("TicketAnswered", sample, ticket=answered), office.fact("AttachmentAdded", sample, ticket=answered)
    )
    assert await office.parked() == []
    assert (await office.assign(answered)).status_code == 404


async def test_a_ticket_waits_for_its_pack(bare: Office) -> None:
    office = bare
    created = office.created()
    task = asyncio.create_task(office.wire.deliver(created))
    await office.activate()
    await task
    assert (await office.docket(created.ticket)).status == "awaiting_dispatch"
    assert await office.parked() == []
