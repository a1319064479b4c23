"""What sla knows of a ticket beside its deadlines."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from common.events.envelope import subject_of_ticket
from common.events.vocabulary import Anchor, ImposedLimit, LegalLimit, Limit
from common.policy import Situation


@dataclass(frozen=True, slots=True)
class Concluded:
    """A limit that a consultation or a decision from above named for the ticket; it stands until another one does.

    ``anchor`` is the answer of dispatch with which it took effect.
    """

    by: Literal["consultation", "escalation"]
    limit: Limit
    anchor: Anchor

    def dump(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "limit": self.limit.model_dump(mode="json"),
            "anchor": self.anchor.model_dump(mode="json"),
        }

    @classmethod
    def parse(cls, written: dict[str, Any]) -> "Concluded":
        return cls(written["by"], Limit.model_validate(written["limit"]), Anchor.model_validate(written["anchor"]))


@dataclass(frozen=True, slots=True)
class Docket:
    """What sla knows of a ticket: what its rules read, and who holds it.

    ``unit`` and ``co_handlers`` hold it now; ``readers`` it was passed on to inside a unit; ``former`` held or read it
    once. ``begun`` is the dispatch of the current round; ``handling``: it has not been closed since. ``ended_at``: the
    ticket is archived, withdrawn, merged or stopped. ``partition`` is its place on hotline.tickets.

    ``heirs``: units of this round that have ended, and who has gone on for them. The round's deadlines keep the name
    under which they were announced; whatever the heir does counts for them.

    ``officers``: the account to which a unit of this round passed the ticket inside itself.
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
    imposed_limit: ImposedLimit | None = None
    concluded: Concluded | None = None
    readers: tuple[str, ...] = ()
    begun: Anchor | None = None
    handling: bool = False
    ended_at: datetime | None = None
    heirs: Mapping[str, str] = field(default_factory=dict)
    officers: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return subject_of_ticket(self.ticket)

    @property
    def holders(self) -> frozenset[str]:
        """The units that hold the ticket now, or hold it inside such a unit."""
        held = (*self.co_handlers, *self.readers, *self.heirs.values())
        return frozenset(held if self.unit is None else (self.unit, *held))

    def situation(self, round_: int) -> Situation:
        """What the pack's rules may look at in that round."""
        return Situation(self.type, self.channel, self.category, None, frozenset(self.marks), max(round_, 1))

    def released(self) -> "Docket":
        """Nobody holds the ticket; who held it is remembered."""
        former = tuple(dict.fromkeys((*self.former, *sorted(self.holders))))
        nobody = replace(self, unit=None, co_handlers=(), readers=(), handling=False, heirs={}, officers={})
        return replace(nobody, former=former)

    def known_as(self, unit: str | None) -> str | None:
        """The name under which the round's deadlines know the unit."""
        return next((ended for ended, heir in self.heirs.items() if heir == unit), unit)

    def succeeded(self, unit: str, successor: str) -> "Docket":
        """A unit of the round has ended, and the other goes on for it."""
        kept = {successor: self.officers[unit]} if unit in self.officers else {}
        heirs = {**self.heirs, self.known_as(unit) or unit: successor}
        return replace(self, heirs=heirs, officers={**self.officers, **kept})
