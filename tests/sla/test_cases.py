"""What is to be decided about a ticket has its limit: rulings, consultations, reports upward, replies to supervision
(双鸭山 第十五条、第十八条、第三十二条).
"""

from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.events.review import (
    ConsultationConcluded,
    ConsultationConvened,
    Escalated,
    ReturnApproved,
    ReturnDenied,
    ReturnLapsed,
    SupervisionIssued,
    SupervisionReplied,
)

THREE_DAYS, FIVE_DAYS = "2024-10-09 00:00", "2024-10-11 00:00"
"""From Friday 27 September 2024: the 29th, the 30th and 8 October; the 9th and the 10th."""


def convened(desk: Desk, ticket: UUID, case: UUID, form: str) -> ConsultationConvened:
    return desk.fact(ConsultationConvened, ticket, case=case, form=form, participants=(LEAD, OTHER), subject="权责")


def concluded(desk: Desk, ticket: UUID, case: UUID, form: str, **more: Any) -> ConsultationConcluded:
    given: dict[str, Any] = {"outcome": "unit_named", "unit": OTHER}
    return desk.fact(ConsultationConcluded, ticket, case=case, form=form, **(given | more))


def ruled(desk: Desk, kind: type[ReturnApproved] | type[ReturnDenied], ticket: UUID, case: UUID) -> Any:
    return desk.fact(kind, ticket, case=case, unit=LEAD, filed_at=desk.clock.now(), by_rule=False)


def supervised(desk: Desk, ticket: UUID, case: UUID, **more: Any) -> SupervisionIssued:
    given: dict[str, Any] = {"unit": LEAD, "form": "special", "text": "敷衍答复", "reply_due": True}
    return desk.fact(SupervisionIssued, ticket, case=case, **(given | more))


async def test_a_return_is_ruled_on_within_three_working_days(desk: Desk) -> None:
    in_time, late = await desk.dispatch(), await desk.dispatch()
    returns = {ticket: desk.returned(ticket) for ticket in (in_time, late)}
    await desk.tell(*returns.values())
    row = await desk.row(in_time, "ruling")
    assert (row.unit, row.case, row.due_at) == (None, returns[in_time].case, at(THREE_DAYS))
    await desk.reach("2024-10-08 23:59")
    await desk.tell(ruled(desk, ReturnDenied, in_time, returns[in_time].case))
    await desk.reach("2024-10-09 10:00")
    await desk.tell(ruled(desk, ReturnApproved, late, returns[late].case))
    assert await desk.told(in_time, "ruling") == ["DeadlineApproaching", "DeadlineMet"]
    assert await desk.told(late, "ruling") == ["DeadlineApproaching", "DeadlineBreached", "DeadlineMissed"]


async def test_each_return_has_a_ruling_of_its_own_and_one_that_lapses_needs_none(desk: Desk) -> None:
    ticket = await desk.dispatch()
    first, second = desk.returned(ticket), desk.returned(ticket)
    await desk.tell(first, second, ruled(desk, ReturnDenied, ticket, first.case))
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.fact(ReturnLapsed, ticket, case=second.case, reason="round_ended"))
    rows = {row.case: (row.state, row.verdict) for row in await desk.rows(ticket, "ruling")}
    assert rows == {first.case: ("closed", "met"), second.case: ("superseded", None)}


@pytest.mark.parametrize(
    ("form", "due"), [("designation", THREE_DAYS), ("coordination", THREE_DAYS), ("consultation", FIVE_DAYS)]
)
async def test_a_case_is_concluded_within_the_limit_of_its_form(desk: Desk, form: str, due: str) -> None:
    in_time, late = await desk.dispatch(), await desk.dispatch()
    first, second = uuid4(), uuid4()
    await desk.tell(convened(desk, in_time, first, form), convened(desk, late, second, form))
    row = await desk.row(in_time, form)
    assert (row.due_at, row.unit, row.case) == (at(due), None, first)
    assert {row.kind for row in await desk.rows(in_time)} & {"designation", "coordination", "consultation"} == {form}
    desk.set("2024-10-08 12:00")
    await desk.tell(concluded(desk, in_time, first, form))
    await desk.reach(due)
    await desk.tell(concluded(desk, late, second, form))
    assert ((await desk.row(in_time, form)).verdict, (await desk.row(late, form)).verdict) == ("met", "missed")
    told = (await desk.get(f"tickets/{late}/deadlines/{form}/explanation", case=str(second))).json()
    assert (told["basis"]["article"], told["unit"], told["case"]) == ("第十五条", None, str(second))


async def test_a_case_outlives_the_round_and_ends_with_the_ticket(desk: Desk) -> None:
    ticket, case = await desk.dispatch(), uuid4()
    await desk.tell(convened(desk, ticket, case, "consultation"))
    desk.set("2024-09-28 10:00")
    await desk.tell(desk.round_ended(ticket, "2024-09-28 10:00"), desk.dispatched(ticket, 2, OTHER))
    assert (await desk.row(ticket, "consultation")).open
    await desk.tell(desk.round_ended(ticket, "2024-09-28 10:00", 2, kind="withdrawal", new_status="withdrawn"))
    row = await desk.row(ticket, "consultation")
    assert (row.state, row.verdict) == ("superseded", None)
    assert not [row for row in await desk.rows(ticket) if row.open]
    await desk.tell(convened(desk, ticket, uuid4(), "coordination"))
    assert not await desk.rows(ticket, "coordination"), "nothing is owed about a ticket that has ended"


async def test_what_stays_unresolved_is_reported_upward_within_three_working_days(desk: Desk) -> None:
    in_time, late, again = [await desk.dispatch() for _ in range(3)]
    cases = {ticket: uuid4() for ticket in (in_time, late, again)}
    for ticket, case in cases.items():
        await desk.tell(convened(desk, ticket, case, "coordination"))
        await desk.tell(concluded(desk, ticket, case, "coordination", outcome="unresolved", unit=None))
        row = await desk.row(ticket, "escalation")
        assert (row.due_at, row.unit, row.case) == (at(THREE_DAYS), None, case)

    def escalated(ticket: UUID) -> Escalated:
        given: dict[str, Any] = {"ground": "cross_department", "addressee": "市政府", "report": "专报"}
        return desk.fact(Escalated, ticket, case=uuid4(), consultation=cases[ticket], **given)

    desk.set("2024-09-30 10:00")
    await desk.tell(escalated(in_time), convened(desk, again, uuid4(), "consultation"))
    await desk.reach(THREE_DAYS)
    await desk.tell(escalated(late))
    rows = {ticket: await desk.row(ticket, "escalation") for ticket in cases}
    assert [(row.state, row.verdict) for row in rows.values()] == [
        ("closed", "met"), ("closed", "missed"), ("superseded", None),
    ], "a consultation after the coordination comes before any report"  # fmt: skip


async def test_a_special_supervision_is_answered_in_writing_within_three_working_days(desk: Desk) -> None:
    ticket, first, second = await desk.dispatch(), uuid4(), uuid4()
    await desk.tell(supervised(desk, ticket, first), supervised(desk, ticket, second))
    await desk.tell(supervised(desk, ticket, uuid4(), form="phone", reply_due=False))
    rows = await desk.rows(ticket, "supervision_reply")
    assert {(row.unit, row.case, row.due_at) for row in rows} == {
        (LEAD, first, at(THREE_DAYS)), (LEAD, second, at(THREE_DAYS)),
    }  # fmt: skip
    desk.set("2024-10-08 12:00")
    await desk.tell(desk.fact(SupervisionReplied, ticket, case=first, unit=LEAD, text="已整改"))
    await desk.reach(THREE_DAYS)
    await desk.tell(desk.fact(SupervisionReplied, ticket, case=second, unit=LEAD, text="已整改"))
    verdicts = {row.case: row.verdict for row in await desk.rows(ticket, "supervision_reply")}
    assert verdicts == {first: "met", second: "missed"}
    told = (await desk.get(f"tickets/{ticket}/deadlines/supervision_reply/explanation", case=str(first))).json()
    assert (told["basis"]["article"], told["allowance"]) == ("第三十二条（三）", "3个工作日")


async def test_a_reply_to_supervision_ends_with_the_round_of_the_unit_that_owes_it(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(supervised(desk, ticket, uuid4()))
    desk.set("2024-09-28 10:00")
    await desk.tell(desk.round_ended(ticket, "2024-09-28 10:00"))
    assert (await desk.row(ticket, "supervision_reply")).state == "superseded"


async def test_a_preview_can_be_had_of_every_kind(desk: Desk) -> None:
    wanted = {"jurisdiction": "shuangyashan", "from": "2024-09-27T16:00:00+08:00"}
    situation = {"type": "complaint", "channel": "phone", "marks": ["special"]}
    due = {
        "first_response": "2024-09-27T12:00:00Z", "progress": "2024-10-08T16:00:00Z",
        "extension_window": "2024-10-23T16:00:00Z", "co_handler_part": "2024-10-23T16:00:00Z",
        "ruling": "2024-10-08T16:00:00Z", "designation": "2024-10-08T16:00:00Z",
        "coordination": "2024-10-08T16:00:00Z", "consultation": "2024-10-10T16:00:00Z",
        "escalation": "2024-10-08T16:00:00Z", "supervision_reply": "2024-10-08T16:00:00Z", "callback": None,
    }  # fmt: skip
    for kind, expected in due.items():
        body = {**wanted, "kind": kind, "situation": situation}
        answer = await desk.client.post("deadline-previews", json=body, headers=desk.headers("viewer"))
        assert (answer.status_code, answer.json()["due_at"]) == (200, expected), kind
        assert answer.json()["exempt"] is (expected is None)
    body = {**wanted, "kind": "progress", "situation": {"marks": ["unheard_of"]}}
    refused = await desk.client.post("deadline-previews", json=body, headers=desk.headers("viewer"))
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "situation.marks")
