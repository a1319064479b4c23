"""A year's days off and make-up working days, as the State Council's notice arranges them.

One ``CalendarYear`` is what one notice arranged, with its later corrections. The notice for a year may also reach into
the December before (2018-12-29 was worked and 2018-12-31 was off by the notice for 2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from common.calendar.statutory import statutory_days

_ONE_DAY: Final = timedelta(1)
SATURDAY: Final = 5
#: Days of the longest holiday that one notice has arranged so far: the Spring Festival of 2026.
_LONGEST_SO_FAR: Final = 9


@dataclass(frozen=True, slots=True)
class Notice:
    """Where an arrangement stands: title, document number (None when it could not be verified), day of publication."""

    title: str
    number: str | None
    published_on: date


@dataclass(frozen=True, slots=True)
class DaysOff:
    """An unbroken run of days off for one holiday, both ends included."""

    holiday: str
    first: date
    last: date

    def days(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day += _ONE_DAY


@dataclass(frozen=True, slots=True)
class Correction:
    """A later notice that changes a published year: what it adds and what it takes back."""

    notice: Notice
    days_off: tuple[DaysOff, ...] = ()
    makeup_days: tuple[date, ...] = ()
    no_longer_off: tuple[date, ...] = ()
    no_longer_makeup: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The published arrangement of one year."""

    year: int
    notice: Notice
    days_off: tuple[DaysOff, ...]
    makeup_days: tuple[date, ...]
    corrections: tuple[Correction, ...] = ()

    def off(self) -> dict[date, str]:
        """Day → holiday, after all corrections."""
        days = {day: span.holiday for span in self.days_off for day in span.days()}
        for correction in self.corrections:
            for day in correction.no_longer_off:
                days.pop(day, None)
            days |= {day: span.holiday for span in correction.days_off for day in span.days()}
        return days

    def makeup(self) -> frozenset[date]:
        """Weekend days that are worked, after all corrections."""
        days = set(self.makeup_days)
        for correction in self.corrections:
            days = (days - set(correction.no_longer_makeup)) | set(correction.makeup_days)
        return frozenset(days)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a year, and where: the path of the value, as in ``("makeup_days", 3)``."""

    path: tuple[str | int, ...]
    sentence: str


def faults(year: CalendarYear) -> tuple[Fault, ...]:
    """Everything that keeps this year from being a calendar; empty when it can be used."""
    found = list(_notice_faults(year.year, year.notice, ()))
    spans_of_year = _span_faults(year.year, year.days_off, ())
    found += spans_of_year
    off = {day: span.holiday for span in year.days_off for day in span.days()} if not spans_of_year else {}
    found += _makeup_faults(year.year, year.makeup_days, off, ())
    makeup = set(year.makeup_days)
    published_on = year.notice.published_on
    for index, correction in enumerate(year.corrections):
        at: tuple[str | int, ...] = ("corrections", index)
        found += _notice_faults(year.year, correction.notice, at)
        if correction.notice.published_on < published_on:
            found.append(Fault((*at, "notice"), "a correction is published after what it corrects, in order"))
        published_on = max(published_on, correction.notice.published_on)
        for key, days, known in (
            ("no_longer_off", correction.no_longer_off, set(off)),
            ("no_longer_makeup", correction.no_longer_makeup, makeup),
        ):
            found += [
                Fault((*at, key, place), f"{day} cannot be taken back: it was not so arranged")
                for place, day in enumerate(days)
                if day not in known
            ]
        off = {day: holiday for day, holiday in off.items() if day not in correction.no_longer_off}
        makeup -= set(correction.no_longer_makeup)
        spans = _span_faults(year.year, correction.days_off, at, off, makeup)
        found += spans
        if not spans:
            off |= {day: span.holiday for span in correction.days_off for day in span.days()}
        found += _makeup_faults(year.year, correction.makeup_days, off, at, makeup)
        makeup |= set(correction.makeup_days)
    return tuple(found)


def doubts(year: CalendarYear) -> tuple[Fault, ...]:
    """What may be a slip although it can be used: a person should look at it again before it is published."""
    off = year.off()
    found = [
        Fault(("days_off",), f"{day} is {holiday} by law and is not let off")
        for day, holiday in sorted(statutory_days(year.year).items())
        if day not in off
    ]
    for index, span in enumerate(year.days_off):
        if (days := (span.last - span.first).days + 1) > _LONGEST_SO_FAR:
            found.append(Fault(("days_off", index), f"{span.holiday} lasts {days} days"))
    return tuple(found)


def _notice_faults(year: int, notice: Notice, at: tuple[str | int, ...]) -> list[Fault]:
    """The notice for a year comes in the year before (G-5), what corrects it in the year itself at the latest."""
    if year - 1 <= notice.published_on.year <= year:
        return []
    return [Fault((*at, "notice", "published_on"), f"a notice of {notice.published_on} does not arrange {year}")]


def _span_faults(
    year: int,
    spans: tuple[DaysOff, ...],
    at: tuple[str | int, ...],
    off: dict[date, str] | None = None,
    makeup: set[date] | None = None,
) -> list[Fault]:
    found: list[Fault] = []
    seen = dict(off or {})
    for index, span in enumerate(spans):
        path = (*at, "days_off", index)
        if span.last < span.first:
            found.append(Fault(path, f"{span.holiday} ends on {span.last}, before it begins on {span.first}"))
            continue
        if wrong := next((day for day in (span.first, span.last) if not belongs(day, year)), None):
            found.append(Fault(path, f"{wrong} is not a day that the arrangement for {year} can speak of"))
            continue
        for day in span.days():
            if day in seen:
                found.append(Fault(path, f"{day} is a day off twice: {seen[day]} and {span.holiday}"))
            if day in (makeup or ()):
                found.append(Fault(path, f"{day} is both a day off ({span.holiday}) and a make-up working day"))
            seen[day] = span.holiday
    return found


def _makeup_faults(
    year: int,
    days: tuple[date, ...],
    off: dict[date, str],
    at: tuple[str | int, ...],
    makeup: set[date] | None = None,
) -> list[Fault]:
    found: list[Fault] = []
    seen = set(makeup or ())
    for index, day in enumerate(days):
        path = (*at, "makeup_days", index)
        if not belongs(day, year):
            found.append(Fault(path, f"{day} is not a day that the arrangement for {year} can speak of"))
        elif day.weekday() < SATURDAY:
            found.append(Fault(path, f"{day} is a {day:%A}: only a Saturday or Sunday can be made a working day"))
        elif day in off:
            found.append(Fault(path, f"{day} is both a day off ({off[day]}) and a make-up working day"))
        elif day in seen:
            found.append(Fault(path, f"{day} is a make-up working day twice"))
        seen.add(day)
    return found


def belongs(day: date, year: int) -> bool:
    """Whether the arrangement for a year may speak of that day: in the year, or in the December before."""
    return day.year == year or (day.year == year - 1 and day.month == 12)
