"""回访: what a rule archives, what a person decides (双鸭山 第二十二条)."""

from typing import Any

from tests.review.desk import CHENGGUAN, YINGSHANG, Desk, Ticket

from common.clock import new_id
from common.events.dispatch import Archived
from common.events.review import CallbackJudged


async def states(desk: Desk, ticket: Ticket) -> list[str]:
    return [one["state"] for one in (await desk.get(f"/callbacks?ticket={ticket.id}")).json()["items"]]


async def test_responded_resolved_and_satisfied_is_archived_by_rule(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back()
    await desk.wire.deliver(recorded)
    [told] = await ticket.announced("CallbackJudged")
    assert isinstance(told.data, CallbackJudged)
    assert (told.data.case, told.data.outcome, told.data.by_rule) == (recorded.callback, "archive", True)
    assert told.data.basis[0].rule == "SYS-22"
    assert await states(desk, ticket) == ["judged"]
    await ticket.applied(recorded.callback, "archived", kind="callback", ended=False)
    assert await states(desk, ticket) == ["applied"]


async def test_any_other_answer_is_for_a_person(desk: Desk) -> None:
    """An unsatisfied requester is owed an explanation before the file is closed; nothing holds up a redo."""
    usual, owed = ["archive", "redo", "statement"], ["redo", "explanation", "statement"]
    for answers, open_to in (
        ((False, True, "satisfied"), usual),
        ((True, False, "satisfied"), usual),
        ((True, True, "dissatisfied"), owed),
        ((True, True, None), usual),
    ):
        ticket = await desk.closed_ticket()
        await desk.wire.deliver(ticket.called_back(*answers))
        assert await ticket.told() == []
        [queued] = (await desk.get(f"/callbacks?state=queued&ticket={ticket.id}")).json()["items"]
        assert [one["code"] for one in queued["judgements"]] == open_to
        assert [one["code"] for one in queued["redo_grounds"]] == ["not_handled", "dissatisfied_and_reasonable"]
        assert [one["code"] for one in queued["statement_grounds"]] == ["cannot_be_satisfied", "unreasonable"]
        assert queued["unit"] == CHENGGUAN


async def test_a_reviewer_sends_the_work_back_with_its_clause(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(satisfaction="dissatisfied")
    await desk.wire.deliver(recorded)
    answer = await desk.judge(
        recorded.callback, "redo", ground="dissatisfied_and_reasonable", reason="致电 13812345678"
    )
    assert answer.status_code == 201
    [told] = await ticket.announced("CallbackJudged")
    assert isinstance(told.data, CallbackJudged)
    assert (told.data.outcome, told.data.by_rule, told.data.unit) == ("redo", False, CHENGGUAN)
    assert told.data.note == "致电 [手机号]"
    assert told.data.actor.unit == YINGSHANG
    assert [one.quote for one in told.data.basis] == ["对办理结果不满意且诉求合理的", "应退回至承办单位再次办理"]
    await ticket.applied(recorded.callback, "dispatched", kind="callback")
    await ticket.reissued()
    assert await states(desk, ticket) == ["applied"]


async def test_a_callback_is_judged_once(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(resolved=False)
    await desk.wire.deliver(recorded)
    assert (await desk.judge(recorded.callback, "archive")).status_code == 201
    again = await desk.judge(recorded.callback, "redo")
    assert (again.status_code, again.json()["code"]) == (409, "callback_judged")
    await ticket.overtaken(recorded.callback, "archived", kind="callback")
    assert await states(desk, ticket) == ["overtaken"]
    assert await ticket.told() == ["CallbackJudged"]


async def test_an_unanswered_callback_is_no_ground_for_redoing_and_a_later_one_takes_its_place(desk: Desk) -> None:
    """办法未规定回访次数: assumed unlimited, archived only by a person, with a reason."""
    ticket = await desk.closed_ticket()
    first, second = ticket.called_back(reached=False), ticket.called_back(reached=False, attempt=2)
    await desk.wire.deliver(first)
    await desk.wire.deliver(second)
    assert await states(desk, ticket) == ["superseded", "not_reached"]
    assert (await desk.judge(first.callback, "archive")).json()["code"] == "callback_judged"
    redo = await desk.judge(second.callback, "redo")
    assert (redo.status_code, redo.json()["code"], redo.json()["allowed"]) == (409, "not_reached", ["archive"])
    assert redo.json()["basis"][0]["assumption"]
    assert (await desk.judge(second.callback, "archive")).status_code == 201
    [told] = await ticket.announced("CallbackJudged")
    assert isinstance(told.data, CallbackJudged)
    assert (told.data.ground, told.data.basis[0].quote) == ("not_reached", None)


async def test_an_answered_callback_after_an_unanswered_one_settles_it_by_rule(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    await desk.wire.deliver(ticket.called_back(reached=False), ticket.called_back(attempt=2))
    assert await states(desk, ticket) == ["superseded", "judged"]


async def test_what_nobody_judged_lapses_when_the_ticket_goes_on(desk: Desk) -> None:
    redone, archived = await desk.closed_ticket(), await desk.closed_ticket()
    callbacks = [ticket.called_back(resolved=False) for ticket in (redone, archived)]
    await desk.wire.deliver(*callbacks)
    await redone.reissued()
    await desk.wire.deliver(Archived(**archived.fields(), how="judgement"))
    for ticket, recorded in zip((redone, archived), callbacks, strict=True):
        assert await states(desk, ticket) == ["lapsed"]
        assert (await desk.judge(recorded.callback, "redo")).json()["code"] == "callback_judged"


async def test_a_callback_about_an_earlier_round_judges_nothing(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    stale = ticket.called_back()
    await ticket.reissued()
    await desk.wire.deliver(stale)
    assert await states(desk, ticket) == ["lapsed"]
    assert await ticket.told() == []


async def test_nobody_judges_the_work_of_the_own_unit(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(resolved=False)
    await desk.wire.deliver(recorded)
    answer = await desk.judge(recorded.callback, "archive", unit=CHENGGUAN)
    assert (answer.status_code, answer.json()["code"]) == (403, "own_unit")
    assert await ticket.told() == []


async def test_a_malformed_judgement_names_its_field(desk: Desk) -> None:
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"outcome": "postpone"}, "outcome"),
        ({"outcome": "statement"}, "ground"),
        ({"outcome": "statement", "ground": "not_handled"}, "ground"),
        ({"reason": "  "}, "reason"),
        ({"reason": "a\u0000b"}, "reason"),
        ({"outcome": "archive", "ground": "not_handled"}, "ground"),
        ({"ground": "because"}, "ground"),
        ({"ground": None}, "ground"),
        ({"state": "applied"}, "state"),
    ]
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(resolved=False)
    await desk.wire.deliver(recorded)
    for body, field in bodies:
        answer = await desk.judge(recorded.callback, **({"outcome": "redo"} | body))
        assert answer.status_code == 422, body
        assert [one["field"] for one in answer.json()["fields"]] == [field], body
    assert await ticket.told() == []


async def test_a_stale_round_and_an_unknown_callback_are_refused(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(resolved=False)
    await desk.wire.deliver(recorded)
    assert (await desk.judge(recorded.callback, "redo", round=2)).json()["code"] == "stale_round"
    assert (await desk.judge(new_id(), "redo")).status_code == 404


async def test_the_queue_is_the_centres_and_of_its_own_jurisdiction(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    await desk.wire.deliver(ticket.called_back(resolved=False))
    assert (await desk.get("/callbacks", "unit", CHENGGUAN)).status_code == 403
    assert (await desk.get("/callbacks", jurisdiction="tongjiang")).json()["items"] == []
    assert len((await desk.get(f"/callbacks?unit={CHENGGUAN}")).json()["items"]) == 1
