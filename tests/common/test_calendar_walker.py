"""Working time walked minute by minute and day by day, written without the arithmetic that it checks.

The walkers ask chinesecalendar, not our files, which days are worked, and know Shanghai as eight hours.
"""

import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.calendar import Allowance, Unit, before, due, load_calendar, readd, reckon

FOLDER = Path(__file__).parents[2] / "policies" / "calendar"
CALENDAR = load_calendar(FOLDER)
EIGHT_HOURS = timedelta(hours=8)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 the walkers count on a wall clock
MINUTES_A_DAY = 24 * 60


@cache
def worked(day_number: int) -> bool:
    return bool(chinese_calendar.is_workday(date(1970, 1, 1) + timedelta(days=day_number)))


def wall(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) + EIGHT_HOURS


def instant(wall_clock: datetime) -> datetime:
    return (wall_clock - EIGHT_HOURS).replace(tzinfo=UTC)


def walk_minutes_forward(anchor: datetime, minutes: int) -> datetime:
    """Tick through the minutes after the anchor until enough of them lay in working days."""
    tick = (wall(anchor) - EPOCH) // timedelta(minutes=1)
    while minutes:
        minutes -= worked(tick // MINUTES_A_DAY)
        tick += 1
    return instant(EPOCH + timedelta(minutes=tick))


def walk_minutes_back(due_at: datetime, minutes: int) -> datetime:
    """Tick back until enough minutes lay in working days, and on through the rest days before them."""
    tick = (wall(due_at) - EPOCH) // timedelta(minutes=1)
    while minutes or not worked((tick - 1) // MINUTES_A_DAY):
        tick -= 1
        minutes -= worked(tick // MINUTES_A_DAY)
    return instant(EPOCH + timedelta(minutes=tick))


def walk_days(anchor: datetime, allowance: Allowance, day_end: time | None, roll: bool) -> datetime:
    """Turn the leaves of a wall calendar, one day at a time."""
    day, left = wall(anchor).date(), allowance.amount
    while left:
        day += timedelta(days=1)
        if allowance.unit == "natural_days" or chinese_calendar.is_workday(day):
            left -= 1
    while allowance.unit == "natural_days" and roll and not chinese_calendar.is_workday(day):
        day += timedelta(days=1)
    if day_end is not None:
        return instant(datetime.combine(day, day_end))
    return instant(datetime.combine(day, time(23, 59))) + timedelta(minutes=1)


#: The weeks that count differently from others: around each make-up day and each day off.
UNUSUAL = sorted(
    {
        day
        for year in CALENDAR.years
        for day in (*year.off(), *year.makeup())
        if date(2018, 1, 8) < day < date(2026, 11, 1)
    }
)


def some_anchor(dice: random.Random) -> datetime:
    if dice.random() < 0.6:
        day = dice.choice(UNUSUAL) + timedelta(days=dice.randint(-7, 3))
    else:
        day = date(2018, 1, 1) + timedelta(days=dice.randrange(3_200))
    clock = dice.choice([time(0, 0), time(0, 1), time(23, 59), time(dice.randrange(24), dice.randrange(60))])
    return instant(datetime.combine(day, clock))


def test_counts_of_days_are_those_of_the_wall_calendar_on_4000_cases() -> None:
    dice = random.Random(20251009)
    units: tuple[Unit, ...] = ("natural_days", "working_days")
    for _ in range(4_000):
        anchor = some_anchor(dice) + timedelta(seconds=dice.choice([-1, 0, 0, 1]))
        allowance = Allowance(dice.choice([1, 1, 2, 3, 5, 15, 30]), dice.choice(units))
        day_end, roll = dice.choice([None, None, time(17, 30)]), dice.random() < 0.7
        case = (anchor, allowance, day_end, roll)
        found = reckon(CALENDAR, anchor, allowance, day_end=day_end, roll=roll)
        assert found.due_at == walk_days(anchor, allowance, day_end, roll), case
        assert found.due_at == readd(found.days, anchor, allowance, day_end=day_end), case
        assert not found.provisional, case


def test_rolling_working_days_are_those_of_the_minute_walker_on_1500_cases() -> None:
    dice = random.Random(24)
    for _ in range(1_500):
        anchor, amount = some_anchor(dice), dice.choice([1, 1, 2, 3])
        found = reckon(CALENDAR, anchor, Allowance(amount, "rolling_working_days"))
        assert found.due_at == walk_minutes_forward(anchor, amount * MINUTES_A_DAY), (anchor, amount)
        assert found.due_at == readd(found.days, anchor, found.allowance), (anchor, amount)


def test_warnings_are_those_of_the_minute_walker_on_1000_cases() -> None:
    dice = random.Random(48)
    for _ in range(1_000):
        due_at, amount = some_anchor(dice) + timedelta(days=21), dice.choice([1, 1, 2])
        found = before(CALENDAR, due_at, Allowance(amount, "working_days"))
        assert found == walk_minutes_back(due_at, amount * MINUTES_A_DAY), (due_at, amount)


@pytest.mark.parametrize("amount", [1, 2, 3, 5, 15])
def test_one_second_around_midnight_makes_one_day_of_difference_and_no_other(amount: int) -> None:
    allowance = Allowance(amount, "working_days")
    for day in UNUSUAL:
        midnight = instant(datetime.combine(day, time()))
        for anchor in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1)):
            assert due(CALENDAR, anchor, allowance).due_at == walk_days(anchor, allowance, None, True)
        if chinese_calendar.is_workday(day):
            earlier = due(CALENDAR, midnight - timedelta(microseconds=1), allowance).due_at
            assert earlier < due(CALENDAR, midnight, allowance).due_at


instants = st.datetimes(EPOCH.replace(year=2012), EPOCH.replace(year=2040), timezones=st.just(UTC))
units_of_days = st.sampled_from(["natural_days", "working_days", "rolling_working_days"])
allowances = st.builds(Allowance, st.integers(1, 400), units_of_days) | st.builds(
    Allowance, st.integers(0, 5_000), st.sampled_from(["minutes", "clock_hours"])
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(instants, allowances, st.none() | st.times(time(0, 1)), st.booleans())
def test_every_explanation_adds_up_to_its_limit(
    anchor: datetime, allowance: Allowance, day_end: time | None, roll: bool
) -> None:
    found = reckon(CALENDAR, anchor, allowance, day_end=day_end, roll=roll)
    assert readd(found.days, anchor, allowance, day_end=day_end) == found.due_at
    assert [line.on for line in found.days] == sorted({line.on for line in found.days})


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(instants, instants, allowances)
def test_who_begins_later_is_not_due_earlier(one: datetime, other: datetime, allowance: Allowance) -> None:
    first, second = sorted((one, other))
    assert due(CALENDAR, first, allowance).due_at <= due(CALENDAR, second, allowance).due_at


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(instants, st.integers(1, 60), units_of_days)
def test_a_longer_allowance_is_not_due_earlier(anchor: datetime, amount: int, unit: Unit) -> None:
    shorter, longer = Allowance(amount, unit), Allowance(amount + 1, unit)
    assert due(CALENDAR, anchor, shorter).due_at <= due(CALENDAR, anchor, longer).due_at


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(instants, st.integers(1, 60))
def test_a_warning_leaves_exactly_its_working_days(due_at: datetime, amount: int) -> None:
    """Rolling on from the warning ends at the limit, or where the working day before the limit's rest days ended."""
    rolling = Allowance(amount, "rolling_working_days")
    again = due(CALENDAR, before(CALENDAR, due_at, rolling), rolling).due_at
    assert again <= due_at
    last = (again - timedelta(microseconds=1)).astimezone(UTC) + EIGHT_HOURS
    between = range(last.toordinal() + 1, (due_at + EIGHT_HOURS).toordinal())
    assert again == due_at or not any(CALENDAR.describe(date.fromordinal(day)).counts for day in between)


@pytest.mark.parametrize("host_zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Shanghai"])
def test_the_hosts_own_time_zone_moves_no_limit(host_zone: str) -> None:
    script = (
        "import sys; from datetime import datetime, timedelta; from pathlib import Path;"
        "from common.calendar import Allowance, due, load_calendar;"
        "calendar = load_calendar(Path(sys.argv[1])); start = datetime.fromisoformat('2024-09-20T23:30:00+00:00');"
        "print(*(due(calendar, start + timedelta(hours=7 * n), Allowance(1 + n % 4, unit)).due_at.isoformat()"
        " for n in range(80) for unit in ('working_days', 'natural_days', 'rolling_working_days')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(FOLDER)],
        env={**os.environ, "TZ": host_zone},
        capture_output=True,
        text=True,
        check=True,
    )
    start = datetime(2024, 9, 20, 23, 30, tzinfo=UTC)
    assert told.stdout.split() == [
        due(CALENDAR, start + timedelta(hours=7 * n), Allowance(1 + n % 4, unit)).due_at.isoformat()
        for n in range(80)
        for unit in ("working_days", "natural_days", "rolling_working_days")
    ]
