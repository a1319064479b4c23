"""The envelope of every fact on the bus: CloudEvents 1.0, binary content mode."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from common.basis import Basis

Role = Literal["agent", "dispatcher", "unit", "reviewer", "supervisor", "viewer", "admin", "softphone", "system"]
UnitCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]
Whole = Annotated[int, Field(ge=0, le=2_147_483_647)]
Count = Annotated[int, Field(ge=1, le=2_147_483_647)]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]


class Payload(BaseModel):
    """What an event says. Unknown fields are kept out of the model and never refused: readers are tolerant."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Payload):
    """Who did it: the role acted in, the unit acted for, and the token's subject (an account, never a citizen)."""

    role: Role
    unit: UnitCode | None = None
    account: str | None = None


class Fact(Payload):
    """What every event carries.

    ``occurred_at`` is when it happened, ``accepted_at`` when the announcing service read the request. ``basis`` names
    the clauses where a rule decided.
    """

    occurred_at: AwareDatetime = Field(description="When it happened.")
    accepted_at: AwareDatetime = Field(description="When the announcing service read the request.")
    actor: Actor
    basis: tuple[Basis, ...] = Field(default=(), description="The clauses that decided, where a rule did.")


class TicketFact(Fact):
    """What every event about one ticket carries; its subject is ``ticket/<ticket>``."""

    jurisdiction: Jurisdiction
    policy: str = Field(description="Version of the pack that the ticket is under, such as shuangyashan@….")
    ticket: UUID
    number: str = Field(description="The ticket's number as people read it, in the pack's format.")
    round: Whole = Field(description="Round of handling; 0 before the first dispatch.")


class WiderFact(Fact):
    """A fact that is about one ticket or about something wider: a cluster, a case, an entry.

    About a ticket, the subject is ``ticket/<ticket>`` and ``ticket`` and ``number`` are set; else all of them are not.
    """

    jurisdiction: Jurisdiction
    policy: str = Field(description="Version of the pack that decided.")
    ticket: UUID | None = None
    number: str | None = None
    round: Whole = Field(default=0, description="Round of handling; 0 when not about one ticket.")


class JurisdictionFact(Fact):
    """A fact about a jurisdiction's affairs, not about one ticket."""

    jurisdiction: Jurisdiction


class UnitFact(JurisdictionFact):
    """A fact about one unit; its subject is ``unit/<unit>``."""

    unit: UnitCode


@dataclass(frozen=True, slots=True)
class Event:
    """One announced fact.

    ``sequence`` counts from 1 per (source, subject) without gaps. ``source`` is the announcing service's name.
    """

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    data: Payload
    traceparent: str | None = None

    def numbered(self, sequence: int) -> "Event":
        return replace(self, sequence=sequence)


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it lies on the bus: headers, key and bytes, with its place in the log once it has one."""

    topic: str
    key: str
    headers: dict[str, str]
    value: bytes
    partition: int = -1
    offset: int = -1


class UnusableMessage(ValueError):
    """The message cannot be read as an event of the catalogue; the text says why and holds nothing personal."""


def subject_of_ticket(ticket: UUID) -> str:
    return f"ticket/{ticket}"


def ticket_of_subject(subject: str) -> UUID | None:
    kind, _, rest = subject.partition("/")
    return UUID(rest) if kind == "ticket" else None
