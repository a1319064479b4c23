"""The clerk's scenarios come out as written, and would notice if a number or a decision were another."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from common.calendar import WorkingCalendar
from common.policy import Pack, parse_pack
from hotline.rehearsal import check_pack, check_packs, rehearse_pack

if TYPE_CHECKING:
    from tests.policy.conftest import Draft

POLICIES = Path(__file__).parents[2] / "policies"
SCENARIOS = POLICIES / "shuangyashan" / "scenarios"

Place = tuple[str | int, ...]


def test_every_pack_and_every_scenario_holds() -> None:
    assert [str(finding) for finding in check_packs(POLICIES)] == []


CHOICES: list[tuple[Place, Any]] = [
    (("returns", "late", "value"), "refused_and_marked_overdue"),
    (("returns", "before_sign_in", "value"), "refused"),
    (("returns", "pending_blocks", "value"), ["sign_in"]),
    (("returns", "pending_blocks", "value"), ["closing"]),
    (("returns", "redo_round_may_be_returned", "value"), False),
    (("returns", "reviewer_recused_for_own_unit", "value"), False),
    (("returns", "denied_when_missing", "value"), ["reason"]),
    (("returns", "denied_when_missing", "value"), ["legal_basis"]),
    (("returns", "denied_when_missing", "value"), ["reason", "legal_basis", "suggested_unit"]),
    (("ticket", "anonymity", "contact_required"), True),
    (("ticket", "numbering", "format"), "SYS{date:%Y%m%d}{seq:05d}"),
    (("ticket", "required_elements", "address", "given_by"), "suite"),
    (("ticket", "required_elements", "statement", "given_by"), "suite"),
    (("ticket", "required_elements", "contact", "given_by"), "suite"),
    (("ticket", "required_elements", "received_at", "given_by"), "agent"),
    (("ticket", "settled_elements", "value"), []),
    (("ticket", "settled_elements", "value"), ["type", "address"]),
    *((("acceptance", "outcomes", code, "consent_required"), code != "transferred")
      for code in ("answered", "transferred", "work_order", "declined")),
    (("callbacks", "archive_when", "answers", "satisfaction"), ["satisfied", "dissatisfied"]),
    (("callbacks", "archive_when", "answers", "resolved"), ["yes", "no"]),
    (("callbacks", "archive_when", "answers", "responded"), ["yes", "no"]),
    (("closing", "check"), True),
    (("limits", "counting", "day_end"), "17:30"),
]  # fmt: skip


def numbers(value: Any, place: Place = ()) -> list[Place]:
    """Where numbers stand in a pack."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in numbers(item, (*place, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in numbers(item, (*place, index))]
    return [place] if isinstance(value, int) and not isinstance(value, bool) else []


def value_at(pack: Pack, place: Place) -> Any:
    value: Any = pack.dump()
    for step in place:
        value = value[step]
    return value


def changed(pack: Pack, place: Place, other: Any) -> Pack:
    assert value_at(pack, place) != other, f"{place} already says so"
    content = pack.dump()
    inner: Any = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = other
    return parse_pack(content)


def test_every_number_of_the_pack_is_proven_by_a_scenario(pack: Pack, calendar: WorkingCalendar) -> None:
    places = numbers(pack.dump())
    assert len(places) == 8, "five limits, two steps of the lamp, the handlers a unit names"
    for place in places:
        amount = value_at(pack, place)
        for other in {amount + 1, max(1, amount - 1)} - {amount}:
            assert rehearse_pack(SCENARIOS, changed(pack, place, other), calendar), (place, other)


@pytest.mark.parametrize(
    ("place", "other"), CHOICES, ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else str(value)
)
def test_every_decision_of_the_pack_is_proven_by_a_scenario(
    pack: Pack, calendar: WorkingCalendar, place: Place, other: Any
) -> None:
    assert rehearse_pack(SCENARIOS, changed(pack, place, other), calendar)


@pytest.mark.parametrize("unit", ["natural_days", "clock_hours", "rolling_working_days", "minutes"])
def test_days_of_another_kind_are_noticed(pack: Pack, calendar: WorkingCalendar, unit: str) -> None:
    for place in numbers(pack.dump()):
        one_day = unit == "natural_days" and value_at(pack, place) == 1  # rolled on, that is one working day
        if "rules" in place and not one_day:
            other = changed(pack, (*place[:-1], "unit"), unit)
            assert rehearse_pack(SCENARIOS, other, calendar), place


def test_a_scenario_that_fails_is_named_with_its_line(draft: "Draft", calendar: WorkingCalendar) -> None:
    draft.rewrite("limits.yaml", "{amount: 2, unit: working_days}", "{amount: 3, unit: working_days}")
    told = [str(finding) for finding in check_pack(draft.directory, calendar)]
    assert any(
        "办结.yaml:2: 咨询件两个工作日办结: closing due: expected 2025-09-30T00:00:00+08:00, the pack says 2025-10-01"
        in line
        for line in told
    )


def test_a_misspelt_expectation_is_named_with_its_line(draft: "Draft", calendar: WorkingCalendar) -> None:
    line = draft.rewrite(
        "scenarios/回访.yaml", "satisfaction: dissatisfied}, archives", "satisfaction: dissatisfied}, archive"
    )
    (finding, *_) = [f for f in check_pack(draft.directory, calendar) if "unknown key" in f.sentence]
    assert (finding.line, finding.sentence) == (
        line,
        "不满意的由人员判断: unknown key 'archive'; did you mean 'archives'?",
    )


def test_a_pack_without_scenarios_is_not_proven(draft: "Draft", calendar: WorkingCalendar) -> None:
    for file in (draft.directory / "scenarios").iterdir():
        file.unlink()
    assert [finding.sentence for finding in check_pack(draft.directory, calendar)] == [
        "the pack of shuangyashan has no scenario"
    ]


def test_a_deadline_without_a_moment_proves_nothing(draft: "Draft", calendar: WorkingCalendar) -> None:
    draft.add(
        "scenarios/新.yaml",
        "没有写派单时间:\n  words: 忘了写。\n  situation: {type: help}\n"
        "  redo: {dispatched_at: 2025-03-12T15:00:00+08:00, closing_due_at: 2025-03-20T00:00:00+08:00}\n",
    )
    assert [finding.sentence for finding in check_pack(draft.directory, calendar)] == [
        "没有写派单时间: deadlines need a situation and the moment of dispatch"
    ]
