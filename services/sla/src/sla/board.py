"""What is due for a unit, a jurisdiction or an officer: which span of time, and which lamp."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from common.basis import Basis
from common.clock import local_date

from .days import begins

Span = Literal["now", "today", "week"]
SPANS: Final[tuple[Span, ...]] = ("now", "today", "week")
Lamp = Literal["none", "yellow", "red", "unconfirmed"]
LAMPS: Final[tuple[Lamp, ...]] = ("red", "unconfirmed", "yellow", "none")
"""``unconfirmed``: overdue, but the red lamp still waits until all that happened before is known."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose board: one unit's or one jurisdiction's; ``officer``: only what the unit passed to that account."""

    unit: str | None
    jurisdiction: str | None
    officer: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A running duty. ``held_by``: who owes it, the successor where the unit has ended."""

    id: UUID
    about: str
    ticket: UUID
    number: str
    kind: str
    held_by: str | None
    round: int
    case: UUID | None
    due_at: datetime
    state: str
    lamp: Lamp
    provisional: bool
    basis: Basis
    policy: str


@dataclass(frozen=True, slots=True)
class Ends:
    """The last limits of each span, by Shanghai's days; every span begins with what is overdue, and a lit yellow lamp
    belongs to each. A limit at 24:00 is the day's own: it is the first late instant.
    """

    now: datetime
    today: datetime
    week: datetime

    def of(self, span: Span) -> datetime:
        found: datetime = getattr(self, span)
        return found


def ends(now: datetime) -> Ends:
    """What is due now was due by this instant; the week ends on Sunday at 24:00."""
    day: date = local_date(now)
    sunday = day + timedelta(days=6 - day.weekday())
    return Ends(now, begins(day + timedelta(days=1)), begins(sunday + timedelta(days=1)))


Counts = dict[Span, dict[Lamp, int]]


def counted(rows: list[tuple[str, int, int, int]]) -> Counts:
    """``(lamp, now, today, week)`` as counts per span and lamp."""
    found: Counts = {span: dict.fromkeys(LAMPS, 0) for span in SPANS}
    for lamp, *numbers in rows:
        for span, number in zip(SPANS, numbers, strict=True):
            found[span][lamp] = number  # type: ignore[index]
    return found


def changes(before: dict[UUID, Any], after: dict[UUID, Any]) -> tuple[list[Any], list[UUID]]:
    """What is new or different, in its order, and what is gone."""
    return [row for key, row in after.items() if before.get(key) != row], [key for key in before if key not in after]
