"""A limit whose clock stood still: what was left of it when it stopped is left when it runs again."""

from datetime import datetime, time, timedelta
from typing import Final

from common.calendar.reckon import Due, Unit
from common.calendar.working import WorkingCalendar
from common.clock import SHANGHAI, in_utc

_INSTANT: Final = timedelta(microseconds=1)


def resumed(
    calendar: WorkingCalendar,
    due_at: datetime,
    stopped_at: datetime,
    resumed_at: datetime,
    unit: Unit,
    *,
    day_end: time | None = None,
    roll: bool = True,
) -> Due:
    """The first late instant of a limit that stood still from ``stopped_at`` to ``resumed_at``.

    Of a count of days, as many days are left after the day of the resumption as had been left after the day of the
    stop; on the last day itself, none: the limit then ends with the day of the resumption, or, where that is not
    worked, with the next working day. What runs by the clock, or by 24 hours of working days each, has exactly the time
    left that it had. A limit that was over when the clock stopped stays over. ``OutsideCalendar``.
    """
    due_at, stopped_at, resumed_at = in_utc(due_at), in_utc(stopped_at), in_utc(resumed_at)
    if due_at <= stopped_at or resumed_at <= stopped_at:
        return Due(due_at, False)
    if unit in ("minutes", "clock_hours"):
        after = due_at + (resumed_at - stopped_at)
        calendar.place(after.toordinal())
        return Due(after, False)
    if unit == "rolling_working_days":
        return _worked_on(calendar, resumed_at, _worked_between(calendar, stopped_at, due_at))
    stop, last, again = _day(stopped_at), _day(due_at - _INSTANT), _day(resumed_at)
    if unit == "natural_days":
        counted = ends = again + (last - stop)
        if roll:
            ends = calendar.nth_working_day_after(counted - 1, 1)
        return Due(_end_of(ends, day_end), roll and calendar.rests_on_assumption(counted, ends))
    left = calendar.worked[calendar.place(last)] - calendar.worked[calendar.place(stop)]
    ends = calendar.nth_working_day_after(again, left) if left else calendar.nth_working_day_after(again - 1, 1)
    return Due(_end_of(ends, day_end), calendar.rests_on_assumption(again, ends))


def _worked_between(calendar: WorkingCalendar, start: datetime, end: datetime) -> timedelta:
    """The time of working days, day and night, from one instant to the other."""
    return _worked_before(calendar, end) - _worked_before(calendar, start)


def _worked_before(calendar: WorkingCalendar, at: datetime) -> timedelta:
    """The time of working days from the calendar's first day to that instant."""
    place = calendar.place(_day(at))
    today = calendar.kinds[place].counts
    whole = calendar.worked[place] - today
    return whole * timedelta(days=1) + (at - _midnight(_day(at)) if today else timedelta())


def _worked_on(calendar: WorkingCalendar, start: datetime, left: timedelta) -> Due:
    """The instant at which so much time of working days has passed from ``start``."""
    today = _day(start)
    place = calendar.place(today)
    if calendar.kinds[place].counts:
        rest = _midnight(today + 1) - start
        if left <= rest:
            return Due(start + left, calendar.rests_on_assumption(today, today))
        left -= rest
    whole, more = divmod(left, timedelta(days=1))
    last = calendar.nth_working_day_after(today, whole + 1) if more else calendar.nth_working_day_after(today, whole)
    end = _midnight(last) + (more or timedelta(days=1))
    return Due(end, calendar.rests_on_assumption(today, last))


def _day(at: datetime) -> int:
    return at.astimezone(SHANGHAI).toordinal()


def _midnight(ordinal: int) -> datetime:
    from_day = datetime.fromordinal(ordinal)
    return in_utc(from_day.replace(tzinfo=SHANGHAI))


def _end_of(ordinal: int, day_end: time | None) -> datetime:
    if day_end is None:
        return _midnight(ordinal + 1)
    return in_utc(datetime.combine(datetime.fromordinal(ordinal), day_end, SHANGHAI))
