"""延期 of other sorts: 特殊延期 (真如 三（二）2（2）); approved by the unit's own head (上海市信访条例 第三十七条);
by notice alone (北京市接诉即办工作条例 第十五条); a total that is not exceeded; tickets that are never extended.

The pack is 双鸭山's with these parts in the place of its own; ``policies/_examples`` has whole packs of that shape.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.review.desk import JURISDICTION, PACKS, Desk, Ticket
from tests.review.extending import CLOSING, ask, asked, decide, limits, moved, row, seen
from tests.support.wire import at

from common.events.review import ExtensionDenied, ExtensionGranted, ExtensionLapsed, ExtensionRequested
from common.events.vocabulary import Limit
from common.policy.pack import Pack, parse_pack
from common.policy.reading import load_pack

WHY = {"rule": "EX-4", "assumption": "试验"}
SPECIAL_WINDOW = at("2025-10-17 00:00")
DONE = ("requester_told", "signed")


def ground(label: str, mechanism: str) -> dict[str, Any]:
    return {"label": label, "decided_by": "rule", "mechanism": mechanism, **WHY}


def pack_of(without: tuple[str, ...] = (), denies: dict[str, Any] | None = None, **extensions: Any) -> Pack:
    """双鸭山's pack with these extensions; ``without``: mechanisms that it has and this one has not."""
    content = load_pack(PACKS / JURISDICTION).dump()
    section = content["extensions"]
    section |= extensions
    section["denial_grounds"] |= denies or {}
    for name in without:
        section.pop(name, None)
    if "most_requests" in without:
        del section["denial_grounds"]["too_many"]
    if "special" in extensions:
        content["limits"]["kinds"]["special_extension_window"] = {
            "anchor": {"value": "dispatched", **WHY},
            "rules": [{"allowance": {"amount": 10, "unit": "working_days"}, **WHY}],
        }
    return parse_pack(content)


def special_pack() -> Pack:
    formalities = {"requester_told": {"label": "已告知来电人", **WHY}, "signed": {"label": "负责人签字并盖章", **WHY}}
    spans = [{"amount": amount, "unit": "natural_days"} for amount in (30, 60, 90)]
    special = {
        "spans": {"value": spans, **WHY},
        "denied_when_missing": {"value": ["reason"], **WHY},
        "formalities": formalities,
    }
    return pack_of(special=special, denies={"not_offered": ground("特殊延期只有三十、六十、九十日", "not_offered")})


def approved_by(whom: str, fields: tuple[str, ...] = ("reason",), **more: Any) -> Pack:
    return pack_of(
        without=("most_requests", "longest"),
        approved_by={"value": whom, **WHY},
        denied_when_missing={"value": list(fields), **WHY},
        **more,
    )


async def held(desk: Desk, pack: Pack, *, known: bool = True) -> Ticket:
    """A ticket of that pack; ``known``: sla has told its limits."""
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack, window=False)
    if known:
        await tell(ticket)
    return ticket


async def tell(ticket: Ticket) -> None:
    told = limits(ticket)
    special = row(ticket, "special_extension_window", SPECIAL_WINDOW).model_copy(update={"window": True})
    kinds = ticket.pack.limits.kinds()
    more = (special,) if "special_extension_window" in kinds else ()
    await ticket.desk.wire.deliver(told.model_copy(update={"deadlines": (*told.deadlines, *more)}))


async def took_effect(ticket: Ticket, case: str, due: datetime, generation: int) -> None:
    """Dispatch's answer to a grant, and sla's move of the limit."""
    await ticket.applied(case, "dispatched", kind="extension", ended=False)
    for kind in ("closing", "extension_window"):
        await ticket.desk.wire.deliver(moved(ticket, kind, due, generation))


def special(days: int = 60, *formalities: str, **more: Any) -> dict[str, Any]:
    return {"sort": "special", "requested": {"amount": days, "unit": "natural_days"}, "formalities": formalities} | more


async def test_a_special_extension_with_its_formalities_waits_for_a_reviewer_who_grants_it_as_asked(desk: Desk) -> None:
    ticket = await held(desk, special_pack())
    filed = await asked(desk, ticket, **special(60, *DONE))
    assert (filed["state"], filed["late"], filed["sort"], filed["formalities"]) == (
        "queued", False, "special", list(DONE),
    )  # fmt: skip
    [told] = await ticket.announced("ExtensionRequested")
    assert isinstance(told.data, ExtensionRequested)
    assert (told.data.kind, told.data.formalities) == ("special", DONE)
    shorter = await decide(desk, filed["id"], granted={"amount": 30, "unit": "natural_days"})
    assert (shorter.status_code, shorter.json()["fields"][0]["rule"]) == (422, "as_requested")
    granted = await decide(desk, filed["id"])
    assert granted.json()["decision"]["granted"] == {"amount": 60, "unit": "natural_days"}
    [told] = await ticket.announced("ExtensionGranted")
    assert isinstance(told.data, ExtensionGranted)
    assert (told.data.kind, told.data.window_due_at) == ("special", SPECIAL_WINDOW)
    await ticket.applied(filed["id"], "dispatched", kind="extension", ended=False)
    assert (await seen(desk, filed["id"]))["state"] == "applied"


@pytest.mark.parametrize(
    ("body", "by", "note"),
    [
        (special(60, "signed"), "missing_reason", "未填写：已告知来电人。"),
        (special(60, "requester_told", reason=None), "missing_reason", "未填写：延期理由、负责人签字并盖章。"),
        (special(45, *DONE), "not_offered", "特殊延期只有三十、六十、九十日"),
        (
            special(60, *DONE, requested={"amount": 60, "unit": "working_days"}),
            "not_offered",
            "特殊延期只有三十、六十、九十日",
        ),
    ],
    ids=["the requester was not told", "no reason and no signature", "forty-five days", "working days"],
)
async def test_a_special_extension_without_a_formality_or_of_another_length_is_denied_by_rule(
    desk: Desk, body: dict[str, Any], by: str, note: str
) -> None:
    ticket = await held(desk, special_pack())
    filed = await asked(desk, ticket, **body)
    assert (filed["state"], filed["decision"]["ground"], filed["decision"]["note"]) == ("denied", by, note)


async def test_a_special_extension_has_a_window_of_its_own(desk: Desk) -> None:
    ticket, late = await held(desk, special_pack()), await held(desk, special_pack())
    desk.clock.set(SPECIAL_WINDOW - timedelta(microseconds=1))
    assert (await asked(desk, ticket, **special(30, *DONE)))["state"] == "queued"
    desk.clock.set(SPECIAL_WINDOW)
    denied = await asked(desk, late, **special(30, *DONE))
    assert (denied["state"], denied["late"], denied["decision"]["ground"]) == ("denied", True, "late")
    assert (await asked(desk, late))["state"] == "queued", "the ordinary window is open until the limit itself"


async def test_a_sort_or_a_formality_that_the_pack_does_not_have_is_refused_with_its_field(desk: Desk) -> None:
    plain = await held(desk, desk.pack)
    answer = await ask(desk, plain, **special(30))
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "sort")
    ticket = await held(desk, special_pack())
    for body in (special(30, "stamped"), {"formalities": ["signed"]}):
        answer = await ask(desk, ticket, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "formalities"), body
    assert await ticket.told() == []


async def test_what_the_units_head_approved_is_granted_at_once_and_effective_when_dispatch_answers(desk: Desk) -> None:
    ticket = await held(desk, approved_by("unit_head", ("reason", "head_approval")))
    bare = await asked(desk, ticket)
    assert (bare["state"], bare["decision"]["note"]) == ("denied", "未填写：单位负责人同意。")
    filed = await asked(desk, ticket, head_approval="局长账号")
    assert (filed["state"], filed["head_approval"]) == ("granted", "局长账号")
    assert (filed["decision"]["by_rule"], filed["decision"]["granted"]) == (True, {"amount": 5, "unit": "working_days"})
    [told] = await ticket.announced("ExtensionGranted")
    assert isinstance(told.data, ExtensionGranted)
    assert (told.data.by_rule, told.data.actor.role, told.data.granted) == (
        True, "system", Limit(amount=5, unit="working_days"),
    )  # fmt: skip
    assert (await desk.get("/extensions?state=queued")).json()["items"] == [], "no reviewer has anything to decide"
    refused = await decide(desk, filed["id"], "deny")
    assert (refused.status_code, refused.json()["code"]) == (409, "extension_decided")
    pending = await ask(desk, ticket, head_approval="局长账号")
    assert (pending.status_code, pending.json()["code"]) == (409, "extension_pending"), "dispatch has not answered yet"
    await ticket.applied(filed["id"], "dispatched", kind="extension", ended=False)
    assert (await seen(desk, filed["id"]))["state"] == "applied"


async def test_what_was_granted_by_rule_and_came_too_late_at_dispatch_is_overtaken(desk: Desk) -> None:
    ticket = await held(desk, approved_by("notice"))
    filed = await asked(desk, ticket)
    await ticket.overtaken(filed["id"], kind="extension")
    assert (await seen(desk, filed["id"]))["state"] == "overtaken"
    [told] = await ticket.announced("ExtensionLapsed")
    assert isinstance(told.data, ExtensionLapsed)


async def test_notice_is_enough_where_the_pack_says_so_but_not_without_a_reason_and_not_late(desk: Desk) -> None:
    ticket, late = await held(desk, approved_by("notice")), await held(desk, approved_by("notice"))
    bare = await asked(desk, ticket, reason=None)
    assert (bare["state"], bare["decision"]["ground"]) == ("denied", "missing_reason")
    filed = await asked(desk, ticket, requested={"amount": 40, "unit": "working_days"})
    assert (filed["state"], filed["decision"]["by_rule"]) == ("granted", True), "nothing says how long at most"
    desk.clock.set(CLOSING)
    denied = await asked(desk, late)
    assert (denied["state"], denied["decision"]["ground"]) == ("denied", "late")


async def test_a_notice_before_the_limit_is_known_is_granted_when_it_is(desk: Desk) -> None:
    ticket = await held(desk, approved_by("notice"), known=False)
    filed = await asked(desk, ticket)
    assert filed["state"] == "pending"
    await tell(ticket)
    assert (await seen(desk, filed["id"]))["state"] == "granted"
    assert await ticket.told() == ["ExtensionRequested", "ExtensionGranted"]


async def test_a_notice_given_twice_under_one_key_is_one_extension(desk: Desk) -> None:
    ticket = await held(desk, approved_by("notice"))
    first, again = [await ask(desk, ticket, key="notice-once") for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert await ticket.told() == ["ExtensionRequested", "ExtensionGranted"]


async def test_all_extensions_together_are_not_longer_than_the_total(desk: Desk) -> None:
    total = {"amount": 10, "unit": "working_days", **WHY}
    pack = approved_by("notice", total=total, denies={"beyond_total": ground("累计超过十个工作日", "beyond_total")})
    ticket = await held(desk, pack)
    first = await asked(desk, ticket, requested={"amount": 6, "unit": "working_days"})
    await took_effect(ticket, first["id"], at("2025-11-01 00:00"), 2)
    beyond = await asked(desk, ticket)
    assert (beyond["state"], beyond["decision"]["note"]) == ("denied", "累计超过十个工作日")
    [told] = await ticket.announced("ExtensionDenied")
    assert isinstance(told.data, ExtensionDenied)
    assert (told.data.ground, told.data.by_rule) == ("beyond_total", True)
    last = await asked(desk, ticket, requested={"amount": 4, "unit": "working_days"})
    assert last["state"] == "granted", "what was denied uses nothing up"
    await took_effect(ticket, last["id"], at("2025-11-07 00:00"), 3)
    one = await asked(desk, ticket, requested={"amount": 1, "unit": "working_days"})
    assert one["decision"]["ground"] == "beyond_total"


async def test_a_grant_that_was_overtaken_uses_nothing_of_the_total_up(desk: Desk) -> None:
    total = {"amount": 5, "unit": "working_days", **WHY}
    pack = approved_by("notice", total=total, denies={"beyond_total": ground("累计超过五个工作日", "beyond_total")})
    ticket = await held(desk, pack)
    first = await asked(desk, ticket)
    await ticket.overtaken(first["id"], "dispatched", kind="extension")
    assert (await asked(desk, ticket))["state"] == "granted"


async def test_tickets_that_are_never_extended_are_denied_by_rule_whoever_approves(desk: Desk) -> None:
    never = {"when": {"channel": {"eq": "phone"}}, **WHY}
    for pack in (
        pack_of(never=never, denies={"never": ground("此渠道不可延期", "never")}),
        approved_by("notice", never=never, denies={"never": ground("此渠道不可延期", "never")}),
    ):
        ticket = await held(desk, pack)
        filed = await asked(desk, ticket)
        assert (filed["state"], filed["decision"]["note"]) == ("denied", "此渠道不可延期")


async def test_an_ordinary_extension_is_not_asked_for_once_the_latest_day_is_reached(desk: Desk) -> None:
    content = load_pack(PACKS / JURISDICTION).dump()
    content["limits"]["latest"] = {"value": "latest_extension", **WHY}
    content["limits"]["kinds"]["latest_extension"] = {
        "anchor": {"value": "dispatched", **WHY},
        "rules": [{"allowance": {"amount": 12, "unit": "working_days"}, **WHY}],
    }
    await desk.activate(parse_pack(content))
    for latest, status in ((CLOSING, 409), (CLOSING + timedelta(days=1), 201)):
        ticket = await desk.ticket(pack=parse_pack(content), window=False)
        told = limits(ticket)
        last = row(ticket, "latest_extension", latest).model_copy(update={"window": True})
        await desk.wire.deliver(told.model_copy(update={"deadlines": (*told.deadlines, last)}))
        answer = await ask(desk, ticket)
        assert answer.status_code == status, answer.text
        if status == 409:
            assert answer.json()["detail"] == "办理时限已至可以延期的最后一日，不能再延期。"
