"""A deadline as a value, and what can be told of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from common.basis import Basis
from common.events.sla import DeadlineRow
from common.events.vocabulary import Anchor, DeadlineKind, Limit

from .counting import Counting

State = Literal["armed", "approaching", "breached", "stopped", "closed", "superseded"]
Verdict = Literal["met", "missed"]
OPEN: tuple[State, ...] = ("armed", "approaching", "breached", "stopped")
"""States of a deadline whose round has not ended and which has no verdict yet."""


Identity = tuple[str, str | None, int, UUID | None]
"""Kind, unit, round and case: with its ticket, what tells a deadline from all others."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One duty or window. Its identity is subject, kind, unit, round and case.

    ``due_at`` is the first late instant; ``original_due_at`` the limit without extensions. ``filed_at`` is when the
    closing report now pending was filed. ``warned_at`` and ``breached_at`` say that the yellow and the red lamp were
    announced for this generation and, of the red one, not withdrawn.
    """

    id: UUID
    subject: str
    ticket: UUID
    kind: DeadlineKind
    unit: str | None
    round: int
    case: UUID | None
    window: bool
    anchor: Anchor
    counting: Counting
    warn_at: datetime | None
    due_at: datetime
    original_due_at: datetime
    policy: str
    calendar: str
    provisional: bool
    basis: tuple[Basis, ...]
    partition: int
    state: State = "armed"
    verdict: Verdict | None = None
    generation: int = 1
    fact_at: datetime | None = None
    fact_event: UUID | None = None
    filed_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """The instant the timers look at; None when nothing more fires. A window lapses silently."""
        if self.window or self.counting.paused or self.state not in ("armed", "approaching"):
            return None
        return self.warn_at if self.state == "armed" and self.warn_at is not None else self.due_at

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def identity(self) -> Identity:
        return self.kind, self.unit, self.round, self.case

    @property
    def of_the_round(self) -> bool:
        """Whether it ends with its round, as all do that a unit owes; what is decided about the ticket outlives it."""
        return self.unit is not None

    @property
    def stated(self) -> Limit | None:
        """The limit as it is stated, without extensions; None for an instant."""
        allowance = self.counting.allowance
        return Limit(amount=allowance.amount, unit=allowance.unit) if allowance else None

    def row(self) -> DeadlineRow:
        """As it is announced."""
        return DeadlineRow(
            kind=self.kind,
            unit=self.unit,
            round=self.round,
            case=self.case,
            anchor=self.anchor,
            due_at=self.due_at,
            original_due_at=self.original_due_at,
            warn_at=self.warn_at,
            window=self.window,
            provisional=self.provisional,
            calendar=self.calendar,
            generation=self.generation,
            basis=self.basis,
            allowance=self.stated,
        )


Name = Literal[
    "DeadlineApproaching",
    "DeadlineBreached",
    "BreachWithdrawn",
    "DeadlineMet",
    "DeadlineMissed",
    "DeadlineStopped",
    "DeadlineResumed",
    "DeadlineMoved",
]


@dataclass(frozen=True, slots=True)
class Told:
    """A fact to be announced about one deadline. ``fact`` and ``fact_at`` are the event it rests on, and its instant.

    ``old_due_at`` is of moves only.
    """

    name: Name
    at: datetime
    reason: str | None = None
    fact: UUID | None = None
    fact_at: datetime | None = None
    old_due_at: datetime | None = None
