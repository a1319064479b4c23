"""Who may not, what is stale, what was already done: nothing of it leaves a trace."""

import asyncio
from typing import Any

import pytest
from tests.dispatch.office import LEAD, OTHER, THIRD, Office

from common.clock import new_id
from common.security.access import Role


async def test_a_stale_round_is_refused_and_the_present_one_named(office: Office) -> None:
    ticket = await office.dispatched()
    refused = await office.assign(ticket, round=0)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_round")
    assert "第 1 轮" in refused.json()["detail"]
    assert refused.json()["fields"] == [{"field": "round", "rule": "stale", "message": "现为第 1 轮。"}]


async def test_an_unlisted_transition_names_what_is_allowed(office: Office) -> None:
    ticket = await office.dispatched()
    refused = await office.file_closing(ticket)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    assert refused.json()["allowed"] == [
        "sign_in", "sign_in_part", "sub_assign", "record_contact", "record_centre_contact",
    ]  # fmt: skip
    assert refused.json()["detail"] == "工单处于“待签收”，不能进行“提交办结报告”。"


@pytest.mark.parametrize(
    ("path", "changed", "rule"),
    [
        ("sign-ins", {"round": "1"}, "integer"),
        ("contacts", {"outcome": "attempts_exhausted", "attempts": "5"}, "integer"),
        ("contacts", {"outcome": "attempts_exhausted", "attempts": True}, "integer"),
        ("progress-reports", {"text": "进展", "concludes_part": "true"}, "boolean"),
    ],
)
async def test_text_is_no_number_and_no_truth_value(
    office: Office, path: str, changed: dict[str, Any], rule: str
) -> None:
    ticket = await office.dispatched()
    before = await office.docket(ticket)
    refused = await office.post(f"tickets/{ticket}/{path}", {"round": 1, **changed}, "unit", LEAD)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    (field,) = refused.json()["fields"]
    assert (field["field"], field["rule"]) == (list(changed)[-1], rule)
    assert await office.docket(ticket) == before


COMMANDS_OF_A_UNIT: list[tuple[str, dict[str, Any]]] = [
    ("sign-ins", {}),
    ("contacts", {"outcome": "reached"}),
    ("progress-reports", {"text": "进展"}),
    ("closing-reports", {"result": "办结"}),
    ("sub-assignments", {"to_account": "zhang"}),
    ("cessations", {"ground": "repeated", "explained": True, "statement": "已答复。"}),
    ("statements", {"text": "说明", "evidence": ["依据"]}),
]


async def test_a_foreign_units_token_meets_the_same_answer_as_an_absent_ticket(office: Office) -> None:
    ticket = await office.signed_in()
    for path, body in COMMANDS_OF_A_UNIT:
        foreign = await office.post(f"tickets/{ticket}/{path}", {"round": 1, **body}, "unit", OTHER)
        absent = await office.post(f"tickets/{new_id()}/{path}", {"round": 1, **body}, "unit", OTHER)
        assert foreign.status_code == absent.status_code == 404
        assert told(foreign.json()) == told(absent.json())
    assert (await office.types(ticket))[-1] == "SignedIn"


def told(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "trace"}


async def test_another_citys_dispatcher_does_not_see_the_ticket(office: Office) -> None:
    ticket = await office.register()
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    headers = office.headers("dispatcher", jurisdiction="tongjiang") | {"Idempotency-Key": "k"}
    assert (await office.client.post(f"tickets/{ticket}/assignments", json=body, headers=headers)).status_code == 404


async def test_only_a_dispatcher_assigns(office: Office) -> None:
    roles: list[Role] = ["agent", "reviewer", "viewer", "softphone", "supervisor"]
    ticket = await office.register()
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    for role in roles:
        assert (await office.post(f"tickets/{ticket}/assignments", body, role)).status_code == 403
    assert (await office.post(f"tickets/{ticket}/assignments", body, "unit", LEAD)).status_code == 403
    assert await office.types(ticket) == []


IMPOSSIBLE_ASSIGNMENTS: list[tuple[dict[str, Any], str, str]] = [
    ({"unit": "shuangyashan.nobody"}, "unit", "unknown_unit"),
    ({"unit": "tongjiang.chengguan"}, "unit", "unknown_unit"),
    ({"unit": "zhujianju"}, "unit", "format"),
    ({"co_handlers": ["shuangyashan.nobody"]}, "co_handlers", "unknown_unit"),
    ({"co_handlers": [LEAD]}, "co_handlers", "repeated"),
    ({"co_handlers": [OTHER, OTHER]}, "co_handlers", "repeated"),
    ({"principle": "whoever"}, "principle", "unknown_principle"),
    ({"principle": "county_last_resort"}, "unit", "not_of_kind"),
    ({"principle": "straight_down"}, "unit", "not_below"),
    ({"designated": True}, "designation", "with_designated"),
    ({"designation": {"by": "superior", "reference": "批示"}}, "designation", "with_designated"),
    ({"designated": True, "designation": {"by": "superior"}}, "designation.reference", "required"),
    ({"designated": True, "designation": {"by": "consultation", "reference": "纪要"}}, "designation.case", "required"),
    ({"designated": True, "designation": {"by": "neighbour"}}, "designation.by", "choice"),
    ({"limit": 3}, "limit", "unknown_field"),
]


async def test_an_assignment_that_cannot_be_names_field_and_rule(office: Office) -> None:
    ticket = await office.register()
    for more, field, rule in IMPOSSIBLE_ASSIGNMENTS:
        body = {"round": 0, "unit": LEAD, "principle": "function", **more}
        refused = await office.post(f"tickets/{ticket}/assignments", body, "dispatcher")
        assert refused.status_code == 422
        assert (refused.json()["fields"][0]["field"], refused.json()["fields"][0]["rule"]) == (field, rule)
        assert (await office.docket(ticket)).status == "awaiting_dispatch"


async def test_an_unknown_unit_is_named_in_the_refusal(office: Office) -> None:
    ticket = await office.register()
    refused = await office.assign(ticket, "shuangyashan.nobody")
    assert "shuangyashan.nobody" in refused.json()["fields"][0]["message"]


async def test_a_unit_that_has_ended_gets_no_ticket_and_its_heir_is_named(office: Office) -> None:
    ticket = await office.register()
    shown = await office.get(f"units/{LEAD}")
    ended = await office.enter_unit(LEAD, shown.headers["ETag"], ended_on="2025-09-26", successor=OTHER)
    assert ended.status_code == 200
    refused = await office.assign(ticket, LEAD)
    assert refused.json()["fields"][0]["rule"] == "unit_ended"
    assert OTHER in refused.json()["fields"][0]["message"]


async def test_a_unit_gets_tickets_until_the_day_it_ends(office: Office) -> None:
    shown = await office.get(f"units/{LEAD}")
    await office.enter_unit(LEAD, shown.headers["ETag"], ended_on="2025-09-27")
    assert (await office.assign(await office.register(), LEAD)).status_code == 201


async def test_two_dispatchers_at_once_send_the_ticket_to_one_unit(office: Office) -> None:
    for _ in range(15):
        ticket = await office.register()
        answers = await asyncio.gather(*(office.assign(ticket, unit) for unit in (LEAD, OTHER, THIRD)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"stale_round"}
        winner = next(answer.json()["unit"] for answer in answers if answer.status_code == 201)
        assert (await office.docket(ticket)).unit == winner
        assert await office.types(ticket) == ["Dispatched"]


async def test_two_officers_of_a_unit_at_once_sign_in_once(office: Office) -> None:
    for _ in range(15):
        ticket = await office.dispatched()
        answers = await asyncio.gather(office.sign_in(ticket), office.sign_in(ticket))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert await office.types(ticket) == ["Dispatched", "SignedIn"]


async def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(office: Office) -> None:
    ticket = await office.dispatched()
    path, body = f"tickets/{ticket}/sign-ins", {"round": 1}
    answers = [await office.post(path, body, "unit", LEAD, key="sign-once") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len({answer.headers["Hotline-Event"] for answer in answers}) == 1
    assert await office.types(ticket) == ["Dispatched", "SignedIn"]


async def test_the_same_request_many_times_at_once_takes_effect_once(office: Office) -> None:
    ticket = await office.register()
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    answers = await asyncio.gather(
        *(office.post(f"tickets/{ticket}/assignments", body, "dispatcher", key="once") for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert await office.types(ticket) == ["Dispatched"]


async def test_a_key_used_for_another_body_is_refused(office: Office) -> None:
    ticket = await office.register()
    path = f"tickets/{ticket}/assignments"
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    await office.post(path, body, "dispatcher", key="k")
    refused = await office.post(path, {**body, "unit": OTHER}, "dispatcher", key="k")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_command_without_a_key_or_a_token_is_refused(office: Office) -> None:
    ticket = await office.dispatched()
    path, body = f"tickets/{ticket}/sign-ins", {"round": 1}
    assert (await office.client.post(path, json=body, headers=office.headers("unit", LEAD))).status_code == 400
    assert (await office.client.post(path, json=body, headers={"Idempotency-Key": "k"})).status_code == 401
    assert (await office.client.post(path, json=body)).status_code == 401


async def test_a_co_handler_sees_the_ticket_and_leaves_the_closing_to_the_lead(office: Office) -> None:
    ticket = await office.dispatched(co_handlers=[OTHER])
    await office.sign_in(ticket)
    refused = await office.file_closing(ticket, OTHER)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_lead")
    assert refused.json()["basis"][0]["quote"] == "最终办理结果由主办部门负责反馈"
    assert (await office.docket(ticket)).status == "signed_in"


async def test_a_unit_that_holds_nothing_cannot_close(office: Office) -> None:
    ticket = await office.signed_in()
    assert (await office.file_closing(ticket, THIRD)).status_code == 404
    assert (await office.docket(ticket)).status == "signed_in"


async def test_a_ticket_with_parked_events_takes_no_commands(office: Office) -> None:
    docket = await office.docket(await office.dispatched())
    stranger = new_id()
    await office.wire.deliver(office.fact("TicketUrged", docket, ticket=stranger))
    await office.wire.deliver(office.created(ticket=stranger))
    refused = await office.assign(stranger)
    assert (refused.status_code, refused.json()["code"]) == (503, "ticket_parked")
    assert refused.headers["Retry-After"]


async def test_a_command_may_wait_for_the_event_it_rests_on(office: Office) -> None:
    created = office.wire.message(office.created())
    event = created.headers["ce_id"]
    path = f"tickets/{created.key.removeprefix('ticket/')}/assignments"
    headers = office.headers("dispatcher") | {"Idempotency-Key": "k", "If-After": event}
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    answer, _ = await asyncio.gather(office.client.post(path, json=body, headers=headers), office.wire.deliver(created))
    assert answer.status_code == 201


IMPOSSIBLE_CONTACTS: list[tuple[dict[str, Any], str, str]] = [
    ({"occurred_at": "2025-09-26T16:00:01+08:00", "proof": "call-1"}, "occurred_at", "in_future"),
    ({"occurred_at": "2025-09-26T11:59:59+08:00", "proof": "call-1"}, "occurred_at", "too_early"),
    ({"occurred_at": "2025-09-26T15:00:00", "proof": "call-1"}, "occurred_at", "instant"),
    ({"occurred_at": "2025-09-26T15:00:00+08:00"}, "proof", "required"),
    ({"outcome": "hung_up"}, "outcome", "choice"),
    ({"attempts": 0}, "attempts", "minimum"),
    ({"remark": "a\u0000b"}, "remark", "control_character"),
]


async def test_a_contact_that_cannot_have_been_names_field_and_rule(office: Office) -> None:
    ticket = await office.signed_in()
    await office.put_in(ticket, "signed_in", round_began_at=office.clock.now().replace(hour=4))
    for more, field, rule in IMPOSSIBLE_CONTACTS:
        refused = await office.post(
            f"tickets/{ticket}/contacts", {"round": 1, "outcome": "reached", **more}, "unit", LEAD
        )
        assert refused.status_code == 422
        assert (refused.json()["fields"][0]["field"], refused.json()["fields"][0]["rule"]) == (field, rule)
        assert (await office.types(ticket))[-1] == "SignedIn"


async def test_progress_is_told_by_lead_and_co_handler_and_only_a_co_handlers_part_is_concluded(office: Office) -> None:
    ticket = await office.signed_in(co_handlers=[OTHER])
    path, body = (
        f"tickets/{ticket}/progress-reports",
        {"round": 1, "text": "联系人 13812345678 已到场", "concludes_part": True},
    )
    assert (await office.post(path, body, "unit", OTHER)).status_code == 201
    assert (await office.post(path, body, "unit", LEAD)).json()["fields"][0]["rule"] == "co_handlers_only"
    assert (await office.post(path, {**body, "concludes_part": False}, "unit", LEAD)).status_code == 201
    told_by = [event.data for event in await office.announced(ticket, "ProgressReported")]
    assert [(one.unit, one.concludes_part) for one in told_by] == [(OTHER, True), (LEAD, False)]  # type: ignore[attr-defined]
    assert all("13812345678" not in one.model_dump_json() for one in told_by)
