"""How a deadline is counted: the limit as it is stated, then each extension on from its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from common.calendar import Allowance, WorkingCalendar, before, due, resumed
from common.policy.limits import CountedFrom

Source = Literal["law", "concluded", "imposed", "table"]
"""Who stated the limit, in the order in which they go before one another."""

_COUNTED_IN_DAYS = ("natural_days", "working_days")


@dataclass(frozen=True, slots=True)
class Extension:
    """A granted extension: so much longer, or until an instant, but not beyond ``cap``. ``case`` is the request."""

    case: UUID
    allowance: Allowance | None
    until: datetime | None = None
    cap: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stood still from then on, until it was resumed; None: it still does. ``case`` is the stop."""

    case: UUID
    stopped_at: datetime
    resumed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """How a deadline is counted; kept with it, so that it can be explained and counted again without its pack.

    Stated is an ``allowance``, or an instant (``until``). ``day_end`` is the close of business, None: 24:00.
    ``warn_before``: how long before the limit the yellow lamp is lit, None for windows. ``earlier_by``: it ends so
    long before all that is counted. ``counted_from``: the anchor is not the fact that set it, but an earlier one.
    """

    allowance: Allowance | None
    day_end: time | None
    roll: bool
    warn_before: Allowance | None
    source: Source = "table"
    until: datetime | None = None
    extensions: tuple[Extension, ...] = ()
    earlier_by: Allowance | None = None
    counted_from: CountedFrom | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def paused(self) -> bool:
        """Whether the clock stands still now."""
        return any(pause.resumed_at is None for pause in self.pauses)

    def dump(self) -> dict[str, Any]:
        written: dict[str, Any] = {
            "amount": self.allowance.amount if self.allowance else None,
            "unit": self.allowance.unit if self.allowance else None,
            "day_end": self.day_end.isoformat("minutes") if self.day_end else None,
            "roll": self.roll,
            "warn_before": _span(self.warn_before),
        }
        if self.source != "table":
            written["source"] = self.source
        if self.until is not None:
            written["until"] = self.until.isoformat()
        if self.extensions:
            written["extensions"] = [
                {"case": str(one.case), "span": _span(one.allowance), "until": _said(one.until), "cap": _said(one.cap)}
                for one in self.extensions
            ]
        if self.earlier_by is not None:
            written["earlier_by"] = _span(self.earlier_by)
        if self.counted_from is not None:
            written["counted_from"] = self.counted_from
        if self.pauses:
            written["pauses"] = [
                {"case": str(one.case), "stopped_at": _said(one.stopped_at), "resumed_at": _said(one.resumed_at)}
                for one in self.pauses
            ]
        return written

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> "Counting":
        day_end, until = written["day_end"], written.get("until")
        return cls(
            allowance=Allowance(written["amount"], written["unit"]) if written["amount"] is not None else None,
            day_end=time.fromisoformat(day_end) if day_end else None,
            roll=written["roll"],
            warn_before=_allowance(written["warn_before"]),
            source=written.get("source", "table"),
            until=_instant(until),
            extensions=tuple(
                Extension(UUID(one["case"]), _allowance(one["span"]), _instant(one["until"]), _instant(one.get("cap")))
                for one in written.get("extensions", ())
            ),
            earlier_by=_allowance(written.get("earlier_by")),
            counted_from=written.get("counted_from"),
            pauses=tuple(
                Pause(UUID(one["case"]), datetime.fromisoformat(one["stopped_at"]), _instant(one["resumed_at"]))
                for one in written.get("pauses", ())
            ),
        )


def _said(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _instant(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def _span(allowance: Allowance | None) -> dict[str, Any] | None:
    return {"amount": allowance.amount, "unit": allowance.unit} if allowance else None


def _allowance(written: Mapping[str, Any] | None) -> Allowance | None:
    return Allowance(written["amount"], written["unit"]) if written else None


@dataclass(frozen=True, slots=True)
class Instants:
    """What counting came to; ``original_due_at`` is the limit without extensions.

    ``provisional``: it rests on a year that is not published yet (G-5).
    """

    due_at: datetime
    original_due_at: datetime
    warn_at: datetime | None
    provisional: bool
    calendar: str


def count(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> Instants:
    """The first late instant and when to warn, which is never before the anchor. ``OutsideCalendar``.

    The limit as stated, each extension on from its end, then what the clock stood still, and last what it ends earlier.
    """
    stated, provisional = _step(calendar, anchor, counting.allowance, counting.until, counting)
    due_at = stated
    for extension in counting.extensions:
        start = resumes_at(due_at, extension.allowance)
        longer, assumed = _step(calendar, start, extension.allowance, extension.until, counting)
        due_at = longer if extension.cap is None else max(due_at, min(longer, extension.cap))
        provisional = provisional or assumed
    original_due_at = stated
    for pause in counting.pauses:
        due_at, assumed = after_pause(calendar, due_at, pause, counting)
        original_due_at, _ = after_pause(calendar, original_due_at, pause, counting)
        provisional = provisional or assumed
    if counting.earlier_by is not None:
        due_at = before(calendar, due_at, counting.earlier_by)
        original_due_at = before(calendar, original_due_at, counting.earlier_by)
    warn_at = None
    if counting.warn_before is not None:
        warn_at = max(anchor, before(calendar, due_at, counting.warn_before))
    return Instants(due_at, original_due_at, warn_at, provisional, calendar.version)


def after_pause(calendar: WorkingCalendar, due_at: datetime, pause: Pause, counting: Counting) -> tuple[datetime, bool]:
    """Where a limit ends that stood still, and whether that rests on an unpublished year; while it stands still, where
    it was. An instant that was given moves by as much as the clock stood still."""
    if pause.resumed_at is None:
        return due_at, False
    unit = counting.allowance.unit if counting.allowance is not None else "clock_hours"
    found = resumed(
        calendar, due_at, pause.stopped_at, pause.resumed_at, unit, day_end=counting.day_end, roll=counting.roll
    )
    return found.due_at, found.provisional


def resumes_at(due_at: datetime, allowance: Allowance | None) -> datetime:
    """Where the counting of an extension goes on: days after the last day, all else from the very end."""
    if allowance is not None and allowance.unit in _COUNTED_IN_DAYS:
        return due_at - timedelta(microseconds=1)
    return due_at


def _step(
    calendar: WorkingCalendar,
    start: datetime,
    allowance: Allowance | None,
    until: datetime | None,
    counting: Counting,
) -> tuple[datetime, bool]:
    """Where it ends, and whether that rests on an unpublished year."""
    if until is not None:
        return until, False
    assert allowance is not None  # a limit or an extension is a span or an instant
    found = due(calendar, start, allowance, day_end=counting.day_end, roll=counting.roll)
    return found.due_at, found.provisional
