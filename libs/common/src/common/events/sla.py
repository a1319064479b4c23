"""What sla announces: every deadline, what became of it, and which packs and calendars are in force."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.basis import Basis
from common.events.envelope import Count, Fact, JurisdictionFact, Payload, TicketFact, UnitCode, Whole, WiderFact
from common.events.vocabulary import Anchor, DeadlineKind, Limit

MoveReason = Literal[
    "extension",
    "amendment",
    "legal_limit",
    "consultation",
    "escalation",
    "imposed",
    "policy",
    "calendar",
    "resumed",
    "return_denied",
    "succession",
    "promised",
]


class DeadlineRow(Payload):
    """One duty or window. ``due_at`` is the first late instant: met means before it."""

    kind: DeadlineKind
    unit: UnitCode | None = Field(default=None, description="Who owes it; null for the centre.")
    round: Whole
    case: UUID | None = Field(default=None, description="The return, consultation, push … it belongs to.")
    anchor: Anchor
    due_at: AwareDatetime
    original_due_at: AwareDatetime = Field(description="The limit without extensions, for today's situation.")
    warn_at: AwareDatetime | None = None
    window: bool = Field(description="Lapses without lamp or breach; only a filing judges it.")
    provisional: bool = Field(description="Runs past the published calendar.")
    calendar: str = Field(description="Version of the calendar it was computed with.")
    generation: Count = Field(default=1, description="Counts the moves, from 1.")
    basis: tuple[Basis, ...] = ()
    allowance: Limit | None = Field(
        default=None, description="The limit as the rule states it, without extensions; null for a given instant."
    )


class DeadlineSet(WiderFact):
    """All deadlines that one cause brought about."""

    cause: UUID = Field(description="Id of the event that brought them about.")
    deadlines: tuple[DeadlineRow, ...]


class DeadlineMoved(DeadlineRow, WiderFact):
    """A deadline has a new instant; the row is the new one."""

    round: Whole = 0
    basis: tuple[Basis, ...] = ()
    old_due_at: AwareDatetime
    reason: MoveReason
    cause: UUID | None = Field(default=None, description="Id of the event that moved it.")


class OneDeadline(WiderFact):
    """A fact about one deadline, named by subject, kind, unit, round and case."""

    kind: DeadlineKind
    unit: UnitCode | None = None
    case: UUID | None = None
    due_at: AwareDatetime
    generation: Count


class DeadlineApproaching(OneDeadline):
    """The warning instant has come."""


class DeadlineBreached(OneDeadline):
    """Nothing was known by then: the red lamp. Not a verdict."""


class BreachWithdrawn(OneDeadline):
    """The red lamp goes off: a fact accepted in time arrived late, or the limit moved past now."""

    reason: Literal["fact_in_time", "extension", "amendment", "consultation", "escalation", "superseded"]
    fact: UUID | None = Field(default=None, description="Id of the event that withdrew it.")
    fact_at: AwareDatetime | None = None


class DeadlineMet(OneDeadline):
    """Verdict from the fact's own time: before ``due_at``."""

    fact: UUID | None = Field(default=None, description="Id of the event that met it.")
    fact_at: AwareDatetime | None = None


class DeadlineMissed(OneDeadline):
    """Verdict: the fact came at or after ``due_at``, or the round ended without it."""

    fact: UUID | None = Field(default=None, description="Id of the late event; null when none came.")
    fact_at: AwareDatetime | None = None


class DeadlineStopped(OneDeadline):
    """The clock stands still, or ends without verdict (superseded)."""

    reason: Literal["closing_filed", "clock_stopped", "superseded", "withdrawn", "merged", "handling_stopped"]
    fact: UUID | None = Field(default=None, description="Id of the event that stopped it.")
    fact_at: AwareDatetime | None = None


class DeadlineResumed(OneDeadline):
    """The clock runs again, to ``due_at``."""

    reason: Literal["closing_sent_back", "clock_resumed"]
    fact: UUID | None = Field(default=None, description="Id of the event that resumed it.")
    fact_at: AwareDatetime | None = None


class PolicyActivated(JurisdictionFact):
    """A version of a pack is in force; the whole pack travels with it."""

    version: str
    effective_from: date
    effective_to: date | None = None
    pack: dict[str, Any]


class PolicyApplied(TicketFact):
    """An open ticket changes to another version of its pack; ``policy`` is the new one."""

    from_policy: str
    to_policy: str


class CalendarPublished(Fact):
    """A year's days off and make-up working days, after the State Council's notice."""

    year: int = Field(ge=2000, le=2100)
    version: str
    content: dict[str, Any]
