"""What the pack of 真如 says, beside what its standard and annexes say."""

from pathlib import Path

import pytest

from common.calendar import Allowance
from common.policy import Limit, NoLimit, Pack, Situation, load_pack

TITLE = "真如镇街道“12345”市民服务热线办理规范"


@pytest.fixture(scope="module")
def zhenru() -> Pack:
    return load_pack(Path(__file__).parents[2] / "policies" / "zhenru")


def limit(pack: Pack, kind: str, situation: Situation) -> Limit:
    found = pack.limits.find(kind, situation)
    assert isinstance(found, Limit)
    return found


COMPLAINT = Situation(type="complaint", channel="platform")
SUISHENPAI = Situation(type="complaint", channel="suishenpai")


def marked(*marks: str, type_: str = "complaint") -> Situation:
    return Situation(type=type_, channel="platform", marks=frozenset(marks))


CLOSING = [
    (marked("urgent"), 1, "三（二）1（1）", "紧急类事项1个工作日"),
    (Situation(type="inquiry", channel="platform"), 3, "三（二）1（1）", "咨询类事项为3个工作日"),
    (marked("complex"), 5, "附件6第2项", "复杂事项时限为5个工作日"),
    (marked("difficult"), 12, "三（二）1（1）", "疑难事项为12个工作日"),
    (marked("recheck"), 3, "三（二）1（1）", "回访复核单限定为3个工作日"),
    (COMPLAINT, 5, "附件6第2项", "一个工作日联系，五个工作日办结"),
    (marked("reissued"), 5, "附件6第2项", "一个工作日联系，五个工作日办结"),
    (marked("urgent", "difficult"), 1, "三（二）1（1）", "紧急类事项1个工作日"),
    (marked("complex", type_="inquiry"), 5, "附件6第2项", "复杂事项时限为5个工作日"),
]


@pytest.mark.parametrize(("situation", "days", "article", "words"), CLOSING)
def test_a_closing_limit_is_what_the_standard_says(
    zhenru: Pack, situation: Situation, days: int, article: str, words: str
) -> None:
    found = limit(zhenru, "closing", situation)
    assert found.allowance == Allowance(days, "working_days")
    assert (found.basis.document, found.basis.article, found.anchor) == (TITLE, article, "dispatched")
    assert words in (found.basis.quote or "")


def test_where_text_and_annex_differ_both_readings_stand_and_one_is_in_force(zhenru: Pack) -> None:
    rows = zhenru.limits.tables["closing"].rules
    told = {
        rule.in_force: {name: reading["allowance"]["amount"] for name, reading in rule.readings.items()}
        for rule in rows
        if rule.readings
    }
    assert told == {
        "four": {"three": 3, "four": 4},
        "text": {"text": 12, "annex": 15},
        "annex": {"text": 7, "annex": 5},
    }
    (anonymous, *_) = zhenru.limits.tables["level1_contact"].rules
    assert (anonymous.in_force, list(anonymous.readings or ())) == ("annex", ["text", "annex"])


def test_the_longest_cycle_is_fifteen_days_of_the_ticket_and_the_given_limit_is_the_districts(zhenru: Pack) -> None:
    whole = limit(zhenru, "closing_whole", COMPLAINT)
    assert (whole.allowance, whole.anchor, whole.basis.quote) == (
        Allowance(15, "working_days"),
        "registered",
        "十五个工作日为最长处置周期",
    )
    assert zhenru.limits.imposed_limits is not None
    assert zhenru.limits.imposed_limits.kinds == ("closing", "closing_whole")
    assert zhenru.limits.imposed_limits.basis.quote == "区城运中心给定的办理时限"


def test_suishenpai_counts_natural_days_from_the_report_and_never_rolls_on(zhenru: Pack) -> None:
    given, whole = (limit(zhenru, kind, SUISHENPAI) for kind in ("closing", "closing_whole"))
    assert (given.allowance, whole.allowance) == (Allowance(4, "natural_days"), Allowance(5, "natural_days"))
    assert (given.counted_from, given.roll, whole.counted_from, whole.roll) == ("received", False, "received", False)
    again = limit(zhenru, "closing", Situation(type="complaint", channel="suishenpai", round=2))
    assert (again.allowance, again.counted_from, again.roll) == (Allowance(4, "natural_days"), None, False)
    for kind in ("return_window", "return_late_window"):
        window = limit(zhenru, kind, SUISHENPAI)
        assert (window.allowance, window.roll, window.basis.rule) == (Allowance(1, "natural_days"), False, "ZR-3.1b")


def test_contact_and_return_run_on_hours_of_working_days(zhenru: Pack) -> None:
    for kind, days, anchor in (
        ("level1_contact", 1, "registered"),
        ("first_contact", 1, "dispatched"),
        ("return_window", 2, "dispatched"),
        ("return_late_window", 3, "dispatched"),
    ):
        found = limit(zhenru, kind, COMPLAINT)
        assert (found.allowance, found.anchor) == (Allowance(days, "rolling_working_days"), anchor)


@pytest.mark.parametrize(
    ("kind", "situation", "exempt"),
    [
        ("level1_contact", Situation(type="help", anonymous=True, contact=False), True),
        ("level1_contact", Situation(type="help", anonymous=True), False),
        ("level1_contact", Situation(type="help", confidential=True), False),
        ("first_contact", Situation(type="help", anonymous=True, contact=False), True),
        ("first_contact", Situation(type="help", anonymous=True), False),
        ("first_contact", Situation(type="help", confidential=True), True),
    ],
)
def test_who_need_not_be_contacted(zhenru: Pack, kind: str, situation: Situation, exempt: bool) -> None:
    assert isinstance(zhenru.limits.find(kind, situation), NoLimit) is exempt


def test_done_and_answered_in_a_day_needs_no_first_contact_by_the_centre(zhenru: Pack) -> None:
    lifted = {kind: table.lifted_by for kind, table in zhenru.limits.tables.items() if table.lifted_by is not None}
    assert list(lifted) == ["level1_contact"]
    assert lifted["level1_contact"].basis.quote == "能在1个工作日内办理完毕并回复市民的除外"


def test_extensions_are_asked_for_a_day_ahead_and_end_with_the_twelfth_day(zhenru: Pack) -> None:
    window = limit(zhenru, "extension_window", COMPLAINT)
    assert (window.allowance, window.earlier_by) == (Allowance(5, "working_days"), Allowance(1, "working_days"))
    assert limit(zhenru, "latest_extension", COMPLAINT).allowance == Allowance(12, "working_days")
    assert limit(zhenru, "special_extension_window", COMPLAINT).allowance == Allowance(10, "working_days")
    assert zhenru.limits.latest is not None
    assert zhenru.limits.latest.value == "latest_extension"


def test_concentrated_demands_are_ten_and_answered_in_three_days(zhenru: Pack) -> None:
    assert zhenru.clusters is not None
    assert zhenru.clusters.reached.count == 10
    feedback = limit(zhenru, "push_feedback", COMPLAINT)
    assert (feedback.allowance, feedback.anchor) == (Allowance(3, "working_days"), "pushed")


def test_what_the_standard_does_not_limit_has_no_limit(zhenru: Pack) -> None:
    for kind in ("sign_in", "ruling", "callback", "first_response", "progress", "promised", "convening", "look_back"):
        assert zhenru.limits.find(kind, COMPLAINT) is None


def test_ten_grounds_of_non_acceptance_in_their_order(zhenru: Pack) -> None:
    articles = [ground.basis.article for ground in zhenru.acceptance.grounds.values()]
    assert articles == [f"三（一）1（{number}）" for number in range(1, 11)]
    assert "address" not in zhenru.ticket.required_elements, "where there is a contact, the centre asks for it"


def test_satisfaction_has_four_steps_and_only_the_best_closes_the_file(zhenru: Pack) -> None:
    scale = zhenru.callbacks.questions["satisfaction"].scale
    assert list(scale.values()) == ["满意", "基本满意", "一般", "不满意"]
    closed = [step for step in scale if zhenru.callbacks.archives({"resolved": True, "satisfaction": step})]
    assert closed == ["satisfied"]
    assert not zhenru.callbacks.archives({"resolved": False, "satisfaction": "satisfied"})


def test_a_person_checks_every_closing_report(zhenru: Pack) -> None:
    assert zhenru.closing.check


def test_a_redo_is_not_returned_for_the_earlier_round_was_the_streets(zhenru: Pack) -> None:
    assert not zhenru.returns.redo_round_may_be_returned.value
    assert zhenru.returns.denied_when_missing.value == ("reason", "legal_basis", "suggested_unit")


def test_a_unit_without_two_handlers_is_flagged(zhenru: Pack) -> None:
    assert zhenru.unit_register is not None
    assert zhenru.unit_register.too_few_handlers(1)
    assert not zhenru.unit_register.too_few_handlers(2)
