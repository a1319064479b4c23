"""What the pack of 同江 says, beside what its document says."""

from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from common.calendar import Allowance, WorkingCalendar
from common.events.vocabulary import Anchor
from common.policy import Limit, NoLimit, Pack, Situation, load_pack
from common.policy.accountability import Shirking
from sla.docket import Docket, Registration
from sla.facts import Fact
from sla.known import Known
from sla.life import change
from sla.plan import Rules, opened

DOCUMENT = "同江市12345政务服务便民热线疑难工单问题处置工作办法"
LIMITS = [
    ("closing", "inquiry", 1, "咨询类事项1个工作日内办结或反馈办理结果"),
    ("closing", "help", 2, "求助、意见建议类一般事项2个工作日内"),
    ("closing", "suggestion", 2, "求助、意见建议类一般事项2个工作日内"),
    ("closing", "complaint", 3, "投诉、举报类事项3个工作日内"),
    ("closing", "tip_off", 3, "投诉、举报类事项3个工作日内"),
    ("return_window", "inquiry", 2, "应在2个工作日内退回12345热线"),
    ("return_window", "tip_off", 2, "应在2个工作日内退回12345热线"),
]


@pytest.fixture(scope="module")
def tongjiang() -> Pack:
    return load_pack(Path(__file__).parents[2] / "policies" / "tongjiang")


@pytest.mark.parametrize(("kind", "type_", "days", "words"), LIMITS)
def test_a_limit_is_what_the_document_says(tongjiang: Pack, kind: str, type_: str, days: int, words: str) -> None:
    limit = tongjiang.limits.find(kind, Situation(type=type_, channel="phone"))
    assert isinstance(limit, Limit)
    assert (limit.allowance, limit.anchor) == (Allowance(days, "working_days"), "dispatched")
    assert (limit.basis.document, limit.basis.article) == (DOCUMENT, "三（一）")
    assert words in (limit.basis.quote or "")
    assert (limit.day_end, limit.roll) == (None, True), "the last day ends at 24:00 (G-4)"


def test_praise_has_no_limit_and_nothing_is_said_of_signing_in(tongjiang: Pack) -> None:
    praise = tongjiang.limits.find("closing", Situation(type="praise"))
    assert isinstance(praise, NoLimit)
    assert (praise.basis.article, praise.basis.quote) == (None, None), "an assumption is never quoted as a clause"
    assert tongjiang.limits.find("sign_in", Situation(type="help")) is None
    assert tongjiang.limits.find("ruling", Situation(type="help")) is None


def test_a_report_of_the_result_meets_the_closing_and_its_date_is_tracked(tongjiang: Pack) -> None:
    assert tongjiang.limits.interim is not None
    assert tongjiang.limits.interim.value == "meets_closing"
    promised = tongjiang.limits.find("promised", Situation(type="help"))
    assert isinstance(promised, Limit)
    assert (promised.anchor, promised.allowance) == ("promised", None)


def test_the_first_dispatched_convenes_within_two_days_of_accepting_where_others_help(tongjiang: Pack) -> None:
    convening = tongjiang.limits.find("convening", Situation(type="complaint", co_handlers=1))
    assert isinstance(convening, Limit)
    assert (convening.anchor, convening.allowance) == ("signed_in", Allowance(2, "working_days"))
    assert convening.basis.article == "三（二）"
    assert isinstance(tongjiang.limits.find("convening", Situation(type="complaint", co_handlers=0)), NoLimit)
    assert tongjiang.consultation is not None
    assert tongjiang.consultation.led_by_lead() == ("coordination",)


def test_a_return_says_reason_basis_and_suggestion_and_a_late_one_is_overdue(tongjiang: Pack) -> None:
    returns = tongjiang.returns
    for missing in ("reason", "legal_basis", "suggested_unit"):
        given = {"reason", "legal_basis", "suggested_unit"} - {missing}
        ground = returns.denied_by_rule(given, designated=False)
        assert ground is not None
        assert ground.mechanism == "missing_reason_or_basis"
    assert returns.denied_by_rule({"reason", "legal_basis", "suggested_unit"}, designated=False) is None
    assert returns.late.value == "reviewed_and_marked_overdue"
    assert returns.late.basis.quote == "超期退回的视为超期办理件"


def test_five_serious_grounds_go_to_discipline_inspection(tongjiang: Pack) -> None:
    section = tongjiang.accountability
    assert section is not None
    assert [ground.code for ground in section.by_hand("referral")] == [
        "perfunctory", "shirking", "long_unclosed", "mishandled", "long_unsolved",
    ]  # fmt: skip
    assert [ground.code for ground in section.by_hand("notice")] == ["overdue", "inefficient", "dissatisfied"]
    assert section.addressee.name == "纪检监察部门"
    shirking = section.ground_of("shirking")
    assert shirking is not None
    assert isinstance(shirking.found_by, Shirking)
    assert shirking.found_by.assumption is not None, "how many returns are shirking, the document does not say"


def test_units_claim_by_function_and_nobody_is_told_by_notice(tongjiang: Pack) -> None:
    assert tongjiang.dispatching.claims is not None
    assert tongjiang.dispatching.claims.principle == "function"
    assert (tongjiang.notices, tongjiang.supervision, tongjiang.escalation, tongjiang.cessation) == (None,) * 4


def test_it_is_in_force_from_the_day_it_was_issued(tongjiang: Pack) -> None:
    assert (tongjiang.effective_from, tongjiang.effective_to) == (date(2025, 4, 7), None)
    assert tongjiang.ticket.format_number(date(2025, 6, 11), 7) == "TJ20250611000007"


def test_a_limit_agreed_after_the_dispatch_runs_from_the_conclusion(tongjiang: Pack, calendar: WorkingCalendar) -> None:
    """Dispatched on Wednesday the 11th, concluded on the 12th: five days end with Thursday the 19th, not the 18th."""
    rules, ticket = Rules(tongjiang, calendar), UUID(int=1)
    begun, agreed = (datetime.fromisoformat(f"2025-06-{day}T10:00+08:00") for day in (11, 12))
    registration = Registration(Anchor(event=ticket, at=begun, type="TicketCreated"), begun, False, True, False)
    dispatched = Fact(UUID(int=2), "Dispatched", "seq", begun, begun, 1, "首派单位", None, {})
    docket = Docket(
        ticket=ticket,
        number="TJ20250611000001",
        jurisdiction="tongjiang",
        policy=tongjiang.version,
        type="complaint",
        channel="phone",
        category="某类",
        marks=(),
        legal_limit=None,
        round=1,
        unit="首派单位",
        co_handlers=(),
        former=(),
        partition=0,
        handling=True,
        registration=registration,
        begun=Anchor(event=dispatched.event, at=begun, type="Dispatched"),
    )
    rows = opened(docket, rules, dispatched)
    said = {"limit": {"amount": 5, "unit": "working_days"}}
    case = UUID(int=3)
    concluded = Fact(UUID(int=4), "ConsultationConcluded", "seq", agreed, agreed, 1, "首派单位", case, said)
    applied = Fact(
        UUID(int=5), "RulingApplied", "seq", agreed, agreed, 1, "首派单位", case,
        {"kind": "consultation", "new_status": "signed_in"},
    )  # fmt: skip
    steps = change(Known(docket, tuple(rows), (concluded,)), applied, rules).steps
    (closing,) = [step.deadline for step in steps if step.deadline.kind == "closing"]
    assert closing.due_at == datetime.fromisoformat("2025-06-20T00:00+08:00")
