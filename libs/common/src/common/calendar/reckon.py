"""From an anchor and an allowance to the first late instant (G-4 to G-6).

民法典 第二百零一条: a period counted in days does not count the day on which it begins; one counted in hours runs
from its beginning. 第二百零三条: when the last day is a statutory rest day, the day after the rest days is the last
day; the last day ends at 24:00, or where there are business hours at their end. ``due_at`` is the first late instant:
24:00 is 00:00 of the next day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple, get_args

from common.calendar.working import OutsideCalendar, WorkingCalendar
from common.clock import SHANGHAI, in_utc

Unit = Literal["minutes", "clock_hours", "natural_days", "working_days", "rolling_working_days"]

_DAY: Final = timedelta(days=1)
_COUNTED_IN_DAYS: Final = frozenset(("natural_days", "working_days"))
BY_THE_CLOCK: Final = {"minutes": timedelta(minutes=1), "clock_hours": timedelta(hours=1)}


class AllowanceRefused(ValueError):
    """An amount or a unit that allows nothing."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much time is allowed.

    ``minutes`` and ``clock_hours`` run day and night. ``natural_days`` and ``working_days`` are counts of whole days.
    ``rolling_working_days`` are 24 hours each that run on working days only (真如镇: 24 hours are 1 working day). Zero
    is allowed by the clock only; anything less, and zero days, is ``AllowanceRefused``.
    """

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise AllowanceRefused(f"{self.unit!r} is not a unit of time: {', '.join(get_args(Unit))}")
        if self.amount < 0:
            raise AllowanceRefused(f"{self.amount} {self.unit}: an allowance cannot be negative")
        if self.amount == 0 and self.unit not in BY_THE_CLOCK:
            raise AllowanceRefused(f"0 {self.unit}: a count of days begins with one")


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of an explanation: whether it counts towards the allowance, and why (Chinese)."""

    on: date
    counts: bool
    why: str


class Due(NamedTuple):
    """The first late instant (UTC), and whether it rests on a year that is not published yet."""

    due_at: datetime
    provisional: bool


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A first late instant with everything it was computed from."""

    anchor: datetime
    allowance: Allowance
    due_at: datetime
    provisional: bool
    days: tuple[DayLine, ...]
    calendar_version: str


def due(
    calendar: WorkingCalendar,
    anchor: datetime,
    allowance: Allowance,
    *,
    day_end: time | None = None,
    roll: bool = True,
) -> Due:
    """The first late instant, without the explanation: constant time whatever the amount.

    ``day_end`` is the close of business at which the last day of a count of days ends; None: 24:00. ``roll``: a count
    of natural days whose last day is not a working day ends on the next one. Both say nothing about limits that run by
    the clock. ``NaiveInstant``, ``OutsideCalendar``.
    """
    start = in_utc(anchor)
    amount = allowance.amount
    if day_end == time():
        raise AllowanceRefused(
            "a close of business at 00:00 leaves no last day: leave it out where a day ends at 24:00"
        )
    try:
        if allowance.unit in BY_THE_CLOCK:
            due_at = start + amount * BY_THE_CLOCK[allowance.unit]
            calendar.place(due_at.toordinal())  # OutsideCalendar, as for counts of days
            return Due(due_at, False)
        local = start.astimezone(SHANGHAI)
        today = local.toordinal()
        if allowance.unit == "rolling_working_days":
            return _roll_on(calendar, local, today, amount)
        if allowance.unit == "working_days":
            last = calendar.nth_working_day_after(today, amount)
            return Due(_end_of(last, day_end), calendar.rests_on_assumption(today + 1, last))
        counted = last = today + amount
        if roll:
            last = calendar.nth_working_day_after(counted - 1, 1)
        return Due(_end_of(last, day_end), roll and calendar.rests_on_assumption(counted, last))
    except OverflowError:
        raise OutsideCalendar(f"{amount} {allowance.unit} from {start.isoformat()} lead out of the calendar") from None


def reckon(
    calendar: WorkingCalendar,
    anchor: datetime,
    allowance: Allowance,
    *,
    day_end: time | None = None,
    roll: bool = True,
) -> Reckoning:
    """The first late instant, explained day by day; arguments and errors as for ``due``."""
    found = due(calendar, anchor, allowance, day_end=day_end, roll=roll)
    return Reckoning(
        anchor=in_utc(anchor),
        allowance=allowance,
        due_at=found.due_at,
        provisional=found.provisional,
        days=_lines(calendar, anchor, allowance, found.due_at, roll),
        calendar_version=calendar.version,
    )


def readd(
    days: tuple[DayLine, ...], anchor: datetime, allowance: Allowance, *, day_end: time | None = None
) -> datetime | None:
    """The first late instant that these explained days add up to, without a calendar; None when they add up to none.

    Independent of ``due``: whoever checks an explanation by hand does this.
    """
    start = in_utc(anchor)
    counting = [line.on for line in days if line.counts]
    if allowance.unit in _COUNTED_IN_DAYS:
        return _end_of(counting[-1].toordinal(), day_end) if len(counting) == allowance.amount else None
    left = allowance.amount * BY_THE_CLOCK.get(allowance.unit, _DAY)
    reached = start
    for day in counting:
        reached = max(start, _midnight(day.toordinal()))
        available = _midnight(day.toordinal() + 1) - reached
        if left <= available:
            return reached + left
        left -= available
    return reached if left == timedelta(0) else None


def before(calendar: WorkingCalendar, due_at: datetime, allowance: Allowance) -> datetime:
    """The instant (UTC) from which no more than that allowance is left: when to warn.

    Working days, counted or rolling, are taken back as 24 hours of working days each: one working day before 24:00 of a
    Monday is 24:00 of the Friday, before 17:30 of a Monday 17:30 of the Friday. May lie before the limit's own
    anchor: a caller that warns takes the later of the two. ``NaiveInstant``, ``OutsideCalendar``.
    """
    end = in_utc(due_at)
    try:
        if allowance.unit not in ("working_days", "rolling_working_days"):
            warn_at = end - allowance.amount * BY_THE_CLOCK.get(allowance.unit, _DAY)
            calendar.place(warn_at.toordinal())
            return warn_at
        # 00:00 is the 24:00 of the day before, which is the day that it ends.
        local = end.astimezone(SHANGHAI)
        today = (local - timedelta(microseconds=1)).toordinal()
        if calendar.kinds[calendar.place(today)].counts:
            elapsed = end - _midnight(today)
            earlier = calendar.nth_working_day_before(today, allowance.amount)
            return _midnight(earlier) + elapsed
        # On a rest day nothing elapses: the last working day has not lost anything yet.
        return _end_of(calendar.nth_working_day_before(today, allowance.amount + 1), None)
    except OverflowError:
        raise OutsideCalendar(f"{allowance.amount} {allowance.unit} before {end.isoformat()} is no instant") from None


def _roll_on(calendar: WorkingCalendar, local: datetime, today: int, amount: int) -> Due:
    """24 hours of working days each: the same time of day on the n-th working day after, or from a rest day 24:00."""
    elapsed = local.astimezone(UTC) - _midnight(today)
    if calendar.kinds[calendar.place(today)].counts and elapsed:
        last = calendar.nth_working_day_after(today, amount)
        return Due(_midnight(last) + elapsed, calendar.rests_on_assumption(today, last))
    # From a rest day, and from 00:00 sharp, whole working days are used up, the last to its 24:00.
    last = calendar.nth_working_day_after(today - 1, amount)
    return Due(_end_of(last, None), calendar.rests_on_assumption(today, last))


def _lines(
    calendar: WorkingCalendar, anchor: datetime, allowance: Allowance, due_at: datetime, roll: bool
) -> tuple[DayLine, ...]:
    """The days from the anchor's to the last, each with its part in the count."""
    first = in_utc(anchor).astimezone(SHANGHAI).toordinal()
    # The last day is the one that the first late instant ends, or falls in.
    last = max(first, (due_at.astimezone(SHANGHAI) - timedelta(microseconds=1)).toordinal())
    days = [date.fromordinal(ordinal) for ordinal in range(first, last + 1)]
    if allowance.unit in BY_THE_CLOCK:
        return tuple(DayLine(day, True, "按钟点连续计算，不分昼夜和节假日") for day in days)
    if allowance.unit == "rolling_working_days":
        return tuple(DayLine(day, kind.counts, kind.why) for day in days for kind in (calendar.describe(day),))
    start = DayLine(days[0], False, "起算当日不计")
    if allowance.unit == "working_days":
        return (
            start,
            *(DayLine(day, k.counts, k.why) for day in days[1:] for k in (calendar.describe(day),)),
        )
    through = days[1 : allowance.amount]
    ending = days[allowance.amount :]
    counted = (DayLine(day, True, "自然日") for day in through)
    if not roll:
        return (start, *counted, *(DayLine(day, True, "自然日，期限末日") for day in ending))
    return (start, *counted, *(_closing_line(calendar, day) for day in ending))


def _closing_line(calendar: WorkingCalendar, day: date) -> DayLine:
    kind = calendar.describe(day)
    return DayLine(day, kind.counts, f"{kind.why}，期限末日" if kind.counts else f"{kind.why}，末日顺延")


def _midnight(ordinal: int) -> datetime:
    """00:00 in Shanghai of the day with that ordinal, in UTC."""
    return datetime.combine(date.fromordinal(ordinal), time(), SHANGHAI).astimezone(UTC)


def _end_of(ordinal: int, day_end: time | None) -> datetime:
    """The first instant after that day's end: its close of business, or its 24:00."""
    if day_end is None:
        return _midnight(ordinal + 1)
    return datetime.combine(date.fromordinal(ordinal), day_end, SHANGHAI).astimezone(UTC)
