"""Other ways a ticket begins and ends: claimed, sent down by principle, stopped, explained and stated after closing."""

from typing import Any
from uuid import UUID

import httpx
from tests.dispatch.office import LEAD, OTHER, SHUANGYASHAN, Office

from common.events.dispatch import Dispatched, HandlingStopped, RequesterContacted, StatementSubmitted
from common.policy import parse_pack

COUNTY, TOWN = "shuangyashan.baoqing", "shuangyashan.baoqing_zhen"
STOP = {"round": 1, "ground": "repeated", "explained": True, "statement": "已答复，电话 13812345678 重复来电。"}


async def stop(office: Office, ticket: UUID, unit: str = LEAD, **changed: Any) -> httpx.Response:
    return await office.post(f"tickets/{ticket}/cessations", {**STOP, **changed}, "unit", unit)


async def test_a_unit_claims_a_ticket_that_nobody_has_yet(office: Office) -> None:
    ticket = await office.register()
    path = f"tickets/{ticket}/claims"
    foreign = await office.post(path, {"round": 0, "unit": LEAD}, "unit", OTHER)
    assert (foreign.status_code, foreign.json()["fields"][0]["rule"]) == (422, "own_unit")
    nobody = await office.post(path, {"round": 0}, "dispatcher")
    assert (nobody.status_code, nobody.json()["fields"][0]["rule"]) == (422, "required")
    claimed = await office.post(path, {"round": 0}, "unit", OTHER)
    assert (claimed.status_code, claimed.json()["unit"], claimed.json()["round"]) == (201, OTHER, 1)
    [event] = await office.announced(ticket)
    assert isinstance(event.data, Dispatched)
    assert (event.data.claimed, event.data.principle, event.data.actor.unit) == (True, "function", OTHER)
    late = await office.post(path, {"round": 0}, "unit", LEAD)
    assert (late.status_code, late.json()["code"]) == (409, "stale_round")


async def test_as_last_resort_a_ticket_goes_to_a_county_and_straight_down_to_a_unit_below_one(office: Office) -> None:
    await office.enter_unit(COUNTY, kind="county_district")
    await office.enter_unit(TOWN, kind="other", parent=COUNTY)
    for principle, unit, other, article in (
        ("county_last_resort", COUNTY, TOWN, "第十五条"),
        ("straight_down", TOWN, COUNTY, "第十四条"),
    ):
        ticket = await office.register()
        refused = await office.assign(ticket, other, principle=principle)
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "unit")
        assert "县（区）政府" in refused.json()["fields"][0]["message"]
        assert refused.json()["basis"][0]["article"] == article
        assert (await office.assign(ticket, unit, principle=principle)).status_code == 201
        data = (await office.announced(ticket))[-1].data
        assert isinstance(data, Dispatched)
        assert (data.principle, data.basis[0].article) == (principle, article)


async def test_the_lead_stops_on_one_of_four_grounds_when_the_requester_was_told_why(office: Office) -> None:
    ticket = await office.signed_in(co_handlers=[OTHER])
    unknown = await stop(office, ticket, ground="too_hard")
    assert (unknown.status_code, unknown.json()["fields"][0]["rule"]) == (422, "unknown_ground")
    untold = await stop(office, ticket, explained=False)
    assert (untold.status_code, untold.json()["fields"][0]["field"]) == (422, "explained")
    assert untold.json()["basis"][0]["article"] == "第二十三条"
    assert (await stop(office, ticket, statement=" ")).status_code == 422
    assert (await stop(office, ticket, OTHER)).json()["code"] == "not_the_lead"

    answer = await stop(office, ticket)
    assert (answer.status_code, answer.json()["status"]) == (201, "stopped")
    data = (await office.announced(ticket))[-1].data
    assert isinstance(data, HandlingStopped)
    assert (data.ground, data.explained, data.unit) == ("repeated", True, LEAD)
    assert data.statement == "已答复，电话 [手机号] 重复来电。"
    assert (data.basis[0].rule, data.basis[0].article) == ("SYS-23", "第二十三条（三）")
    after = await office.file_closing(ticket)
    assert (after.status_code, after.json().get("allowed", [])) == (409, [])


async def test_who_left_no_contact_cannot_be_told_and_the_statement_says_so(office: Office) -> None:
    ticket = await office.register(has_contact=False)
    await office.assign(ticket)
    await office.sign_in(ticket)
    assert (await stop(office, ticket, explained=False)).json()["status"] == "stopped"


async def test_what_a_pack_leaves_out_is_not_provided(bare: Office) -> None:
    content = SHUANGYASHAN.dump()
    del content["cessation"]
    del content["dispatching"]["claims"]
    del content["dispatching"]["legal_explanation"]
    del content["dispatching"]["sub_assignment"]
    await bare.activate(parse_pack(content))
    await bare.enter_unit(LEAD)
    waiting, ticket = await bare.register(), await bare.signed_in()
    for answer in (
        await bare.post(f"tickets/{waiting}/claims", {"round": 0}, "unit", LEAD),
        await bare.post(f"tickets/{ticket}/sub-assignments", {"round": 1, "to_account": "zhang"}, "unit", LEAD),
        await stop(bare, ticket),
        await bare.post(
            f"tickets/{ticket}/contacts",
            {"round": 1, "outcome": "reached", "purpose": "legal_explanation"},
            "unit",
            LEAD,
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_provided")


async def test_after_the_callback_the_lead_explains_and_states_with_its_papers(office: Office) -> None:
    ticket = await office.closed(co_handlers=[OTHER])
    await office.hear("CallbackJudged", ticket, outcome="explanation")
    assert (await office.docket(ticket)).status == "closed"
    told = {"round": 1, "outcome": "reached", "purpose": "explanation", "remark": "已说明权属。"}
    assert (await office.post(f"tickets/{ticket}/contacts", told, "unit", OTHER)).status_code == 403
    plain = {"round": 1, "outcome": "reached"}
    assert (await office.post(f"tickets/{ticket}/contacts", plain, "unit", LEAD)).status_code == 409
    assert (await office.post(f"tickets/{ticket}/contacts", told, "unit", LEAD)).status_code == 201
    contacted = (await office.announced(ticket))[-1].data
    assert isinstance(contacted, RequesterContacted)
    assert (contacted.purpose, contacted.unit) == ("explanation", LEAD)

    await office.hear("CallbackJudged", ticket, outcome="statement")
    words = {
        "round": 1,
        "text": "产权单位不同意，联系人 13812345678",
        "evidence": ["不动产登记簿", "会议纪要〔2025〕3号"],
    }
    path = f"tickets/{ticket}/statements"
    bare_words = await office.post(path, {**words, "evidence": []}, "unit", LEAD)
    assert (bare_words.status_code, bare_words.json()["fields"][0]["field"]) == (422, "evidence")
    assert (await office.post(path, words, "unit", OTHER)).status_code == 403
    answer = await office.post(path, words, "unit", LEAD)
    stated = (await office.announced(ticket))[-1].data
    assert isinstance(stated, StatementSubmitted)
    assert (str(stated.statement), stated.unit) == (answer.json()["statement"], LEAD)
    assert (stated.text, stated.evidence) == (
        "产权单位不同意，联系人 [手机号]",
        ("不动产登记簿", "会议纪要〔2025〕3号"),
    )
    await office.hear("CallbackJudged", ticket, outcome="archive")
    assert (await office.post(path, words, "unit", LEAD)).status_code == 409
