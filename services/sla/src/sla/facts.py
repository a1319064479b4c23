"""What the other services announced about a ticket, as far as its clocks depend on it, and in which order it counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from common.events.envelope import Event, JurisdictionFact, TicketFact

_KEPT: Final = (
    "type", "channel", "category", "marks", "legal_limit", "imposed_limit", "changed", "co_handlers", "part",
    "concludes_part", "filed_at", "kind", "ended_round", "round_ended_at", "new_status", "granted", "granted_until",
    "form", "outcome", "limit", "consultation", "reply_due", "to_unit", "to_account", "successor",
    "from_policy", "to_policy", "level", "promised_at", "ground", "effective_on",
)  # fmt: skip
"""What of an event's data matters to clocks, beside who, when, which round and which case. No words of anybody."""

_CASES: Final = ("ruling", "case", "stop", "push", "duty")
"""Where an event names the case it belongs to."""

DISTURBING: Final = frozenset(
    {"TicketAmended", "PolicyApplied", "Dispatched", "Reissued", "Closed"}
    | {"RulingApplied", "HandlingStopped", "Archived"}
)
"""Facts that change what other facts mean: against these, what happened first counts first, whenever it arrives."""

_FINAL: Final = ("withdrawn", "merged", "archived")
"""Statuses in which a ruling ends the ticket."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event about a ticket. ``case``: the return, extension, consultation … it belongs to.

    ``order_at`` is ``at``, but never before an earlier fact of the same service: that is the order facts count in.
    """

    event: UUID
    type: str
    source: str
    at: datetime
    order_at: datetime
    round: int
    unit: str | None = None
    case: UUID | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def instant(self, name: str) -> datetime | None:
        """An instant among what was said."""
        said = self.more.get(name)
        return datetime.fromisoformat(said) if said else None

    def divides(self, said: "Fact") -> bool:
        """Whether a round begins or is over with it, so that an amendment of the same instant counts behind it.

        A dispatch of a later round than the amendment names was not known to whoever amended.
        """
        if said.type != "TicketAmended":
            return False
        if self.type in ("Dispatched", "Reissued"):
            return self.round <= said.round
        if self.type == "RulingApplied":
            return "ended_round" in self.more or self.more["new_status"] in _FINAL
        return self.type in ("Closed", "HandlingStopped", "Archived")

    def stands_before(self, other: "Fact") -> bool:
        """Whether time puts it before that one, of another service.

        Of one instant, what a ticket says stands before what is done with it, but not in a round that was over then.
        """
        if self.order_at != other.order_at:
            return self.order_at < other.order_at
        if self.source == "intake":
            return not other.divides(self)
        return other.source == "intake" and self.divides(other)

    def comes_before(self, known: "Fact") -> bool:
        """Whether it should have been known before that one, and that makes a difference."""
        matters = self.type in DISTURBING or known.type in DISTURBING
        return matters and self.source != known.source and self.stands_before(known)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in the order they count in; each service's own order is kept."""
    ordered = sorted(facts, key=lambda one: (one.order_at, one.source == "intake"))
    found = [one for one in ordered if one.source != "intake"]
    least = 0
    for said in (one for one in ordered if one.source == "intake"):
        before = [place for place, one in enumerate(found, 1) if one.source == "intake" or one.stands_before(said)]
        least = max((least, *before))
        found.insert(least, said)
    return found


def placed(fact: Fact, known: Iterable[Fact]) -> tuple[Fact, bool]:
    """The fact at its place among those known already, and whether it should have come before any of them."""
    known = tuple(known)
    own = [one.order_at for one in known if one.source == fact.source]
    fact = replace(fact, order_at=max((fact.at, *own)))
    return fact, any(fact.comes_before(one) for one in known)


def fact_of(event: Event) -> Fact:
    """The fact in an event about a ticket, or about something wider that has deadlines."""
    data = event.data
    assert isinstance(data, TicketFact | JurisdictionFact)
    more = data.model_dump(mode="json", include=set(_KEPT))
    return Fact(
        event=event.id,
        type=event.type,
        source=event.source,
        at=data.occurred_at,
        order_at=data.occurred_at,
        round=getattr(data, "round", 0),
        unit=getattr(data, "unit", None),
        case=next((getattr(data, name) for name in _CASES if getattr(data, name, None) is not None), None),
        more={name: value for name, value in more.items() if value is not None},
    )
