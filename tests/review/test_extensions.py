"""延期 (双鸭山 第二十条): asked for by the unit, denied by rule or ruled on, effective when dispatch answers."""

from datetime import timedelta
from typing import Any

from tests.review.desk import CHENGGUAN, YINGSHANG, ZHUJIAN, Desk
from tests.review.extending import CLOSING, FIFTEEN, ask, asked, decide, extendable, limits, moved, row, seen

from common.clock import new_id
from common.events.dispatch import RequesterContacted
from common.events.review import ExtensionDenied, ExtensionGranted, ExtensionLapsed, ExtensionRequested
from common.events.sla import DeadlineSet
from common.events.vocabulary import Limit

FIVE = {"amount": 5, "unit": "working_days"}


async def test_an_extension_asked_in_time_is_granted_by_a_person_and_effective_when_dispatch_answers(
    desk: Desk,
) -> None:
    ticket = await extendable(desk)
    filed = await asked(desk, ticket, plan="十月二十日前完成检测", papers=[str(new_id())])
    assert (filed["state"], filed["late"], filed["nth"], filed["allowance"]) == (
        "queued", False, 1, FIFTEEN.model_dump(),
    )  # fmt: skip
    [told] = await ticket.announced("ExtensionRequested")
    assert isinstance(told.data, ExtensionRequested)
    assert (told.data.requested, told.data.nth, told.data.unit) == (Limit(amount=5, unit="working_days"), 1, CHENGGUAN)
    [queued] = (await desk.get("/extensions?state=queued")).json()["items"]
    assert queued["to_be_argued"] == [], "five working days are not longer than fifteen"
    assert [one["code"] for one in queued["denial_grounds"]] == ["not_complex", "inquiry_none", "too_long"]
    again = await ask(desk, ticket)
    assert (again.status_code, again.json()["code"]) == (409, "extension_pending")
    granted = (await decide(desk, filed["id"])).json()
    assert (granted["state"], granted["decision"]["granted"], granted["decision"]["by_rule"]) == (
        "granted",
        FIVE,
        False,
    )
    assert [one["quote"] for one in granted["decision"]["basis"]] == [
        "经12345热线平台同意后方可形成延期工单",
        "并由承办单位向诉求人说明情况",
    ]
    [told] = await ticket.announced("ExtensionGranted")
    assert isinstance(told.data, ExtensionGranted)
    assert (told.data.granted, told.data.window_due_at) == (Limit(amount=5, unit="working_days"), CLOSING)
    await ticket.applied(filed["id"], "dispatched", kind="extension", ended=False)
    assert (await seen(desk, filed["id"]))["state"] == "applied"
    assert (await seen(desk, filed["id"]))["requester_told_at"] is None
    desk.later(hours=1)
    contact = RequesterContacted(**ticket.fields(), unit=CHENGGUAN, level=2, outcome="reached")
    await desk.wire.deliver(contact)
    assert (await seen(desk, filed["id"]))["requester_told_at"] is not None


async def test_one_instant_before_the_limit_is_in_time_and_one_second_after_is_denied_by_rule(desk: Desk) -> None:
    in_time, late = await extendable(desk), await extendable(desk)
    desk.clock.set(CLOSING - timedelta(microseconds=1))
    assert (await asked(desk, in_time))["state"] == "queued"
    desk.clock.set(CLOSING + timedelta(seconds=1))
    denied = await asked(desk, late)
    assert (denied["state"], denied["late"], denied["decision"]["by_rule"]) == ("denied", True, True)
    assert denied["decision"]["ground"] == "late"
    assert denied["decision"]["basis"][0]["quote"] == "应当在办理时限届满前提出延期申请"
    [told] = await late.announced("ExtensionDenied")
    assert isinstance(told.data, ExtensionDenied)
    assert (told.data.ground, told.data.late, told.data.window_due_at) == ("late", True, CLOSING)


async def test_without_a_reason_it_is_denied_and_the_third_request_of_a_unit_too(desk: Desk) -> None:
    ticket = await extendable(desk)
    bare = await asked(desk, ticket, reason=" ")
    assert (bare["state"], bare["decision"]["ground"], bare["decision"]["note"]) == (
        "denied", "missing_reason", "未填写：延期理由。",
    )  # fmt: skip
    second = await asked(desk, ticket)
    assert second["state"] == "queued"
    await decide(desk, second["id"], "deny")
    third = await asked(desk, ticket)
    assert (third["nth"], third["state"], third["decision"]["ground"]) == (3, "denied", "too_many")
    assert third["decision"]["basis"][0]["quote"] == "延期申请最多可提出两次"
    await ticket.reissued()
    await desk.wire.deliver(limits(ticket))
    assert (await asked(desk, ticket))["decision"]["ground"] == "too_many", "a redo of the same unit is the same ticket"
    await ticket.dispatched(unit=ZHUJIAN)
    await desk.wire.deliver(limits(ticket))
    fresh = await asked(desk, ticket)
    assert (fresh["nth"], fresh["state"]) == (1, "queued"), "another unit has its own two"


async def test_who_departs_from_in_general_or_in_principle_says_why(desk: Desk) -> None:
    two = Limit(amount=2, unit="working_days")
    inquiry = await extendable(desk, type="inquiry", allowance=two)
    for requested, quotes in (
        ({"amount": 2, "unit": "working_days"}, ["咨询类工单原则上不予延期"]),
        ({"amount": 3, "unit": "working_days"}, ["咨询类工单原则上不予延期", "延期时限一般不超过办理工作规定时限"]),
    ):
        filed = await asked(desk, inquiry, requested=requested)
        shown = (await seen(desk, filed["id"]))["to_be_argued"]
        assert [one["quote"] for one in shown] == quotes
        refused = await decide(desk, filed["id"])
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "note")
        assert refused.json()["fields"][0]["rule"] == "departure"
        assert [one["quote"] for one in refused.json()["basis"]] == quotes
        granted = await decide(desk, filed["id"], note="须向上级部门请示答复口径")
        assert granted.json()["state"] == "granted"
        told = (await inquiry.announced("ExtensionGranted"))[-1].data
        assert isinstance(told, ExtensionGranted)
        assert set(quotes) < {one.quote for one in told.basis}
        assert told.note == "须向上级部门请示答复口径"
        await inquiry.applied(filed["id"], "dispatched", kind="extension", ended=False)
    complaint = await extendable(desk)
    filed = await asked(desk, complaint, requested={"amount": 16, "unit": "working_days"})
    assert (await decide(desk, filed["id"])).status_code == 422
    shorter = await decide(desk, filed["id"], granted={"amount": 15, "unit": "working_days"})
    assert shorter.json()["decision"]["granted"] == {"amount": 15, "unit": "working_days"}


async def test_the_limit_of_an_instant_given_from_above_is_argued_because_nothing_measures_it(desk: Desk) -> None:
    ticket = await extendable(desk, allowance=None)
    filed = await asked(desk, ticket, requested={"amount": 1, "unit": "working_days"})
    assert (await decide(desk, filed["id"])).status_code == 422
    assert (await decide(desk, filed["id"], note="上级平台已同意")).status_code == 201


async def test_what_a_ruling_must_say_and_may_not_say(desk: Desk) -> None:
    ticket = await extendable(desk)
    filed = await asked(desk, ticket)
    cases: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"decision": "deny", "ground": None}, "ground", "choice"),
        ({"decision": "deny", "ground": "late"}, "ground", "choice"),
        ({"decision": "deny", "granted": FIVE}, "granted", "not_asked"),
        ({"decision": "grant", "ground": "not_complex"}, "ground", "not_asked"),
        ({"granted": {"amount": 6, "unit": "working_days"}}, "granted.amount", "at_most_requested"),
        ({"granted": {"amount": 3, "unit": "natural_days"}}, "granted.unit", "same_unit"),
        ({"granted": {"amount": "3", "unit": "working_days"}}, "granted.amount", "integer"),
    )
    for body, field, rule in cases:
        answer = await decide(desk, filed["id"], **body)
        assert answer.status_code == 422, body
        assert (answer.json()["fields"][0]["field"], answer.json()["fields"][0]["rule"]) == (field, rule), body
    stale = await decide(desk, filed["id"], round=2)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_round")
    denied = (await decide(desk, filed["id"], "deny", note="有现成检测机构")).json()
    assert (denied["state"], denied["decision"]["ground"]) == ("denied", "not_complex")
    assert (await decide(desk, filed["id"])).json()["code"] == "extension_decided"
    assert (await decide(desk, new_id())).status_code == 404


async def test_what_the_door_refuses_is_neither_stored_nor_told(desk: Desk) -> None:
    ticket = await extendable(desk, co_handlers=(ZHUJIAN,))
    paper = str(new_id())
    for body, field in (
        ({"requested": None}, "requested"),
        ({"requested": {"amount": 0, "unit": "working_days"}}, "requested.amount"),
        ({"requested": {"amount": 5, "unit": "weeks"}}, "requested.unit"),
        ({"requested": {"amount": 5, "unit": "natural_days"}}, "requested.unit"),
        ({"papers": [paper, paper]}, "papers"),
        ({"reason": "长" * 2001}, "reason"),
        ({"round": "1"}, "round"),
        ({"state": "granted"}, "state"),
    ):
        answer = await ask(desk, ticket, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), body
    co_handler = await ask(desk, ticket, ZHUJIAN)
    assert (co_handler.status_code, co_handler.json()["code"]) == (403, "not_the_lead")
    assert (await ask(desk, ticket, YINGSHANG)).status_code == 404
    assert (await ask(desk, ticket, round=2)).json()["code"] == "stale_round"
    path = f"/tickets/{ticket.id}/extensions"
    assert (await desk.post(path, {"round": 1, "requested": FIVE}, "reviewer")).status_code == 403
    assert await ticket.told() == []
    await ticket.closed()
    assert (await ask(desk, ticket)).json()["code"] == "not_extendable"


async def test_nobody_rules_on_an_extension_of_the_own_unit_and_a_unit_reads_its_own_only(desk: Desk) -> None:
    ticket = await extendable(desk, unit=YINGSHANG)
    filed = await asked(desk, ticket)
    refused = await decide(desk, filed["id"])
    assert (refused.status_code, refused.json()["code"]) == (403, "own_unit")
    path = f"/extensions/{filed['id']}"
    assert (await desk.get(path, "unit", CHENGGUAN)).status_code == 404
    assert (await desk.get("/extensions", "unit", CHENGGUAN)).json()["items"] == []
    own = (await desk.get(path, "unit", YINGSHANG)).json()
    assert (own["state"], own["denial_grounds"], own["to_be_argued"]) == ("queued", None, None)
    assert (await desk.get(path, jurisdiction="tongjiang")).status_code == 404
    assert (await decide(desk, filed["id"], unit=ZHUJIAN)).status_code == 201


async def test_asked_before_its_limit_is_known_it_waits_and_is_judged_by_when_it_was_asked(desk: Desk) -> None:
    ticket, without = await desk.ticket(window=False), await desk.ticket(window=False)
    waiting, nothing = await asked(desk, ticket), await asked(desk, without)
    assert (waiting["state"], waiting["late"]) == ("pending", None)
    assert (await decide(desk, waiting["id"])).json()["code"] == "limit_unknown"
    desk.clock.set(CLOSING)
    only_closing = DeadlineSet(**ticket.fields(), cause=new_id(), deadlines=(row(ticket, "closing", CLOSING, FIFTEEN),))
    await desk.wire.deliver(only_closing)
    assert (await seen(desk, waiting["id"]))["state"] == "pending"
    await desk.wire.deliver(limits(ticket))
    assert (await seen(desk, waiting["id"]))["state"] == "queued"
    await without.windowed()
    assert (await seen(desk, nothing["id"]))["lapsed_because"] == "本轮没有办结时限，无须延期。"
    assert (await ask(desk, without)).json()["code"] == "not_extendable"


async def test_a_second_request_waits_while_the_first_is_effective_and_the_limit_not_moved_yet(desk: Desk) -> None:
    """Nobody is refused for another service's lag."""
    ticket = await extendable(desk)
    first = await asked(desk, ticket)
    await decide(desk, first["id"])
    await ticket.applied(first["id"], "dispatched", kind="extension", ended=False)
    desk.clock.set(CLOSING + timedelta(hours=1))
    second = await asked(desk, ticket)
    assert second["state"] == "pending"
    later = CLOSING + timedelta(days=7)
    await desk.wire.deliver(moved(ticket, "closing", later), moved(ticket, "extension_window", later))
    judged = await seen(desk, second["id"])
    assert (judged["state"], judged["late"], judged["nth"]) == ("queued", False, 2)
    await decide(desk, second["id"])
    await ticket.applied(second["id"], "dispatched", kind="extension", ended=False)
    desk.clock.set(later + timedelta(days=30))
    third = await asked(desk, ticket)
    assert third["state"] == "pending"
    last = later + timedelta(days=7)
    await desk.wire.deliver(moved(ticket, "extension_window", last, 3))
    assert (await seen(desk, third["id"]))["decision"]["ground"] == "late", "the pack's order of grounds"


async def test_what_is_undecided_lapses_when_the_round_ends_and_a_grant_may_come_too_late(desk: Desk) -> None:
    closing, returned, granted = [await extendable(desk) for _ in range(3)]
    one, two, three = [await asked(desk, ticket) for ticket in (closing, returned, granted)]
    await closing.closed()
    await desk.wire.deliver(returned.window(cause=new_id()))
    filed = await desk.filed(returned)
    assert (await desk.rule(filed["id"])).json()["state"] == "approved"
    assert (await seen(desk, two["id"]))["state"] == "queued", "an approved return ends nothing before dispatch answers"
    await returned.applied(filed["id"], "awaiting_dispatch")
    await decide(desk, three["id"])
    await granted.closed()
    await granted.overtaken(three["id"], kind="extension")
    await granted.overtaken(three["id"], kind="extension")
    for case, state in ((one, "lapsed"), (two, "lapsed"), (three, "overtaken")):
        assert (await seen(desk, case["id"]))["state"] == state
    assert await returned.told() == ["ExtensionRequested", "Returned", "ReturnApproved", "ExtensionLapsed"]
    [told] = await closing.announced("ExtensionLapsed")
    assert isinstance(told.data, ExtensionLapsed)
    assert (str(told.data.case), told.data.reason) == (one["id"], "工单已办结，本轮办理终结。")
    assert await granted.told() == ["ExtensionRequested", "ExtensionGranted", "ExtensionLapsed"]
    assert (await decide(desk, one["id"])).json()["code"] == "extension_decided"


async def test_free_text_is_masked_and_lists_come_in_pages(desk: Desk) -> None:
    ticket = await extendable(desk)
    filed = await asked(desk, ticket, reason="诉求人 13812345678 出差", plan="a.b@example.com")
    assert (filed["reason"], filed["plan"]) == ("诉求人 [手机号] 出差", "[邮箱]")
    others = [await asked(desk, await extendable(desk)) for _ in range(2)]
    first = (await desk.get(f"/extensions?state=queued&unit={CHENGGUAN}&size=2")).json()
    rest = (await desk.get(f"/extensions?size=2&cursor={first['next']}")).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [one["id"] for one in (filed, *others)]
    assert [one["id"] for one in (await desk.get(f"/extensions?ticket={ticket.id}")).json()["items"]] == [filed["id"]]
