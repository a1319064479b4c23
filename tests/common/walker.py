"""Limits found by walking the days and minutes, written without the arithmetic that they check.

The walkers ask chinesecalendar, not our files, which days are worked, and know Shanghai as eight hours. For 2027, which
is not published, the days off are written here as the law puts them (G-5).
"""

import random
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, get_args

import chinese_calendar

from common.calendar import Allowance, Unit

EIGHT_HOURS: Final = timedelta(hours=8)
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 the walkers count on a wall clock
MINUTES_A_DAY: Final = 24 * 60
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = 60_000_000
_FIRST, _LAST = date(2017, 12, 1), date(2028, 1, 31)
UNPUBLISHED: Final = 2027

#: 《全国年节及纪念日放假办法》: the holidays of 2027, each that falls on a weekend followed by the day made up for it.
BY_LAW_2027: Final = frozenset(
    date(2027, month, day)
    for month, days in {
        1: [1],  # 元旦, a Friday
        2: [5, 6, 7, 8, 9, 10],  # 除夕 Friday, 初一 Saturday, 初二 Sunday, 初三 Monday: two days made up for
        4: [5],  # 清明, a Monday
        5: [1, 2, 3, 4],  # Saturday and Sunday: two days made up for
        6: [9],  # 端午, a Wednesday
        9: [15],  # 中秋, a Wednesday
        10: [1, 2, 3, 4, 5],  # Friday to Sunday: two days made up for
    }.items()
    for day in days
)


@cache
def is_worked(day: date) -> bool:
    if day.year < UNPUBLISHED:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and day not in BY_LAW_2027


#: The days around which the weeks are not like others.
UNUSUAL: Final = [
    day
    for day in (date(2018, 1, 9) + timedelta(days=n) for n in range((date(2027, 11, 15) - date(2018, 1, 9)).days))
    if is_worked(day) != (day.weekday() < 5)
]


def wall(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) + EIGHT_HOURS


def instant(wall_clock: datetime) -> datetime:
    return (wall_clock - EIGHT_HOURS).replace(tzinfo=UTC)


def tick_forward(anchor: datetime, minutes: int) -> datetime:
    """Tick through the minutes after the anchor, a full minute, until enough of them lay in working days."""
    tick = (wall(anchor) - EPOCH) // timedelta(minutes=1)
    while minutes:
        minutes -= is_worked(date.fromordinal(EPOCH.toordinal() + tick // MINUTES_A_DAY))
        tick += 1
    return instant(EPOCH + timedelta(minutes=tick))


def tick_back(due_at: datetime, minutes: int) -> datetime:
    """Tick back until enough minutes lay in working days, and on through the rest days before them."""

    def worked(tick: int) -> bool:
        return is_worked(date.fromordinal(EPOCH.toordinal() + tick // MINUTES_A_DAY))

    tick = (wall(due_at) - EPOCH) // timedelta(minutes=1)
    while minutes or not worked(tick - 1):
        tick -= 1
        minutes -= worked(tick)
    return instant(EPOCH + timedelta(minutes=tick))


class Minutes:
    """The same walk written down once, minute after minute, for many thousand cases; also for seconds between."""

    def __init__(self) -> None:
        self._start = datetime.combine(_FIRST, time())
        #: Per minute since then: how many minutes of working days have passed before it.
        self._passed = array("i")
        passed = 0
        for n in range((_LAST - _FIRST).days):
            for _ in range(MINUTES_A_DAY) if is_worked(_FIRST + timedelta(days=n)) else ():
                self._passed.append(passed)
                passed += 1
            if not is_worked(_FIRST + timedelta(days=n)):
                self._passed.extend([passed] * MINUTES_A_DAY)

    def forward(self, anchor: datetime, days: int) -> datetime:
        return self._first_with(self._worked_before(anchor) + days * MINUTES_A_DAY * _MINUTE)

    def back(self, due_at: datetime, days: int) -> datetime:
        return self._first_with(self._worked_before(due_at) - days * MINUTES_A_DAY * _MINUTE)

    def _worked_before(self, at: datetime) -> int:
        """Microseconds of working days that have passed by then."""
        minute, rest = divmod((wall(at) - self._start) // timedelta(microseconds=1), _MINUTE)
        works = self._passed[minute + 1] > self._passed[minute]
        return self._passed[minute] * _MINUTE + (rest if works else 0)

    def _first_with(self, worked: int) -> datetime:
        """The first instant by which so much has passed."""
        minute = bisect_left(self._passed, -(-worked // _MINUTE)) - 1
        rest = worked - self._passed[minute] * _MINUTE
        return instant(self._start + timedelta(microseconds=minute * _MINUTE + rest))


def turn_leaves(anchor: datetime, allowance: Allowance, day_end: time | None, roll: bool) -> datetime:
    """Turn the leaves of a wall calendar, one day at a time."""
    day, left = wall(anchor).date(), allowance.amount
    while left:
        day += timedelta(days=1)
        if allowance.unit == "natural_days" or is_worked(day):
            left -= 1
    while allowance.unit == "natural_days" and roll and not is_worked(day):
        day += timedelta(days=1)
    if day_end is not None:
        return instant(datetime.combine(day, day_end))
    return instant(datetime.combine(day, time(23, 59))) + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One limit to be found: from when, how much, and how its days end."""

    anchor: datetime
    allowance: Allowance
    day_end: time | None
    roll: bool


def walked(case: Case, minutes: Minutes) -> tuple[datetime, bool]:
    """The first late instant, and whether a day of the unpublished year was asked for it."""
    amount, unit = case.allowance.amount, case.allowance.unit
    if unit in ("minutes", "clock_hours"):
        return case.anchor + timedelta(minutes=amount * (60 if unit == "clock_hours" else 1)), False
    if unit == "rolling_working_days":
        due_at = minutes.forward(case.anchor, amount)
    else:
        due_at = turn_leaves(case.anchor, case.allowance, case.day_end, case.roll)
    last = wall(due_at - timedelta(microseconds=1))
    return due_at, last.year >= UNPUBLISHED and (unit != "natural_days" or case.roll)


_ENDS: Final = (None, None, time(17, 30), time(17, 0), time(12, 0))
_AMOUNTS: Final = {
    "minutes": (0, 1, 30, 90, 1439, 1440),
    "clock_hours": (0, 1, 2, 12, 24, 72),
    "natural_days": (1, 2, 3, 5, 7, 10, 15, 30),
    "working_days": (1, 1, 2, 3, 5, 7, 10, 15, 20, 30),
    "rolling_working_days": (1, 1, 2, 3, 5, 10),
}


def cases(dice: random.Random, number: int) -> Iterator[Case]:
    """Cases of all units, more than half around unusual days, most one second around where a day or its work ends."""
    units: tuple[Unit, ...] = get_args(Unit)
    some: list[Callable[[], time]] = [time, lambda: time(17, 30), lambda: time(dice.randrange(24), dice.randrange(60))]
    for _ in range(number):
        if dice.random() < 0.6:
            day = dice.choice(UNUSUAL) + timedelta(days=dice.randint(-7, 3))
        else:
            day = date(2018, 1, 2) + timedelta(days=dice.randrange(3_600))
        anchor = instant(datetime.combine(day, dice.choice(some)()))
        anchor += dice.choice((-_SECOND, timedelta(0), _SECOND, timedelta(seconds=dice.randrange(60))))
        unit = dice.choice(units)
        yield Case(anchor, Allowance(dice.choice(_AMOUNTS[unit]), unit), dice.choice(_ENDS), dice.random() < 0.7)
