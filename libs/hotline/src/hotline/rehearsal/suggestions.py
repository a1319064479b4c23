"""Suggestions (派单建议): whose a matter is by the responsibility catalogue, as its document prints the columns."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from common.clock import SHANGHAI, local_date
from common.policy import Pack
from common.policy.catalogue import Catalogue, ClosingDirection, Duty, ItemNumber, Role, is_unit
from common.policy.ruled import Code, Part, Words
from dispatch.suggestion.rules import (
    AnswerRefused,
    Decision,
    Help,
    ItemRefused,
    check_answers,
    check_named,
    circumstances,
    decide,
    rank,
)
from hotline.rehearsal.stage import Comparison, Expectation, Stage, compare

_ROLES: Final[Mapping[Role, str]] = {"co_handler": "协办", "assist": "协助", "guide": "指导", "enforce": "执法"}
_ACTIONS: Final = {"return": "退", "call": "打", "transfer": "转"}
OUTSIDE: Final = "outside"
"""Written instead of a number: what no item covers."""


def _one_or_more(data: object) -> object:
    return [data] if isinstance(data, str) else data


Names = Annotated[tuple[Words, ...], BeforeValidator(_one_or_more)]


class Suggestion(Expectation):
    """An item, by its number or found by a ``statement``, and what it comes to.

    ``at``: without it ten o'clock on the day from which the pack is in force. ``lead``, ``joint``, ``by_function``:
    names as printed. ``helpers``: as printed, 执法：综合行政执法队; a question mark behind one that depends on an
    answer. ``routing``: 退, 打 or 转, to whom, and the reason in brackets. ``asks``: the questions left. ``statutes``:
    titles with their articles.
    """

    item: ItemNumber | Literal["outside"]
    statement: Words | None = None
    answers: Mapping[Code, StrictBool | StrictInt | StrictStr] = Field(default_factory=dict)
    at: AwareDatetime | None = None

    lead: Names = ()
    joint: Names = ()
    by_function: Names = ()
    helpers: Names = ()
    routing: Words | None = None
    closing: tuple[ClosingDirection, ...] = ()
    remark: Words | None = None
    nobody: bool = False
    person: bool = False
    asks: Names = ()
    statutes: tuple[Words, ...] | None = None
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        catalogue = stage.pack.catalogue
        if catalogue is None:
            yield "the pack has no responsibility catalogue"
            return
        at = self.at or datetime.combine(stage.pack.effective_from, time(10), SHANGHAI)
        if self.statement is not None:
            found = rank(self.statement, catalogue, local_date(at))
            yield from compare(f"the item of {self.statement}", self.item, found[0].item if found else OUTSIDE)
        try:
            duty = self._duty(catalogue, at)
            check_answers(self.answers, catalogue.questions or {})
        except (ItemRefused, AnswerRefused) as refused:
            yield from compare(f"item {self.item}", self.refused, refused.message)
            return
        yield from compare(f"item {self.item} is refused", self.refused, None)
        if duty is None:
            yield "the catalogue does not say whose a matter is that no item covers"
            return
        working = stage.calendar.describe(local_date(at)).counts
        decision = decide(duty, circumstances(catalogue, at, working, self.answers))
        yield from self._compared(decision, stage.pack, catalogue)
        if self.statutes is not None:
            quoted = catalogue.provisions(duty, local_date(at))
            told = tuple(statute.label + "、".join(articles) for statute, articles in quoted)
            yield from compare(f"statutes of item {self.item}", self.statutes, told)

    def _duty(self, catalogue: Catalogue, at: datetime) -> Duty | None:
        return catalogue.outside if self.item == OUTSIDE else check_named(catalogue, self.item, local_date(at))

    def _compared(self, decision: Decision, pack: Pack, catalogue: Catalogue) -> Iterator[str]:
        what = f"item {self.item} with {dict(self.answers)}" if self.answers else f"item {self.item}"
        names = _Names(pack, catalogue)
        who = tuple(names.of(one) for one in decision.addressees)
        for manner in ("lead", "joint", "by_function"):
            named = who if decision.manner == manner else ()
            yield from compare(f"{manner} of {what}", getattr(self, manner), named)
        yield from compare(f"helpers of {what}", self.helpers, tuple(names.helping(one) for one in decision.helpers))
        routing = decision.routing
        reason = f"（{routing.reason}）" if routing is not None and routing.reason else ""
        told = None if routing is None else f"{_ACTIONS[routing.action]}{routing.to}{reason}"
        yield from compare(f"routing of {what}", self.routing, told)
        yield from compare(f"closing of {what}", self.closing, decision.closing)
        yield from compare(f"remark on {what}", self.remark, decision.remark)
        yield from compare(f"nobody answers for {what}", self.nobody, decision.manner == "nobody")
        yield from compare(f"a person decides about {what}", self.person, decision.manner == "person")
        yield from compare(f"questions about {what}", self.asks, decision.unanswered)


class _Names:
    """Units and references as the documents call them."""

    def __init__(self, pack: Pack, catalogue: Catalogue) -> None:
        self._units = {unit.code: unit.name for unit in pack.units}
        self._references = catalogue.references or {}

    def of(self, addressee: str) -> str:
        return self._units[addressee] if is_unit(addressee) else self._references[addressee].label

    def helping(self, one: Help) -> str:
        qualifier = f"（{one.helping.qualifier}）" if one.helping.qualifier else ""
        role = ("必要时" if one.helping.as_needed else "") + _ROLES[one.helping.role]
        return f"{role}：{self.of(one.helping.unit)}{qualifier}{'？' if one.pending else ''}"


class ItemPrinted(Part):
    """What an item is called, in which class and group it stands, what of the matter falls under it."""

    title: Words
    scope: Words | None = None
    class_: Words | None = Field(default=None, alias="class")
    group: Words | None = None
    article: Words


class ItemsPrinted(Comparison):
    """Items of the catalogue by number, as they are printed; ``count``: how many there are in all."""

    count: int
    items: Mapping[ItemNumber, ItemPrinted]
    outside: ItemPrinted | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        catalogue = stage.pack.catalogue
        if catalogue is None:
            yield "the pack has no responsibility catalogue"
            return
        yield from compare("items of the catalogue", self.count, len(catalogue.items))
        for number, printed in self.items.items():
            item = catalogue.items.get(number)
            if item is None:
                yield f"the catalogue has no item {number}"
                continue
            yield from _printed(f"item {number}", printed, item)
            label = (catalogue.classes or {})[item.class_].label if item.class_ is not None else None
            yield from compare(f"class of item {number}", printed.class_, label)
            group = (catalogue.groups or {})[item.group].label if item.group is not None else None
            yield from compare(f"group of item {number}", printed.group, group)
        if self.outside is not None and catalogue.outside is not None:
            yield from _printed("what is outside the catalogue", self.outside, catalogue.outside)


def _printed(what: str, printed: ItemPrinted, duty: Duty) -> Iterator[str]:
    yield from compare(f"title of {what}", printed.title, duty.title)
    yield from compare(f"scope of {what}", printed.scope, duty.scope)
    yield from compare(f"article of {what}", printed.article, duty.basis.article)
