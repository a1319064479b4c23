"""A deadline and the ticket it belongs to, as values; how its instants are counted; what is announced about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal, cast
from uuid import UUID

from common.basis import Basis
from common.calendar import Allowance, WorkingCalendar, before, due
from common.events.envelope import Actor, Payload, subject_of_ticket
from common.events.sla import (
    BreachWithdrawn,
    DeadlineApproaching,
    DeadlineBreached,
    DeadlineMet,
    DeadlineMissed,
    DeadlineMoved,
    DeadlineResumed,
    DeadlineRow,
    DeadlineSet,
    DeadlineStopped,
)
from common.events.vocabulary import Anchor, DeadlineKind, LegalLimit, Limit
from common.policy import Situation

State = Literal["armed", "approaching", "breached", "stopped", "closed", "superseded"]
Verdict = Literal["met", "missed"]
OPEN: tuple[State, ...] = ("armed", "approaching", "breached", "stopped")
"""States of a deadline whose round has not ended and which has no verdict yet."""

SYSTEM = Actor(role="system")


@dataclass(frozen=True, slots=True)
class Docket:
    """What sla knows of a ticket: what its rules read, and who holds it.

    ``unit`` and ``co_handlers`` hold it now; ``former`` held it once. ``partition`` is its place on hotline.tickets.
    """

    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    type: str
    channel: str
    category: str
    marks: tuple[str, ...]
    legal_limit: LegalLimit | None
    round: int
    unit: str | None
    co_handlers: tuple[str, ...]
    former: tuple[str, ...]
    partition: int

    @property
    def subject(self) -> str:
        return subject_of_ticket(self.ticket)

    @property
    def holders(self) -> frozenset[str]:
        """The units that hold the ticket now."""
        return frozenset(self.co_handlers if self.unit is None else (self.unit, *self.co_handlers))

    def situation(self, round_: int) -> Situation:
        """What the pack's rules may look at in that round."""
        return Situation(self.type, self.channel, self.category, None, frozenset(self.marks), max(round_, 1))


@dataclass(frozen=True, slots=True)
class Counting:
    """How a deadline is counted; kept with it, so that it can be explained and counted again without its pack.

    ``day_end`` is the close of business, None: 24:00. ``warn_before``: how long before the limit the yellow lamp is
    lit, None for windows.
    """

    allowance: Allowance
    day_end: time | None
    roll: bool
    warn_before: Allowance | None

    def dump(self) -> dict[str, Any]:
        warn = self.warn_before
        return {
            "amount": self.allowance.amount,
            "unit": self.allowance.unit,
            "day_end": self.day_end.isoformat("minutes") if self.day_end else None,
            "roll": self.roll,
            "warn_before": {"amount": warn.amount, "unit": warn.unit} if warn else None,
        }

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> "Counting":
        warn, day_end = written["warn_before"], written["day_end"]
        return cls(
            Allowance(written["amount"], written["unit"]),
            time.fromisoformat(day_end) if day_end else None,
            written["roll"],
            Allowance(warn["amount"], warn["unit"]) if warn else None,
        )


@dataclass(frozen=True, slots=True)
class Instants:
    """What counting came to. ``provisional``: it rests on a year that is not published yet (G-5)."""

    due_at: datetime
    warn_at: datetime | None
    provisional: bool
    calendar: str


def count(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> Instants:
    """The first late instant and when to warn, which is never before the anchor. ``OutsideCalendar``."""
    found = due(calendar, anchor, counting.allowance, day_end=counting.day_end, roll=counting.roll)
    warn_at = None
    if counting.warn_before is not None:
        warn_at = max(anchor, before(calendar, found.due_at, counting.warn_before))
    return Instants(found.due_at, warn_at, found.provisional, calendar.version)


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
        if self.window or self.state not in ("armed", "approaching"):
            return None
        return self.warn_at if self.state == "armed" and self.warn_at is not None else self.due_at

    @property
    def open(self) -> bool:
        return self.state in OPEN

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
            allowance=Limit(amount=self.counting.allowance.amount, unit=self.counting.allowance.unit),
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


_BY_A_FACT: Mapping[str, type[Payload]] = {
    "BreachWithdrawn": BreachWithdrawn,
    "DeadlineStopped": DeadlineStopped,
    "DeadlineResumed": DeadlineResumed,
    "DeadlineMet": DeadlineMet,
    "DeadlineMissed": DeadlineMissed,
}
_BY_TIME: Mapping[str, type[Payload]] = {
    "DeadlineApproaching": DeadlineApproaching,
    "DeadlineBreached": DeadlineBreached,
}


def announcement(docket: Docket, deadline: Deadline, told: Told, accepted_at: datetime) -> Payload:
    """The event that says so."""
    common = _common(docket, told.at, accepted_at) | {"round": deadline.round}
    if told.name == "DeadlineMoved":
        row = {name: getattr(deadline.row(), name) for name in DeadlineRow.model_fields}
        moved = {"old_due_at": told.old_due_at, "reason": told.reason, "cause": told.fact}
        return DeadlineMoved.model_validate(common | row | moved)
    one = {
        "kind": deadline.kind,
        "unit": deadline.unit,
        "case": deadline.case,
        "due_at": deadline.due_at,
        "generation": deadline.generation,
        "basis": deadline.basis,
    }
    if told.name in _BY_TIME:
        return _BY_TIME[told.name].model_validate(common | one)
    by = {"fact": told.fact, "fact_at": told.fact_at}
    if told.reason is not None:
        by["reason"] = cast(Any, told.reason)
    return _BY_A_FACT[told.name].model_validate(common | one | by)


def set_of(
    docket: Docket, deadlines: tuple[Deadline, ...], cause: UUID, at: datetime, accepted_at: datetime
) -> Payload:
    """The one event that tells all deadlines a cause brought about."""
    common = _common(docket, at, accepted_at) | {"round": deadlines[0].round}
    return DeadlineSet.model_validate(common | {"cause": cause, "deadlines": tuple(one.row() for one in deadlines)})


def _common(docket: Docket, occurred_at: datetime, accepted_at: datetime) -> dict[str, Any]:
    return {
        "jurisdiction": docket.jurisdiction,
        "policy": docket.policy,
        "ticket": docket.ticket,
        "number": docket.number,
        "occurred_at": occurred_at,
        "accepted_at": accepted_at,
        "actor": SYSTEM,
    }
