"""Many limits of one allowance at once: what a day comes to is worked out once for all that begin on it."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from common.calendar.reckon import BY_THE_CLOCK, Allowance, Due, due
from common.calendar.working import OutsideCalendar, WorkingCalendar
from common.clock import SHANGHAI, NaiveInstant

_DAY: Final = timedelta(days=1)
_NOON: Final = timedelta(hours=12)
_INSTANT: Final = timedelta(microseconds=1)
#: 00:00 of a day in Shanghai from which days are counted: none since was longer or shorter than 24 hours, and calendars
#: reach no further back.
_ORIGIN: Final = datetime(1998, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)


def due_many(
    calendar: WorkingCalendar,
    anchors: Iterable[datetime],
    allowance: Allowance,
    *,
    day_end: time | None = None,
    roll: bool = True,
) -> list[Due]:
    """``due`` of each anchor, in their order, with the same errors; quickest for anchors in UTC.

    A count of days depends on the day of the anchor only, so that equal days share one result.
    """
    try:
        if allowance.unit in ("working_days", "natural_days"):
            ends = _EndsByDay(calendar, allowance, day_end, roll)
            return [ends[(anchor - _ORIGIN).days] for anchor in anchors]
        if allowance.unit == "rolling_working_days" and day_end != time():
            shifts = _ShiftsByDay(calendar, allowance)
            # 00:00 sharp belongs to the day that it ends: from there whole working days are used up.
            origin = _ORIGIN + _INSTANT
            return [
                Due(origin + (since + shift), provisional) if isinstance(shift, timedelta) else Due(shift, provisional)
                for since in [anchor - origin for anchor in anchors]
                for shift, provisional in (shifts[since.days],)
            ]
        if allowance.unit in BY_THE_CLOCK and day_end != time():
            end = _ORIGIN + allowance.amount * BY_THE_CLOCK[allowance.unit]
            ends_at = [end + (anchor - _ORIGIN) for anchor in anchors]
            for edge in (min(ends_at), max(ends_at)) if ends_at else ():
                calendar.place(edge.toordinal())  # OutsideCalendar, as for counts of days
            return [Due(one, False) for one in ends_at]
    except TypeError:
        raise NaiveInstant("among the anchors is one without an offset") from None
    except OverflowError:
        raise OutsideCalendar(f"{allowance.amount} {allowance.unit} lead out of the calendar") from None
    return [due(calendar, anchor, allowance, day_end=day_end, roll=roll) for anchor in anchors]


class _EndsByDay(dict[int, Due]):
    """Day → the first late instant of a count of days that begins on it; worked out when it is first asked for."""

    def __init__(self, calendar: WorkingCalendar, allowance: Allowance, day_end: time | None, roll: bool) -> None:
        super().__init__()
        self._given = calendar, allowance, day_end, roll

    def __missing__(self, day: int) -> Due:
        calendar, allowance, day_end, roll = self._given
        found = self[day] = due(calendar, _ORIGIN + day * _DAY + _NOON, allowance, day_end=day_end, roll=roll)
        return found


class _ShiftsByDay(dict[int, tuple[timedelta | datetime, bool]]):
    """Day → what 24-hour working days add to an instant of it, or from a rest day where they end; if provisional."""

    def __init__(self, calendar: WorkingCalendar, allowance: Allowance) -> None:
        super().__init__()
        self._given = calendar, allowance

    def __missing__(self, day: int) -> tuple[timedelta | datetime, bool]:
        noon = _ORIGIN + day * _DAY + _NOON
        calendar, allowance = self._given
        found = due(calendar, noon, allowance)
        works = calendar.describe(noon.astimezone(SHANGHAI).date()).counts
        self[day] = (found.due_at - noon if works else found.due_at), found.provisional
        return self[day]
