"""退单: filed by the unit, denied by rule or ruled on by a reviewer, effective when dispatch answers."""

from datetime import timedelta
from typing import Any

import pytest
from tests.review.desk import CHENGGUAN, DUE, YINGSHANG, ZHUJIAN, Desk, pack_with

from common.basis import Basis
from common.clock import new_id
from common.events.dispatch import UnitSucceeded
from common.events.review import ReturnApproved, ReturnDenied, Returned, ReturnLapsed
from common.events.sla import DeadlineMoved, DeadlineSet, PolicyApplied


async def test_a_complete_return_waits_for_a_reviewer_with_the_grounds_beside_the_facts(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    assert (filed["state"], filed["late"], filed["decision"]) == ("queued", False, None)
    assert await ticket.told() == ["Returned"]
    [told] = await ticket.announced("Returned")
    assert isinstance(told.data, Returned)
    assert (told.data.unit, told.data.round, told.data.suggested_unit) == (CHENGGUAN, 1, ZHUJIAN)
    assert told.data.accepted_at == desk.clock.now()
    [queued] = (await desk.get("/returns?state=queued")).json()["items"]
    assert [one["code"] for one in queued["grounds"]["approve"]] == ["outside_scope", "not_this_units_duty"]
    assert [one["code"] for one in queued["grounds"]["deny"]] == [
        "unit_duty_whole_or_part",
        "needs_further_inquiry",
        "other_lawful",
    ]
    assert queued["grounds"]["deny"][0]["basis"]["article"] == "第十九条（一）"


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ({"reason": None}, "退回理由"),
        ({"legal_basis": None}, "退回依据"),
        ({"reason": "  \n", "legal_basis": ""}, "退回理由、退回依据"),
    ],
)
async def test_a_return_without_reason_or_basis_is_denied_at_once_by_rule(
    desk: Desk, left_out: dict[str, Any], words: str
) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket, **left_out)
    assert filed["state"] == "denied"
    assert filed["decision"]["by_rule"] is True
    assert filed["decision"]["note"] == f"未填写：{words}。"
    assert filed["decision"]["basis"][0]["article"] == "第十九条（二）"
    assert await ticket.told() == ["Returned", "ReturnDenied"]
    [told] = await ticket.announced("ReturnDenied")
    assert isinstance(told.data, ReturnDenied)
    assert (told.data.ground, told.data.by_rule) == ("missing_reason_or_basis", True)
    assert (told.data.window_due_at, told.data.late) == (DUE, False)
    assert told.data.actor.role == "system"


async def test_a_missing_suggestion_alone_is_for_the_reviewer(desk: Desk) -> None:
    filed = await desk.filed(await desk.ticket(), suggested_unit=None)
    assert filed["state"] == "queued"


async def test_a_designated_unit_may_not_return(desk: Desk) -> None:
    filed = await desk.filed(await desk.ticket(designated=True))
    assert filed["state"] == "denied"
    assert filed["decision"]["ground"] == "designated"
    assert filed["decision"]["basis"][0]["article"] == "第十九条（四）"


async def test_a_designation_ends_with_the_round_that_is_not_designated(desk: Desk) -> None:
    ticket = await desk.ticket(designated=True)
    await ticket.dispatched(unit=ZHUJIAN)
    await ticket.windowed()
    assert (await desk.filed(ticket, suggested_unit=CHENGGUAN))["state"] == "queued"


async def test_the_last_instant_of_the_window_is_in_time_and_its_end_is_late(desk: Desk) -> None:
    in_time, late = await desk.ticket(), await desk.ticket()
    desk.clock.set(DUE - timedelta(microseconds=1))
    assert (await desk.filed(in_time))["late"] is False
    desk.clock.set(DUE)
    filed = await desk.filed(late)
    assert (filed["state"], filed["late"]) == ("queued", True)


async def test_a_late_return_is_reviewed_and_stays_late_when_it_is_approved(desk: Desk) -> None:
    """双鸭山 第十八条: 超期退回的视为超期办理件."""
    ticket = await desk.ticket()
    desk.clock.set(DUE)
    filed = await desk.filed(ticket)
    desk.later(hours=3)
    ruled = (await desk.rule(filed["id"])).json()
    assert (ruled["state"], ruled["late"]) == ("approved", True)
    [told] = await ticket.announced("ReturnApproved")
    assert isinstance(told.data, ReturnApproved)
    assert (told.data.late, told.data.window_due_at, told.data.filed_at) == (True, DUE, DUE)
    assert "超期退回的视为超期办理件" in [one.quote for one in told.data.basis]


async def test_a_pack_that_does_not_review_late_returns_denies_them_by_rule(desk: Desk) -> None:
    pack = pack_with(returns__late="refused_and_marked_overdue")
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack)
    desk.clock.set(DUE)
    filed = await desk.filed(ticket)
    assert (filed["state"], filed["late"], filed["decision"]["by_rule"]) == ("denied", True, True)


async def test_a_redo_round_may_be_returned_under_shuangyashan_and_not_where_the_pack_forbids(desk: Desk) -> None:
    pack = pack_with(returns__redo_round_may_be_returned=False)
    await desk.activate(pack)
    for own, state in ((desk.pack, "queued"), (pack, "denied")):
        ticket = await desk.ticket(pack=own)
        await ticket.closed()
        await ticket.reissued()
        await ticket.windowed()
        assert (await desk.filed(ticket))["state"] == state


async def test_where_the_pack_wants_sign_in_first_a_return_before_it_is_refused(desk: Desk) -> None:
    pack = pack_with(returns__before_sign_in="refused")
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack)
    refused = await desk.file(ticket)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_returnable")
    assert refused.json()["basis"][0]["rule"] == "SYS-18"
    await ticket.signed_in()
    assert (await desk.filed(ticket))["state"] == "queued"


async def test_a_filing_before_its_window_is_known_waits_and_is_decided_when_the_row_comes(desk: Desk) -> None:
    complete, bare = await desk.ticket(window=False), await desk.ticket(window=False)
    waiting, lacking = await desk.filed(complete), await desk.filed(bare, reason=None)
    assert (waiting["state"], waiting["late"], lacking["state"]) == ("pending", None, "pending")
    assert await bare.told() == ["Returned"]
    early = await desk.rule(waiting["id"])
    assert (early.status_code, early.json()["code"]) == (409, "window_unknown")
    desk.clock.set(DUE)
    await desk.wire.deliver(complete.window(), bare.window())
    assert await desk.state(waiting["id"]) == "queued"
    assert (await desk.get(f"/returns/{waiting['id']}")).json()["late"] is False
    [told] = await bare.announced("ReturnDenied")
    assert isinstance(told.data, ReturnDenied)
    assert (told.data.late, told.data.filed_at < DUE) == (False, True)


async def test_deadlines_of_a_round_without_a_window_say_that_none_applies(desk: Desk) -> None:
    ticket = await desk.ticket(window=False)
    filed = await desk.filed(ticket)
    await ticket.windowed(kind="sign_in", cause=ticket.id)
    assert await desk.state(filed["id"]) == "pending"
    await ticket.windowed(kind="sign_in")
    seen = (await desk.get(f"/returns/{filed['id']}")).json()
    assert (seen["state"], seen["late"], seen["window_due_at"]) == ("queued", None, None)


async def test_denied_the_unit_goes_on_and_may_file_again(desk: Desk) -> None:
    ticket = await desk.ticket()
    first = await desk.filed(ticket)
    ruled = (await desk.rule(first["id"], "deny", "unit_duty_whole_or_part", note="见三定方案")).json()
    assert ruled["state"] == "denied"
    assert [one["article"] for one in ruled["decision"]["basis"]] == ["第十九条（一）", "第十八条"]
    assert ruled["decision"]["note"] == "见三定方案"
    second = await desk.filed(ticket)
    assert second["state"] == "queued"
    assert [one["id"] for one in second["history"]] == [first["id"]]


async def test_an_approval_takes_effect_with_dispatchs_answer_and_takes_the_ticket_away(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    assert (await desk.rule(filed["id"])).json()["state"] == "approved"
    await ticket.applied(filed["id"], "awaiting_dispatch")
    assert await desk.state(filed["id"]) == "applied"
    assert await ticket.told() == ["Returned", "ReturnApproved"]
    assert (await desk.file(ticket)).status_code == 404


async def test_what_is_pending_lapses_when_the_round_ends(desk: Desk) -> None:
    closing, redispatched, stopped = [await desk.ticket() for _ in range(3)]
    filings = [await desk.filed(ticket) for ticket in (closing, redispatched, stopped)]
    await closing.closed()
    await redispatched.dispatched(unit=ZHUJIAN)
    await stopped.applied(closing.id, "withdrawn", kind="withdrawal")
    for ticket, filing in zip((closing, redispatched, stopped), filings, strict=True):
        assert await desk.state(filing["id"]) == "lapsed"
        assert await ticket.told() == ["Returned", "ReturnLapsed"]
        [told] = await ticket.announced("ReturnLapsed")
        assert isinstance(told.data, ReturnLapsed)
        assert (str(told.data.case), told.data.round, told.data.unit) == (filing["id"], 1, CHENGGUAN)
        late = await desk.rule(filing["id"])
        assert (late.status_code, late.json()["code"]) == (409, "return_decided")


async def test_what_waits_for_its_window_lapses_too_and_the_row_changes_nothing(desk: Desk) -> None:
    ticket = await desk.ticket(window=False)
    filed = await desk.filed(ticket)
    await ticket.closed()
    await ticket.windowed()
    assert await desk.state(filed["id"]) == "lapsed"
    assert await ticket.told() == ["Returned", "ReturnLapsed"]


async def test_a_return_that_came_too_late_lapses_with_dispatchs_answer(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    await ticket.overtaken(filed["id"])
    assert await desk.state(filed["id"]) == "lapsed"
    assert await ticket.told() == ["Returned", "ReturnLapsed"]


async def test_ruling_while_the_ticket_closes_ends_at_dispatch(desk: Desk) -> None:
    """The approval was announced before review knew of the closing: dispatch answers filing and approval, one lapse."""
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    await desk.rule(filed["id"])
    await ticket.closed()
    assert await desk.state(filed["id"]) == "approved"
    await ticket.overtaken(filed["id"])
    await ticket.overtaken(filed["id"])
    assert await desk.state(filed["id"]) == "overtaken"
    assert await ticket.told() == ["Returned", "ReturnApproved", "ReturnLapsed"]


async def test_a_denied_return_stays_denied_whatever_dispatch_answers_its_filing(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket, reason=None)
    await ticket.overtaken(filed["id"])
    assert await desk.state(filed["id"]) == "denied"
    assert await ticket.told() == ["Returned", "ReturnDenied"]


async def test_personal_data_in_free_text_is_masked_before_it_is_stored_or_told(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket, reason="已与诉求人 13812345678 联系", legal_basis="见 a.b@example.com")
    assert (filed["reason"], filed["legal_basis"]) == ("已与诉求人 [手机号] 联系", "见 [邮箱]")
    ruled = (await desk.rule(filed["id"], note="请联系１３９１２３４５６７８")).json()
    assert ruled["decision"]["note"] == "请联系[手机号]"
    for event in await ticket.announced():
        assert "13812345678" not in event.data.model_dump_json()


async def test_the_successor_of_a_unit_has_its_round_and_its_window(desk: Desk) -> None:
    ticket = await desk.ticket()
    await desk.wire.deliver(UnitSucceeded(**ticket.fields(), unit=CHENGGUAN, successor=ZHUJIAN))
    desk.clock.set(DUE)
    assert (await desk.file(ticket, CHENGGUAN)).status_code == 404
    answer = await desk.file(ticket, ZHUJIAN, suggested_unit=YINGSHANG)
    assert (answer.json()["state"], answer.json()["late"]) == ("queued", True)


async def test_a_moved_window_is_the_one_compared_with_and_an_older_row_moves_nothing_back(desk: Desk) -> None:
    ticket = await desk.ticket()
    moved_to = DUE + timedelta(days=1)
    first = ticket.window()
    row = first.deadlines[0].model_dump() | {"due_at": moved_to, "generation": 2}
    moved = DeadlineMoved(**(ticket.fields() | row | {"old_due_at": DUE, "reason": "calendar"}))
    await desk.wire.deliver(moved, first)
    desk.clock.set(DUE)
    filed = await desk.filed(ticket)
    assert (filed["state"], filed["late"]) == ("queued", False)
    assert filed["window_due_at"] == "2025-09-29T16:00:00Z"


async def test_deadlines_of_something_wider_than_a_ticket_concern_no_return(desk: Desk) -> None:
    ticket = await desk.ticket(window=False)
    wide = ticket.window().model_dump() | {"ticket": None, "number": None}
    await desk.wire.deliver(DeadlineSet.model_validate(wide), subject=f"cluster/{new_id()}")
    assert (await desk.filed(ticket))["state"] == "pending"


async def test_a_ticket_whose_pack_has_not_come_waits_for_it_and_counts_at_the_first_attempt(desk: Desk) -> None:
    pack = pack_with(returns__late="refused_and_marked_overdue", returns__redo_round_may_be_returned=False)
    ticket = await desk.ticket(pack=pack)
    refused = await desk.file(ticket, key="early")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    await desk.activate(pack)
    desk.clock.set(DUE)
    assert (await desk.file(ticket, key="early")).json()["late"] is False


async def test_an_open_ticket_that_changes_to_another_pack_is_decided_under_it(desk: Desk) -> None:
    pack = pack_with(returns__before_sign_in="refused")
    await desk.activate(pack)
    ticket = await desk.ticket()
    fields = ticket.fields() | {"policy": pack.version, "basis": (Basis(rule="G-2"),)}
    await desk.wire.deliver(PolicyApplied(**fields, from_policy=desk.pack.version, to_policy=pack.version))
    assert (await desk.file(ticket)).json()["code"] == "not_returnable"
    await ticket.signed_in()
    assert (await desk.filed(ticket))["policy"] == pack.version
