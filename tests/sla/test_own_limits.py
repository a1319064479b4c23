"""A ticket's own limit goes before the table: a law's, what was concluded, what was imposed (双鸭山 第十一条)."""

from typing import Any
from uuid import UUID, uuid4

from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.basis import Basis
from common.events.review import ConsultationConcluded, EscalationDecided
from common.events.vocabulary import ImposedLimit, LegalLimit, Limit

PLATFORM = Basis(rule="imposed", document="国家政务服务平台交办函", article="第三条")
LAW = LegalLimit(amount=10, unit="natural_days", basis=Basis(rule="law", document="某条例", article="第九条"))


def spans(days: int) -> Limit:
    return Limit(amount=days, unit="working_days")


async def conclude(desk: Desk, ticket: UUID, days: int | None, unit: str, **ended: Any) -> None:
    """A consultation names the unit, and a limit; dispatch answers."""
    case, limit = uuid4(), spans(days) if days else None
    given: dict[str, Any] = {"form": "consultation", "outcome": "unit_named", "unit": unit, "limit": limit}
    await desk.tell(desk.fact(ConsultationConcluded, ticket, case=case, **given))
    await desk.tell(desk.applied(ticket, case, "consultation", **ended))


async def test_an_imposed_span_goes_before_the_table_and_after_a_law(desk: Desk) -> None:
    imposed = ImposedLimit(limit=spans(3), basis=PLATFORM)
    ticket = await desk.dispatch(imposed_limit=imposed)
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.basis[0].article) == (at("2024-10-09 00:00"), "第三条")
    assert row.basis[1].rule == "SYS-11"
    assert (await desk.row(ticket, "extension_window")).due_at == row.due_at
    assert (await desk.row(ticket, "sign_in")).due_at == at("2024-09-30 00:00")
    await desk.tell(desk.amended(ticket, "type", when="2024-09-27 17:00", type="inquiry"))
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-09 00:00")
    both = await desk.dispatch(imposed_limit=imposed, legal_limit=LAW)
    assert (await desk.row(both, "closing")).due_at == at("2024-10-09 00:00")
    assert (await desk.row(both, "closing")).basis[0].article == "第九条"


async def test_an_imposed_instant_is_the_limit_until_it_has_passed(desk: Desk) -> None:
    imposed = ImposedLimit(due_at=at("2024-10-08 17:00"), basis=PLATFORM)
    ticket = await desk.dispatch(imposed_limit=imposed)
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.counting.allowance, row.row().allowance) == (at("2024-10-08 17:00"), None, None)
    told = (await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")).json()
    assert told["allowance"] is None
    assert told["text"][-3:] == [
        "按交办平台确定的期限计算。",
        "期限确定至2024年10月8日17:00。",
        "期限至2024年10月8日17:00届满，此后办理的为超期。",
    ]
    await desk.extend(ticket, 2)
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-11 00:00"), "the 9th and the 10th"
    desk.set("2024-10-09 10:00")
    await desk.tell(desk.reissued(ticket, 2))
    assert (await desk.row(ticket, "closing", 2)).due_at == at("2024-10-30 00:00"), "a redo has the table's again"


async def test_a_conclusion_that_names_another_unit_sets_the_limit_of_its_round(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-10-08 10:00")
    await conclude(desk, ticket, 2, OTHER, ended_round=1, round_ended_at=at("2024-10-08 10:00"))
    desk.set("2024-10-08 11:00")
    await desk.tell(desk.dispatched(ticket, 2, OTHER))
    row = await desk.row(ticket, "closing", 2)
    assert (row.due_at, row.counting.source, row.basis[0].article) == (
        at("2024-10-11 00:00"),
        "concluded",
        "第三十二条（二）",
    )
    desk.set("2024-10-11 10:00")
    await desk.tell(desk.closing_reported(ticket, round_=2), desk.closed(ticket, "2024-10-11 10:00", 2))
    desk.set("2024-10-14 10:00")
    await desk.tell(desk.reissued(ticket, 3, OTHER))
    assert (await desk.row(ticket, "closing", 3)).due_at == at("2024-10-17 00:00"), "it stays for later rounds"


async def test_a_conclusion_that_confirms_the_unit_moves_the_limit_from_its_own_day(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    await desk.reach("2024-10-08 10:00")
    assert (await desk.row(ticket, "closing")).state == "breached"
    await conclude(desk, ticket, 3, LEAD, designated=LEAD)
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.anchor.type, row.anchor.at) == (
        at("2024-10-12 00:00"),
        "RulingApplied",
        at("2024-10-08 10:00"),
    )
    assert (await desk.told(ticket, "closing"))[-2:] == ["DeadlineMoved", "BreachWithdrawn"]
    [moved] = await desk.events(ticket, "DeadlineMoved", kind="closing")
    assert getattr(moved.data, "reason", None) == "consultation"
    desk.set("2024-10-09 10:00")
    await desk.tell(desk.amended(ticket, "type", type="complaint"))
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-12 00:00")
    desk.set("2024-10-09 11:00")
    await desk.tell(desk.amended(ticket, "legal_limit", legal_limit=LAW))
    row = await desk.row(ticket, "closing")
    assert (row.due_at, row.anchor.type) == (at("2024-10-09 00:00"), "Dispatched"), (
        "a law counts from the first receipt"
    )


async def test_a_decision_from_above_replaces_what_was_concluded_and_one_without_a_limit_does_not(desk: Desk) -> None:
    ticket, case = await desk.dispatch(), uuid4()
    desk.set("2024-10-08 10:00")
    await conclude(desk, ticket, 10, LEAD)
    desk.set("2024-10-09 10:00")
    decided: dict[str, Any] = {"outcome": "unit_named", "unit": LEAD, "limit": spans(2), "instruction": "限期办结"}
    await desk.tell(desk.fact(EscalationDecided, ticket, case=case, **decided))
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-22 00:00"), "not before dispatch has answered"
    await desk.tell(desk.applied(ticket, case, "escalation"))
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-12 00:00")
    before = await desk.rows(ticket)
    await conclude(desk, ticket, None, LEAD)
    assert await desk.rows(ticket) == before
