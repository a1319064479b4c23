"""Words and small shapes that several owners' events share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from common.basis import Basis
from common.calendar.reckon import Unit
from common.events.envelope import Count, Payload, UnitCode, Whole

TicketType = Literal["inquiry", "help", "suggestion", "praise", "complaint", "tip_off"]
"""诉求类型 (G-2)."""

Status = Literal[
    "awaiting_dispatch",
    "dispatched",
    "signed_in",
    "closing_filed",
    "closed",
    "archived",
    "withdrawn",
    "merged",
    "stopped",
]
"""Where a ticket is in its life; the table is dispatch's."""

DeadlineKind = Literal[
    "level1_contact",
    "first_contact",
    "sign_in",
    "first_response",
    "progress",
    "closing",
    "closing_whole",
    "promised",
    "co_handler_part",
    "ruling",
    "designation",
    "coordination",
    "consultation",
    "convening",
    "escalation",
    "supervision_reply",
    "push_feedback",
    "callback",
    "knowledge_update",
    "look_back",
    "return_window",
    "return_late_window",
    "extension_window",
    "special_extension_window",
    "latest_extension",
]
"""Duties, then windows."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""A word whose set is the pack's: a channel, a mark, a step of a satisfaction scale."""


class Limit(Payload):
    """A span as a document states it. Only sla turns it into an instant."""

    amount: Count
    unit: Unit


class LegalLimit(Limit):
    """A limit that a law sets for this ticket; it goes before the pack's table (双鸭山 第十六条)."""

    basis: Basis


class ImposedLimit(Payload):
    """A limit that the platform which handed the ticket down has set: a span, or the first late instant.

    It goes before the pack's table and after a law (双鸭山 第十一条（二）). Of the two, exactly one is given.
    """

    limit: Limit | None = None
    due_at: AwareDatetime | None = None
    basis: Basis


class Designation(Payload):
    """指定: why a unit may not return the ticket (双鸭山 第十九条（四）)."""

    by: Literal["superior", "department", "designation", "coordination", "consultation", "escalation"]
    case: UUID | None = Field(default=None, description="The consultation or escalation that named the unit.")
    reference: str | None = Field(default=None, description="The paper that named it, such as its number; masked.")


class Requester(Payload):
    """What others may know of the requester. Name, contact and original words stay in intake's vault."""

    kind: Literal["natural_person", "legal_person", "organisation"] = Field(
        default="natural_person", description="Natural person, legal person or unincorporated organisation."
    )
    anonymous: bool
    has_contact: bool
    confidential: bool = Field(description="信息保密: contact goes through the centre only.")


class Anchor(Payload):
    """The fact a limit runs from."""

    event: UUID = Field(description="Id of the event.")
    at: AwareDatetime = Field(description="The instant the limit runs from.")
    type: str | None = Field(default=None, description="The event's type, such as Dispatched.")


class Helper(Payload):
    """A unit beside lead and co-handlers, in the role that the responsibility catalogue gives it."""

    unit: UnitCode
    role: Literal["assist", "guide", "enforce"]


class Passage(Payload):
    """A marked passage of a masked closing report."""

    rule: str = Field(description="The prohibition it falls under, such as ZR-P3.2.1.")
    text: str
    start: Whole = Field(description="Offset in characters.")
    end: Whole = Field(description="Offset in characters, first one after the passage.")
