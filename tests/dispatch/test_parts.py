"""Co-handlers sign for their own part, holders pass tickets on inside: whoever helps, the holder answers for it."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.dispatch.office import LEAD, OTHER, THIRD, Office, checked_pack
from tests.dispatch.test_feed import lines, told, types
from tests.support.wire import at

from common.events.dispatch import ProgressReported, RequesterContacted, SignedIn, SubAssigned

OFFICE = "shuangyashan.zhujianju_ke"
STATION = "shuangyashan.zhujianju_zhan"


@pytest.fixture
async def tree(office: Office) -> Office:
    """住建局 has an office, the office a station; an officer of 住建局 is away until 30 September."""
    await office.enter_unit(OFFICE, parent=LEAD)
    await office.enter_unit(STATION, parent=OFFICE)
    body = {"duties": ["handler"], "substitute": "li", "absent_from": "2025-09-25", "absent_to": "2025-09-30"}
    headers = office.headers("unit", LEAD)
    assert (await office.client.put(f"officers/{LEAD}/zhang", json=body, headers=headers)).status_code == 201
    return office


async def pass_on(office: Office, ticket: UUID, unit: str = LEAD, round: int = 1, **to: Any) -> httpx.Response:
    return await office.post(f"tickets/{ticket}/sub-assignments", {"round": round, **to}, "unit", unit)


async def progress(office: Office, ticket: UUID, unit: str, **more: Any) -> httpx.Response:
    body = {"round": 1, "text": "已派员查看。", **more}
    return await office.post(f"tickets/{ticket}/progress-reports", body, "unit", unit)


async def test_a_co_handler_signs_once_for_its_part_and_moves_the_ticket_nowhere(office: Office) -> None:
    ticket = await office.dispatched(co_handlers=[OTHER, THIRD])
    assert (await office.sign_in(ticket, OTHER)).json()["status"] == "dispatched"
    again = await office.sign_in(ticket, OTHER)
    assert (again.status_code, again.json()["code"]) == (409, "already_signed_in")
    assert (await office.sign_in(ticket)).json()["status"] == "signed_in"
    assert (await office.sign_in(ticket, THIRD)).json()["status"] == "signed_in"
    signed = [event.data for event in await office.announced(ticket, "SignedIn")]
    assert [(one.unit, one.part) for one in signed if isinstance(one, SignedIn)] == [
        (OTHER, "co_handler"),
        (LEAD, "lead"),
        (THIRD, "co_handler"),
    ]
    assert (await office.docket(ticket)).signed_parts == (OTHER, THIRD)
    assert (await office.file_closing(ticket)).status_code == 201
    await office.hear("CallbackJudged", ticket, outcome="redo")
    assert (await office.sign_in(ticket, OTHER, round=2)).status_code == 201  # a new round, a new sign-in


async def test_no_lead_waits_for_a_co_handlers_sign_in(office: Office) -> None:
    ticket = await office.signed_in(co_handlers=[OTHER])
    assert (await office.file_closing(ticket)).status_code == 201
    late = await office.sign_in(ticket, OTHER)
    assert (late.status_code, late.json()["allowed"]) == (409, ["explain", "submit_statement"])


async def test_a_co_handler_signs_while_the_leads_report_is_looked_at(bare: Office) -> None:
    office = bare
    await office.activate(checked_pack())
    await office.enter_units("zhujianju", "chengguan")
    ticket = await office.signed_in(co_handlers=[OTHER])
    assert (await office.file_closing(ticket)).json()["status"] == "closing_filed"
    assert (await office.sign_in(ticket, OTHER)).json()["status"] == "closing_filed"
    refused = await pass_on(office, ticket, OTHER, to_account="zhang")
    assert refused.json()["allowed"] == ["sign_in_part", "accept_closing", "send_back_closing"]


async def test_a_unit_below_works_on_the_ticket_and_its_holder_answers_for_it(tree: Office) -> None:
    office = tree
    ticket = await office.signed_in()
    assert (await progress(office, ticket, STATION)).status_code == 404
    passed = await pass_on(office, ticket, to_unit=STATION, remark="请联系 13812345678")
    assert (passed.status_code, passed.json()["to_unit"], passed.json()["unit"]) == (201, STATION, LEAD)
    data = (await office.announced(ticket))[-1].data
    assert isinstance(data, SubAssigned)
    assert (data.unit, data.to_unit, data.to_account, data.remark) == (LEAD, STATION, None, "请联系 [手机号]")
    assert data.basis[0].article == "第九条"

    assert (await progress(office, ticket, STATION)).status_code == 201
    contact = {"round": 1, "outcome": "reached"}
    assert (await office.post(f"tickets/{ticket}/contacts", contact, "unit", STATION)).status_code == 201
    reported, contacted = (event.data for event in (await office.announced(ticket))[-2:])
    assert isinstance(reported, ProgressReported)
    assert isinstance(contacted, RequesterContacted)
    assert (reported.unit, reported.actor.unit) == (LEAD, STATION)
    assert (contacted.unit, contacted.actor.unit) == (LEAD, STATION)

    for refused in (
        await office.file_closing(ticket, STATION),
        await pass_on(office, ticket, STATION, to_account="zhang"),
        await office.post(
            f"tickets/{ticket}/cessations",
            {"round": 1, "ground": "repeated", "explained": True, "statement": "重复"},
            "unit",
            STATION,
        ),
    ):
        assert refused.status_code == 403, refused.text
    listed = (await office.get(f"units/{STATION}/open", "admin")).json()["items"]
    assert [(one["part"], one["lead"]) for one in listed] == [("sub_unit", LEAD)]


async def test_an_unlawful_demand_is_answered_with_the_law_by_the_lead_or_who_works_for_it(tree: Office) -> None:
    """双鸭山 第二十一条（三）: which rules, what follows; a contact like any other besides."""
    office = tree
    ticket = await office.dispatched(co_handlers=[OTHER])
    path = f"tickets/{ticket}/contacts"
    told: dict[str, Any] = {
        "round": 1,
        "outcome": "reached",
        "purpose": "legal_explanation",
        "provisions": "《城市绿化条例》第二十七条：不得损坏城市树木花草；13812345678 已知悉",
        "consequences": "责令停止侵害，可以并处罚款；13812345678 已知悉",
    }
    await office.sign_in(ticket)
    await pass_on(office, ticket, to_unit=STATION)
    for changed, field, rule in (
        ({"provisions": None}, "provisions", "required"),
        ({"consequences": None}, "consequences", "required"),
        ({"consequences": " "}, "consequences", "blank"),
        ({"outcome": "attempts_exhausted"}, "outcome", "not_reached"),
        ({"purpose": "contact"}, "provisions", "not_of_purpose"),
        ({"purpose": "contact", "provisions": None}, "consequences", "not_of_purpose"),
    ):
        refused = await office.post(path, told | changed, "unit", LEAD)
        assert (refused.status_code, changed) == (422, changed)
        assert [(one["field"], one["rule"]) for one in refused.json()["fields"]] == [(field, rule)]
    foreign = await office.post(path, told, "unit", OTHER)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_the_lead")
    for unit in (LEAD, STATION):
        assert (await office.post(path, told, "unit", unit)).status_code == 201
        contacted = (await office.announced(ticket))[-1].data
        assert isinstance(contacted, RequesterContacted)
        assert (contacted.purpose, contacted.unit, contacted.actor.unit) == ("legal_explanation", LEAD, unit)
        assert contacted.provisions == "《城市绿化条例》第二十七条：不得损坏城市树木花草；[手机号] 已知悉"
        assert contacted.consequences == "责令停止侵害，可以并处罚款；[手机号] 已知悉"
        assert [(one.rule, one.article) for one in contacted.basis] == [("SYS-21", "第二十一条（三）")]


async def test_who_may_be_passed_a_ticket(tree: Office) -> None:
    office = tree
    ticket = await office.signed_in(co_handlers=[OTHER])
    await office.enter_unit(STATION, '"1"', parent=OFFICE, ended_on="2025-09-26", successor=OFFICE)
    cases: list[tuple[str, dict[str, Any], int, str | None]] = [
        (LEAD, {"to_unit": OTHER}, 422, "not_below"),
        (LEAD, {"to_unit": LEAD}, 422, "not_below"),
        (LEAD, {"to_unit": "shuangyashan.nobody"}, 422, "not_below"),
        (OTHER, {"to_unit": OFFICE}, 422, "not_below"),  # below the lead, not below this co-handler
        (LEAD, {"to_unit": STATION}, 422, "unit_ended"),
        (LEAD, {}, 422, "one_of"),
        (LEAD, {"to_unit": OFFICE, "to_account": "li"}, 422, "one_of"),
        (LEAD, {"to_account": "nobody"}, 422, "unknown_officer"),
        (LEAD, {"to_unit": OFFICE}, 201, None),
        (LEAD, {"to_unit": OFFICE}, 409, None),
        (OTHER, {"to_account": "zhang"}, 201, None),
    ]
    for unit, to, status, rule in cases:
        answer = await pass_on(office, ticket, unit, **to)
        assert answer.status_code == status, (unit, to, answer.text)
        assert rule is None or answer.json()["fields"][0]["rule"] == rule, (unit, to)
    assert (await office.docket(ticket)).sub_units == {OFFICE: LEAD}


async def test_the_work_of_an_absent_officer_goes_to_the_substitute(tree: Office) -> None:
    office = tree
    ticket = await office.dispatched()
    assert (await pass_on(office, ticket, to_account="zhang")).json()["to_account"] == "li"
    office.clock.set(at("2025-10-01 09:00"))
    assert (await pass_on(office, ticket, to_account="zhang")).json()["to_account"] == "zhang"
    await told(office)
    feed = (await office.get(f"units/{LEAD}/events", "unit", LEAD)).json()["items"]
    passed = [one["event"]["data"] for one in feed if "SubAssigned" in one["event"]["type"]]
    assert [one["to_account"] for one in passed] == [None, None]  # units are told no official's account


async def test_a_co_handler_concludes_its_part_itself(tree: Office) -> None:
    office = tree
    ticket = await office.register()
    await office.assign(ticket, OTHER, co_handlers=[LEAD])
    await office.sign_in(ticket, OTHER)
    await pass_on(office, ticket, to_unit=OFFICE)
    refused = await progress(office, ticket, OFFICE, concludes_part=True)
    assert (refused.status_code, refused.json()["fields"][0]["rule"]) == (422, "holders_only")
    assert (await progress(office, ticket, LEAD, concludes_part=True)).status_code == 201


async def test_a_sub_unit_is_told_the_story_so_far_and_what_follows_until_the_round_is_another_units(
    tree: Office,
) -> None:
    office = tree
    ticket = await office.signed_in()
    await told(office)
    await pass_on(office, ticket, to_unit=OFFICE)
    await progress(office, ticket, OFFICE)
    await told(office)
    assert types(await lines(office, OFFICE)) == [
        "TicketCreated",
        "Dispatched",
        "SignedIn",
        "SubAssigned",
        "ProgressReported",
    ]
    await office.hear("ConsultationConcluded", ticket, outcome="unit_named", unit=OTHER, co_handlers=())
    await told(office)
    await office.sign_in(ticket, OTHER, round=2)
    await told(office)
    assert types(await lines(office, OFFICE))[-3:] == ["ConsultationConcluded", "RulingApplied", "Dispatched"]
    assert (await office.docket(ticket)).sub_units == {}
