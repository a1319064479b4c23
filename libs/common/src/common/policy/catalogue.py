"""The responsibility catalogue (责任清单): which unit answers for which matter, on which conditions, by which laws.

An item is known by its number, for names repeat with another scope. A combination that no row names is nobody's by
rule: a person decides.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from common.basis import Basis
from common.policy.circumstances import Answer, Condition, Hours
from common.policy.ruled import LONGEST_QUOTE, Code, Entry, Part, Period, Register, Ruled, Words

ItemNumber = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2})?$")]
"""As the document counts: ``84``, or with its chapter ``2.4``."""

Addressee = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)?$", max_length=100)]
"""A unit by its code (``tongjiang.jiaoyuju``), or, without a point, a reference that still has to be resolved."""

Quote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=LONGEST_QUOTE)]
"""The few decisive words of a row, as they stand in its item's clause."""

Role = Literal["co_handler", "assist", "guide", "enforce"]
"""协办（配合）, 协助, 指导, 执法."""

ClosingDirection = Literal["not_untrue", "signed_by_leader", "reply_keeps_secret"]
"""What an item says of closing: 不做不属实, 分管领导签字, 办结回复中答复资料保密."""


def is_unit(addressee: str) -> bool:
    """Whether this names a unit, and not a reference."""
    return "." in addressee


class ItemClass(Entry):
    """A class of items (违建类). The label is the document's heading."""


class Group(Entry):
    """Items that are switched on and off together (疫情防控). Without ``effective`` they hold as long as the pack."""

    effective: Period | None = None

    def holds(self, on: date) -> bool:
        return self.effective is None or self.effective.covers(on)


class Reference(Entry):
    """A unit that the document names by what it is to the matter: 辖区派出所 by the address, 审批部门 by the permit.

    ``kind``: the kind of unit in the register that it can be; None: any unit.
    """

    by: Literal["address", "permit", "matter"]
    kind: Code | None = None


class Question(Entry):
    """What the agent asks where a condition decides and the ticket does not say; the label is the question.

    Answered by yes or no; by one of ``options``; or by a whole number of ``counted_in``.
    """

    options: Annotated[Mapping[Code, Words], Field(min_length=2)] | None = None
    counted_in: Words | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.options is not None and self.counted_in is not None:
            raise ValueError("a question is answered by an option or by a number, not by both")
        return self

    def admits(self, answer: Answer) -> bool:
        """Whether this can be an answer at all."""
        if self.options is not None:
            return isinstance(answer, str) and answer in self.options
        if self.counted_in is not None:
            return isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0
        return isinstance(answer, bool)


class Statute(Entry):
    """A law, regulation or plan that an item rests on; the label is its title as the document gives it."""


class Provision(Part):
    """Articles of a statute, for as long as they bear these numbers. No articles: the statute as a whole."""

    statute: Code
    articles: tuple[Words, ...] = ()
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    assumption: Words | None = None

    def holds(self, on: date) -> bool:
        """Whether the articles are quoted so on that day; ``to`` is the last one."""
        return (self.from_ is None or self.from_ <= on) and (self.to is None or on <= self.to)


class Helping(Part):
    """A unit beside those that answer. ``qualifier``: the words in brackets (社区, 街面) as printed, ``when`` what they
    mean; the one never without the other. ``as_needed``: called in where the lead sees need (或会同)."""

    unit: Addressee
    role: Role
    qualifier: Words | None = None
    when: Condition | None = None
    as_needed: bool = False

    @model_validator(mode="after")
    def _qualifier_is_told(self) -> Self:
        if self.qualifier is not None and self.when is None:
            raise ValueError(f"the qualifier {self.qualifier!r} narrows nothing: `when` says what it means")
        return self


class Routing(Part):
    """What is done instead of sending it to a unit of one's own, or beside: 申请退, 拨打, 转."""

    action: Literal["return", "call", "transfer"]
    to: Words
    reason: Words | None = None


class Outcome(Part):
    """A row: who answers where its condition holds.

    ``lead``: 牵头 or 主办, several as paired leads; ``joint``: together, without a lead; ``by_function``: each by its
    own function, without a lead; ``nobody``: the item itself names no unit. ``routing`` stands alone or beside a lead.
    ``quote``: the words that decide this row, where the item's own words are not they.
    """

    when: Condition | None = None
    quote: Quote | None = None
    lead: tuple[Addressee, ...] = ()
    joint: tuple[Addressee, ...] = ()
    by_function: tuple[Addressee, ...] = ()
    nobody: Literal[True] | None = None
    routing: Routing | None = None
    helpers: tuple[Helping, ...] = ()
    closing: tuple[ClosingDirection, ...] = ()
    remark: Words | None = None

    @model_validator(mode="after")
    def _one_manner(self) -> Self:
        manners = [bool(self.lead), bool(self.joint), bool(self.by_function), self.nobody is True]
        if sum(manners) > 1:
            raise ValueError("a row names units in one manner: lead, joint, by_function or nobody")
        if not any(manners) and self.routing is None:
            raise ValueError("a row says who answers, or what is done instead, or `nobody: true`")
        if self.helpers and not self.addressees:
            raise ValueError("a row without a unit that answers has nobody to help")
        return self

    @property
    def addressees(self) -> tuple[str, ...]:
        """Who answers, in whatever manner."""
        return self.lead + self.joint + self.by_function


class Duty(Ruled):
    """A matter and its rows, the first that holds decides. ``helpers`` stand beside whoever a row names."""

    title: Words
    scope: Words | None = None
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    helpers: tuple[Helping, ...] = ()
    legal_basis: tuple[Provision, ...] = ()

    def basis_of(self, row: Outcome) -> Basis:
        """The clause in the words that decide this row: nobody is sent a ticket with another unit's sentence."""
        return self.basis if row.quote is None else self.basis.model_copy(update={"quote": row.quote})

    def conditions(self) -> Iterator[Condition]:
        """Every condition of its rows and helpers."""
        yield from (row.when for row in self.outcomes if row.when is not None)
        helping = (*self.helpers, *(one for row in self.outcomes for one in row.helpers))
        yield from (one.when for one in helping if one.when is not None)

    def addressees(self) -> Iterator[str]:
        """Everybody it names, helpers included."""
        for row in self.outcomes:
            yield from row.addressees
            yield from (one.unit for one in row.helpers)
        yield from (one.unit for one in self.helpers)


class Item(Duty):
    """An item of the catalogue. ``scope``: what of the matter falls under it (地域范围)."""

    class_: Code | None = Field(default=None, alias="class")
    group: Code | None = None


class WorkingDaytime(Ruled, Hours):
    """工作日白天: these hours of a working day."""

    @model_validator(mode="after")
    def _within_the_day(self) -> Self:
        if self.to < self.from_:
            raise ValueError(f"the working daytime ends at {self.to}, before it begins at {self.from_}")
        return self


class Catalogue(Part):
    """The items by number. ``outside``: whose a matter is that no item covers."""

    classes: Register[ItemClass] | None = None
    groups: Register[Group] | None = None
    references: Register[Reference] | None = None
    questions: Register[Question] | None = None
    statutes: Register[Statute] | None = None
    working_daytime: WorkingDaytime | None = None
    items: Annotated[Mapping[ItemNumber, Item], Field(min_length=1)]
    outside: Duty | None = None

    def duties(self) -> Iterator[tuple[tuple[str, ...], Duty]]:
        """The items and what is outside them, each with its place in the section."""
        yield from ((("items", number), item) for number, item in self.items.items())
        if self.outside is not None:
            yield ("outside",), self.outside

    def in_use(self, number: str, on: date) -> bool:
        """Whether the item's group is switched on that day."""
        group = self.items[number].group
        return group is None or self.groups is None or self.groups[group].holds(on)

    def provisions(self, duty: Duty, on: date) -> tuple[tuple[Statute, tuple[str, ...]], ...]:
        """What is quoted for it on that day: each statute with its articles."""
        statutes = self.statutes or {}
        return tuple((statutes[one.statute], one.articles) for one in duty.legal_basis if one.holds(on))
