"""Typed matchers over the situation of a ticket: a closed set, and no expression language.

What the matchers can not say is not squeezed into a pack: it becomes a named mechanism in code that packs switch on.
"""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from common.policy.ruled import Part


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules may look at when they ask which limit, ground or table row applies. Codes are the pack's own.

    ``co_handlers``: how many units handle it beside the lead.
    """

    type: str | None = None
    channel: str | None = None
    category: str | None = None
    urgency: str | None = None
    marks: frozenset[str] = frozenset()
    round: int = 1
    anonymous: bool = False
    contact: bool = True
    confidential: bool = False
    co_handlers: int = 0


class TextTest(Part):
    """A test of a code or a path. On marks it holds when some mark passes; a missing value never passes."""

    eq: StrictStr | None = None
    in_: Annotated[tuple[StrictStr, ...], Field(min_length=1)] | None = Field(default=None, alias="in")
    prefix: Annotated[StrictStr, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.eq is None and self.in_ is None and self.prefix is None:
            raise ValueError("a test of a text needs eq, in or prefix")
        return self

    def passes(self, value: str | None) -> bool:
        return (
            value is not None
            and (self.eq is None or value == self.eq)
            and (self.in_ is None or value in self.in_)
            and (self.prefix is None or value.startswith(self.prefix))
        )

    def codes(self) -> tuple[str, ...]:
        """Codes the test names outright; prefixes name none."""
        return ((self.eq,) if self.eq is not None else ()) + (self.in_ or ())


class NumberTest(Part):
    """A test of a whole number; ``gte`` and ``lte`` include their limit, and several tests must all hold."""

    eq: StrictInt | None = None
    in_: Annotated[tuple[StrictInt, ...], Field(min_length=1)] | None = Field(default=None, alias="in")
    gte: StrictInt | None = None
    lte: StrictInt | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.eq is None and self.in_ is None and self.gte is None and self.lte is None:
            raise ValueError("a test of a number needs eq, in, gte or lte")
        return self

    def passes(self, value: int) -> bool:
        return (
            (self.eq is None or value == self.eq)
            and (self.in_ is None or value in self.in_)
            and (self.gte is None or value >= self.gte)
            and (self.lte is None or value <= self.lte)
        )


class When(Part):
    """A condition on a situation: everything it names must hold. ``contact``: the requester left one."""

    type: TextTest | None = None
    channel: TextTest | None = None
    category: TextTest | None = None
    urgency: TextTest | None = None
    marks: TextTest | None = None
    round: NumberTest | None = None
    anonymous: StrictBool | None = None
    contact: StrictBool | None = None
    confidential: StrictBool | None = None
    co_handlers: NumberTest | None = None
    all_: Annotated[tuple["When", ...], Field(min_length=1)] | None = Field(default=None, alias="all")
    any_: Annotated[tuple["When", ...], Field(min_length=1)] | None = Field(default=None, alias="any")
    not_: "When | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("a condition names nothing; leave `when` out if the rule holds for every situation")
        return self

    def holds(self, situation: Situation) -> bool:
        return (
            (self.type is None or self.type.passes(situation.type))
            and (self.channel is None or self.channel.passes(situation.channel))
            and (self.category is None or self.category.passes(situation.category))
            and (self.urgency is None or self.urgency.passes(situation.urgency))
            and (self.marks is None or any(self.marks.passes(mark) for mark in situation.marks))
            and (self.round is None or self.round.passes(situation.round))
            and (self.anonymous is None or self.anonymous is situation.anonymous)
            and (self.contact is None or self.contact is situation.contact)
            and (self.confidential is None or self.confidential is situation.confidential)
            and (self.co_handlers is None or self.co_handlers.passes(situation.co_handlers))
            and (self.all_ is None or all(part.holds(situation) for part in self.all_))
            and (self.any_ is None or any(part.holds(situation) for part in self.any_))
            and (self.not_ is None or not self.not_.holds(situation))
        )

    def nested(self) -> tuple["When", ...]:
        """This condition and every one inside it."""
        inner = (*(self.all_ or ()), *(self.any_ or ()), *((self.not_,) if self.not_ else ()))
        return (self, *(deeper for part in inner for deeper in part.nested()))
