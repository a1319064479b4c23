"""How a deadline is counted: the limit as it is stated, then each extension on from its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from common.calendar import Allowance, WorkingCalendar, before, due

Source = Literal["law", "concluded", "imposed", "table"]
"""Who stated the limit, in the order in which they go before one another."""

_COUNTED_IN_DAYS = ("natural_days", "working_days")


@dataclass(frozen=True, slots=True)
class Extension:
    """A granted extension: so much longer, or until an instant. ``case`` is the request."""

    case: UUID
    allowance: Allowance | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """How a deadline is counted; kept with it, so that it can be explained and counted again without its pack.

    Stated is an ``allowance``, or an instant (``until``). ``day_end`` is the close of business, None: 24:00.
    ``warn_before``: how long before the limit the yellow lamp is lit, None for windows.
    """

    allowance: Allowance | None
    day_end: time | None
    roll: bool
    warn_before: Allowance | None
    source: Source = "table"
    until: datetime | None = None
    extensions: tuple[Extension, ...] = ()

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
                {"case": str(one.case), "span": _span(one.allowance), "until": one.until and one.until.isoformat()}
                for one in self.extensions
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
            until=datetime.fromisoformat(until) if until else None,
            extensions=tuple(
                Extension(
                    UUID(one["case"]),
                    _allowance(one["span"]),
                    datetime.fromisoformat(one["until"]) if one["until"] else None,
                )
                for one in written.get("extensions", ())
            ),
        )


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
    """The first late instant and when to warn, which is never before the anchor. ``OutsideCalendar``."""
    steps = [_step(calendar, anchor, counting.allowance, counting.until, counting)]
    for extension in counting.extensions:
        start = resumes_at(steps[-1][0], extension.allowance)
        steps.append(_step(calendar, start, extension.allowance, extension.until, counting))
    due_at = steps[-1][0]
    warn_at = None
    if counting.warn_before is not None:
        warn_at = max(anchor, before(calendar, due_at, counting.warn_before))
    provisional = any(assumed for _, assumed in steps)
    return Instants(due_at, steps[0][0], warn_at, provisional, calendar.version)


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
