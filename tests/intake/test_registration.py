"""受理: four outcomes, what each asks for, and what it announces."""

import asyncio
from typing import Any

import pytest
from tests.intake.centre import NAME, PHONE, Centre, demand

from common.events.intake import TicketAnswered, TicketCreated, TicketDeclined, TicketTransferred


async def test_a_complaint_becomes_a_work_order_and_is_announced(centre: Centre) -> None:
    answer = await centre.post("/tickets", demand(received_at="2025-09-26T15:30:00+08:00"))
    assert answer.status_code == 201, answer.text
    told = answer.json()
    (event,) = await centre.wire.announced()
    assert answer.headers["Hotline-Event"] == str(event.id)
    assert told["number"] == "SYS20250926000001"
    assert told["status"] == "awaiting_dispatch"
    assert (told["received_at"], told["accepted_at"]) == ("2025-09-26T07:30:00Z", "2025-09-26T08:00:00Z")
    assert [basis["article"] for basis in told["acceptance"]["basis"]] == ["第十三条"]
    assert told["possible_duplicates"] == []
    fact = event.data
    assert isinstance(fact, TicketCreated)
    assert event.sequence == 1
    assert str(fact.ticket) == told["id"]
    assert (fact.round, fact.policy, fact.number) == (0, centre.pack.version, told["number"])
    assert fact.occurred_at == fact.accepted_at == centre.clock.now()
    assert fact.requester.has_contact
    assert not fact.requester.confidential
    assert fact.actor.role == "agent"


async def test_the_event_and_the_ticket_hold_the_statement_masked(centre: Centre) -> None:
    ticket = await centre.register()
    (event,) = await centre.wire.announced()
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    for shown in (event.data.model_dump_json(), str(read)):
        assert NAME not in shown
        assert PHONE not in shown
    assert "路灯灯杆螺丝脱落" in read["statement"]
    assert "[诉求人]" in read["statement"]


async def test_an_inquiry_answered_at_once_needs_no_address(centre: Centre) -> None:
    told = await centre.register(type="inquiry", outcome="answered", answer="请携带身份证到大厅办理", address=None)
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketAnswered)
    assert told["status"] is None
    assert event.data.answer == "请携带身份证到大厅办理"


async def test_a_declined_demand_names_the_ground_and_what_the_caller_is_told(centre: Centre) -> None:
    told = await centre.register(outcome="declined", ground="military", told=True, right_body="军事机关")
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketDeclined)
    assert event.data.basis[0].article == "第十二条（五）"
    assert "请向其主管部门反映" in told["acceptance"]["tell"]


async def test_who_is_declined_by_another_law_is_told_which(centre: Centre) -> None:
    law = "《信访工作条例》第二十一条"
    told = await centre.register(outcome="declined", ground="other_law", told=True, legal_basis=f"{law}，{PHONE}")
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketDeclined)
    assert (event.data.legal_basis or "").startswith(law)
    assert law in told["acceptance"]["tell"]
    assert PHONE not in (event.data.legal_basis or "") + told["acceptance"]["tell"]


async def test_a_call_is_passed_on_only_with_consent(centre: Centre) -> None:
    passed = {"outcome": "transferred", "transferred_to": "119", "mode": "transfer"}
    refused = await centre.post("/tickets", demand(**passed, consent=False))
    assert refused.status_code == 422
    assert refused.json()["code"] == "consent_missing"
    assert refused.json()["basis"][0]["article"] == "第十三条"
    assert await centre.wire.announced() == []
    await centre.register(**passed, consent=True)
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketTransferred)


@pytest.mark.parametrize(
    ("changed", "field", "article"),
    [
        ({"statement": None}, "statement", "第二条"),
        ({"address": ...}, "address", "第二条"),
        ({"type": None}, "type", "第二条"),
        ({"requester": {"phone": PHONE}}, "requester.name", "第二条"),
        ({"requester": {"name": NAME}}, "requester.phone", "第二条"),
        ({"requester": ...}, "requester.name", "第二条"),
    ],
)
async def test_a_missing_element_is_named_with_its_clause(
    centre: Centre, changed: dict[str, Any], field: str, article: str
) -> None:
    refused = await centre.post("/tickets", demand(**changed))
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "element_missing"
    assert field in [each["field"] for each in problem["fields"]]
    assert {basis["article"] for basis in problem["basis"]} == {article}
    assert await centre.count("ticket") == 0


async def test_an_anonymous_tip_off_needs_neither_name_nor_number(centre: Centre) -> None:
    await centre.register(type="tip_off", requester={"anonymous": True})
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketCreated)
    assert event.data.requester.anonymous
    assert not event.data.requester.has_contact


async def test_an_open_ticket_of_the_same_caller_and_category_is_a_possible_duplicate(centre: Centre) -> None:
    first = await centre.register()
    await centre.register(category="城市管理/市政道路")
    await centre.register(requester={"name": NAME, "phone": "13800000000"})
    spelt_otherwise = {"name": NAME, "phone": "+86 139-0469-1234"}
    again = await centre.register(requester=spelt_otherwise)
    expected = {"id": first["id"], "number": first["number"], "status": "awaiting_dispatch"}
    assert again["possible_duplicates"] == [expected]


async def test_a_ticket_of_long_ago_or_settled_is_no_possible_duplicate(centre: Centre) -> None:
    await centre.register(outcome="answered", answer="已答复", type="inquiry")
    await centre.register(received_at="2025-08-01T08:00:00+08:00")
    assert (await centre.register())["possible_duplicates"] == []


async def test_numbers_are_unique_and_begin_anew_each_local_day(centre: Centre) -> None:
    numbers = [ticket["number"] for ticket in await asyncio.gather(*(centre.register() for _ in range(60)))]
    assert len(set(numbers)) == 60
    await centre.pass_to("2025-09-27 00:00")
    assert (await centre.register())["number"] == "SYS20250927000001"


async def test_a_law_s_own_limit_travels_with_its_basis(centre: Centre) -> None:
    basis = {"document": "信访工作条例", "article": "第三十四条"}
    await centre.register(legal_limit={"amount": 60, "unit": "natural_days", "basis": basis})
    (event,) = await centre.wire.announced()
    assert isinstance(event.data, TicketCreated)
    assert event.data.legal_limit is not None
    assert event.data.legal_limit.basis.article == "第三十四条"


async def test_a_unit_may_not_register_and_an_agent_not_for_another_jurisdiction(centre: Centre) -> None:
    assert (await centre.post("/tickets", demand(), role="unit", unit="shuangyashan.shuiwu")).status_code == 403
    assert (await centre.post("/tickets", demand(jurisdiction="qingyuan"))).status_code == 404
    assert await centre.count("ticket") == 0


async def test_what_was_registered_can_be_found(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.register(outcome="answered", type="inquiry", answer="已答复")
    listed = (await centre.get("/tickets", {"number": ticket["number"]})).json()
    assert [item["id"] for item in listed["items"]] == [ticket["id"]]
    first = (await centre.get("/tickets", {"size": 1})).json()
    second = (await centre.get("/tickets", {"size": 1, "cursor": first["next"]})).json()
    third = (await centre.get("/tickets", {"size": 1, "cursor": second["next"]})).json()
    assert second["items"][0]["id"] == ticket["id"]
    assert third == {"items": [], "next": None}


HANDED_DOWN: dict[str, Any] = {"channel": "upper_platform", "external_ref": "hl-2025-000123"}
PAPER = {"document": "省平台交办单", "article": "第1项"}


async def test_a_ticket_handed_down_brings_its_number_and_its_limit(centre: Centre) -> None:
    limits = [
        {"limit": {"amount": 3, "unit": "working_days"}, "basis": PAPER},
        {"due_at": "2025-09-30T17:00:00+08:00", "basis": PAPER},
    ]
    told = []
    for imposed in limits:
        ticket = await centre.register(**HANDED_DOWN, imposed_limit=imposed)
        fact = (await centre.wire.announced())[-1].data
        assert isinstance(fact, TicketCreated)
        assert (fact.external_ref, fact.imposed_limit is not None) == ("hl-2025-000123", True)
        assert fact.imposed_limit is not None
        assert (fact.imposed_limit.basis.rule, fact.imposed_limit.basis.article) == ("SYS-11", "第1项")
        read = (await centre.get(f"/tickets/{ticket['id']}")).json()
        assert read["imposed_limit"]["basis"]["document"] == "省平台交办单"
        told.append(read["imposed_limit"]["due_at"])
    assert told == [None, "2025-09-30T09:00:00Z"]


async def test_a_limit_is_imposed_only_from_above_ahead_and_in_one_way(centre: Centre) -> None:
    span, due = {"limit": {"amount": 3, "unit": "working_days"}}, {"due_at": "2025-09-26T16:00:00+08:00"}
    answered = {"outcome": "answered", "answer": "已答复"}
    rows: list[tuple[dict[str, Any], str, str]] = [
        ({"channel": "upper_platform"}, "external_ref", "required"),
        ({"imposed_limit": {**span, "basis": PAPER}}, "imposed_limit", "not_handed_down"),
        ({**HANDED_DOWN, **answered, "imposed_limit": {**span, "basis": PAPER}}, "imposed_limit", "other_outcome"),
        ({**HANDED_DOWN, "imposed_limit": {**due, "basis": PAPER}}, "imposed_limit.due_at", "passed"),
        ({**HANDED_DOWN, "imposed_limit": {**span, **due, "basis": PAPER}}, "imposed_limit", "one_of"),
        ({**HANDED_DOWN, "imposed_limit": {"basis": PAPER}}, "imposed_limit", "one_of"),
        ({**HANDED_DOWN, "imposed_limit": span}, "imposed_limit.basis", "required"),
        ({**HANDED_DOWN, "imposed_whole_limit": {**span, "basis": PAPER}}, "imposed_whole_limit", "not_in_pack"),
    ]
    for changed, field, rule in rows:
        refused = await centre.post("/tickets", demand(**changed))
        assert refused.status_code == 422, refused.text
        assert [(each["field"], each["rule"]) for each in refused.json()["fields"]] == [(field, rule)]
    assert await centre.count("ticket") == 0


async def test_an_emergency_passed_on_or_declined_says_that_it_is_told_at_once(centre: Centre) -> None:
    passed = {"outcome": "transferred", "consent": True, "mode": "transfer"}
    await centre.register(**passed, transferred_to="119")
    fire = "shuangyashan.xiaofang"
    await centre.register(outcome="declined", ground="emergency", told=True, unit_told=fire)
    await centre.register(**passed, transferred_to="社保专家座席")
    first, second, third = [event.data for event in await centre.wire.announced()]
    assert isinstance(first, TicketTransferred)
    assert isinstance(second, TicketDeclined)
    assert isinstance(third, TicketTransferred)
    for told in (first, second):
        assert "第一时间通报相关单位，并向热线主管部门报告" in (told.basis[-1].quote or "")
    assert (first.transferred_to, second.ground, second.unit_told) == ("119", "emergency", fire)
    assert second.right_body == "110、119、120、122紧急服务专线"
    assert [basis.article for basis in third.basis] == ["第十三条"]


async def test_who_is_declined_is_told_who_is_in_charge(centre: Centre) -> None:
    known = await centre.register(
        outcome="declined", ground="statutory_procedure", told=True, right_body="市仲裁委员会"
    )
    assert known["acceptance"]["tell"].endswith("您可以向市仲裁委员会反映。")
    assert known["acceptance"]["right_body"] == "市仲裁委员会"
    assert [basis["article"] for basis in known["acceptance"]["basis"]] == ["第十二条（一）", "第十二条"]
    unknown = await centre.register(outcome="declined", ground="statutory_procedure", told=True)
    assert unknown["acceptance"]["right_body"] is None
    assert "您可以向" not in unknown["acceptance"]["tell"]
