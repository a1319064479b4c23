"""A ticket's life in dispatch from the dispatch to the file, one verb after another."""

from uuid import UUID

from tests.dispatch.office import LEAD, OTHER, Office, checked_pack
from tests.support.wire import at

from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    Dispatched,
    RequesterContacted,
    SignedIn,
)


async def test_a_registered_ticket_waits_for_its_dispatch(office: Office) -> None:
    ticket = await office.register()
    docket = await office.docket(ticket)
    assert (docket.status, docket.round, docket.unit) == ("awaiting_dispatch", 0, None)


async def test_an_assignment_begins_the_first_round_and_names_its_principle(office: Office) -> None:
    ticket = await office.register()
    named = {"by": "superior", "reference": "市政府办公室批办单第 17 号，联系人 13812345678"}
    answer = await office.assign(
        ticket, co_handlers=[OTHER], remark="请电话联系 13812345678", designated=True, designation=named
    )
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["round"], body["unit"], body["co_handlers"]) == ("dispatched", 1, LEAD, [OTHER])
    [event] = await office.announced(ticket)
    assert answer.headers["Hotline-Event"] == str(event.id)
    data = event.data
    assert isinstance(data, Dispatched)
    assert (data.round, data.unit, data.co_handlers, data.principle, data.designated) == (
        1,
        LEAD,
        (OTHER,),
        "function",
        True,
    )
    assert data.designation is not None
    assert (data.designation.by, data.designation.reference) == (
        "superior",
        "市政府办公室批办单第 17 号，联系人 [手机号]",
    )
    assert data.basis[0].rule == "SYS-14"
    assert data.remark == "请电话联系 [手机号]"
    assert data.actor.role == "dispatcher"


async def test_the_whole_life_without_a_check_closes_with_the_report(office: Office) -> None:
    ticket = await office.signed_in()
    office.clock.set(at("2025-09-28 09:00"))
    contact = {"round": 1, "outcome": "reached", "occurred_at": "2025-09-28T08:30:00+08:00", "proof": "call-17"}
    assert (await office.post(f"tickets/{ticket}/contacts", contact, "unit", LEAD)).status_code == 201
    answer = await office.file_closing(ticket)
    assert answer.status_code == 201
    assert answer.json()["status"] == "closed"
    events = await office.announced(ticket)
    assert [event.type for event in events] == [
        "Dispatched",
        "SignedIn",
        "RequesterContacted",
        "ClosingReported",
        "Closed",
    ]
    signed, contacted, filed, closed = (event.data for event in events[1:])
    assert isinstance(signed, SignedIn)
    assert isinstance(contacted, RequesterContacted)
    assert (contacted.level, contacted.unit, contacted.occurred_at) == (2, LEAD, at("2025-09-28 08:30"))
    assert contacted.accepted_at == at("2025-09-28 09:00")
    assert isinstance(filed, ClosingReported)
    assert isinstance(closed, Closed)
    assert closed.decided_by_rule
    assert closed.basis[0].rule == "SYS-16"
    assert closed.actor.role == "system"
    assert (closed.report, closed.filed_at) == (filed.report, at("2025-09-28 09:00"))
    assert answer.headers["Hotline-Event"] == str(events[-1].id)
    assert str(filed.report) == answer.json()["report"]


async def test_a_requester_without_contact_is_archived_with_the_closing(office: Office) -> None:
    ticket = await office.register(has_contact=False)
    await office.assign(ticket)
    await office.sign_in(ticket)
    answer = await office.file_closing(ticket)
    assert answer.json()["status"] == "archived"
    archived = (await office.announced(ticket))[-1].data
    assert isinstance(archived, Archived)
    assert archived.how == "no_contact"
    assert archived.basis[0].rule == "SYS-22"


async def test_where_a_person_checks_a_report_waits_and_can_be_sent_back(bare: Office) -> None:
    office = bare
    await office.activate(checked_pack())
    await office.enter_unit(LEAD)
    ticket = await office.signed_in()
    first = await office.file_closing(ticket)
    assert first.json()["status"] == "closing_filed"
    decide = f"closing-reports/{first.json()['report']}/decisions"

    without_reason = await office.post(decide, {"round": 1, "decision": "send_back"}, "reviewer")
    assert without_reason.status_code == 422
    assert without_reason.json()["fields"][0]["field"] == "reasons"
    by_unit = await office.post(decide, {"round": 1, "decision": "accept"}, "unit", LEAD)
    assert by_unit.status_code == 403

    back = {"round": 1, "decision": "send_back", "reasons": ["未附现场照片"]}
    assert (await office.post(decide, back, "reviewer")).json()["status"] == "signed_in"
    assert isinstance((await office.announced(ticket))[-1].data, ClosingSentBack)
    again = await office.post(decide, {"round": 1, "decision": "accept"}, "reviewer")
    assert again.status_code == 409
    assert again.json()["code"] == "not_allowed"

    second = (await office.file_closing(ticket)).json()["report"]
    stale = await office.post(decide, {"round": 1, "decision": "accept"}, "reviewer")
    assert (stale.status_code, stale.json()["code"]) == (409, "report_decided")
    accept = f"closing-reports/{second}/decisions"
    assert (await office.post(accept, {"round": 1, "decision": "accept"}, "dispatcher")).json()["status"] == "closed"
    closed = (await office.announced(ticket))[-1].data
    assert isinstance(closed, Closed)
    assert not closed.decided_by_rule
    assert closed.report == UUID(second)


async def test_an_anonymous_requesters_checked_report_is_archived_when_it_is_accepted(bare: Office) -> None:
    office = bare
    await office.activate(checked_pack())
    await office.enter_unit(LEAD)
    ticket = await office.register(has_contact=False)
    await office.assign(ticket)
    await office.sign_in(ticket)
    report = (await office.file_closing(ticket)).json()["report"]
    answer = await office.post(f"closing-reports/{report}/decisions", {"round": 1, "decision": "accept"}, "reviewer")
    assert answer.json()["status"] == "archived"
    assert (await office.types(ticket))[-2:] == ["Closed", "Archived"]
