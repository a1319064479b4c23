"""Who may file, read and rule, and what the doors refuse: nothing of a refused request is stored or told."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.review.desk import CHENGGUAN, DUE, YINGSHANG, ZHUJIAN, Desk

from common.clock import new_id
from common.events.dispatch import ClosingReported
from common.events.envelope import Message

Answer = tuple[int, str]


async def answer_of(call: Any) -> Answer:
    answer = await call
    return answer.status_code, answer.json().get("code", "")


async def stored(desk: Desk) -> int:
    async with desk.service.room.database.engine.connect() as connection:
        return int((await connection.execute(text("select count(*) from return_case"))).scalar_one())


async def test_a_foreign_units_token_gets_the_answer_of_an_absent_ticket(desk: Desk) -> None:
    ticket = await desk.ticket()
    foreign = await desk.file(ticket, ZHUJIAN)
    absent = await desk.post(f"/tickets/{new_id()}/returns", {"round": 1}, "unit", ZHUJIAN)
    assert foreign.status_code == absent.status_code == 404
    assert {**foreign.json(), "trace": ""} == {**absent.json(), "trace": ""}
    assert await stored(desk) == 0


async def test_a_co_handler_does_not_return_the_leads_ticket(desk: Desk) -> None:
    ticket = await desk.ticket(co_handlers=(ZHUJIAN,))
    refused = await desk.file(ticket, ZHUJIAN, suggested_unit=None)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_lead")
    assert refused.json()["basis"][0]["quote"] == "最终办理结果由主办部门负责反馈"


@pytest.mark.parametrize("role", ["agent", "dispatcher", "reviewer", "supervisor", "viewer", "softphone"])
async def test_only_units_file_returns(desk: Desk, role: Any) -> None:
    ticket = await desk.ticket()
    call = desk.post(f"/tickets/{ticket.id}/returns", {"round": 1}, role)
    assert await answer_of(call) == (403, "forbidden")


@pytest.mark.parametrize("role", ["agent", "dispatcher", "supervisor", "viewer", "softphone", "unit"])
async def test_only_reviewers_rule(desk: Desk, role: Any) -> None:
    filed = await desk.filed(await desk.ticket())
    body = {"round": 1, "decision": "approve", "ground": "outside_scope"}
    call = desk.post(f"/returns/{filed['id']}/rulings", body, role, CHENGGUAN)
    assert await answer_of(call) == (403, "forbidden")


async def test_nobody_rules_on_a_return_of_the_own_unit(desk: Desk) -> None:
    ticket = await desk.ticket(unit=YINGSHANG)
    filed = await desk.filed(ticket)
    refused = await desk.rule(filed["id"], unit=YINGSHANG)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_unit")
    assert refused.json()["basis"][0]["assumption"].startswith("办法未规定回避")
    assert await ticket.told() == ["Returned"]
    assert (await desk.rule(filed["id"], unit=ZHUJIAN)).status_code == 201


async def test_a_reviewer_of_another_jurisdiction_finds_nothing(desk: Desk) -> None:
    filed = await desk.filed(await desk.ticket())
    body = {"round": 1, "decision": "approve", "ground": "outside_scope"}
    call = desk.post(f"/returns/{filed['id']}/rulings", body, "reviewer", jurisdiction="tongjiang")
    assert await answer_of(call) == (404, "not_found")
    assert (await desk.get(f"/returns/{filed['id']}", jurisdiction="tongjiang")).status_code == 404
    assert (await desk.get("/returns", jurisdiction="tongjiang")).json()["items"] == []
    assert (await desk.rule(str(new_id()))).status_code == 404


async def test_a_unit_reads_its_own_returns_and_no_others(desk: Desk) -> None:
    ticket = await desk.ticket()
    own = await desk.filed(ticket, reason=None)
    await ticket.dispatched(unit=ZHUJIAN)
    await ticket.windowed()
    other = await desk.filed(ticket, suggested_unit=CHENGGUAN)
    assert other["history"] == []
    for unit, mine, theirs in ((CHENGGUAN, own, other), (ZHUJIAN, other, own)):
        items = (await desk.get("/returns", "unit", unit)).json()["items"]
        assert [one["id"] for one in items] == [mine["id"]]
        assert items[0]["grounds"] is None
        assert (await desk.get(f"/returns/{mine['id']}", "unit", unit)).status_code == 200
        assert (await desk.get(f"/returns/{theirs['id']}", "unit", unit)).status_code == 404
        assert (await desk.get(f"/returns?unit={theirs['unit']}", "unit", unit)).json()["items"] == []
    [_, seen] = (await desk.get(f"/returns?ticket={ticket.id}")).json()["items"]
    assert [(one["unit"], one["state"]) for one in seen["history"]] == [(CHENGGUAN, "denied")]


async def test_the_queue_comes_in_pages_by_state_unit_and_jurisdiction(desk: Desk) -> None:
    filed = [(await desk.filed(await desk.ticket()))["id"] for _ in range(3)]
    await desk.filed(await desk.ticket(), reason=None)
    path = f"/returns?state=queued&unit={CHENGGUAN}&jurisdiction=shuangyashan&size=2"
    first = (await desk.get(path)).json()
    second = (await desk.get(f"{path}&cursor={first['next']}")).json()
    assert [one["id"] for one in (*first["items"], *second["items"])] == filed
    assert second["next"] is None
    assert (await desk.get("/returns?cursor=W10")).status_code == 422
    assert (await desk.get("/returns?state=lost")).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ground": "too_much_work"}, "ground"),
        ({"ground": "designated"}, "ground"),
        ({"suggested_unit": CHENGGUAN}, "suggested_unit"),
        ({"suggested_unit": "tongjiang.zhujian"}, "suggested_unit"),
        ({"suggested_unit": "住建局"}, "suggested_unit"),
        ({"reason": "a\u0000b"}, "reason"),
        ({"reason": "长" * 2001}, "reason"),
        ({"reason": 7}, "reason"),
        ({"papers": ["photo.jpg"]}, "papers.0"),
        ({"papers": [str(DUE), 1]}, "papers.0"),
        ({"round": "1"}, "round"),
        ({"round": -1}, "round"),
        ({"round": True}, "round"),
        ({"state": "approved"}, "state"),
        ({"filed_at": "2025-09-26T09:00:00"}, "filed_at"),
    ],
)
async def test_a_malformed_return_names_its_field(desk: Desk, body: dict[str, Any], field: str) -> None:
    ticket = await desk.ticket()
    answer = await desk.file(ticket, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["fields"][0]["field"] == field
    assert await stored(desk) == 0
    assert await ticket.told() == []


async def test_the_same_paper_twice_and_no_round_at_all_are_malformed(desk: Desk) -> None:
    ticket = await desk.ticket()
    paper = str(new_id())
    assert (await desk.file(ticket, papers=[paper, paper])).json()["fields"][0]["rule"] == "duplicate"
    assert (await desk.post(f"/tickets/{ticket.id}/returns", {}, "unit", CHENGGUAN)).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ground": "unit_duty_whole_or_part"}, "ground"),
        ({"decision": "deny", "ground": "outside_scope"}, "ground"),
        ({"decision": "deny", "ground": "missing_reason_or_basis"}, "ground"),
        ({"decision": "deny", "ground": "designated"}, "ground"),
        ({"decision": "postpone"}, "decision"),
        ({"note": "\u0007"}, "note"),
        ({"state": "applied"}, "state"),
    ],
)
async def test_a_ruling_rests_on_a_ground_that_a_person_may_pick(desk: Desk, body: dict[str, Any], field: str) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    answer = await desk.rule(filed["id"], **body)
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == field
    assert await ticket.told() == ["Returned"]


async def test_a_stale_round_is_refused_and_the_current_one_named(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    for call in (desk.file(ticket, round=0), desk.rule(filed["id"], round=2)):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_round")
        assert "第 1 轮" in answer.json()["detail"]
        assert answer.json()["fields"] == [{"field": "round", "rule": "stale", "message": "现为第 1 轮。"}]


async def test_text_is_no_round(desk: Desk) -> None:
    answer = await desk.file(await desk.ticket(), round="1")
    assert answer.status_code == 422
    assert [(each["field"], each["rule"]) for each in answer.json()["fields"]] == [("round", "integer")]
    assert await stored(desk) == 0


async def test_a_second_return_of_the_round_waits_for_the_first(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    second = await desk.file(ticket)
    assert (second.status_code, second.json()["code"]) == (409, "return_pending")
    assert "待审核" in second.json()["detail"]
    await desk.rule(filed["id"])
    assert "已同意" in (await desk.file(ticket)).json()["detail"]
    assert await stored(desk) == 1


async def test_a_ticket_that_no_unit_handles_is_not_returned(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    answer = await desk.file(ticket)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_returnable")
    assert "dispatched" in answer.json()["allowed"]


async def test_a_filed_closing_report_leaves_the_return_open(desk: Desk) -> None:
    ticket = await desk.ticket()
    told = ClosingReported(**ticket.fields(), report=new_id(), unit=CHENGGUAN, result="已修复")
    await desk.wire.deliver(told)
    assert (await desk.filed(ticket))["state"] == "queued"


async def test_a_repeat_with_the_same_key_is_one_return_even_after_the_ticket_is_gone(desk: Desk) -> None:
    ticket = await desk.ticket()
    first = await desk.file(ticket, key="k-1")
    assert first.headers["Hotline-Event"] == str((await ticket.announced())[-1].id)
    await desk.rule(first.json()["id"])
    await ticket.applied(first.json()["id"], "awaiting_dispatch")
    again = await desk.file(ticket, key="k-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert (await desk.file(ticket, key="k-1", reason="别的")).json()["code"] == "idempotency_key_reused"
    assert await stored(desk) == 1


async def test_a_filing_without_key_or_token_is_refused(desk: Desk) -> None:
    ticket = await desk.ticket()
    path = f"/review/v1/tickets/{ticket.id}/returns"
    assert (await desk.client.post(path, json={"round": 1})).status_code == 401
    answer = await desk.client.post(path, json={"round": 1}, headers=desk.headers("unit", CHENGGUAN))
    assert answer.json()["code"] == "idempotency_key_required"


async def test_a_ticket_with_a_parked_event_takes_no_commands_until_it_is_cleared(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    told = desk.wire.message(ticket.called_back())
    broken = Message(told.topic, told.key, told.headers, b"{}", told.partition, told.offset)
    await desk.wire.deliver(broken)
    for call in (desk.file(ticket, key="k-2"), desk.rule(filed["id"])):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (503, "ticket_parked")
        assert "retry-after" in answer.headers
    assert await answer_of(desk.file(ticket, ZHUJIAN)) == (404, "not_found")
    other = await desk.ticket()
    assert (await desk.filed(other))["state"] == "queued"


async def test_a_filing_refused_for_the_moment_counts_at_its_first_attempt(desk: Desk) -> None:
    """semantics: a 503 just before a limit does not make a unit late."""
    ticket = await desk.ticket()
    told = desk.wire.message(ticket.called_back())
    await desk.wire.deliver(Message(told.topic, told.key, told.headers, b"{}", told.partition, told.offset))
    desk.clock.set(DUE - timedelta(seconds=1))
    assert (await desk.file(ticket, key="k-3")).status_code == 503
    [parked] = (await desk.get("/parked", "admin")).json()["items"]
    await desk.post(f"/parked/{parked['id']}/discard", {"reason": "内容损坏"}, "admin")
    desk.clock.set(DUE + timedelta(hours=1))
    filed = (await desk.file(ticket, key="k-3")).json()
    assert (filed["state"], filed["late"]) == ("queued", False)
