"""Limits against walkers that turn the leaves of a wall calendar and tick through its minutes (T9)."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.common.walker import (
    EIGHT_HOURS,
    EPOCH,
    MINUTES_A_DAY,
    UNUSUAL,
    Case,
    Minutes,
    cases,
    instant,
    is_worked,
    tick_back,
    tick_forward,
    turn_leaves,
    walked,
)

from common.calendar import (
    Allowance,
    AllowanceRefused,
    Due,
    OutsideCalendar,
    Unit,
    assemble,
    before,
    due,
    due_many,
    load_calendar,
    readd,
    reckon,
)
from common.clock import NaiveInstant

FOLDER = Path(__file__).parents[2] / "policies" / "calendar"
CALENDAR = load_calendar(FOLDER)
FORGETFUL = assemble(
    replace(year, makeup_days=tuple(day for day in year.makeup_days if day != date(2024, 9, 29)))
    for year in CALENDAR.years
)


@pytest.fixture(scope="module")
def minutes() -> Minutes:
    return Minutes()


def test_limits_are_those_of_the_walkers_on_20000_cases(minutes: Minutes) -> None:
    dice = random.Random(20251009)
    for case in cases(dice, 20_000):
        found = reckon(CALENDAR, case.anchor, case.allowance, day_end=case.day_end, roll=case.roll)
        assert (found.due_at, found.provisional) == walked(case, minutes), case
        assert found.due_at == readd(found.days, case.anchor, case.allowance, day_end=case.day_end), case


def forgets_a_make_up_day(case: Case) -> Due:
    return due(FORGETFUL, case.anchor, case.allowance, day_end=case.day_end, roll=case.roll)


def counts_the_minute_not_the_second(case: Case) -> Due:
    anchor = case.anchor.replace(second=0)
    return due(CALENDAR, anchor, case.allowance, day_end=case.day_end, roll=case.roll)


def counts_by_the_machines_day(case: Case) -> Due:
    found = due(CALENDAR, case.anchor - EIGHT_HOURS, case.allowance, day_end=case.day_end, roll=case.roll)
    return found if case.allowance.unit.endswith("days") else due(CALENDAR, case.anchor, case.allowance)


def never_rolls(case: Case) -> Due:
    return due(CALENDAR, case.anchor, case.allowance, day_end=case.day_end, roll=False)


def takes_what_is_assumed_for_certain(case: Case) -> Due:
    found = due(CALENDAR, case.anchor, case.allowance, day_end=case.day_end, roll=case.roll)
    return Due(found.due_at, False)


@pytest.mark.parametrize(
    "mutant",
    [
        forgets_a_make_up_day,
        counts_the_minute_not_the_second,
        counts_by_the_machines_day,
        never_rolls,
        takes_what_is_assumed_for_certain,
    ],
)
def test_the_walkers_notice_who_counts_otherwise(mutant: Callable[[Case], Due], minutes: Minutes) -> None:
    found = cases(random.Random(20251009), 4_000)
    assert any(mutant(case) != walked(case, minutes) for case in found)


def test_warnings_are_those_of_the_walkers_on_5000_cases(minutes: Minutes) -> None:
    dice = random.Random(48)
    for case in cases(dice, 5_000):
        due_at, amount = case.anchor + timedelta(days=21), dice.choice([1, 1, 2, 3])
        found = before(CALENDAR, due_at, Allowance(amount, "working_days"))
        assert found == minutes.back(due_at, amount), (due_at, amount)


def test_the_minutes_written_down_are_those_that_somebody_ticks_through(minutes: Minutes) -> None:
    dice = random.Random(24)
    for case in cases(dice, 200):
        anchor, amount = case.anchor.replace(second=0), dice.choice([1, 1, 2])
        assert minutes.forward(anchor, amount) == tick_forward(anchor, amount * MINUTES_A_DAY)
        due_at = anchor + timedelta(days=21)
        assert minutes.back(due_at, amount) == tick_back(due_at, amount * MINUTES_A_DAY)


@pytest.mark.parametrize("unit", get_args(Unit))
def test_many_limits_at_once_are_those_of_the_walkers(unit: Unit, minutes: Minutes) -> None:
    found = list(cases(random.Random(7), 4_000))
    anchors = [case.anchor for case in found]
    for amount, day_end, roll in ((1, None, True), (5, time(17, 30), True), (10, None, False)):
        wanted = [
            walked(replace(case, allowance=Allowance(amount, unit), day_end=day_end, roll=roll), minutes)
            for case in found
        ]
        assert due_many(CALENDAR, anchors, Allowance(amount, unit), day_end=day_end, roll=roll) == wanted


def test_many_limits_are_refused_as_one_is() -> None:
    good, naive = datetime(2025, 9, 22, tzinfo=UTC), datetime(2025, 9, 22)  # noqa: DTZ001 the thing refused
    for unit in get_args(Unit):
        with pytest.raises(NaiveInstant):
            due_many(CALENDAR, [good, naive], Allowance(1, unit))
        with pytest.raises(OutsideCalendar):
            due_many(CALENDAR, [good, good.replace(year=2100)], Allowance(1, unit))
        with pytest.raises(AllowanceRefused):
            due_many(CALENDAR, [good], Allowance(1, unit), day_end=time())


@pytest.mark.parametrize("amount", [1, 2, 3, 5, 15])
def test_one_second_around_midnight_makes_one_day_of_difference_and_no_other(amount: int) -> None:
    allowance = Allowance(amount, "working_days")
    for day in UNUSUAL:
        midnight = instant(datetime.combine(day, time()))
        for anchor in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1)):
            assert due(CALENDAR, anchor, allowance).due_at == turn_leaves(anchor, allowance, None, True)
        if is_worked(day):
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


def test_many_limits_are_in_utc_whatever_zone_their_anchors_are_in() -> None:
    local = datetime(2025, 9, 26, 16, tzinfo=timezone(EIGHT_HOURS))
    for unit in get_args(Unit):
        [found] = due_many(CALENDAR, [local], Allowance(2, unit))
        assert found == due(CALENDAR, local, Allowance(2, unit))
        assert found.due_at.tzinfo is UTC
    assert due_many(CALENDAR, [], Allowance(1, "minutes")) == []
