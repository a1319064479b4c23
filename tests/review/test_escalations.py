"""专报: only what stayed unresolved goes to the government, and what comes back (双鸭山 第十五条)."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from tests.review.desk import CHENGGUAN, YINGSHANG, ZHUJIAN, Desk, Ticket

from common.clock import new_id
from common.events.review import Escalated, EscalationDecided


async def attempted(desk: Desk, ticket: Ticket, form: str = "coordination", **conclusion: Any) -> str:
    """The authority tried to settle it, and could not unless said otherwise."""
    body = {"round": ticket.round, "form": form, "participants": [ZHUJIAN], "subject": "跨区河道由谁清淤"}
    answer = await desk.post(f"/tickets/{ticket.id}/consultations", body, "reviewer", YINGSHANG)
    assert answer.status_code == 201, answer.text
    case = str(answer.json()["id"])
    told = {"round": ticket.round, "outcome": "unresolved"} | conclusion
    concluded = await desk.post(f"/consultations/{case}/conclusions", told, "reviewer", YINGSHANG)
    assert concluded.status_code == 201, concluded.text
    return case


async def settled(desk: Desk, ticket: Ticket, form: str = "coordination", **conclusion: Any) -> str:
    """The same, with dispatch's answer."""
    case = await attempted(desk, ticket, form, **conclusion)
    await ticket.applied(case, "dispatched", kind="consultation", ended=False)
    return case


async def escalate(desk: Desk, ticket: Ticket, **body: Any) -> httpx.Response:
    told = {
        "round": ticket.round,
        "ground": "cross_region",
        "addressee": "市人民政府",
        "report": "两区各执一词，致电 13812345678",
    } | body
    whole = {name: value for name, value in told.items() if value is not None}
    return await desk.post(f"/tickets/{ticket.id}/escalations", whole, "reviewer", YINGSHANG)


async def decide(desk: Desk, case: str, *, role: Any = "supervisor", **body: Any) -> httpx.Response:
    told = {"round": 1, "outcome": "unit_named", "unit": ZHUJIAN, "instruction": "由住建牵头"} | body
    whole = {name: value for name, value in told.items() if value is not None}
    return await desk.post(f"/escalations/{case}/decisions", whole, role)


async def test_a_matter_goes_up_only_after_a_coordination_or_consultation_that_came_to_nothing(desk: Desk) -> None:
    ticket = await desk.ticket()
    for early in ("nothing", "designation"):
        if early == "designation":
            await settled(desk, ticket, "designation")
        refused = await escalate(desk, ticket)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_unresolved")
        assert refused.json()["allowed"] == ["coordination", "consultation"]
        assert refused.json()["basis"][0]["quote"] == "经协调或会商难以统筹协调的"
    unresolved = await attempted(desk, ticket)  # review's own fact: nobody waits for dispatch's answer to it
    reported = await escalate(desk, ticket, reply_line="正在报请市政府研究")
    assert reported.status_code == 201, reported.text
    [told] = await ticket.announced("Escalated")
    assert isinstance(told.data, Escalated)
    assert (str(told.data.consultation), told.data.addressee) == (unresolved, "市人民政府")
    assert told.data.report == "两区各执一词，致电 [手机号]"
    assert [one.quote for one in told.data.basis] == [
        "经协调或会商难以统筹协调的",
        "针对跨部门、跨区域疑难复杂的事项",
        "形成专报呈报本级政府研究解决",
    ]
    again = await escalate(desk, ticket)
    assert (again.status_code, again.json()["code"]) == (409, "escalation_open")


async def test_a_settled_or_overtaken_attempt_is_no_reason_to_report_upward(desk: Desk) -> None:
    named, overtaken, gone = [await desk.ticket() for _ in range(3)]
    await settled(desk, named)
    await settled(desk, named, outcome="unit_named", unit=CHENGGUAN, principle="licensor_supervises")
    await overtaken.overtaken(await attempted(desk, overtaken), "closed", kind="consultation")
    for ticket in (named, overtaken):
        assert (await escalate(desk, ticket)).json()["code"] == "not_unresolved"
    await settled(desk, gone)
    await gone.closed()
    late = await escalate(desk, gone)
    assert (late.status_code, late.json()["code"]) == (409, "not_escalatable")


async def test_what_is_filed_wrongly_names_its_field_and_nobody_else_reports_or_decides(desk: Desk) -> None:
    ticket = await desk.ticket()
    await settled(desk, ticket)
    for body, field in (({"ground": "because"}, "ground"), ({"report": " "}, "report"), ({"round": "1"}, "round")):
        answer = await escalate(desk, ticket, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), body
    assert (await escalate(desk, ticket, round=3)).json()["code"] == "stale_round"
    reported = await escalate(desk, ticket, addressee=None)
    case = reported.json()["id"]
    assert reported.json()["addressee"] == "双鸭山市人民政府"
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"unit": None}, "unit"),
        ({"unit": "shuangyashan.nobody"}, "unit"),
        ({"co_handlers": [ZHUJIAN]}, "co_handlers"),
        ({"co_handlers": [CHENGGUAN, CHENGGUAN]}, "co_handlers"),
        ({"outcome": "answered"}, "unit"),
        ({"outcome": "answered", "unit": None}, "reply_line"),
        ({"outcome": "sent_back", "unit": None, "limit": {"amount": 5, "unit": "working_days"}}, "limit"),
        ({"outcome": "forgotten"}, "outcome"),
        ({"instruction": ""}, "instruction"),
    ]
    for body, field in bodies:
        answer = await decide(desk, case, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), body
    assert (await decide(desk, case, role="reviewer")).status_code == 403
    assert (await decide(desk, case, round=2)).json()["code"] == "stale_round"
    assert (await decide(desk, str(new_id()))).status_code == 404
    assert (await desk.get(f"/escalations/{case}", "unit", CHENGGUAN)).status_code == 200
    assert (await desk.get(f"/escalations/{case}", "unit", ZHUJIAN)).status_code == 404
    assert len((await desk.get("/escalations", "unit", CHENGGUAN)).json()["items"]) == 1
    assert (await desk.get("/escalations", "unit", ZHUJIAN)).json()["items"] == []
    assert (await desk.get("/escalations?state=decided")).json()["items"] == []
    assert "EscalationDecided" not in await ticket.told()


async def test_a_decision_comes_back_once_and_takes_effect_with_dispatchs_answer(desk: Desk) -> None:
    ticket = await desk.ticket()
    await settled(desk, ticket)
    case = (await escalate(desk, ticket)).json()["id"]
    limit = {"amount": 10, "unit": "working_days"}
    answers = await asyncio.gather(
        *(decide(desk, case, co_handlers=[CHENGGUAN], limit=limit, reply_line="由住建负责") for _ in range(3))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"escalation_settled"}
    [told] = await ticket.announced("EscalationDecided")
    assert isinstance(told.data, EscalationDecided)
    assert (told.data.outcome, told.data.unit, told.data.co_handlers) == ("unit_named", ZHUJIAN, (CHENGGUAN,))
    assert told.data.basis[0].quote == "上级领导、有关部门或经过会商指定承办单位的"
    await ticket.applied(case, "dispatched", kind="escalation")
    shown = (await desk.get(f"/escalations/{case}")).json()
    assert (shown["state"], shown["decision"]["limit"]["amount"]) == ("applied", 10)
    await ticket.dispatched(unit=ZHUJIAN, designated=True)
    assert (await escalate(desk, ticket)).json()["code"] == "not_unresolved"


async def test_what_is_sent_back_may_go_up_again_and_what_is_answered_may_not(desk: Desk) -> None:
    ticket = await desk.ticket()
    unresolved = await settled(desk, ticket)
    for outcome, reply_line, then in (("sent_back", None, 201), ("answered", "已列入计划", 409)):
        case = (await escalate(desk, ticket)).json()["id"]
        body = {"outcome": outcome, "unit": None, "reply_line": reply_line}
        assert (await decide(desk, case, **body)).status_code == 201
        await ticket.applied(case, "dispatched", kind="escalation", ended=False)
        again = await escalate(desk, ticket)
        assert again.status_code == then
        if then == 201:
            assert again.json()["consultation"] == unresolved
            late = again.json()["id"]
            await decide(desk, late, **body)
            await ticket.overtaken(late, "signed_in", kind="escalation")
            assert (await desk.get(f"/escalations/{late}")).json()["overtaken_because"] == "已办结"
    ended = await desk.ticket()
    await settled(desk, ended)
    open_case = (await escalate(desk, ended)).json()["id"]
    await ended.applied(new_id(), "withdrawn", kind="withdrawal")
    assert (await desk.get(f"/escalations/{open_case}")).json()["state"] == "lapsed"
    assert (await decide(desk, open_case)).json()["code"] == "escalation_settled"
