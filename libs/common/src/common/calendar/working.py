"""Which days are working days: published years as arranged, other years as far as the law alone says."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import accumulate
from typing import Final

from common.calendar.model import SATURDAY, CalendarYear
from common.calendar.shape import serialise
from common.calendar.statutory import assumed_days_off

#: How far around the published years the table reaches. Legacy tickets lie before them, provisional deadlines after.
_YEARS_BEFORE: Final = 10
_YEARS_AFTER: Final = 20


class NoCalendar(ValueError):
    """No year has been published: nothing can be counted, not even provisionally."""


class CalendarsContradict(ValueError):
    """Two published years speak of the same day, or the same year was given twice."""


class OutsideCalendar(ValueError):
    """A day so far from the published years that nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class DayKind:
    """Whether a day is a working day, why (in Chinese), and whether that is only assumed."""

    counts: bool
    why: str
    provisional: bool


_WORKING: Final = DayKind(True, "工作日", False)
_WEEKEND: Final = DayKind(False, "周末", False)
_MADE_UP: Final = DayKind(True, "调休上班", False)
_WORKING_ASSUMED: Final = DayKind(True, "工作日（日历未公布，推定）", True)
_WEEKEND_ASSUMED: Final = DayKind(False, "周末（日历未公布，推定）", True)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The published years together, with the counting table; made by ``assemble``.

    ``version`` is the hash of the years' content. ``published_through`` is the last day of the last published year
    before the first gap; a year beyond it, or in a gap, is provisional: not a year without holidays.
    """

    version: str
    years: tuple[CalendarYear, ...]
    published_through: date
    #: Ordinal of the table's first day; per day its kind and the working days up to and including it; per working day
    #: its ordinal; per day the unpublished days up to and including it.
    first: int = field(repr=False, compare=False)
    kinds: tuple[DayKind, ...] = field(repr=False, compare=False)
    worked: tuple[int, ...] = field(repr=False, compare=False)
    working: tuple[int, ...] = field(repr=False, compare=False)
    assumed: tuple[int, ...] = field(repr=False, compare=False)

    def describe(self, on: date) -> DayKind:
        """What kind of day that is; ``OutsideCalendar`` beyond the table."""
        return self.kinds[self.place(on.toordinal())]

    def place(self, ordinal: int) -> int:
        """The table's place of a day given by its ordinal; ``OutsideCalendar`` beyond the table."""
        place = ordinal - self.first
        if not 0 <= place < len(self.kinds):
            raise OutsideCalendar(self._beyond(ordinal))
        return place

    def nth_working_day_after(self, ordinal: int, n: int) -> int:
        """The ordinal of the n-th working day after a day (n ≥ 1)."""
        index = self.worked[self.place(ordinal)] + n - 1
        if index >= len(self.working):
            raise OutsideCalendar(self._beyond(self.first + len(self.kinds)))
        return self.working[index]

    def nth_working_day_before(self, ordinal: int, n: int) -> int:
        """The ordinal of the n-th working day before a day (n ≥ 1)."""
        place = self.place(ordinal)
        index = self.worked[place] - self.kinds[place].counts - n
        if index < 0:
            raise OutsideCalendar(self._beyond(self.first - 1))
        return self.working[index]

    def rests_on_assumption(self, first: int, last: int) -> bool:
        """Whether any day from ``first`` to ``last`` (ordinals, both included) lies in an unpublished year."""
        start, end = self.place(first), self.place(last)
        return self.assumed[end] - self.assumed[start] + self.kinds[start].provisional > 0

    def _beyond(self, ordinal: int) -> str:
        reach = f"{date.fromordinal(self.first)} to {date.fromordinal(self.first + len(self.kinds) - 1)}"
        side = "before" if ordinal < self.first else "after"
        return f"the calendar reaches from {reach}; this lies {side} it"


def assemble(years: Iterable[CalendarYear]) -> WorkingCalendar:
    """One calendar of several published years, in any order."""
    ordered = tuple(sorted(years, key=lambda year: year.year))
    if not ordered:
        raise NoCalendar("no calendar year has been published")
    arranged = _arranged(ordered)
    published = {year.year for year in ordered}
    first_year, last_year = ordered[0].year - _YEARS_BEFORE, ordered[-1].year + _YEARS_AFTER
    assumed_off = {
        day: DayKind(False, f"{holiday}放假（日历未公布，推定）", True)
        for year in range(first_year, last_year + 1)
        if year not in published
        for day, holiday in assumed_days_off(year).items()
    }
    first, last = date(first_year, 1, 1).toordinal(), date(last_year, 12, 31).toordinal()
    kinds = tuple(
        arranged.get(day) or assumed_off.get(day) or _plain(day, day.year in published)
        for day in map(date.fromordinal, range(first, last + 1))
    )
    through = ordered[0].year
    while through + 1 in published:
        through += 1
    return WorkingCalendar(
        version=_content_hash(ordered),
        years=ordered,
        published_through=date(through, 12, 31),
        first=first,
        kinds=kinds,
        worked=tuple(accumulate(int(kind.counts) for kind in kinds)),
        working=tuple(first + place for place, kind in enumerate(kinds) if kind.counts),
        assumed=tuple(accumulate(int(kind.provisional) for kind in kinds)),
    )


def first_difference(old: WorkingCalendar, new: WorkingCalendar) -> date | None:
    """The first day on which two calendars differ, None when nowhere: a deadline that ended before it stands (G-5).

    Not only provisional deadlines can move: a notice may rearrange the December before its year, and a correction
    any day of a published one.
    """
    start = max(old.first, new.first)
    end = min(old.first + len(old.kinds), new.first + len(new.kinds))
    for ordinal in range(start, end):
        if old.kinds[ordinal - old.first] != new.kinds[ordinal - new.first]:
            return date.fromordinal(ordinal)
    return None


def _arranged(years: tuple[CalendarYear, ...]) -> dict[date, DayKind]:
    arranged: dict[date, DayKind] = {}
    arranged_by: dict[date, int] = {}
    for index, year in enumerate(years):
        if index and years[index - 1].year == year.year:
            raise CalendarsContradict(f"the year {year.year} was given twice")
        days = {day: DayKind(False, f"{holiday}放假", False) for day, holiday in year.off().items()}
        days |= dict.fromkeys(year.makeup(), _MADE_UP)
        if twice := next((day for day in sorted(days) if day in arranged), None):
            both = f"{arranged_by[twice]} and by that for {year.year}"
            raise CalendarsContradict(f"{twice} is arranged by the notice for {both}")
        arranged |= days
        arranged_by |= dict.fromkeys(days, year.year)
    return arranged


def _plain(day: date, published: bool) -> DayKind:
    if day.weekday() >= SATURDAY:
        return _WEEKEND if published else _WEEKEND_ASSUMED
    return _WORKING if published else _WORKING_ASSUMED


def _content_hash(years: tuple[CalendarYear, ...]) -> str:
    content = json.dumps([serialise(year) for year in years], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(content.encode()).hexdigest()[:16]
