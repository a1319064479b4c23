"""Time limits as a clerk counts them on the wall calendar, each with the human reading beside it."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from common.calendar import (
    Allowance,
    AllowanceRefused,
    OutsideCalendar,
    Unit,
    assemble,
    before,
    due,
    lines,
    load_calendar,
    readd,
    reckon,
    sentences,
)
from common.clock import SHANGHAI, NaiveInstant

CALENDAR = load_calendar(Path(__file__).parents[2] / "policies" / "calendar")


def local(text: str) -> datetime:
    """``09-26 16:00`` of 2025, or a full date; 24:00 is written as such."""
    moment = text if text[:2] == "20" else f"2025-{text}"
    day, clock = moment.split()
    midnight = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
    if clock == "24:00":
        return midnight + timedelta(days=1)
    return datetime.combine(midnight.date(), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("anchor", "amount", "unit", "due_at", "reading"),
    [
        # Working days: the start day is not counted, the last ends at 24:00.
        ("09-22 09:00", 1, "working_days", "09-23 24:00", "Monday → Tuesday"),
        ("09-22 00:00", 1, "working_days", "09-23 24:00", "however early on Monday"),
        ("09-22 23:59:59", 1, "working_days", "09-23 24:00", "however late on Monday"),
        ("09-26 16:00", 1, "working_days", "09-28 24:00", "Friday → Sunday 28 September, which is worked"),
        ("09-26 16:00", 2, "working_days", "09-29 24:00", "then Monday"),
        ("09-26 16:00", 5, "working_days", "10-10 24:00", "28, 29, 30 September, eight days off, 9, 10 October"),
        ("09-26 16:00", 6, "working_days", "10-11 24:00", "Saturday 11 October is worked"),
        ("10-02 10:00", 1, "working_days", "10-09 24:00", "from a day off"),
        ("2024-09-27 10:00", 1, "working_days", "2024-09-29 24:00", "Friday → Sunday 29 September 2024, worked"),
        ("2024-09-30 10:00", 4, "working_days", "2024-10-11 24:00", "8, 9, 10, 11 October 2024"),
        ("2024-09-30 10:00", 5, "working_days", "2024-10-12 24:00", "Saturday 12 October 2024 is worked"),
        ("2024-09-30 10:00", 6, "working_days", "2024-10-14 24:00", "Sunday 13 October 2024 is not"),
        (
            "2025-01-24 10:00",
            2,
            "working_days",
            "2025-01-27 24:00",
            "Spring Festival 2025: Sunday 26 January, Monday 27",
        ),
        ("2025-01-24 10:00", 3, "working_days", "2025-02-05 24:00", "then off until 4 February"),
        ("2025-01-24 10:00", 6, "working_days", "2025-02-08 24:00", "6, 7 and Saturday 8 February, worked"),
        ("2025-01-24 10:00", 7, "working_days", "2025-02-10 24:00", "Sunday 9 February is not"),
        ("2018-12-28 10:00", 2, "working_days", "2019-01-02 24:00", "Saturday 29 worked, 30 to 1 January off"),
        ("2020-01-22 10:00", 2, "working_days", "2020-02-03 24:00", "23 January, then off until 2 February"),
        # Natural days: every day counts, a last day that is not worked moves on.
        ("09-22 09:00", 3, "natural_days", "09-25 24:00", "Monday → Thursday"),
        ("09-22 09:00", 5, "natural_days", "09-28 24:00", "Saturday 27 is not worked, Sunday 28 is"),
        ("09-22 09:00", 6, "natural_days", "09-28 24:00", "Sunday 28 is worked"),
        ("09-22 09:00", 10, "natural_days", "10-09 24:00", "2 October moves behind the holiday"),
        ("09-22 09:00", 30, "natural_days", "10-22 24:00", "days off inside count"),
        # By the clock: day and night.
        ("10-01 23:00", 2, "clock_hours", "10-02 01:00", "on a holiday, over midnight"),
        ("09-26 16:00", 90, "minutes", "09-26 17:30", "an hour and a half"),
        ("09-26 16:00", 0, "minutes", "09-26 16:00", "at once"),
        # Rolling working days: 24 hours of working days each.
        ("09-22 09:30", 1, "rolling_working_days", "09-23 09:30", "Monday → Tuesday, same time"),
        ("09-19 16:00", 1, "rolling_working_days", "09-22 16:00", "Friday 16:00 → Monday 16:00"),
        ("09-26 16:00", 1, "rolling_working_days", "09-28 16:00", "Friday → Sunday that is worked"),
        ("09-30 16:00", 1, "rolling_working_days", "10-09 16:00", "over National Day"),
        ("09-20 11:00", 1, "rolling_working_days", "09-22 24:00", "from a Saturday: all of Monday"),
        ("09-20 11:00", 3, "rolling_working_days", "09-24 24:00", "from a Saturday: all of Monday to Wednesday"),
        ("09-19 00:00", 1, "rolling_working_days", "09-19 24:00", "from Friday 00:00: all of Friday"),
        ("09-18 24:00", 1, "rolling_working_days", "09-19 24:00", "24:00 of Thursday is 00:00 of Friday"),
        ("09-18 23:59:59", 1, "rolling_working_days", "09-19 23:59:59", "one second earlier"),
        ("09-19 23:59:59", 1, "rolling_working_days", "09-22 23:59:59", "one second of Friday, the rest on Monday"),
        ("09-19 24:00", 1, "rolling_working_days", "09-22 24:00", "24:00 of Friday: all of Monday"),
    ],
)
def test_a_limit_ends_where_a_clerk_would_say(anchor: str, amount: int, unit: Unit, due_at: str, reading: str) -> None:
    found = reckon(CALENDAR, local(anchor), Allowance(amount, unit))
    assert found.due_at == local(due_at), reading
    assert found.due_at.tzinfo is UTC
    assert not found.provisional
    assert found.calendar_version == CALENDAR.version
    assert readd(found.days, found.anchor, found.allowance) == found.due_at


@pytest.mark.parametrize(
    ("anchor", "amount", "unit", "due_at"),
    [
        ("09-22 09:00", 1, "working_days", "09-23 17:30"),
        ("09-22 17:29:59", 1, "working_days", "09-23 17:30"),
        ("09-22 18:00", 1, "working_days", "09-23 17:30"),
        ("09-22 09:00", 5, "natural_days", "09-28 17:30"),
        ("09-22 09:00", 8, "clock_hours", "09-22 17:00"),
        ("09-22 09:00", 12, "clock_hours", "09-22 21:00"),
        ("09-22 20:00", 1, "rolling_working_days", "09-23 20:00"),
    ],
)
def test_a_close_of_business_ends_the_last_day_and_nothing_else(
    anchor: str, amount: int, unit: Unit, due_at: str
) -> None:
    found = reckon(CALENDAR, local(anchor), Allowance(amount, unit), day_end=time(17, 30))
    assert found.due_at == local(due_at)
    assert readd(found.days, found.anchor, found.allowance, day_end=time(17, 30)) == found.due_at


def test_a_natural_day_limit_that_does_not_roll_ends_on_a_rest_day() -> None:
    found = reckon(CALENDAR, local("09-22 09:00"), Allowance(10, "natural_days"), roll=False)
    assert found.due_at == local("10-02 24:00")
    assert readd(found.days, found.anchor, found.allowance) == found.due_at


@pytest.mark.parametrize(
    ("anchor", "amount", "unit", "roll", "provisional"),
    [
        ("2026-12-30 10:00", 1, "working_days", True, False),
        ("2026-12-30 10:00", 2, "working_days", True, True),
        ("2026-12-31 10:00", 1, "rolling_working_days", True, True),
        ("2026-12-30 24:00", 1, "rolling_working_days", True, False),
        ("2026-12-21 10:00", 10, "natural_days", True, False),
        ("2026-12-21 10:00", 11, "natural_days", True, True),
        ("2026-12-21 10:00", 30, "natural_days", False, False),
        ("2026-12-31 23:00", 5, "clock_hours", True, False),
        ("2027-02-03 10:00", 3, "working_days", True, True),
        ("2017-12-28 10:00", 5, "working_days", True, True),  # ends in a published year, began in none
        ("2017-12-30 10:00", 1, "working_days", True, True),  # only Sunday 31 December 2017 is assumed
        ("2017-12-31 10:00", 1, "working_days", True, False),
    ],
)
def test_only_a_limit_that_asks_an_unpublished_year_is_provisional(
    anchor: str, amount: int, unit: Unit, roll: bool, provisional: bool
) -> None:
    assert reckon(CALENDAR, local(anchor), Allowance(amount, unit), roll=roll).provisional is provisional


def test_a_provisional_limit_steps_over_the_statutory_holidays_and_says_so() -> None:
    found = reckon(CALENDAR, local("2026-12-31 10:00"), Allowance(2, "working_days"))
    assert found.due_at == local("2027-01-05 24:00")
    assert found.days[1].why == "元旦放假（日历未公布，推定）"
    assert "尚未公布" in sentences(found)[-1]


def test_a_provisional_limit_is_settled_by_publication() -> None:
    until_2023 = assemble(year for year in CALENDAR.years if year.year <= 2023)
    anchor, allowance = local("2023-12-29 10:00"), Allowance(25, "working_days")
    provisional, settled = reckon(until_2023, anchor, allowance), reckon(CALENDAR, anchor, allowance)
    assert provisional.provisional
    assert not settled.provisional
    assert provisional.due_at == local("2024-02-05 24:00")
    assert settled.due_at == local("2024-02-04 24:00")  # Sunday 4 February 2024 was made a working day
    assert provisional.calendar_version != settled.calendar_version


def test_due_says_the_same_as_the_explained_reckoning() -> None:
    anchor, allowance = local("2026-12-30 10:00"), Allowance(3, "working_days")
    quick, full = due(CALENDAR, anchor, allowance), reckon(CALENDAR, anchor, allowance)
    assert (quick.due_at, quick.provisional) == (full.due_at, full.provisional)


@pytest.mark.parametrize(
    ("due_at", "amount", "unit", "warn_at", "reading"),
    [
        ("09-23 24:00", 1, "working_days", "09-22 24:00", "the last day, Tuesday, is left"),
        ("09-22 24:00", 1, "working_days", "09-19 24:00", "Monday is left: from 24:00 of Friday"),
        ("09-22 17:30", 1, "working_days", "09-19 17:30", "close of business"),
        ("10-09 24:00", 1, "working_days", "09-30 24:00", "over National Day"),
        ("10-09 24:00", 2, "working_days", "09-29 24:00", "over National Day"),
        ("09-29 24:00", 1, "working_days", "09-28 24:00", "Sunday 28 is worked"),
        ("09-22 24:00", 1, "rolling_working_days", "09-19 24:00", "rolling days are taken back alike"),
        ("10-03 10:00", 1, "working_days", "09-29 24:00", "a clock limit on a day off: all of 30 September is left"),
        ("09-22 17:30", 2, "clock_hours", "09-22 15:30", "hours"),
        ("09-22 17:30", 30, "minutes", "09-22 17:00", "minutes"),
        ("09-22 17:30", 1, "natural_days", "09-21 17:30", "natural days"),
    ],
)
def test_the_warning_comes_while_the_allowance_is_left(
    due_at: str, amount: int, unit: Unit, warn_at: str, reading: str
) -> None:
    assert before(CALENDAR, local(due_at), Allowance(amount, unit)) == local(warn_at), reading


def test_an_explanation_names_each_day_with_its_reason() -> None:
    found = reckon(CALENDAR, local("09-26 16:00"), Allowance(2, "working_days"))
    assert json.loads(json.dumps(lines(found))) == [
        {"on": "2025-09-26", "counts": False, "why": "起算当日不计"},
        {"on": "2025-09-27", "counts": False, "why": "周末"},
        {"on": "2025-09-28", "counts": True, "why": "调休上班"},
        {"on": "2025-09-29", "counts": True, "why": "工作日"},
    ]
    assert sentences(found) == [
        "自2025年9月26日16:00起算，期限2个工作日。",
        "9月26日（周五）：起算当日不计。",
        "9月27日（周六）：周末，不计。",
        "9月28日（周日）：调休上班，第1日。",
        "9月29日（周一）：工作日，第2日。",
        "期限至2025年9月29日24:00届满，此后办理的为超期。",
    ]


def test_an_explanation_says_why_a_last_day_moved() -> None:
    told = sentences(reckon(CALENDAR, local("09-22 09:00"), Allowance(5, "natural_days")))
    assert told[-3:] == [
        "9月27日（周六）：周末，末日顺延。",
        "9月28日（周日）：调休上班，期限末日，第5日。",
        "期限至2025年9月28日24:00届满，此后办理的为超期。",
    ]


def test_an_explanation_of_hours_tells_the_instant() -> None:
    told = sentences(reckon(CALENDAR, local("10-01 23:00:30"), Allowance(2, "clock_hours")))
    assert told[0] == "自2025年10月1日23:00:30起算，期限2小时。"
    assert told[-1] == "期限至2025年10月2日01:00:30届满，此后办理的为超期。"
    assert len(told) == 4


def test_an_explanation_that_was_tampered_with_does_not_add_up() -> None:
    found = reckon(CALENDAR, local("09-26 16:00"), Allowance(5, "working_days"))
    assert readd(found.days[:-1], found.anchor, found.allowance) is None
    rolling = reckon(CALENDAR, local("09-26 16:00"), Allowance(2, "rolling_working_days"))
    assert readd(rolling.days[:-1], rolling.anchor, rolling.allowance) is None


@pytest.mark.parametrize(
    ("amount", "unit"),
    [(-1, "minutes"), (-1, "working_days"), (0, "working_days"), (0, "natural_days"), (0, "rolling_working_days")],
)
def test_an_allowance_that_allows_nothing_is_refused(amount: int, unit: Unit) -> None:
    with pytest.raises(AllowanceRefused):
        Allowance(amount, unit)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(AllowanceRefused, match="'weeks' is not a unit of time"):
        Allowance(1, "weeks")  # type: ignore[arg-type]


def test_a_close_of_business_at_midnight_is_refused() -> None:
    with pytest.raises(AllowanceRefused, match="close of business at 00:00"):
        due(CALENDAR, local("09-22 09:00"), Allowance(1, "working_days"), day_end=time(0))


@pytest.mark.parametrize("unit", ["minutes", "clock_hours", "natural_days", "working_days", "rolling_working_days"])
def test_an_instant_without_offset_is_refused(unit: Unit) -> None:
    naive = datetime(2025, 9, 22, 9, 0)  # noqa: DTZ001 the thing refused
    with pytest.raises(NaiveInstant):
        reckon(CALENDAR, naive, Allowance(1, unit))
    with pytest.raises(NaiveInstant):
        before(CALENDAR, naive, Allowance(1, unit))


@pytest.mark.parametrize("unit", ["minutes", "clock_hours", "natural_days", "working_days", "rolling_working_days"])
@pytest.mark.parametrize("amount", [10**8, 10**18])
def test_a_limit_that_leads_out_of_every_calendar_is_refused(unit: Unit, amount: int) -> None:
    with pytest.raises(OutsideCalendar):
        reckon(CALENDAR, local("09-22 09:00"), Allowance(amount, unit))
    with pytest.raises(OutsideCalendar):
        before(CALENDAR, local("09-22 09:00"), Allowance(amount, unit))
