"""回访之后: an unsatisfied requester is owed an explanation, an impossible demand a statement (双鸭山 第二十二条)."""

from dataclasses import replace
from typing import Any

from tests.review.desk import CHENGGUAN, MORNING, PACKS, YINGSHANG, Desk, Ticket, pack_with

from common.clock import new_id
from common.events.dispatch import RequesterContacted, StatementSubmitted
from common.events.review import CallbackJudged
from common.policy.pack import parse_pack
from common.policy.reading import load_pack
from review.callbacks.rules import Callback, answered_state, open_outcomes


async def dissatisfied(desk: Desk, ticket: Ticket | None = None) -> tuple[Ticket, Any]:
    """A closed ticket whose requester said: responded, resolved, and not satisfied."""
    ticket = ticket or await desk.closed_ticket()
    recorded = ticket.called_back(satisfaction="dissatisfied")
    await desk.wire.deliver(recorded)
    return ticket, recorded.callback


async def seen(desk: Desk, case: Any) -> dict[str, Any]:
    [one] = [each for each in (await desk.get("/callbacks")).json()["items"] if each["id"] == str(case)]
    return dict(one)


def contact(ticket: Ticket, outcome: Any = "reached", purpose: Any = "explanation") -> RequesterContacted:
    return RequesterContacted(
        **ticket.fields(), unit=CHENGGUAN, level=2, outcome=outcome, purpose=purpose, remark="已说明原因"
    )


def statement(ticket: Ticket) -> StatementSubmitted:
    return StatementSubmitted(
        **ticket.fields(), statement=new_id(), unit=CHENGGUAN, text="管网改造列入明年计划", evidence=("年度计划",)
    )


async def test_an_unsatisfied_ticket_is_archived_only_after_the_unit_has_explained_itself(desk: Desk) -> None:
    ticket, case = await dissatisfied(desk)
    refused = await desk.judge(case, "archive")
    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "explanation_owed")
    assert told["allowed"] == ["redo", "explanation", "statement"]
    assert told["basis"][0]["quote"] == "诉求人评价为不满意的工单，承办单位应当向诉求人说明情况"

    asked = await desk.judge(case, "explanation")
    assert (asked.status_code, asked.json()["state"]) == (201, "judged")
    await ticket.applied(case, "closed", kind="callback", ended=False)
    waiting = await seen(desk, case)
    assert (waiting["state"], [one["code"] for one in waiting["judgements"]]) == ("awaiting_unit", ["redo"])
    early = await desk.judge(case, "archive")
    assert (early.status_code, early.json()["code"], early.json()["allowed"]) == (409, "unit_awaited", ["redo"])

    await desk.wire.deliver(contact(ticket, purpose="contact"))
    assert (await seen(desk, case))["state"] == "awaiting_unit"
    await desk.wire.deliver(contact(ticket))
    again = await seen(desk, case)
    assert (again["state"], again["explained"]["remark"]) == ("queued", "已说明原因")
    assert [one["code"] for one in again["judgements"]] == ["archive", "redo", "statement"]

    assert (await desk.judge(case, "archive")).status_code == 201
    await ticket.applied(case, "archived", kind="callback", ended=False)
    done = await seen(desk, case)
    assert (done["state"], done["judgement"]["outcome"]) == ("applied", "archive")
    assert [one["outcome"] for one in done["earlier"]] == ["explanation"]
    outcomes = [event.data.outcome for event in await ticket.announced() if isinstance(event.data, CallbackJudged)]
    assert outcomes == ["explanation", "archive"]


async def test_what_cannot_be_satisfied_gets_a_statement_with_its_evidence(desk: Desk) -> None:
    ticket, case = await dissatisfied(desk)
    asked = await desk.judge(case, "statement", ground="cannot_be_satisfied")
    assert asked.status_code == 201, asked.text
    [told] = await ticket.announced("CallbackJudged")
    assert isinstance(told.data, CallbackJudged)
    assert (told.data.outcome, told.data.ground) == ("statement", "cannot_be_satisfied")
    assert [one.quote for one in told.data.basis] == [
        "确实因客观条件等无法满足诉求人需求",
        "承办单位应通过系统提交情况说明及有效依据",
    ]
    await ticket.applied(case, "closed", kind="callback", ended=False)
    await desk.wire.deliver(statement(ticket))
    again = await seen(desk, case)
    assert (again["state"], again["stated"]["evidence"]) == ("queued", ["年度计划"])
    assert [one["code"] for one in again["judgements"]] == ["archive", "redo", "explanation"]
    assert (await desk.judge(case, "archive")).status_code == 201


async def test_what_the_unit_did_before_dispatch_answered_is_not_awaited_and_redoing_is_never_held_up(
    desk: Desk,
) -> None:
    ticket, case = await dissatisfied(desk)
    await desk.judge(case, "explanation")
    await desk.wire.deliver(contact(ticket, "attempts_exhausted"))  # assumed to count, and shown as what it was
    await ticket.applied(case, "closed", kind="callback", ended=False)
    again = await seen(desk, case)
    assert (again["state"], again["explained"]["outcome"]) == ("queued", "attempts_exhausted")
    redone, other = await dissatisfied(desk)
    await desk.judge(other, "explanation")
    await redone.applied(other, "closed", kind="callback", ended=False)
    assert (await desk.judge(other, "redo")).status_code == 201
    direct, third = await dissatisfied(desk)
    assert (await desk.judge(third, "redo", ground="dissatisfied_and_reasonable")).status_code == 201
    await direct.overtaken(third, "archived", kind="callback")
    assert (await seen(desk, third))["state"] == "overtaken"


async def test_an_explanation_before_the_callback_or_of_another_round_settles_nothing(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    before = contact(ticket)
    desk.later(hours=1)
    _, case = await dissatisfied(desk, ticket)
    await desk.wire.deliver(before)
    other_round = contact(ticket).model_copy(update={"round": 2})
    await desk.wire.deliver(other_round)
    assert (await desk.judge(case, "archive")).json()["code"] == "explanation_owed"
    satisfied = ticket.called_back(resolved=False, attempt=2)
    await desk.wire.deliver(satisfied)
    refused = await desk.judge(satisfied.callback, "explanation")
    assert (refused.status_code, refused.json()["code"]) == (409, "judgement_not_open")
    await ticket.reissued()
    assert {one["state"] for one in (await desk.get(f"/callbacks?ticket={ticket.id}")).json()["items"]} == {"lapsed"}


async def test_mediation_and_enforcement_are_marked_on_the_queue_with_the_clause(desk: Desk) -> None:
    ticket = Ticket(desk, desk.pack)
    await desk.wire.deliver(ticket.created().model_copy(update={"marks": ("mediation", "urgent")}))
    await ticket.dispatched()
    await ticket.closed()
    _, case = await dissatisfied(desk, ticket)
    [marked] = (await seen(desk, case))["not_chased"]
    assert (marked["code"], marked["label"]) == ("mediation", "行政调解类")
    assert "不片面追求满意率" in marked["basis"]["quote"]
    _, plain = await dissatisfied(desk)
    assert (await seen(desk, plain))["not_chased"] == []


def test_a_pack_decides_what_closes_an_unsatisfied_file_and_what_counts_as_explained() -> None:
    base = load_pack(PACKS / "shuangyashan").callbacks
    only_statement = pack_with(callbacks__archive_unsatisfied_after=["stated"]).callbacks
    reached_only = pack_with(callbacks__explained_by=["reached"]).callbacks
    content = load_pack(PACKS / "shuangyashan").dump()
    for name in ("unsatisfied", "statement_when", "archive_unsatisfied_after", "explained_by"):
        del content["callbacks"][name]
    for name in ("explanation", "statement"):
        del content["callbacks"]["judgements"][name]
    without = parse_pack(content).callbacks
    callback = Callback(
        new_id(), new_id(), 1, "queued", "reached", True, True, "dissatisfied", 1, MORNING, None
    )  # fmt: skip
    explained = replace(callback, explained={"unit": YINGSHANG})
    assert open_outcomes(base, callback) == ("redo", "explanation", "statement")
    assert open_outcomes(base, explained) == ("archive", "redo", "statement")
    assert open_outcomes(only_statement, explained) == ("redo", "statement")
    assert open_outcomes(without, callback) == ("archive", "redo")
    assert base.explains("attempts_exhausted")
    assert not reached_only.explains("attempts_exhausted")
    assert not without.explains("reached")
    assert answered_state(callback) == "applied"
