"""Notices of criticism and referrals: on which grounds, whom they concern, and which of them a rule can find."""

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from common.policy.limits import Duty
from common.policy.ruled import Code, Entry, Part, Register, Ruled, Words

Statement = Literal["extension_asked_in_time", "statement_submitted"]
"""What a unit can have said for itself when its result is late."""

AtLeastOne = Annotated[StrictInt, Field(ge=1, le=1000)]


class LateWithoutStatement(Ruled):
    """One of these duties was missed, and none of these statements was made for it; none listed: nothing excuses it."""

    mechanism: Literal["late_without_statement"]
    duties: Annotated[tuple[Duty, ...], Field(min_length=1)]
    statements: tuple[Statement, ...]


class LowSatisfaction(Ruled):
    """In each of so many months in a row less than ``below_percent`` of those asked were satisfied.

    A month in which fewer than ``fewest_callbacks`` tickets were asked about says nothing and breaks the row.
    """

    mechanism: Literal["low_satisfaction"]
    months: Annotated[StrictInt, Field(ge=1, le=24)]
    below_percent: Annotated[StrictInt, Field(ge=1, le=100)]
    fewest_callbacks: AtLeastOne


class SupervisionUnanswered(Ruled):
    """The written reply to a supervision order was missed."""

    mechanism: Literal["supervision_unanswered"]


class DesignatedInactive(Ruled):
    """A unit that had been designated missed one of these duties, which ran out after the designation."""

    mechanism: Literal["designated_inactive"]
    duties: Annotated[tuple[Duty, ...], Field(min_length=1)]


class Shirking(Ruled):
    """A unit's returns of one ticket were denied so often, in all or because it was designated.

    ``denied_in_all`` left out: only those of a designated unit count (清远 三（三）).
    ``not_counted``: grounds of denial that say nothing about shirking.
    """

    mechanism: Literal["shirking"]
    denied_in_all: AtLeastOne | None = None
    denied_when_designated: AtLeastOne
    not_counted: tuple[Code, ...] = ()


FoundBy = Annotated[
    LateWithoutStatement | LowSatisfaction | SupervisionUnanswered | DesignatedInactive | Shirking,
    Field(discriminator="mechanism"),
]
Mechanism = Literal[
    "late_without_statement", "low_satisfaction", "supervision_unanswered", "designated_inactive", "shirking"
]


class Ground(Entry):
    """A ground of accountability. Without ``found_by`` only a person can bring it forward."""

    concerns: Literal["operator", "unit"]
    follows: Literal["notice", "referral"]
    found_by: FoundBy | None = None

    @model_validator(mode="after")
    def _units_are_found(self) -> Self:
        if self.found_by is not None and self.concerns == "operator":
            raise ValueError("no rule finds grounds that concern operators: the facts tell of units")
        return self


NoticeKindCode = Literal["criticism", "prompt", "talk"]


class NoticeKind(Entry):
    """What a notice may be: 通报, 工作提示, 约谈提醒 (双鸭山 第三十一条)."""

    code: NoticeKindCode


class NoticeKinds(Ruled):
    """The kinds of notice; ``default``: what one is unless the person who decides chooses another."""

    default: NoticeKindCode
    kinds: Register[NoticeKind]

    @model_validator(mode="after")
    def _default_is_listed(self) -> Self:
        if self.default not in self.kinds:
            raise ValueError(f"no kind of notice is called {self.default!r}")
        return self


class Addressee(Ruled):
    """The body that a referral goes to unless the person who sends it names another."""

    name: Words


class Accountability(Part):
    """责任追究 (双鸭山 第三十四条). Without ``notice_kinds`` every notice is one of criticism."""

    grounds: Register[Ground]
    notice_kinds: NoticeKinds | None = None
    addressee: Addressee

    @model_validator(mode="after")
    def _one_ground_per_mechanism(self) -> Self:
        named = [ground.found_by.mechanism for ground in self.grounds.values() if ground.found_by]
        for mechanism in sorted({one for one in named if named.count(one) > 1}):
            raise ValueError(f"two grounds are found by {mechanism!r}")
        return self

    def found(self) -> tuple[Ground, ...]:
        """The grounds that a rule finds."""
        return tuple(ground for ground in self.grounds.values() if ground.found_by is not None)

    def ground_of(self, mechanism: Mechanism) -> Ground | None:
        """The ground that this mechanism finds; none: the pack leaves the mechanism off."""
        return next((one for one in self.found() if one.found_by and one.found_by.mechanism == mechanism), None)

    def duties(self) -> frozenset[str]:
        """The kinds of duty whose being missed says something here."""
        watched: set[str] = set()
        for ground in self.found():
            match ground.found_by:
                case LateWithoutStatement(duties=duties) | DesignatedInactive(duties=duties):
                    watched.update(duties)
                case SupervisionUnanswered():
                    watched.add("supervision_reply")
        return frozenset(watched)

    def by_hand(self, follows: Literal["notice", "referral"]) -> tuple[Ground, ...]:
        """The grounds on which a person may bring something forward: all; a rule does not see everything."""
        return tuple(ground for ground in self.grounds.values() if ground.follows == follows)

    def unknown_denials(self, denials: Collection[str]) -> tuple[str, ...]:
        """Grounds of denial that are named here and that the pack does not have."""
        shirking = self.ground_of("shirking")
        named = shirking.found_by.not_counted if shirking and isinstance(shirking.found_by, Shirking) else ()
        return tuple(code for code in named if code not in denials)
