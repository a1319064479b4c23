"""Accountability (责任追究): what a rule finds in the facts about a unit, or in its months (双鸭山 第三十四条)."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from common.policy.accountability import Ground
from common.policy.limits import Kind
from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from review.accountability.rules import (
    CARRIED_OUT,
    DecisionNotOfKind,
    Fact,
    FactKind,
    Follows,
    Found,
    Tally,
    concerned,
    decided,
    found,
    kind_of_notice,
    months_back,
    months_found,
)
from review.refusals import FieldRefused

_TICKET: Final = UUID(int=1)


class FactTold(Part):
    """One fact. ``missed`` with its duty and limit; ``times``: the same so many times over."""

    kind: FactKind
    at: AwareDatetime
    round: int = 1
    duty: Kind | None = None
    due_at: AwareDatetime | None = None
    done_at: AwareDatetime | None = None
    ground: Code | None = None
    because_designated: bool = False
    times: Annotated[int, Field(ge=1)] = 1


class MonthTold(Part):
    """A month's callbacks: how many were asked, how many were satisfied."""

    asked: int
    good: int


class Finding(Expectation):
    """A ground, the facts, and what the rule says of them: the sentence and its clauses, or nothing.

    ``names``: whom a person who brings it forward must name.
    ``months``: the last of them is ``last``; then the ground is sought in months and not in facts.
    """

    ground: Code
    facts: Annotated[tuple[FactTold, ...], BeforeValidator(listed)] = ()
    months: tuple[MonthTold, ...] = ()
    last: date | None = None
    said: Words | None = None
    articles: tuple[Words, ...] = ()
    follows: Literal["notice", "referral"] | None = None
    names: Literal["unit", "account"] | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        section = stage.pack.accountability
        ground = section.grounds.get(self.ground) if section else None
        if ground is None:
            yield f"the pack knows no ground {self.ground}"
            return
        result: Found | None
        if self.last is not None:
            tallies = {one.month: one for one in self._tallies(self.last)}
            row = months_found(ground, tallies, self.last)
            result = row[0] if row else None
        else:
            result = found(ground, self._facts())
        yield from compare(f"found on {self.ground}", self.said, result.said if result else None)
        yield from compare(f"articles of {self.ground}", self.articles, articles(result.basis) if result else ())
        if self.names is not None:
            yield from self._brought_forward(ground)
        if self.follows is not None:
            yield from self._carried_out(ground, self.follows)

    def _carried_out(self, ground: Ground, follows: Follows) -> Iterator[str]:
        """A person who decides may issue a notice, or send a referral, and is refused the other."""
        for decision in CARRIED_OUT.values():
            try:
                decided("open", ground.follows, decision)
                may = True
            except DecisionNotOfKind:
                may = False
            yield from compare(f"{self.ground}: a person may {decision}", decision == CARRIED_OUT[follows], may)

    def _brought_forward(self, ground: Ground) -> Iterator[str]:
        """A person brings the ground forward against the one that it concerns, and is refused with the other."""
        for named in ("unit", "account"):
            try:
                concerned(
                    ground, unit="某单位" if named == "unit" else None, account="x" if named == "account" else None
                )
                fits = True
            except FieldRefused:
                fits = False
            yield from compare(f"{self.ground} is brought forward against a named {named}", named == self.names, fits)

    def _facts(self) -> Iterator[Fact]:
        place = 0
        for told in self.facts:
            for _ in range(told.times):
                place += 1
                yield Fact(
                    event=UUID(int=place), kind=told.kind, unit="某单位", ticket=_TICKET, round=told.round, at=told.at,
                    duty=told.duty, due_at=told.due_at, done_at=told.done_at, case=UUID(int=1000 + place),
                    ground=told.ground, because_designated=told.because_designated,
                )  # fmt: skip

    def _tallies(self, last: date) -> Iterator[Tally]:
        for back, month in enumerate(reversed(self.months)):
            yield Tally(months_back(last, back), month.asked, month.good)


class NoticeOfKind(Expectation):
    """What a notice is when a person chose this kind, or none."""

    chosen: Code | None = None
    kind: Code | None = None
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        section, what = stage.pack.accountability, f"a notice for which {self.chosen or 'nothing'} was chosen"
        if section is None:
            yield "the pack knows no accountability"
            return
        try:
            kind, basis = kind_of_notice(section, self.chosen)
        except FieldRefused as refused:
            yield from compare(what, self.refused, refused.detail)
            yield from compare(f"articles: {what}", self.articles, articles(refused.basis))
            return
        yield from compare(what, self.kind, kind)
        yield from compare(f"articles: {what}", self.articles, articles(basis))
