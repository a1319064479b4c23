"""责任追究: found by rule with the evidence, decided by a person, on the real database (双鸭山 第三十四条)."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.review.desk import CHENGGUAN, JURISDICTION, YINGSHANG, ZHUJIAN, Desk, Ticket
from tests.support.wire import at

from common.clock import new_id
from common.events.dispatch import HandlingStopped, RulingApplied, StatementSubmitted, UnitSucceeded
from common.events.review import (
    ExtensionGranted,
    ExtensionRequested,
    NoticeIssued,
    ReferralPrepared,
    ReferralSent,
    ReturnDenied,
)
from common.events.sla import BreachWithdrawn, DeadlineBreached, DeadlineMet, DeadlineMissed, OneDeadline
from common.events.vocabulary import DeadlineKind
from common.policy.pack import parse_pack

CLOSING_DUE = at("2025-10-24 00:00")


async def findings(desk: Desk, which: str = "notices", **params: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    answer = await desk.get(f"/{which}?{query}", "supervisor")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def grounds(desk: Desk, which: str = "notices", **params: str) -> list[str]:
    return [one["ground"] for one in await findings(desk, which, **params)]


def verdict(
    model: type[OneDeadline], ticket: Ticket, kind: DeadlineKind = "closing", unit: str | None = None, **more: Any
) -> OneDeadline:
    told = {"due_at": CLOSING_DUE, "generation": 1, **more}
    return model(**ticket.fields(), kind=kind, unit=unit or ticket.unit, **told)


def asked(ticket: Ticket, case: UUID, moment: datetime) -> ExtensionRequested:
    return ExtensionRequested(
        **ticket.fields() | {"occurred_at": moment, "accepted_at": moment},
        case=case,
        unit=ticket.unit,
        kind="ordinary",
        reason="须现场勘验",
        nth=1,
    )


def statement(ticket: Ticket) -> StatementSubmitted:
    return StatementSubmitted(
        **ticket.fields(), statement=new_id(), unit=ticket.unit, text="客观条件不具备", evidence=("鉴定意见",)
    )


def denied(ticket: Ticket, ground: str | None = "designated", unit: str | None = None) -> ReturnDenied:
    filed = ticket.desk.clock.now()
    return ReturnDenied(
        **ticket.fields(), case=new_id(), unit=unit or ticket.unit, filed_at=filed, ground=ground, by_rule=True
    )


async def test_a_missed_verdict_without_a_statement_is_found_with_its_evidence_and_a_lamp_is_not(desk: Desk) -> None:
    lamp, met, late = await desk.ticket(), await desk.ticket(), await desk.ticket()
    await desk.wire.deliver(verdict(DeadlineBreached, lamp), verdict(DeadlineBreached, met))
    await desk.wire.deliver(verdict(BreachWithdrawn, met, reason="fact_in_time"), verdict(DeadlineMet, met))
    desk.clock.set(at("2025-10-27 09:00"))
    [event] = await desk.wire.deliver(verdict(DeadlineMissed, late, fact=new_id(), fact_at=desk.clock.now()))
    [one] = await findings(desk)
    assert (one["ground"], one["unit"], one["ticket"]) == ("late_without_statement", CHENGGUAN, str(late.id))
    assert (one["state"], one["by_rule"], one["proposed_by"]) == ("open", True, None)
    assert one["label"] == "未按规定时限反馈办理结果，又未进行情况说明"
    [evidence] = one["evidence"]
    assert (evidence["event"], evidence["duty"], evidence["round"]) == (str(event), "closing", 1)
    assert datetime.fromisoformat(evidence["due_at"]) == CLOSING_DUE
    assert [basis["article"] for basis in one["basis"]] == ["第三十四条（二）1", None]
    assert one["allowed"] == ["issue", "dismiss"]
    assert await late.told() == [], "nothing is announced until a person decides"
    assert (await desk.get(f"/notices/{one['id']}", "viewer")).json() == one
    assert (await desk.get(f"/referrals/{one['id']}", "viewer")).status_code == 404
    assert (await desk.get("/referrals", "unit", CHENGGUAN)).status_code == 403
    assert (await desk.get(f"/notices/{one['id']}", "viewer", jurisdiction="tongjiang")).status_code == 404
    assert (await desk.get("/notices", "viewer", jurisdiction="tongjiang")).json()["items"] == []


async def test_a_statement_takes_the_ground_away_whenever_it_is_known_and_a_longer_limit_gives_it_back(
    desk: Desk,
) -> None:
    """Order-independent: what is open always is what all known facts come to."""
    before, after, stopped, granted = [await desk.ticket() for _ in range(4)]
    in_time = at("2025-10-20 10:00")
    await desk.wire.deliver(asked(before, new_id(), in_time), verdict(DeadlineMissed, before))
    await desk.wire.deliver(verdict(DeadlineMissed, after))
    assert await grounds(desk, ticket=str(after.id)) == ["late_without_statement"]
    await desk.wire.deliver(asked(after, new_id(), in_time))
    cessation = HandlingStopped(
        **stopped.fields(),
        cessation=new_id(),
        unit=stopped.unit,
        ground="other_procedure",
        explained=True,
        statement="已进入诉讼",
    )
    await desk.wire.deliver(verdict(DeadlineMissed, stopped), cessation)
    case = new_id()
    allowed = ExtensionGranted(
        **granted.fields(), case=case, unit=granted.unit, kind="ordinary", filed_at=in_time, by_rule=False
    )
    await desk.wire.deliver(asked(granted, case, in_time), allowed, verdict(DeadlineMissed, granted))
    seen = {one["ticket"]: one for one in await findings(desk)}
    assert {ticket: one["state"] for ticket, one in seen.items()} == {
        str(after.id): "lapsed",
        str(stopped.id): "lapsed",
        str(granted.id): "open",
    }
    lapsed = seen[str(after.id)]
    assert (lapsed["allowed"], lapsed["decision"]["by"]) == ([], None)
    assert "已不成立" in lapsed["decision"]["text"]
    answer = await decide(desk, "notices", lapsed["id"], "issue")
    assert (answer.status_code, answer.json()["code"]) == (409, "finding_decided")


async def decide(
    desk: Desk, which: str, finding: str, decision: str, *, role: Any = "supervisor", unit: str = YINGSHANG, **body: Any
) -> Any:
    told = {"decision": decision, "text": "经核实，予以通报。联系 13812345678"} | body
    return await desk.post(f"/{which}/{finding}/decisions", told, role, unit)


async def test_a_person_issues_the_notice_once_never_about_the_own_unit(desk: Desk) -> None:
    ticket = await desk.ticket()
    await desk.wire.deliver(verdict(DeadlineMissed, ticket))
    [one] = await findings(desk)
    own = await decide(desk, "notices", one["id"], "issue", unit=CHENGGUAN)
    assert (own.status_code, own.json()["code"]) == (403, "own_unit")
    assert (await decide(desk, "notices", one["id"], "issue", role="reviewer")).status_code == 403
    assert (await decide(desk, "notices", one["id"], "send")).status_code == 422
    assert (await decide(desk, "notices", one["id"], "issue", text=" ")).status_code == 422
    assert (await decide(desk, "referrals", one["id"], "dismiss")).status_code == 404
    assert (await decide(desk, "notices", str(new_id()), "issue")).status_code == 404
    answer = await decide(desk, "notices", one["id"], "issue")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["state"], answer.json()["decision"]["text"]) == ("issued", "经核实，予以通报。联系 [手机号]")
    [told] = await ticket.announced("NoticeIssued")
    assert answer.headers["Hotline-Event"] == str(told.id)
    assert isinstance(told.data, NoticeIssued)
    assert (told.data.unit, told.data.kind, told.data.ground) == (CHENGGUAN, "criticism", "late_without_statement")
    assert (told.data.tickets, told.data.ticket, told.data.round) == ((ticket.id,), ticket.id, 1)
    assert told.data.basis[0].article == "第三十四条（二）1"
    again = await decide(desk, "notices", one["id"], "dismiss")
    assert (again.status_code, again.json()["code"]) == (409, "finding_decided")
    # What was decided on counts once: the statement changes nothing now, another missed limit is another finding.
    await desk.wire.deliver(statement(ticket))
    await ticket.reissued()
    await desk.wire.deliver(verdict(DeadlineMissed, ticket, due_at=at("2025-11-20 00:00")))
    assert [found["state"] for found in await findings(desk)] == ["issued", "open"]


async def test_a_person_chooses_what_the_notice_is_and_the_unit_reads_what_was_issued_to_it(desk: Desk) -> None:
    """双鸭山 第三十一条: 通报, 工作提示, 约谈提醒; a unit sees no open, dismissed or foreign one."""
    by_hand = {"jurisdiction": JURISDICTION, "ground": "rota", "said": "未按要求轮值"}

    async def propose(unit: str = CHENGGUAN, **body: Any) -> Any:
        return await desk.post("/notices", by_hand | {"unit": unit} | body, "supervisor", YINGSHANG)

    wrong = await propose(kind="scolding")
    assert (wrong.status_code, wrong.json()["fields"][0]["field"]) == (422, "kind")
    assert "prompt（工作提示）" in wrong.json()["fields"][0]["message"]
    assert (
        await desk.post("/referrals", by_hand | {"unit": CHENGGUAN, "kind": "talk"}, "supervisor")
    ).status_code == 422
    cases = (
        ("prompt", None, "prompt", "工作提示", "第三十四条（二）3"),
        ("prompt", "talk", "talk", "约谈提醒", "第三十一条"),
        (None, "criticism", "criticism", "通报", "第三十一条"),
        (None, None, "criticism", "通报", "第三十一条"),
    )
    issued = []
    for proposed, chosen, kind, label, article in cases:
        one = (await propose(kind=proposed)).json()
        assert (one["kind"], [each["code"] for each in one["kinds"]]) == (proposed, ["criticism", "prompt", "talk"])
        assert (await desk.get(f"/notices/{one['id']}", "unit", CHENGGUAN)).status_code == 404, "still open"
        refused = await decide(desk, "notices", one["id"], "issue", kind="scolding")
        assert (refused.status_code, refused.json()["fields"][0]["rule"]) == (422, "choice")
        refused = await decide(desk, "notices", one["id"], "dismiss", kind="talk")
        assert (refused.status_code, refused.json()["fields"][0]["rule"]) == (422, "not_of_decision")
        answer = (await decide(desk, "notices", one["id"], "issue", kind=chosen)).json()
        assert (answer["state"], answer["kind"], answer["kind_label"], answer["kinds"]) == ("issued", kind, label, [])
        [told] = await desk.wire.announced("NoticeIssued", about=f"case/{one['id']}")
        assert isinstance(told.data, NoticeIssued)
        assert (told.data.kind, told.data.basis[-1].article) == (kind, article)
        issued.append(one["id"])
    dismissed, others = (await propose()).json()["id"], (await propose(ZHUJIAN)).json()["id"]
    assert (await decide(desk, "notices", dismissed, "dismiss")).json()["kind"] is None
    assert (await decide(desk, "notices", others, "issue")).status_code == 201

    async def read(unit: str, path: str = "/notices") -> Any:
        return await desk.get(path, "unit", unit)

    assert [one["id"] for one in (await read(CHENGGUAN)).json()["items"]] == issued
    assert [one["id"] for one in (await read(ZHUJIAN)).json()["items"]] == [others]
    for query in ("?state=open", "?state=dismissed", f"?unit={ZHUJIAN}"):
        assert (await read(CHENGGUAN, f"/notices{query}")).json()["items"] == []
    own = (await read(CHENGGUAN, f"/notices/{issued[0]}")).json()
    assert (own["kind_label"], own["decision"]["text"], own["proposed_by"]) == (
        "工作提示",
        "经核实，予以通报。联系 [手机号]",
        None,
    )
    for foreign in (others, dismissed):
        assert (await read(CHENGGUAN, f"/notices/{foreign}")).status_code == 404


async def test_of_people_who_decide_at_once_the_first_decides(desk: Desk) -> None:
    ticket = await desk.ticket()
    await desk.wire.deliver(verdict(DeadlineMissed, ticket))
    [one] = await findings(desk)
    words = ("issue", "dismiss", "issue", "dismiss")
    settled = await asyncio.gather(*(decide(desk, "notices", one["id"], word) for word in words))
    assert sorted(answer.status_code for answer in settled) == [201, 409, 409, 409]
    [won] = [answer.json()["state"] for answer in settled if answer.status_code == 201]
    assert len(await ticket.announced("NoticeIssued")) == (won == "issued")


async def test_where_the_pack_has_no_such_section_nothing_is_found_and_nothing_is_brought_forward(desk: Desk) -> None:
    content = desk.pack.dump()
    del content["accountability"]
    pack = parse_pack(content)
    desk.later(hours=1)
    await desk.activate(pack)
    await desk.wire.deliver(verdict(DeadlineMissed, await desk.ticket(pack=pack)))
    assert await findings(desk) == []
    body = {"jurisdiction": JURISDICTION, "ground": "rota", "unit": CHENGGUAN, "said": "未按要求轮值"}
    refused = await desk.post("/notices", body, "supervisor", YINGSHANG)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_accountable")


async def test_supervision_unanswered_and_a_designated_unit_that_does_not_act_are_found(desk: Desk) -> None:
    plain, named = await desk.ticket(), await desk.ticket(designated=True, co_handlers=(ZHUJIAN,))
    ruled = await desk.ticket()
    await desk.wire.deliver(
        verdict(DeadlineMissed, plain, "supervision_reply", case=new_id()),
        verdict(DeadlineMissed, plain, "sign_in"),
        verdict(DeadlineMissed, named, "co_handler_part", ZHUJIAN),
        verdict(DeadlineMissed, named, "sign_in"),
        verdict(DeadlineMissed, named, "sign_in", ZHUJIAN),
    )
    seen = {(one["unit"], one["ground"]): one for one in await findings(desk)}
    assert set(seen) == {
        (CHENGGUAN, "supervision_unanswered"),
        (CHENGGUAN, "designated_inactive"),
        (ZHUJIAN, "designated_inactive"),
    }
    both = seen[ZHUJIAN, "designated_inactive"]
    assert sorted(one["duty"] or one["kind"] for one in both["evidence"]) == [
        "co_handler_part",
        "designated",
        "sign_in",
    ]
    # A ruling that names the unit which holds the ticket binds it; its successor is bound as it was.
    ruling = RulingApplied(
        **ruled.fields(), ruling=new_id(), kind="consultation", outcome="unit_named", new_status="dispatched",
        designated=CHENGGUAN,
    )  # fmt: skip
    await desk.wire.deliver(ruling)
    await desk.wire.deliver(UnitSucceeded(**ruled.fields(), unit=CHENGGUAN, successor=ZHUJIAN))
    await desk.wire.deliver(verdict(DeadlineMissed, ruled, "closing", ZHUJIAN))
    assert sorted(await grounds(desk, ticket=str(ruled.id))) == ["designated_inactive", "late_without_statement"]


async def test_returns_denied_again_and_again_are_packaged_and_sent_by_a_person(desk: Desk) -> None:
    ticket = await desk.ticket(designated=True)
    filed = await desk.filed(ticket)
    assert filed["decision"]["ground"] == "designated"
    await own_facts_come_back(desk, ticket)
    assert await grounds(desk, "referrals") == []
    await desk.filed(ticket)
    await own_facts_come_back(desk, ticket)
    [one] = await findings(desk, "referrals")
    assert (one["ground"], one["unit"], len(one["evidence"])) == ("shirking", CHENGGUAN, 2)
    assert {evidence["case"] for evidence in one["evidence"]} >= {filed["id"]}
    assert one["said"] == "对同一工单退单2次未获通过，其中2次因已被指定承办。"
    [prepared] = await ticket.announced("ReferralPrepared")
    assert isinstance(prepared.data, ReferralPrepared)
    assert (prepared.data.unit, prepared.data.addressee) == (CHENGGUAN, "有权机关")
    assert prepared.data.actor.role == "system"
    await desk.wire.deliver(denied(ticket))
    [grown] = await findings(desk, "referrals")
    assert (grown["id"], len(grown["evidence"])) == (one["id"], 3), "one open finding, with the evidence as it comes"
    assert len(await ticket.announced("ReferralPrepared")) == 1
    answer = await decide(desk, "referrals", one["id"], "send", addressee="市纪委监委")
    assert answer.status_code == 201, answer.text
    [sent] = await ticket.announced("ReferralSent")
    assert isinstance(sent.data, ReferralSent)
    assert (sent.data.addressee, sent.data.sent_on.isoformat()) == ("市纪委监委", "2025-09-26")
    await desk.wire.deliver(denied(ticket))
    assert len(await findings(desk, "referrals")) == 1, "what was decided on counts once"
    await desk.wire.deliver(denied(ticket))
    [_, again] = await findings(desk, "referrals")
    dismissed = await decide(desk, "referrals", again["id"], "dismiss", text="未造成不良影响")
    assert (dismissed.json()["state"], dismissed.json()["decision"]["addressee"]) == ("dismissed", None)


async def own_facts_come_back(desk: Desk, ticket: Ticket) -> None:
    """Review reads its own facts from the bus, like everybody's."""
    told = await ticket.announced("ReturnDenied")
    await desk.wire.deliver(*(desk.wire.message(event.data, event_id=event.id) for event in told))


async def test_what_no_rule_finds_a_person_brings_forward(desk: Desk) -> None:
    ticket = await desk.ticket()
    staff = {"jurisdiction": JURISDICTION, "ground": "rudeness", "account": "agent-7", "ticket": str(ticket.id)}

    async def propose(which: str = "notices", role: Any = "supervisor", **body: Any) -> Any:
        told = {name: value for name, value in ({"said": "录音显示与诉求人争吵"} | body).items() if value is not None}
        return await desk.post(f"/{which}", told, role, YINGSHANG)

    answer = await propose(**staff)
    assert answer.status_code == 201, answer.text
    one = answer.json()
    assert (one["state"], one["by_rule"], one["unit"], one["account"]) == ("open", False, None, "agent-7")
    assert one["number"] == "SYS20250926000001"
    twice = await propose(**staff)
    assert (twice.status_code, twice.json()["code"]) == (409, "finding_open")
    for field, wrong in (
        ("account", staff | {"account": None}),
        ("unit", staff | {"unit": CHENGGUAN}),
        ("ground", staff | {"ground": "shirking"}),
        ("ticket", staff | {"ticket": str(new_id())}),
        ("month", staff | {"month": "2025-09-01"}),
        ("month", staff | {"ticket": None, "month": "2026-01-01"}),
        ("unit", {"jurisdiction": JURISDICTION, "ground": "rota"}),
        ("unit", {"jurisdiction": JURISDICTION, "ground": "rota", "unit": "shuangyashan.nobody"}),
        ("unit", {"jurisdiction": JURISDICTION, "ground": "rota", "unit": "tongjiang.chengguan"}),
    ):
        refused = await propose(**wrong)
        assert refused.status_code == 422, (field, refused.text)
        assert [each["field"] for each in refused.json()["fields"]] == [field]
    assert (await propose(role="agent", **staff)).status_code == 403
    assert (await propose(**staff | {"jurisdiction": "tongjiang"})).status_code == 404
    rota = await propose(jurisdiction=JURISDICTION, ground="rota", unit=CHENGGUAN, month="2025-08-20")
    assert (rota.status_code, rota.json()["month"]) == (201, "2025-08-01")
    falsified = await propose("referrals", jurisdiction=JURISDICTION, ground="other_harm", unit=CHENGGUAN)
    assert falsified.status_code == 201
    [prepared] = await desk.wire.announced("ReferralPrepared", about=f"case/{falsified.json()['id']}")
    assert prepared.data.actor.role == "supervisor"  # type: ignore[attr-defined]
    sent = await decide(desk, "referrals", falsified.json()["id"], "send")
    assert sent.json()["decision"]["addressee"] == "有权机关"
    issued = await decide(desk, "notices", rota.json()["id"], "issue")
    [notice] = await desk.wire.announced("NoticeIssued", about=f"case/{rota.json()['id']}")
    assert issued.headers["Hotline-Event"] == str(notice.id)
    assert isinstance(notice.data, NoticeIssued)
    assert (notice.data.ticket, notice.data.tickets, notice.data.unit) == (None, (), CHENGGUAN)
