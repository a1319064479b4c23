"""Two who want something of one ticket at the same instant, on the real database: one outcome, and it is explained."""

import asyncio
from collections.abc import Awaitable
from uuid import UUID

import httpx
from tests.dispatch.office import LEAD, OTHER, THIRD, Office

from common.clock import new_id
from common.events.dispatch import RulingApplied, RulingOvertaken, SignedIn

TIMES = 6
STOP = {"round": 1, "ground": "repeated", "explained": True, "statement": "已答复。"}


async def at_once(*sent: Awaitable[httpx.Response]) -> tuple[list[httpx.Response], list[httpx.Response]]:
    """Those that were accepted and those that were refused."""
    answers = await asyncio.gather(*sent)
    accepted = [answer for answer in answers if answer.status_code == 201]
    return accepted, [answer for answer in answers if answer not in accepted]


async def test_of_two_dispatchers_and_a_claiming_unit_one_has_the_ticket(office: Office) -> None:
    for _ in range(TIMES):
        ticket = await office.register()
        accepted, refused = await at_once(
            office.assign(ticket, LEAD),
            office.assign(ticket, OTHER),
            office.post(f"tickets/{ticket}/claims", {"round": 0}, "unit", THIRD),
        )
        assert (len(accepted), {answer.json()["code"] for answer in refused}) == (1, {"stale_round"})
        [event] = await office.announced(ticket)
        docket = await office.docket(ticket)
        assert (event.type, docket.round, docket.unit) == ("Dispatched", 1, accepted[0].json()["unit"])


async def test_of_two_officers_of_a_unit_one_signs_and_the_other_is_told_so(office: Office) -> None:
    for _ in range(TIMES):
        ticket = await office.dispatched(co_handlers=[OTHER])
        for unit, code in ((LEAD, "not_allowed"), (OTHER, "already_signed_in")):
            accepted, refused = await at_once(office.sign_in(ticket, unit), office.sign_in(ticket, unit))
            assert (len(accepted), [answer.json()["code"] for answer in refused]) == (1, [code])
        signed = [event.data for event in await office.announced(ticket, "SignedIn")]
        assert [one.unit for one in signed if isinstance(one, SignedIn)] == [LEAD, OTHER]


async def test_a_ticket_that_is_sent_elsewhere_while_its_unit_signs_ends_with_the_other_unit(office: Office) -> None:
    for _ in range(TIMES):
        ticket = await office.dispatched()
        signed, _none = await asyncio.gather(
            office.sign_in(ticket),
            office.hear("ConsultationConcluded", ticket, outcome="unit_named", unit=OTHER, co_handlers=()),
        )
        told = await office.types(ticket)
        docket = await office.docket(ticket)
        assert (docket.status, docket.round, docket.unit) == ("dispatched", 2, OTHER)
        if signed.status_code == 201:
            assert told == ["Dispatched", "SignedIn", "RulingApplied", "Dispatched"]
        else:
            assert (signed.status_code, told) == (404, ["Dispatched", "RulingApplied", "Dispatched"])


async def test_a_return_is_approved_while_its_unit_signs(office: Office) -> None:
    for _ in range(TIMES):
        ticket, case = await office.dispatched(), new_id()
        await office.hear("Returned", ticket, case=case, unit=LEAD)
        signed, _none = await asyncio.gather(
            office.sign_in(ticket), office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
        )
        assert (await office.docket(ticket)).status == "awaiting_dispatch"
        assert signed.status_code in (201, 404)
        told = await office.types(ticket)
        assert told.count("SignedIn") == (signed.status_code == 201)
        assert told[-1] == "RulingApplied"


async def test_a_co_handler_signs_while_the_lead_closes(office: Office) -> None:
    for _ in range(TIMES):
        ticket = await office.signed_in(co_handlers=[OTHER])
        closed, signed = await asyncio.gather(office.file_closing(ticket), office.sign_in(ticket, OTHER))
        told = await office.types(ticket)
        assert (closed.status_code, (await office.docket(ticket)).status) == (201, "closed")
        if signed.status_code == 201:
            assert told[-3:] == ["SignedIn", "ClosingReported", "Closed"]
        else:
            assert (signed.status_code, signed.json()["code"]) == (409, "not_allowed")
            assert signed.json()["allowed"] == ["explain", "submit_statement"]
            assert told[-2:] == ["ClosingReported", "Closed"]


async def stop(office: Office, ticket: UUID) -> httpx.Response:
    return await office.post(f"tickets/{ticket}/cessations", STOP, "unit", LEAD)


async def test_a_cessation_against_a_ruling_stops_the_ticket_or_finds_it_gone(office: Office) -> None:
    for number in range(TIMES):
        ticket, case = await office.signed_in(), new_id()
        await office.hear("Returned", ticket, case=case, unit=LEAD)
        ruling = ("ReturnApproved", "TicketWithdrawn")[number % 2]
        stopped, _none = await asyncio.gather(stop(office, ticket), office.hear(ruling, ticket, case=case))
        status = (await office.docket(ticket)).status
        [answer] = [event.data for event in await office.announced(ticket, "RulingApplied", "RulingOvertaken")]
        if stopped.status_code == 201:
            assert isinstance(answer, RulingOvertaken)
            assert (status, answer.reason) == ("stopped", "工单已处于“停止办理”")
        else:
            assert isinstance(answer, RulingApplied)
            assert status == ("awaiting_dispatch" if ruling == "ReturnApproved" else "withdrawn")
            assert stopped.status_code == (404 if ruling == "ReturnApproved" else 409)


async def test_a_unit_passes_the_ticket_on_while_it_is_taken_away(office: Office) -> None:
    below = "shuangyashan.zhujianju_ke"
    await office.enter_unit(below, parent=LEAD)
    for _ in range(TIMES):
        ticket, case = await office.signed_in(), new_id()
        await office.hear("Returned", ticket, case=case, unit=LEAD)
        body = {"round": 1, "to_unit": below}
        passed, _none = await asyncio.gather(
            office.post(f"tickets/{ticket}/sub-assignments", body, "unit", LEAD),
            office.hear("ReturnApproved", ticket, case=case, unit=LEAD),
        )
        assert passed.status_code in (201, 404)
        docket = await office.docket(ticket)
        assert (docket.status, docket.sub_units) == ("awaiting_dispatch", {})
        assert (await office.types(ticket)).count("SubAssigned") == (passed.status_code == 201)
