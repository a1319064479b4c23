"""责任追究: what the facts come to, without a database (双鸭山 第三十四条)."""

from datetime import date, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from tests.review.desk import JURISDICTION, PACKS
from tests.support.wire import at

from common.clock import new_id
from common.events.vocabulary import DeadlineKind
from common.policy.accountability import Accountability, Mechanism
from common.policy.reading import load_pack
from review.accountability.rules import (
    DecisionNotOfKind,
    Fact,
    FactKind,
    FindingDecided,
    Found,
    decided,
    found,
    kind_of_notice,
    month_of,
    months_back,
    months_found,
    tallied,
)
from review.refusals import FieldRefused

PACK = load_pack(PACKS / JURISDICTION)
UNIT = "shuangyashan.chengguan"
TICKET, CASE, OTHER = new_id(), new_id(), new_id()
SENT, ASKED, DUE = at("2025-09-26 09:00"), at("2025-10-20 10:00"), at("2025-10-24 00:00")


def section() -> Accountability:
    assert PACK.accountability is not None
    return PACK.accountability


def fact(kind: FactKind, moment: datetime = SENT, round: int = 1, **more: Any) -> Fact:
    return Fact(new_id(), kind, UNIT, TICKET, round, moment, **more)


def missed(duty: DeadlineKind = "closing", due: datetime = DUE, round: int = 1) -> Fact:
    return fact("missed", at("2025-10-27 09:00"), round, duty=duty, due_at=due, done_at=at("2025-10-27 08:30"))


def come_to(mechanism: Mechanism, *facts: Fact, spent: tuple[UUID, ...] = ()) -> Found | None:
    ground = section().ground_of(mechanism)
    assert ground is not None
    return found(ground, facts, spent)


def test_late_feedback_counts_unless_the_unit_had_said_something_for_itself() -> None:
    """第三十四条（二）1, and what the pack takes for 情况说明."""
    asked = fact("extension_asked", ASKED, case=CASE)
    cases: list[tuple[str, list[Fact], bool]] = [
        ("late, nothing said", [missed()], True),
        ("an extension asked in time, whatever became of it", [missed(), asked], False),
        ("asked at the last instant", [missed(), fact("extension_asked", at("2025-10-23 23:59"), case=CASE)], False),
        ("asked when the limit had ended", [missed(), fact("extension_asked", DUE, case=CASE)], True),
        ("the longer limit was missed too", [missed(), asked, fact("extension_granted", ASKED, case=CASE)], True),
        (
            "granted once, then asked again in time",
            [missed(), asked, fact("extension_granted", ASKED, case=CASE), fact("extension_asked", ASKED, case=OTHER)],
            False,
        ),
        ("a statement was submitted", [missed(), fact("statement", at("2025-10-30 09:00"))], False),
        ("a statement of another round", [missed(), fact("statement", at("2025-10-30 09:00"), 2)], True),
        ("signed in late", [missed("sign_in")], False),
    ]
    for name, facts, expected in cases:
        for order in permutations(facts):
            assert (come_to("late_without_statement", *order) is not None) is expected, name


def test_what_was_found_is_told_with_the_limit_the_clause_and_the_reading() -> None:
    late = come_to("late_without_statement", missed())
    assert late is not None
    assert late.said == (
        "第1轮办结时限于2025年10月23日24时届满，结论为超时，实际于2025年10月27日08:30完成；未作情况说明。"
    )
    assert [one.article for one in late.basis] == ["第三十四条（二）1", None]
    assert "情况说明" in (late.basis[1].assumption or "")


def test_a_designated_unit_that_lets_a_limit_run_out_is_found_and_another_is_not() -> None:
    """第三十四条（二）4: lead or co-handler, designated before the limit ended, in that round."""
    named = fact("designated")
    cases: list[tuple[str, list[Fact], bool]] = [
        ("signed in late", [named, missed("sign_in", at("2025-09-29 00:00"))], True),
        ("closed late", [named, missed()], True),
        ("a co-handler's part", [named, missed("co_handler_part")], True),
        ("not designated", [missed()], False),
        ("designated after the limit", [fact("designated", DUE), missed()], False),
        ("designated in another round", [fact("designated", SENT, 2), missed()], False),
        ("another duty", [named, missed("supervision_reply")], False),
    ]
    for name, facts, expected in cases:
        for order in permutations(facts):
            assert (come_to("designated_inactive", *order) is not None) is expected, name
    told = come_to("designated_inactive", named, missed())
    assert told is not None
    assert [one.kind for one in told.facts] == ["designated", "missed"]


def test_an_unanswered_supervision_is_found() -> None:
    """第三十四条（二）3."""
    assert come_to("supervision_unanswered", missed("supervision_reply")) is not None
    assert come_to("supervision_unanswered", missed("closing")) is None


@pytest.mark.parametrize(
    ("grounds", "expected"),
    [
        (["designated"], False),
        (["designated", "designated"], True),
        (["unit_duty_whole_or_part", "needs_further_inquiry"], False),
        (["unit_duty_whole_or_part", "needs_further_inquiry", "designated"], True),
        (["missing_reason_or_basis"] * 5, False),
        ([None, None, None], True),
    ],
)
def test_shirking_is_found_in_so_many_denied_returns_of_one_ticket(grounds: list[str | None], expected: bool) -> None:
    """第三十四条（三）1; the numbers are the pack's."""
    denials = [
        fact("denied", at(f"2025-09-2{day} 10:00"), ground=ground, because_designated=ground == "designated")
        for day, ground in enumerate(grounds, 1)
    ]
    told = come_to("shirking", *denials)
    assert (told is not None) is expected
    if told is not None:
        assert len(told.facts) == len(grounds)
        assert f"退单{len(grounds)}次未获通过" in told.said


def test_what_a_person_decided_on_is_not_brought_forward_again() -> None:
    first, second = missed(), missed(due=at("2025-11-20 00:00"), round=2)
    assert come_to("late_without_statement", first, spent=(first.event,)) is None
    again = come_to("late_without_statement", first, second, spent=(first.event,))
    assert again is not None
    assert again.facts == (second,)


def answers(month: str, good: int, poor: int) -> list[Fact]:
    day = at(f"{month}-15 10:00")
    satisfied = [True] * good + [False] * poor
    return [Fact(new_id(), "asked", UNIT, new_id(), 1, day, good=one) for one in satisfied]


def low(*facts: Fact, last: date = date(2025, 9, 1), taken: tuple[date, ...] = ()) -> bool:
    ground = section().ground_of("low_satisfaction")
    assert ground is not None
    return months_found(ground, tallied(facts), last, taken) is not None


def test_low_satisfaction_is_found_in_three_natural_months_in_a_row() -> None:
    """第三十四条（二）2; below 60 per cent of at least five."""
    july, august, september = (answers(f"2025-{month}", 2, 3) for month in ("07", "08", "09"))
    assert low(*july, *august, *september)
    assert not low(*august, *september)
    assert not low(*july, *answers("2025-08", 3, 2), *september), "sixty of a hundred are not below sixty"
    assert not low(*july, *answers("2025-08", 0, 4), *september), "four answers say nothing"
    assert not low(*july, *august, *september, taken=(date(2025, 7, 1),)), "each month counts once"
    assert not low(*july, *august, *september, last=date(2025, 10, 1))
    ground = section().ground_of("low_satisfaction")
    assert ground is not None
    row = months_found(ground, tallied([*july, *august, *september]), date(2025, 9, 1))
    assert row is not None
    assert [(one.asked, one.good) for one in row[1]] == [(5, 2)] * 3
    assert len(row[0].facts) == 9, "the evidence is what did not satisfy"
    assert row[0].said.startswith("2025年7月有效回访5件、满意2件（40.0%）；2025年8月")


def test_months_are_natural_ones_and_a_ticket_counts_once_in_each_by_its_last_answer() -> None:
    assert month_of(at("2025-09-30 23:59")) == date(2025, 9, 1)
    assert month_of(at("2025-10-01 00:00")) == date(2025, 10, 1)
    assert [months_back(date(2025, 1, 1), by) for by in (0, 1, 12, -1, -12)] == [
        date(2025, 1, 1), date(2024, 12, 1), date(2024, 1, 1), date(2025, 2, 1), date(2026, 1, 1),
    ]  # fmt: skip
    first = fact("asked", at("2025-09-03 10:00"), good=False)
    later = fact("asked", at("2025-09-20 10:00"), good=True)
    next_month = fact("asked", at("2025-10-03 10:00"), good=False)
    tallies = tallied([later, next_month, first])
    assert {month: (one.asked, one.good) for month, one in tallies.items()} == {
        date(2025, 9, 1): (1, 1),
        date(2025, 10, 1): (1, 0),
    }


def test_a_finding_is_decided_once_and_only_as_its_kind_allows() -> None:
    assert decided("open", "notice", "issue") == "issued"
    assert decided("open", "referral", "send") == "sent"
    assert decided("open", "referral", "dismiss") == "dismissed"
    with pytest.raises(DecisionNotOfKind):
        decided("open", "notice", "send")
    for settled in ("issued", "dismissed", "lapsed"):
        with pytest.raises(FindingDecided):
            decided(settled, "notice", "issue")


def test_the_pack_says_of_every_ground_whom_it_concerns_and_what_follows() -> None:
    grounds = section().grounds
    assert {code: (one.concerns, one.follows) for code, one in grounds.items() if one.found_by is None} == {
        "rudeness": ("operator", "notice"),
        "misdispatch": ("operator", "notice"),
        "leak": ("operator", "notice"),
        "rota": ("unit", "notice"),
        "other_effect": ("unit", "notice"),
        "mishandling": ("unit", "referral"),
        "other_harm": ("unit", "referral"),
    }
    assert {one.code: one.follows for one in section().found()} == {
        "late_without_statement": "notice",
        "low_satisfaction": "notice",
        "supervision_unanswered": "notice",
        "designated_inactive": "notice",
        "shirking": "referral",
    }


def test_without_kinds_in_the_pack_every_notice_is_one_of_criticism() -> None:
    plain = section().model_copy(update={"notice_kinds": None})
    assert kind_of_notice(plain, None) == kind_of_notice(plain, "criticism") == ("criticism", ())
    with pytest.raises(FieldRefused, match="kind"):
        kind_of_notice(plain, "talk")
