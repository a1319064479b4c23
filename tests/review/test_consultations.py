"""明确承办单位、协调、会商: who is invited, what binds, who concludes (双鸭山 第十五条、第三十二条（二）)."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from tests.review.desk import CHENGGUAN, MORNING, PACKS, YINGSHANG, ZHUJIAN, Desk, Ticket

from common.clock import new_id
from common.events.dispatch import RulingApplied, UnitSucceeded
from common.events.review import ConsultationConcluded, ConsultationConvened, MinutesRecorded, OpinionGiven
from common.policy import Pack, load_pack, parse_pack
from common.security.access import Role

SIFAJU, BIANBAN = "shuangyashan.sifaju", "shuangyashan.bianban"
JIANSHAN = "shuangyashan.jianshan"


async def enter_bodies(desk: Desk) -> None:
    """The bodies that 第十五条 wants at the table, and a county."""
    await desk.enter(YINGSHANG, "市营商环境局", function="authority")
    await desk.enter(SIFAJU, "市司法局", function="judicial_administration")
    await desk.enter(BIANBAN, "市委编办", kind="other", function="staffing")
    await desk.enter(JIANSHAN, "尖山区政府", kind="county_district")


async def convene(
    desk: Desk, ticket: Ticket, *, role: Any = "reviewer", by: str = YINGSHANG, **body: Any
) -> httpx.Response:
    """A consultation between the holder and 住建 over overlapping functions unless said otherwise."""
    told = {
        "round": ticket.round,
        "form": "consultation",
        "ground": "overlapping_functions",
        "participants": [ZHUJIAN],
        "subject": "人行道由谁维护",
    } | body
    whole = {name: value for name, value in told.items() if value is not None}
    return await desk.post(f"/tickets/{ticket.id}/consultations", whole, role, by)


async def convened(desk: Desk, ticket: Ticket, **body: Any) -> dict[str, Any]:
    answer = await convene(desk, ticket, **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def conclude(desk: Desk, case: str, *, by: str = YINGSHANG, round: int = 1, **body: Any) -> httpx.Response:
    """``by``: the unit that the reviewer acts for."""
    told = {"round": round, "outcome": "unit_named", "unit": ZHUJIAN, "principle": "competent_responsible"} | body
    whole = {name: value for name, value in told.items() if value is not None}
    return await desk.post(f"/consultations/{case}/conclusions", whole, "reviewer", by)


UNRESOLVED: dict[str, Any] = {"outcome": "unresolved", "unit": None, "principle": None}


async def test_the_judicial_administration_leads_and_staffing_and_business_environment_are_invited_by_rule(
    desk: Desk,
) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    seen = await convened(desk, ticket, meets_at=(MORNING + timedelta(days=1)).isoformat())
    [told] = await ticket.announced("ConsultationConvened")
    assert isinstance(told.data, ConsultationConvened)
    assert told.data.convener == SIFAJU
    assert told.data.participants == (SIFAJU, BIANBAN, YINGSHANG, CHENGGUAN, ZHUJIAN)
    assert [one.quote for one in told.data.basis] == [
        "会同同级编制、营商环境、相关执法单位进行会商研判",
        "部门职能交叉等疑难复杂问题",
    ]
    assert seen["invited_by_rule"] == [SIFAJU, BIANBAN, YINGSHANG]
    assert seen["disputants"] == [CHENGGUAN, ZHUJIAN]
    assert [one["code"] for one in seen["principles"]] == [
        "licensor_supervises",
        "competent_responsible",
        "county_last_resort",
    ]
    [row] = ticket.window(kind="consultation").deadlines
    limit = row.model_copy(update={"unit": None, "case": UUID(seen["id"])})
    told_limit = ticket.window(kind="consultation").model_copy(update={"deadlines": (limit,)})
    await desk.wire.deliver(told_limit)
    assert (await desk.get(f"/consultations/{seen['id']}")).json()["due_at"] is not None


async def test_the_authority_leads_coordination_and_designation_before_anybody_holds_the_ticket(desk: Desk) -> None:
    ticket = Ticket(desk, desk.pack)
    await desk.wire.deliver(ticket.created())
    alone = await convene(desk, ticket, form="designation", ground=None, participants=[])
    assert (alone.status_code, alone.json()["fields"][0]["field"]) == (422, "participants")
    seen = await convened(desk, ticket, form="designation", ground=None, participants=[ZHUJIAN, CHENGGUAN])
    assert (seen["convener"], seen["participants"], seen["round"]) == (None, [ZHUJIAN, CHENGGUAN], 0)
    assert (await conclude(desk, seen["id"], round=0)).status_code == 201


async def test_what_cannot_be_convened_says_why(desk: Desk) -> None:
    ticket = await desk.ticket()
    missing = await convene(desk, ticket)
    assert (missing.status_code, missing.json()["code"]) == (409, "invitee_missing")
    assert missing.json()["basis"][0]["rule"] == "SYS-15.2"
    await enter_bodies(desk)
    await desk.enter("shuangyashan.old", "原建设局", ended_on="2025-01-01")
    bodies: list[tuple[dict[str, Any], str, str]] = [
        ({"ground": None}, "ground", "required"),
        ({"ground": "unclear_responsibility"}, "ground", "choice"),
        ({"form": "talk"}, "form", "literal_error"),
        ({"participants": ["shuangyashan.old"]}, "participants", "unit_ended"),
        ({"participants": [ZHUJIAN, "shuangyashan.nobody"]}, "participants.1", "unknown_unit"),
        ({"participants": ["tongjiang.x"]}, "participants", "jurisdiction"),
        ({"participants": [ZHUJIAN, ZHUJIAN]}, "participants", "duplicate"),
        ({"subject": " "}, "subject", "blank"),
        ({"meets_at": "2020-01-01T00:00:00Z"}, "meets_at", "too_early"),
    ]
    for body, field, rule in bodies:
        answer = await convene(desk, ticket, **body)
        assert answer.status_code == 422, body
        told = answer.json()["fields"][0]
        assert told["field"] == field, body
        assert rule in (told["rule"], "literal_error"), body
    assert (await convene(desk, ticket, round=2)).json()["code"] == "stale_round"
    assert (await convene(desk, ticket, role="unit")).status_code == 404
    assert (await convene(desk, ticket, role="unit", by=CHENGGUAN)).status_code == 403
    assert (await convene(desk, ticket, role="dispatcher")).status_code == 403
    await desk.enter("shuangyashan.sifa_jianshan", "尖山区司法局", function="judicial_administration")
    several = await convene(desk, ticket)
    assert (several.status_code, several.json()["fields"][0]["rule"]) == (422, "same_level")
    seen = await convened(desk, ticket, participants=[SIFAJU, ZHUJIAN])
    assert (seen["convener"], seen["disputants"]) == (SIFAJU, [CHENGGUAN, ZHUJIAN])
    second = await convene(desk, ticket, form="coordination", ground="shirked")
    assert (second.status_code, second.json()["code"]) == (409, "consultation_open")
    closed = await desk.closed_ticket()
    late = await convene(desk, closed, form="coordination", ground=None)
    assert (late.status_code, late.json()["code"]) == (409, "not_consultable")
    assert late.json()["allowed"] == ["awaiting_dispatch", "closing_filed", "dispatched", "signed_in"]
    assert await closed.told() == []


def led_by_lead() -> Pack:
    """A pack in which the unit that leads the ticket calls the coordination together (同江 三（二）)."""
    content = load_pack(PACKS / "shuangyashan").dump()
    content["consultation"]["forms"]["coordination"]["led_by"] = "lead"
    content["consultation"]["disputants_recused"]["value"] = False
    return parse_pack(content)


async def test_the_lead_calls_together_and_concludes_where_the_pack_says_so(desk: Desk) -> None:
    pack = led_by_lead()
    await desk.activate(pack)
    await enter_bodies(desk)
    ticket = await desk.ticket(pack=pack, co_handlers=(ZHUJIAN,))
    its: dict[str, Any] = {"form": "coordination", "ground": None, "participants": [], "role": "unit"}
    assert (await convene(desk, ticket, **its, by=ZHUJIAN)).status_code == 403
    other = await convene(desk, ticket, **{**its, "form": "designation"}, by=CHENGGUAN)
    assert (other.status_code, other.json()["fields"][0]["rule"]) == (422, "not_own")
    seen = await convened(desk, ticket, **its, by=CHENGGUAN)
    assert (seen["convener"], seen["disputants"]) == (CHENGGUAN, [CHENGGUAN, ZHUJIAN])
    minutes = {"round": 1, "text": "议定分段维护。"}
    assert (await desk.post(f"/consultations/{seen['id']}/minutes", minutes, "unit", ZHUJIAN)).status_code == 404
    kept = await desk.post(f"/consultations/{seen['id']}/minutes", minutes, "unit", CHENGGUAN)
    assert kept.status_code < 300, kept.text
    said = {
        "round": 1, "outcome": "unit_named", "unit": CHENGGUAN, "co_handlers": [ZHUJIAN],
        "principle": "competent_responsible", "solution": "分段维护。", "limit": {"amount": 5, "unit": "working_days"},
    }  # fmt: skip
    path = f"/consultations/{seen['id']}/conclusions"
    assert (await desk.post(path, said, "unit", ZHUJIAN)).status_code == 404
    done = await desk.post(path, said, "unit", CHENGGUAN)
    assert done.status_code < 300, done.text
    [told] = await ticket.announced("ConsultationConcluded")
    assert isinstance(told.data, ConsultationConcluded)
    assert (told.data.unit, told.data.solution, told.data.actor.unit) == (CHENGGUAN, "分段维护。", CHENGGUAN)


async def test_what_the_authority_convened_no_unit_concludes(desk: Desk) -> None:
    pack = led_by_lead()
    await desk.activate(pack)
    await enter_bodies(desk)
    ticket = await desk.ticket(pack=pack)
    seen = await convened(desk, ticket)
    said = {"round": 1, "outcome": "unit_named", "unit": ZHUJIAN, "principle": "competent_responsible"}
    for unit in (CHENGGUAN, ZHUJIAN):
        answer = await desk.post(f"/consultations/{seen['id']}/conclusions", said, "unit", unit)
        assert answer.status_code == 404, unit


async def test_a_repeat_is_one_consultation_and_another_jurisdictions_people_find_nothing(desk: Desk) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    body = {"round": 1, "form": "coordination", "participants": [ZHUJIAN], "subject": "人行道由谁维护"}
    path = f"/tickets/{ticket.id}/consultations"
    first, again = [await desk.post(path, body, "reviewer", YINGSHANG, key="once") for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert first.headers["Hotline-Event"] == str((await ticket.announced())[-1].id)
    assert await ticket.told() == ["ConsultationConvened"]
    case = first.json()["id"]
    for where, told in (
        (path, body),
        (f"/consultations/{case}/minutes", {"round": 1, "text": "纪要"}),
        (f"/consultations/{case}/conclusions", {"round": 1, "outcome": "unresolved"}),
        (f"/tickets/{ticket.id}/escalations", {"round": 1, "ground": "cross_region", "report": "专报"}),
    ):
        foreign = await desk.post(where, told, "reviewer", "tongjiang.x", jurisdiction="tongjiang")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found"), where
    assert (await desk.get(f"/consultations/{case}", jurisdiction="tongjiang")).status_code == 404


async def test_each_participant_has_one_standing_opinion_and_nobody_else_reads_or_speaks(desk: Desk) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    case = (await convened(desk, ticket))["id"]
    path = f"/consultations/{case}/opinions"
    for opinion in ("属住建", "确属住建，致电 13812345678"):
        body: dict[str, Any] = {"round": 1, "opinion": opinion, "legal_basis": "《城市道路管理条例》第六条"}
        assert (await desk.post(path, body, "unit", CHENGGUAN)).status_code == 201
    given = await desk.post(path, {"round": 1, "opinion": "由编制核定", "unit": BIANBAN}, "admin")
    assert given.status_code == 201, given.text
    assert {one["unit"]: one["opinion"] for one in given.json()["opinions"]} == {
        CHENGGUAN: "确属住建，致电 [手机号]",
        BIANBAN: "由编制核定",
    }
    told = [event.data for event in await ticket.announced("OpinionGiven")]
    assert [one.unit for one in told if isinstance(one, OpinionGiven)] == [CHENGGUAN, CHENGGUAN, BIANBAN]
    stranger = await desk.post(path, {"round": 1, "opinion": "我也说"}, "unit", JIANSHAN)
    assert stranger.status_code == 404
    for wrong, field in (({"unit": BIANBAN}, "unit"), ({"opinion": ""}, "opinion")):
        refused = await desk.post(path, {"round": 1, "opinion": "属住建"} | wrong, "unit", ZHUJIAN)
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, field)
    for unit in (None, JIANSHAN):
        refused = await desk.post(path, {"round": 1, "opinion": "属住建", "unit": unit}, "admin")
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "unit")
    assert (await desk.get(f"/consultations/{case}", "unit", ZHUJIAN)).status_code == 200
    assert (await desk.get(f"/consultations/{case}", "unit", JIANSHAN)).status_code == 404
    assert len((await desk.get("/consultations", "unit", ZHUJIAN)).json()["items"]) == 1
    assert (await desk.get("/consultations", "unit", JIANSHAN)).json()["items"] == []
    assert (await desk.get("/consultations", jurisdiction="tongjiang")).json()["items"] == []
    assert len((await desk.get(f"/consultations?ticket={ticket.id}&form=consultation")).json()["items"]) == 1


async def test_a_conclusion_names_a_principle_a_lead_that_stands_and_takes_effect_with_dispatchs_answer(
    desk: Desk,
) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    case = (await convened(desk, ticket))["id"]
    minutes = await desk.post(f"/consultations/{case}/minutes", {"round": 1, "text": "到会各方一致"}, "reviewer")
    assert minutes.json()["minutes"]["text"] == "到会各方一致"
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"unit": None}, "unit"),
        ({"unit": "shuangyashan.nobody"}, "unit"),
        ({"principle": None}, "principle"),
        ({"principle": "territory"}, "principle"),
        ({"principle": "county_last_resort"}, "unit"),
        ({"co_handlers": [ZHUJIAN]}, "co_handlers"),
        ({"limit": {"amount": 0, "unit": "working_days"}}, "limit.amount"),
        ({"outcome": "unresolved"}, "unit"),
        ({"outcome": "unresolved", "unit": None}, "principle"),
    ]
    for body, field in bodies:
        answer = await conclude(desk, case, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), body
    concluded = await conclude(
        desk,
        case,
        co_handlers=[CHENGGUAN],
        limit={"amount": 10, "unit": "working_days"},
        solution="住建修复，城管配合",
        reply_wording="由住建部门修复，联系 13812345678",
    )
    assert (concluded.status_code, concluded.json()["state"]) == (201, "concluded")
    [told] = await ticket.announced("ConsultationConcluded")
    assert isinstance(told.data, ConsultationConcluded)
    assert told.data.limit is not None
    assert (told.data.unit, told.data.co_handlers, told.data.principle) == (
        ZHUJIAN,
        (CHENGGUAN,),
        "competent_responsible",
    )
    assert (told.data.limit.amount, told.data.reply_wording) == (10, "由住建部门修复，联系 [手机号]")
    assert [one.article for one in told.data.basis] == ["第十五条", "第十五条", "第三十二条（二）"]
    second = await conclude(desk, case)
    assert (second.status_code, second.json()["code"]) == (409, "consultation_settled")
    await ticket.applied(case, "dispatched", kind="consultation")
    await ticket.dispatched(unit=ZHUJIAN, designated=True, co_handlers=(CHENGGUAN,))
    await ticket.windowed()
    assert (await desk.get(f"/consultations/{case}")).json()["state"] == "applied"
    denied = await desk.filed(ticket, round=2, suggested_unit=CHENGGUAN)
    assert (denied["state"], denied["decision"]["ground"]) == ("denied", "designated")
    [recorded] = await ticket.announced("MinutesRecorded")
    assert isinstance(recorded.data, MinutesRecorded)


async def test_a_conclusion_for_the_unit_that_holds_the_ticket_binds_it_without_a_new_round(desk: Desk) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    waiting = await desk.filed(ticket)
    case = (await convened(desk, ticket, form="coordination", ground="shirked"))["id"]
    assert (await conclude(desk, case, unit=CHENGGUAN)).status_code == 201
    told = RulingApplied(
        **ticket.fields(), ruling=case, kind="consultation", outcome="unit_named", new_status="dispatched",
        designated=CHENGGUAN,
    )  # fmt: skip
    await desk.wire.deliver(told)
    for denied in ((await desk.get(f"/returns/{waiting['id']}")).json(), await desk.filed(ticket)):
        assert (denied["state"], denied["decision"]["ground"]) == ("denied", "designated")
        assert "协调" in denied["decision"]["note"]
    late = await desk.ticket()
    case = (await convened(desk, late))["id"]
    assert (await conclude(desk, case)).status_code == 201
    await late.overtaken(case, "closed", kind="consultation")
    shown = (await desk.get(f"/consultations/{case}")).json()
    assert (shown["state"], shown["overtaken_because"]) == ("overtaken", "已办结")


async def test_who_acts_for_a_unit_in_dispute_does_not_conclude(desk: Desk) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    case = (await convened(desk, ticket))["id"]
    for unit in (CHENGGUAN, ZHUJIAN):
        refused = await conclude(desk, case, by=unit)
        assert (refused.status_code, refused.json()["code"]) == (403, "own_unit")
        assert "未规定回避" in refused.json()["basis"][0]["assumption"]
    await ticket.dispatched(unit=BIANBAN)  # who holds it now is in dispute too, though it was invited by rule
    assert (await conclude(desk, case, by=BIANBAN, round=2)).status_code == 403
    stale = await conclude(desk, case, by=SIFAJU)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_round")
    assert "第 2 轮" in stale.json()["detail"]
    assert (await conclude(desk, case, by=SIFAJU, round=2, **UNRESOLVED)).status_code == 201
    assert (await conclude(desk, str(new_id()))).status_code == 404


async def test_of_people_who_conclude_at_once_the_first_decides(desk: Desk) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    convenings = await asyncio.gather(*(convene(desk, ticket) for _ in range(4)))
    assert Counter(answer.status_code for answer in convenings) == {201: 1, 409: 3}
    [case] = [answer.json()["id"] for answer in convenings if answer.status_code == 201]
    unresolved = conclude(desk, case, by=SIFAJU, **UNRESOLVED)
    answers = await asyncio.gather(conclude(desk, case), unresolved, conclude(desk, case), conclude(desk, case))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"consultation_settled"}
    assert await ticket.told() == ["ConsultationConvened", "ConsultationConcluded"]


async def test_a_consultation_outlives_its_round_and_ends_with_the_ticket_and_seats_pass_to_successors(
    desk: Desk,
) -> None:
    await enter_bodies(desk)
    ticket = await desk.ticket()
    case = (await convened(desk, ticket))["id"]
    succeeded = UnitSucceeded(**ticket.fields(), unit=CHENGGUAN, successor=JIANSHAN)
    await desk.wire.deliver(succeeded)
    assert (await desk.get(f"/consultations/{case}")).json()["disputants"] == [JIANSHAN, ZHUJIAN]
    await ticket.dispatched()
    assert (await desk.get(f"/consultations/{case}")).json()["state"] == "convened"
    await ticket.closed()
    waiting = await conclude(desk, case, round=2)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not_consultable")
    await ticket.applied(new_id(), "archived", kind="callback", ended=False)
    assert (await desk.get(f"/consultations/{case}")).json()["state"] == "lapsed"
    for path, body in (("opinions", {"opinion": "属住建"}), ("minutes", {"text": "补记"})):
        role: Role = "unit" if path == "opinions" else "reviewer"
        answer = await desk.post(f"/consultations/{case}/{path}", {"round": 2} | body, role, ZHUJIAN)
        assert (answer.status_code, answer.json()["code"]) == (409, "consultation_settled")
