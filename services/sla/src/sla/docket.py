"""What sla knows of a ticket beside its deadlines."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from common.events.envelope import subject_of_ticket
from common.events.vocabulary import Anchor, ImposedLimit, LegalLimit, Limit
from common.policy import Situation

About = Literal["ticket", "cluster", "entry"]


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
class Registration:
    """How the ticket came: its registration as what limits run from, when the report had reached the hotline, and what
    is known of the requester. ``imposed_whole``: 整体时限 that the platform above set."""

    anchor: Anchor
    received_at: datetime
    anonymous: bool = False
    contact: bool = True
    confidential: bool = False
    imposed_whole: ImposedLimit | None = None

    def dump(self) -> dict[str, Any]:
        return {
            "anchor": self.anchor.model_dump(mode="json"),
            "received_at": self.received_at.isoformat(),
            "anonymous": self.anonymous,
            "contact": self.contact,
            "confidential": self.confidential,
            "imposed_whole": self.imposed_whole.model_dump(mode="json") if self.imposed_whole else None,
        }

    @classmethod
    def parse(cls, written: dict[str, Any]) -> "Registration":
        whole = written["imposed_whole"]
        return cls(
            anchor=Anchor.model_validate(written["anchor"]),
            received_at=datetime.fromisoformat(written["received_at"]),
            anonymous=written["anonymous"],
            contact=written["contact"],
            confidential=written["confidential"],
            imposed_whole=ImposedLimit.model_validate(whole) if whole else None,
        )


@dataclass(frozen=True, slots=True)
class Docket:
    """What sla knows of a ticket, or of something wider that has deadlines: what its rules read, and who holds it.

    ``about``: a ticket; a cluster of tickets that was pushed to a unit; an entry that the knowledge base is owed. Of
    the latter two ``ticket`` is the id, there is no number, no round and no situation. ``registration`` is None of
    tickets that were registered before it was kept.

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
    registration: Registration | None = None
    about: About = "ticket"
    officers: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return subject_of_ticket(self.ticket) if self.about == "ticket" else f"{self.about}/{self.ticket}"

    @property
    def holders(self) -> frozenset[str]:
        """The units that hold the ticket now, or hold it inside such a unit."""
        held = (*self.co_handlers, *self.readers, *self.heirs.values())
        return frozenset(held if self.unit is None else (self.unit, *held))

    def situation(self, round_: int) -> Situation:
        """What the pack's rules may look at in that round."""
        came = self.registration
        return Situation(
            self.type,
            self.channel,
            self.category,
            None,
            frozenset(self.marks),
            max(round_, 1),
            anonymous=came.anonymous if came else False,
            contact=came.contact if came else True,
            confidential=came.confidential if came else False,
            co_handlers=len(self.co_handlers),
        )

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
