"""The clocks of a round stand still and run again; the centre speaks to the requester first; a date is promised."""

from uuid import UUID

from tests.dispatch.office import LEAD, OTHER, Office, stopping_pack
from tests.support.wire import at

from common.events.dispatch import ClockResumed, ClockStopped, ProgressReported, RequesterContacted


async def signed_in(office: Office) -> UUID:
    await office.activate(stopping_pack())
    ticket = await office.dispatched()
    answer = await office.post(f"tickets/{ticket}/sign-ins", {"round": 1}, "unit", LEAD)
    assert answer.status_code == 201, answer.text
    return ticket


async def test_the_lead_stops_the_clock_by_notice_and_resumes_it_with_the_same_stop(office: Office) -> None:
    ticket = await signed_in(office)
    body = {"round": 1, "ground": "opinion", "text": "送检，联系人13800138000。"}
    stopped = await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    assert stopped.status_code == 201, stopped.text
    again = await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    assert (again.status_code, again.json()["code"]) == (409, "clock_stopped")
    resumed = await office.post(f"tickets/{ticket}/clock-resumptions", {"round": 1}, "unit", LEAD)
    assert resumed.status_code == 201, resumed.text
    [stop] = [one for one in await office.announced(ticket) if isinstance(one.data, ClockStopped)]
    [resume] = [one for one in await office.announced(ticket) if isinstance(one.data, ClockResumed)]
    assert isinstance(stop.data, ClockStopped)
    assert isinstance(resume.data, ClockResumed)
    assert str(stop.data.stop) == stopped.json()["stop"] == str(resume.data.stop)
    assert "13800138000" not in stop.data.text
    assert stop.data.basis[0].rule == "G-4"


async def test_where_consent_is_wanted_a_reviewer_records_the_stop(office: Office) -> None:
    ticket = await signed_in(office)
    body = {"round": 1, "ground": "papers", "text": "等待诉求人补充材料。"}
    refused = await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    assert (refused.status_code, refused.json()["code"]) == (403, "reviewer_only")
    assert (await office.post(f"tickets/{ticket}/clock-stops", body, "reviewer")).status_code == 201


async def test_a_stop_names_a_ground_of_the_pack_and_a_pack_without_grounds_has_none(office: Office) -> None:
    ticket = await signed_in(office)
    body = {"round": 1, "ground": "holiday", "text": "放假。"}
    unknown = await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    assert (unknown.status_code, unknown.json()["fields"][0]["field"]) == (422, "ground")
    nothing = await office.post(f"tickets/{ticket}/clock-resumptions", {"round": 1}, "unit", LEAD)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "clock_runs")
    foreign = await office.post(f"tickets/{ticket}/clock-stops", {**body, "ground": "opinion"}, "unit", OTHER)
    assert foreign.status_code == 404


async def test_a_pack_without_stops_has_no_way_to_stop_the_clock(office: Office) -> None:
    ticket = await office.dispatched()
    await office.post(f"tickets/{ticket}/sign-ins", {"round": 1}, "unit", LEAD)
    body = {"round": 1, "ground": "opinion", "text": "送检。"}
    answer = await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_provided")


async def test_the_closing_report_ends_a_stop(office: Office) -> None:
    ticket = await signed_in(office)
    body = {"round": 1, "ground": "opinion", "text": "送检。"}
    await office.post(f"tickets/{ticket}/clock-stops", body, "unit", LEAD)
    await office.post(f"tickets/{ticket}/closing-reports", {"round": 1, "result": "已修复。"}, "unit", LEAD)
    assert (await office.docket(ticket)).clock_stop is None


async def test_the_centre_contacts_the_requester_before_the_dispatch_and_not_before_the_registration(
    office: Office,
) -> None:
    created = office.created()
    await office.wire.deliver(created)
    body = {"round": 0, "level": 1, "outcome": "reached", "proof": "rec-1"}
    early = {**body, "occurred_at": "2025-09-26T15:59:00+08:00"}
    office.clock.set(at("2025-09-26 18:00"))
    refused = await office.post(f"tickets/{created.ticket}/contacts", early, "agent")
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "occurred_at")
    assert (await office.post(f"tickets/{created.ticket}/contacts", body, "unit", LEAD)).status_code in (403, 404)
    assert (await office.post(f"tickets/{created.ticket}/contacts", body, "agent")).status_code == 201
    [told] = [one.data for one in await office.announced(created.ticket) if isinstance(one.data, RequesterContacted)]
    assert (told.level, told.unit, told.round) == (1, None, 0)


async def test_a_promised_date_is_the_leads_and_lies_ahead(office: Office) -> None:
    ticket = await signed_in(office)
    path, body = f"tickets/{ticket}/progress-reports", {"round": 1, "text": "正在施工。"}
    past = await office.post(path, {**body, "promised_at": "2025-09-26T16:00:00+08:00"}, "unit", LEAD)
    assert (past.status_code, past.json()["fields"][0]["field"]) == (422, "promised_at")
    ahead = await office.post(path, {**body, "promised_at": "2025-10-10T00:00:00+08:00"}, "unit", LEAD)
    assert ahead.status_code == 201, ahead.text
    [told] = [one.data for one in await office.announced(ticket) if isinstance(one.data, ProgressReported)]
    assert told.promised_at == at("2025-10-10 00:00")
