"""Why a limit ends when it does, leg by leg and day by day: the same as ``counting.count``, told. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from common.calendar import Allowance, DayLine, Reckoning, WorkingCalendar, before, reckon, sentences
from common.calendar.explain import amount
from common.clock import SHANGHAI

from .counting import Counting, Extension, Pause, after_pause, resumes_at

What = Literal["stated", "extension", "pause", "earlier"]

_INSTANT: Final = timedelta(microseconds=1)
_COUNTED_IN_DAYS: Final = ("natural_days", "working_days")
_STATED_BY: Final = {
    "law": "法律、法规、规章规定的期限",
    "concluded": "结论确定的期限",
    "imposed": "交办平台确定的期限",
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a derivation. Its days, added up from ``begins_at``, end at ``ends_at``, where the next leg goes on.

    ``span``: what is counted: the limit as stated, an extension, the days that were left when the clock stopped, or by
    how much the limit ends earlier; None where an instant was given (``until``), and where the clock just adds what it
    stood still. ``cap``: an extension ends there at the latest. ``stopped_at``: of a clock that stood still until
    ``begins_at``, or still does.
    """

    what: What
    begins_at: datetime
    ends_at: datetime
    span: Allowance | None
    days: tuple[DayLine, ...]
    told: tuple[str, ...]
    until: datetime | None = None
    cap: datetime | None = None
    stopped_at: datetime | None = None


def derive(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> tuple[Leg, ...]:
    """All legs, in the order in which they are counted. ``OutsideCalendar``, ``AllowanceRefused``."""
    legs = [_stated(calendar, anchor, counting)]
    for nth, extension in enumerate(counting.extensions, 1):
        legs.append(_extended(calendar, legs[-1].ends_at, nth, extension, counting))
    for pause in counting.pauses:
        legs.append(_stood_still(calendar, legs[-1].ends_at, pause, counting))
    if counting.earlier_by is not None:
        legs.append(_earlier(calendar, legs[-1].ends_at, counting.earlier_by))
    return tuple(legs)


def _stated(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> Leg:
    told = [f"按{_STATED_BY[counting.source]}计算。"] if counting.source in _STATED_BY else []
    if counting.until is not None:
        told.append(f"期限确定至{end(counting.until)}。")
        return Leg("stated", anchor, counting.until, None, (), tuple(told), until=counting.until)
    assert counting.allowance is not None  # a limit is a span or an instant
    found = _reckoned(calendar, anchor, counting.allowance, counting)
    told += sentences(found)[: 1 + len(found.days)]
    return Leg("stated", anchor, found.due_at, counting.allowance, found.days, tuple(told))


def _extended(calendar: WorkingCalendar, due_at: datetime, nth: int, extension: Extension, counting: Counting) -> Leg:
    span, cap = extension.allowance, extension.cap
    capped = [f"延期最长至{end(cap)}。"] if cap is not None else []
    if extension.until is not None:
        ends_at = extension.until if cap is None else max(due_at, min(extension.until, cap))
        told = (f"第{nth}次延期：批准延至{end(extension.until)}。", *capped)
        return Leg("extension", due_at, ends_at, None, (), told, extension.until, cap)
    assert span is not None  # an extension is a span or an instant
    begins_at = resumes_at(due_at, span)
    found = _reckoned(calendar, begins_at, span, counting)
    first = 1 if begins_at < due_at else 0  # its last day has been told already
    told = (
        f"第{nth}次延期：批准延长{amount(span)}，自上述期限届满后继续计算。",
        *sentences(found)[1 + first : 1 + len(found.days)],
        *capped,
    )
    ends_at = found.due_at if cap is None else max(due_at, min(found.due_at, cap))
    return Leg("extension", begins_at, ends_at, span, found.days[first:], told, cap=cap)


def _stood_still(calendar: WorkingCalendar, due_at: datetime, pause: Pause, counting: Counting) -> Leg:
    stopped_at, resumed_at = pause.stopped_at, pause.resumed_at

    def leg(ends_at: datetime, days: Iterable[DayLine], *told: str, span: Allowance | None = None) -> Leg:
        return Leg("pause", resumed_at or stopped_at, ends_at, span, tuple(days), told, stopped_at=stopped_at)

    if resumed_at is None:
        return leg(due_at, (), f"自{_moment(stopped_at)}起停止计时，恢复后剩余期限继续计算。")
    stood = f"自{_moment(stopped_at)}至{_moment(resumed_at)}停止计时"
    if due_at <= stopped_at or resumed_at <= stopped_at:
        return leg(due_at, (), f"{stood}，期限在此之前已经届满，不受影响。")
    ends_at, provisional = after_pause(calendar, due_at, pause, counting)
    unit = counting.allowance.unit if counting.allowance is not None else "clock_hours"
    again, last = _day(resumed_at), _day(ends_at - _INSTANT)
    if unit == "rolling_working_days":
        return leg(ends_at, _kinds(calendar, again, last), f"{stood}，停止时剩余的工作时间自恢复时继续计算。")
    if unit not in _COUNTED_IN_DAYS:
        return leg(ends_at, (), f"{stood}，期限按停止的时间顺延。")
    between = list(_kinds(calendar, _day(stopped_at) + 1, _day(due_at - _INSTANT)))
    left = len(between) if unit == "natural_days" else sum(line.counts for line in between)
    if left == 0:
        rolls = unit == "working_days" or counting.roll
        return leg(
            ends_at, _ending(calendar, again, last, rolls=rolls), f"{stood}，末日停止计时的，以恢复当日为期限末日。"
        )
    span = Allowance(left, unit)
    first = DayLine(date.fromordinal(again), False, "恢复计时当日不计")
    if unit == "working_days":
        days = (first, *_kinds(calendar, again + 1, last))
    else:
        plain = (DayLine(date.fromordinal(day), True, "自然日") for day in range(again + 1, again + left))
        days = (first, *plain, *_ending(calendar, again + left, last, rolls=counting.roll))
    explained = Reckoning(resumed_at, span, ends_at, provisional, days, calendar.version)
    told = sentences(explained)[1 : 1 + len(days)]
    return leg(ends_at, days, f"{stood}；停止时尚余{amount(span)}，自恢复次日起继续计算。", *told, span=span)


def _earlier(calendar: WorkingCalendar, due_at: datetime, span: Allowance) -> Leg:
    ends_at = before(calendar, due_at, span)
    told = (f"在上述期限届满{amount(span)}之前。",)
    if span.unit not in ("working_days", "rolling_working_days"):
        return Leg("earlier", due_at, ends_at, span, (), told)
    first = _day(ends_at - _INSTANT)
    days = _kinds(calendar, first + 1, _day(due_at - _INSTANT))
    return Leg(
        "earlier", due_at, ends_at, span, (DayLine(date.fromordinal(first), False, "期限末日"), *days), told
    )  # fmt: skip


def _reckoned(calendar: WorkingCalendar, start: datetime, span: Allowance, counting: Counting) -> Reckoning:
    return reckon(calendar, start, span, day_end=counting.day_end, roll=counting.roll)


def _kinds(calendar: WorkingCalendar, first: int, last: int) -> Iterator[DayLine]:
    for day in map(date.fromordinal, range(first, last + 1)):
        kind = calendar.describe(day)
        yield DayLine(day, kind.counts, kind.why)


def _ending(calendar: WorkingCalendar, first: int, last: int, *, rolls: bool) -> Iterator[DayLine]:
    """The days from the one on which a count would end to the one on which it does."""
    for line in _kinds(calendar, first, last):
        if not rolls or line.counts:
            yield DayLine(line.on, True, f"{line.why}，期限末日")
        else:
            yield DayLine(line.on, False, f"{line.why}，末日顺延")


def _day(at: datetime) -> int:
    return at.astimezone(SHANGHAI).toordinal()


def _moment(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M:%S}".removesuffix(":00")


def end(due_at: datetime) -> str:
    """The end as the rules say it: 24:00 of the last day, not 00:00 of the next."""
    local = due_at.astimezone(SHANGHAI)
    if local.hour or local.minute or local.second or local.microsecond:
        return _moment(due_at)
    last = local - timedelta(days=1)
    return f"{last.year}年{last.month}月{last.day}日24:00"
