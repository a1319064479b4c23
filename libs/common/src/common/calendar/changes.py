"""What a published or corrected year changes, day by day, before anybody publishes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from common.calendar.model import SATURDAY, CalendarYear
from common.calendar.statutory import assumed_days_off


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """A day that was counted in one way, or assumed to be, and is now in another; both in Chinese.

    ``counts``: a working day from now on; None: as before, only the reason is another.
    """

    on: date
    before: str
    after: str
    counts: bool | None


def changed_days(old: CalendarYear | None, new: CalendarYear) -> Iterator[ChangedDay]:
    """Against what was published for that year, or what the law alone lets assume where nothing was (G-5)."""
    day = date(new.year - 1, 12, 1)
    were_off, were_makeup = (old.off(), old.makeup()) if old else (assumed_days_off(new.year), frozenset[date]())
    are_off, are_makeup = new.off(), new.makeup()
    while day.year <= new.year:
        counted, before = _counted(day, were_off.get(day), day in were_makeup)
        counts, after = _counted(day, are_off.get(day), day in are_makeup)
        if before != after:
            yield ChangedDay(day, before, after, counts if counts != counted else None)
        day += timedelta(1)


def _counted(day: date, holiday: str | None, makeup: bool) -> tuple[bool, str]:
    if makeup:
        return True, "调休上班"
    if holiday is not None:
        return False, f"{holiday}放假"
    return (False, "周末") if day.weekday() >= SATURDAY else (True, "工作日")
