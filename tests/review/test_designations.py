"""指定 (双鸭山 第十九条（四）): who was named may not return, and is told by which consultation or paper."""

import pytest
from tests.review.desk import CHENGGUAN, DUE, MORNING, PACKS, ZHUJIAN, Desk

from common.clock import new_id
from common.events.dispatch import Dispatched, RulingApplied
from common.events.review import ReturnDenied
from common.events.sla import DeadlineRow, DeadlineSet
from common.events.vocabulary import Anchor, Designation
from common.policy.pack import Pack
from common.policy.reading import load_pack
from review.returns.rules import Filing, Window, denied_by_rule


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(PACKS / "shuangyashan")


CASE = new_id()


PAPER = "市长批示〔2025〕3号"


@pytest.mark.parametrize(
    ("designation", "words", "document"),
    [
        (Designation(by="superior", reference=PAPER), f"已由上级领导指定（{PAPER}）", "上级领导指定"),
        (Designation(by="department"), "已由有关部门指定", "有关部门指定"),
        (
            Designation(by="designation", case=CASE),
            f"已由热线主管部门明确为承办单位（{CASE}）",
            "主管部门明确承办单位的决定",
        ),
        (Designation(by="coordination", case=CASE), f"已经协调明确为承办单位（{CASE}）", "协调结论"),
        (Designation(by="consultation", case=CASE), f"已经会商指定（{CASE}）", "会商结论"),
        (Designation(by="escalation", case=CASE), f"已由专报批示指定（{CASE}）", "专报批示"),
    ],
)
def test_a_denial_names_the_paper_that_designated_the_unit(
    pack: Pack, designation: Designation, words: str, document: str
) -> None:
    filing = Filing(
        id=new_id(), ticket=new_id(), round=1, unit=CHENGGUAN, state="pending", ground=None, reason="不归我管",
        legal_basis="三定方案", suggested_unit=None, papers=(), filed_at=MORNING,
    )  # fmt: skip
    denied = denied_by_rule(pack.returns, filing, Window(DUE), designated=True, redo=False, designation=designation)
    assert denied is not None
    assert (denied.ground, denied.note, denied.designation) == ("designated", f"本单位{words}，不得退单。", designation)
    clause, paper, *_ = denied.basis
    reference = designation.reference or designation.case
    assert (clause.article, paper.document) == ("第十九条（四）", document)
    assert paper.article == (str(reference) if reference else None)


async def test_a_return_by_a_designated_unit_is_denied_with_its_designation(desk: Desk) -> None:
    ticket = await desk.ticket()
    ticket.round += 1
    named = Designation(by="consultation", case=CASE)
    told = Dispatched(**ticket.fields(), unit=CHENGGUAN, designated=True, designation=named)
    [ticket.cause] = await desk.wire.deliver(told)
    await ticket.windowed()
    for _ in range(2):
        filed = await desk.filed(ticket)
        assert (filed["state"], filed["decision"]["designation"]["case"]) == ("denied", str(CASE))
    last = (await ticket.announced("ReturnDenied"))[-1].data
    assert isinstance(last, ReturnDenied)
    assert (last.designation, last.by_rule, last.ground) == (named, True, "designated")
    assert str(CASE) in (last.note or "")


async def test_a_queued_return_is_denied_when_its_unit_is_designated_and_another_units_is_not(desk: Desk) -> None:
    ticket, other = await desk.ticket(), await desk.ticket()
    filed, stays = await desk.filed(ticket), await desk.filed(other)
    for about, named in ((ticket, CHENGGUAN), (other, ZHUJIAN)):
        applied = RulingApplied(
            **about.fields(), ruling=CASE, kind="consultation", outcome="unit_named", new_status="dispatched",
            designated=named,
        )  # fmt: skip
        await desk.wire.deliver(applied)
    assert await desk.state(stays["id"]) == "queued"
    seen = (await desk.get(f"/returns/{filed['id']}")).json()
    assert (seen["state"], seen["decision"]["by_rule"], seen["decision"]["ground"]) == ("denied", True, "designated")
    assert "会商" in seen["decision"]["note"]
    assert await ticket.told() == ["Returned", "ReturnDenied"]
    assert (await desk.rule(filed["id"])).json()["code"] == "return_decided"
    assert (await desk.filed(ticket))["state"] == "denied", "and whatever it files afterwards"


async def test_the_queue_says_by_when_a_return_is_to_be_ruled_on(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    assert filed["ruling_due_at"] is None
    row = DeadlineRow(
        kind="ruling", unit=None, round=1, case=filed["id"], anchor=Anchor(event=new_id(), at=desk.clock.now()),
        due_at=DUE, original_due_at=DUE, window=False, provisional=False, calendar="2025",
    )  # fmt: skip
    await desk.wire.deliver(DeadlineSet(**ticket.fields(), cause=new_id(), deadlines=(row,)))
    [queued] = (await desk.get("/returns?state=queued")).json()["items"]
    assert queued["ruling_due_at"] == "2025-09-28T16:00:00Z"
