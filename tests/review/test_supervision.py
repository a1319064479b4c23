"""督办 (双鸭山 第三十二条): by phone when a limit comes near, by hand, and the written reply."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.review.desk import CHENGGUAN, PACKS, YINGSHANG, ZHUJIAN, Desk, Ticket
from tests.review.extending import asked, decide, extendable
from tests.support.wire import at

from common.clock import new_id
from common.events.dispatch import Archived, UnitSucceeded
from common.events.review import SupervisionIssued, SupervisionReplied
from common.events.sla import DeadlineApproaching, DeadlineRow, DeadlineSet
from common.events.vocabulary import Anchor
from common.policy.pack import parse_pack
from common.policy.reading import load_pack
from common.policy.supervision import Supervision
from review.refusals import FieldRefused
from review.supervision.rules import Near, by_hand, by_phone, lateness

MIDNIGHT = at("2025-09-30 00:00")
CLOSING_TEXT = "电话督办：工单N1临近办理时限（2025年9月29日24时前办结），请及时办结处理并反馈结果。"


@pytest.fixture(scope="module")
def supervision() -> Supervision:
    section = load_pack(PACKS / "shuangyashan").supervision
    assert section is not None
    return section


def approaching(
    ticket: Ticket, kind: Any = "closing", *, generation: int = 1, unit: str | None = CHENGGUAN
) -> DeadlineApproaching:
    return DeadlineApproaching(**ticket.fields(), kind=kind, unit=unit, due_at=MIDNIGHT, generation=generation)


async def issue(desk: Desk, ticket: Ticket, role: Any = "supervisor", **body: Any) -> httpx.Response:
    """A special supervision of an unsatisfied ticket unless said otherwise."""
    whole = {"round": ticket.round, "form": "special", "ground": "dissatisfied", "text": "请说明未解决的原因"} | body
    told = {name: value for name, value in whole.items() if value is not None}
    return await desk.post(f"/tickets/{ticket.id}/supervisions", told, role, YINGSHANG)


async def reply(desk: Desk, case: str, unit: str = CHENGGUAN, **body: Any) -> httpx.Response:
    return await desk.post(f"/supervisions/{case}/replies", {"round": 1, "text": "已安排施工"} | body, "unit", unit)


def reply_owed(ticket: Ticket, case: str, due: datetime) -> DeadlineSet:
    row = DeadlineRow(
        kind="supervision_reply", unit=CHENGGUAN, round=1, case=UUID(case), anchor=Anchor(event=new_id(), at=due),
        due_at=due, original_due_at=due, window=False, provisional=False, calendar="2025",
    )  # fmt: skip
    return DeadlineSet(**ticket.fields(), cause=new_id(), deadlines=(row,))


@pytest.mark.parametrize(
    ("kind", "status", "unit", "told"),
    [
        ("sign_in", "dispatched", "s.a", "电话督办：工单N1临近受理时限（2025年9月29日24时前签收），请及时受理。"),
        ("sign_in", "signed_in", "s.a", None),
        ("sign_in", "signed_in", "s.b", "电话督办：工单N1临近受理时限（2025年9月29日24时前签收），请及时受理。"),
        (
            "closing",
            "signed_in",
            "s.a",
            CLOSING_TEXT,
        ),
        ("closing", "closed", "s.a", None),
        ("progress", "signed_in", "s.a", None),
    ],
)
def test_a_limit_of_acceptance_or_handling_that_comes_near_is_supervised_by_phone(
    supervision: Supervision, kind: str, status: str, unit: str, told: str | None
) -> None:
    """第三十二条（一）: 服务工单临近受理、办理环节时限；协办单位自己的签收也是受理."""
    near = Near(kind, unit, MIDNIGHT, 1)
    found = by_phone(
        supervision, near, number="N1", status=status, lead="s.a", current_round=1, round=1, round_ended=False
    )
    assert (found and found[0]) == told
    if found:
        assert not found[1].reply_due
        assert {one.quote for one in found[1].basis} == {
            "服务工单临近受理、办理环节时限",
            "12345热线平台进行电话督办",
        }
    afternoon = Near(kind, unit, at("2025-09-29 16:30"), 1)
    other_round = {"lead": "s.a", "current_round": 2, "round": 1, "round_ended": False}
    assert by_phone(supervision, afternoon, number="N1", status=status, **other_round) is None  # type: ignore[arg-type]


def test_each_form_has_its_own_grounds_and_only_a_special_one_is_owed_a_reply(supervision: Supervision) -> None:
    for ground in ("perfunctory", "no_effective_measures", "dissatisfied"):
        assert by_hand(supervision, "special", ground).reply_due
    assert not by_hand(supervision, "phone", None).reply_due
    for ground in ("mutual_shirking", "hard_to_determine"):
        assert not by_hand(supervision, "consultation", ground).reply_due
    refusals: tuple[tuple[Any, str | None, str], ...] = (
        ("special", None, "required"),
        ("special", "mutual_shirking", "choice"),
        ("consultation", None, "required"),
        ("phone", "dissatisfied", "choice"),
    )
    for form, named, rule in refusals:
        with pytest.raises(FieldRefused) as refused:
            by_hand(supervision, form, named)
        assert refused.value.rule == rule
    assert [lateness(MIDNIGHT, when, MIDNIGHT) for when in (None, at("2025-09-29 23:59"), MIDNIGHT)] == [
        "overdue", "in_time", "late",
    ]  # fmt: skip


async def test_phone_supervision_is_issued_once_for_each_instant_of_a_deadline(desk: Desk) -> None:
    ticket = await desk.ticket(co_handlers=(ZHUJIAN,))
    near = desk.wire.message(approaching(ticket))
    await desk.wire.deliver(near)
    await desk.wire.deliver(approaching(ticket), approaching(ticket, "progress"), approaching(ticket, unit=None))
    await desk.wire.deliver(approaching(ticket, generation=2), approaching(ticket, "sign_in", unit=ZHUJIAN))
    issued = [event.data for event in await ticket.announced("SupervisionIssued")]
    assert all(isinstance(told, SupervisionIssued) and told.by_rule and told.form == "phone" for told in issued)
    items = (await desk.get(f"/supervisions?ticket={ticket.id}")).json()["items"]
    assert [(one["near"]["kind"], one["unit"]) for one in items] == [
        ("closing", CHENGGUAN), ("closing", CHENGGUAN), ("sign_in", ZHUJIAN),
    ]  # fmt: skip
    assert items[0]["text"].startswith("电话督办：工单SYS20250926000001临近办理时限（2025年9月29日24时前办结）")
    assert (items[0]["reply_due"], items[0]["standing"]) == (False, None)
    await ticket.closed()
    await desk.wire.deliver(approaching(ticket, generation=3))
    assert len(await ticket.announced("SupervisionIssued")) == 3, "nothing comes near in a round that is over"


async def test_a_pack_without_supervision_issues_none(desk: Desk) -> None:
    content = desk.pack.dump()
    del content["supervision"], content["extensions"]
    pack = parse_pack(content)
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack)
    await desk.wire.deliver(approaching(ticket))
    assert await ticket.told() == []
    assert (await issue(desk, ticket)).json()["code"] == "not_supervisable"
    body = {"round": 1, "requested": {"amount": 5, "unit": "working_days"}, "reason": "情况复杂"}
    asked = await desk.post(f"/tickets/{ticket.id}/extensions", body, "unit", CHENGGUAN)
    assert (asked.status_code, asked.json()["code"]) == (409, "not_extendable")


async def test_a_special_supervision_of_a_closed_ticket_is_owed_a_written_reply_in_time(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    issued = (await issue(desk, ticket, text="请致电 13812345678 说明")).json()
    assert (issued["unit"], issued["reply_due"], issued["text"]) == (CHENGGUAN, True, "请致电 [手机号] 说明")
    assert [one["quote"] for one in issued["basis"]] == ["不满意的工单", "承办单位应当在3个工作日内作出书面回复"]
    [told] = await ticket.announced("SupervisionIssued")
    assert isinstance(told.data, SupervisionIssued)
    assert (told.data.form, told.data.ground, told.data.reply_due, told.data.by_rule) == (
        "special", "dissatisfied", True, False,
    )  # fmt: skip
    assert (issued["reply_due_at"], issued["standing"]) == (None, None)
    await desk.wire.deliver(reply_owed(ticket, issued["id"], MIDNIGHT))
    [open_one] = (await desk.get("/supervisions?awaiting_reply=true")).json()["items"]
    assert (open_one["standing"], open_one["reply_due_at"]) == ("open", "2025-09-29T16:00:00Z")
    desk.clock.set(MIDNIGHT)
    assert (await desk.get(f"/supervisions/{issued['id']}")).json()["standing"] == "overdue"
    assert (await reply(desk, issued["id"], ZHUJIAN)).status_code == 404
    assert (await reply(desk, issued["id"], round=2)).json()["code"] == "stale_round"
    answers = await asyncio.gather(*(reply(desk, issued["id"]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409], "a late reply is a reply, once"
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} == {"already_replied"}
    [answered] = [answer.json() for answer in answers if answer.status_code == 201]
    assert (answered["standing"], answered["reply"]["text"]) == ("late", "已安排施工")
    [told] = await ticket.announced("SupervisionReplied")
    assert isinstance(told.data, SupervisionReplied)
    assert (str(told.data.case), told.data.unit) == (issued["id"], CHENGGUAN)
    assert (await desk.get("/supervisions?awaiting_reply=true")).json()["items"] == []


async def test_who_may_supervise_whom_and_what_the_door_refuses(desk: Desk) -> None:
    ticket = await desk.ticket(co_handlers=(ZHUJIAN,))
    for body, field in (
        ({"form": "letter"}, "form"),
        ({"ground": None}, "ground"),
        ({"ground": "mutual_shirking"}, "ground"),
        ({"unit": YINGSHANG}, "unit"),
        ({"text": " "}, "text"),
        ({"reply_due": False}, "reply_due"),
    ):
        answer = await issue(desk, ticket, **body)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), body
    for role in ("unit", "agent", "dispatcher", "viewer"):
        assert (await issue(desk, ticket, role)).status_code == 403
    assert (await issue(desk, ticket, round=7)).json()["code"] == "stale_round"
    assert await ticket.told() == []
    held = (await issue(desk, ticket, "reviewer", form="consultation", ground="mutual_shirking", unit=ZHUJIAN)).json()
    assert (held["unit"], held["reply_due"]) == (ZHUJIAN, False)
    path = f"/supervisions/{held['id']}"
    assert (await desk.get(path, "unit", CHENGGUAN)).status_code == 404
    assert (await desk.get(path, "unit", ZHUJIAN)).status_code == 200
    assert (await desk.get("/supervisions", "unit", CHENGGUAN)).json()["items"] == []
    assert (await desk.get(path, jurisdiction="tongjiang")).status_code == 404
    assert (await reply(desk, held["id"], ZHUJIAN)).status_code == 201, "who is not asked for a reply may give one"
    await desk.wire.deliver(Archived(**ticket.fields(), how="callback"))
    phone = await issue(desk, ticket, form="phone", ground=None)
    assert (phone.status_code, phone.json()["code"]) == (409, "not_supervisable")
    assert (await issue(desk, ticket)).status_code == 201, "tickets are gone through regularly, the archived ones too"
    waiting = await desk.ticket()
    await waiting.applied(new_id(), "awaiting_dispatch")
    assert (await issue(desk, waiting)).json()["code"] == "not_supervisable"


async def test_the_successor_of_a_unit_owes_its_reply_and_goes_on_with_its_extension(desk: Desk) -> None:
    ticket = await extendable(desk)
    filed = await asked(desk, ticket)
    issued = (await issue(desk, ticket)).json()
    await desk.wire.deliver(reply_owed(ticket, issued["id"], MIDNIGHT))
    await desk.wire.deliver(UnitSucceeded(**ticket.fields(), unit=CHENGGUAN, successor=ZHUJIAN))
    assert (await reply(desk, issued["id"])).status_code == 404
    answered = await reply(desk, issued["id"], ZHUJIAN)
    assert (answered.status_code, answered.json()["standing"]) == (201, "in_time")
    granted = (await decide(desk, filed["id"])).json()
    assert (granted["unit"], granted["state"]) == (ZHUJIAN, "granted")
    await ticket.applied(filed["id"], "dispatched", kind="extension", ended=False)
    ticket.unit = ZHUJIAN
    assert (await asked(desk, ticket))["nth"] == 2, "the count goes on"
