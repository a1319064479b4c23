"""Scenarios: what a clerk expects of a pack, written beside it and carried out against the real calendar.

A file in ``policies/<jurisdiction>/scenarios/`` maps a sentence to a scenario: the story in words, the situation, its
moments, and what must come of it with the derivation by hand.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from common.policy.limits import Kind
from common.policy.matching import Situation
from common.policy.ruled import Code, Part, Words


class SituationShape(Part):
    """The situation as it is written in a file."""

    type: Code
    channel: Code | None = None
    category: Words | None = None
    urgency: Code | None = None
    marks: tuple[Code, ...] = ()
    round: int = 1

    def situation(self) -> Situation:
        return Situation(self.type, self.channel, self.category, self.urgency, frozenset(self.marks), self.round)


class ExpectedDeadline(Part):
    """A deadline by hand. ``due_at`` is the first late instant; ``derivation`` says in words how it was counted."""

    due_at: AwareDatetime
    warn_at: AwareDatetime | None = None
    article: Words
    derivation: Words


class Fact(Part):
    """Something done at an instant, and whether that was in time."""

    kind: Kind
    at: AwareDatetime
    verdict: Literal["met", "missed"]


class ExpectedReturn(Part):
    """What becomes of a return. ``denied_by``: the ground by rule, or none: a person reviews it."""

    allowed: bool = True
    in_time: bool
    marked_overdue: bool
    denied_by: Code | None = None
    article: Words | None = None
    still_possible: tuple[Literal["sign_in", "closing"], ...]
    own_unit_may_review: bool
    closing_due_if_denied: AwareDatetime
    closing_due_if_redispatched: AwareDatetime | None = None


class ReturnFiled(Part):
    """A return as a unit files it; ``redispatched_at`` is when another unit gets the work order, if approved."""

    filed_at: AwareDatetime
    signed_in: bool
    redo: bool = False
    given: tuple[Literal["reason", "legal_basis", "suggested_unit"], ...]
    designated: bool = False
    redispatched_at: AwareDatetime | None = None
    expect: ExpectedReturn


class Registration(Part):
    """What an agent entered, what is still missing, and the number the ticket gets.

    ``settled``: the demand is settled at registration, no work order is made of it.
    """

    given: tuple[Code, ...]
    anonymous: bool
    settled: bool = False
    missing: tuple[Code, ...]
    sequence_of_day: Annotated[int, Field(ge=1)] | None = None
    at: AwareDatetime | None = None
    number: Words | None = None


class Refusal(Part):
    """A demand not accepted: the ground and its clause."""

    ground: Code
    article: Words


class OutcomeExpected(Part):
    """What an outcome of registration asks of the agent."""

    code: Code
    consent_required: bool
    means: tuple[Code, ...] = ()


class CallbackAnswered(Part):
    """What a requester answered, and whether that closes the file by rule."""

    answers: Mapping[Code, Code]
    archives: bool


class UnitEntered(Part):
    """A unit of the register by the number of handlers it names, and whether its keeper is told of too few."""

    handlers: Annotated[int, Field(ge=0)]
    flagged: bool


class Redo(Part):
    """A ticket sent back to be handled again, with the closing limit of the new round."""

    dispatched_at: AwareDatetime
    closing_due_at: AwareDatetime


class Scenario(Part):
    """One story and what must come of it; see ``rehearse``."""

    words: Words
    situation: SituationShape | None = None
    dispatched_at: AwareDatetime | None = None
    deadlines: Annotated[Mapping[Kind, ExpectedDeadline], Field(min_length=1)] | None = None
    facts: tuple[Fact, ...] = ()
    filed_return: ReturnFiled | None = Field(default=None, alias="return")
    registration: Registration | None = None
    refusal: Refusal | None = None
    outcome: OutcomeExpected | None = None
    callback: CallbackAnswered | None = None
    unit: UnitEntered | None = None
    closes_at_once: bool | None = None
    redo: Redo | None = None
