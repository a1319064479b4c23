"""``POST /v1/suggestions``: which item a matter may be, who answers for it, what is still to be asked."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from common.basis import Basis
from common.events.dispatch import Manner
from common.events.envelope import Jurisdiction
from common.messaging.room import Room
from common.policy import NoPackInForce
from common.policy.catalogue import ClosingDirection, ItemNumber, Question, Role, Routing, is_unit
from common.policy.circumstances import Answer
from common.policy.ruled import Code
from common.security.access import require
from common.security.bearer import Caller
from common.web.inputs import ApiModel, Instant, Text
from common.web.problems import invalid
from common.web.routing import router
from dispatch.suggestion.commands import Matter, Suggested, Suggestions, suggest
from dispatch.suggestion.rules import Decision, Help


def _of_one_kind(told: object) -> object:
    """One refusal for what is no answer at all, instead of one for each kind of answer."""
    if not isinstance(told, bool | int | str):
        raise PydanticCustomError("answer", "no yes or no, no whole number, no option")
    return told


AnswerTold = Annotated[bool | int | Annotated[str, Text(60)], BeforeValidator(_of_one_kind)]


class MatterTold(ApiModel):
    """A matter in words, or an item by its number. ``at``: for another instant than now; the hour may decide."""

    jurisdiction: Jurisdiction
    statement: Annotated[str, Text(20_000)] | None = None
    item: ItemNumber | None = None
    category: Annotated[str, Text(200)] | None = None
    address: Annotated[str, Text(500)] | None = None
    answers: Annotated[dict[Code, AnswerTold], Field(default_factory=dict, max_length=50)]
    at: Instant | None = None


class Unresolved(BaseModel):
    """A unit that the catalogue names by what it is to the matter. ``unit``: the one whose name stands in the address;
    null: a person chooses, by address among ``candidates``, or by what ``by`` names. ``role``: where it would stand if
    it were known; for a helper see ``helpers``."""

    reference: str
    role: Literal["lead", "joint", "by_function", "helper"]
    label: str
    by: str
    unit: str | None
    candidates: tuple[str, ...]


class HelperShown(BaseModel):
    """A helper in its role. ``unit`` null: see ``references``. ``pending``: the questions on which it depends."""

    unit: str | None
    reference: str | None
    role: Role
    qualifier: str | None
    as_needed: bool
    pending: tuple[str, ...]


class StatuteQuoted(BaseModel):
    title: str
    articles: tuple[str, ...]


class ItemSuggested(BaseModel):
    """An item and what it comes to. ``item`` null: what is outside the catalogue.

    ``manner``: ``lead``, several as paired leads; ``joint`` and ``by_function`` without a lead; ``nobody``: the item
    names none; ``routing``: not for a unit of this hotline; ``ask``: answer ``questions`` first; ``person``: no rule
    decides. ``proposal``: nobody named the item, it is guessed from the statement's words; ``score`` says how near they
    are. ``unresolved``: none of those who answer is known by code, see ``references``. ``person``: a person has to
    decide: ``manner`` says so, or it is ``unresolved``, or the words are too far from the item's. ``basis``: in the
    words that decide, in the item's general words as long as none do.
    """

    item: str | None
    title: str
    scope: str | None
    score: float
    proposal: bool
    manner: Manner
    unresolved: bool
    person: bool
    lead: tuple[str, ...]
    joint: tuple[str, ...]
    by_function: tuple[str, ...]
    co_handlers: tuple[str, ...]
    helpers: tuple[HelperShown, ...]
    references: tuple[Unresolved, ...]
    routing: Routing | None
    closing: tuple[ClosingDirection, ...]
    remark: str | None
    questions: tuple[str, ...]
    basis: Basis
    statutes: tuple[StatuteQuoted, ...]


class QuestionAsked(BaseModel):
    """``options``: what can be answered; empty: a whole number of ``counted_in``. ``labels``: the options in words."""

    id: str
    ask: str
    options: tuple[bool | str, ...]
    labels: dict[str, str]
    counted_in: str | None


class SuggestionsShown(BaseModel):
    """``items``: the best first. ``questions``: whatever one of the items, or ``outside``, still depends on, the best
    one's first. ``person``: a person has to decide about the best one. ``none_fits``: nothing in the catalogue covers
    it; ``outside`` then says whose such a matter is."""

    items: tuple[ItemSuggested, ...]
    questions: tuple[QuestionAsked, ...]
    none_fits: bool
    person: bool
    outside: ItemSuggested | None


def suggestion_routes(room: Room) -> APIRouter:
    """派单建议。"""
    routes = router(prefix="/v1/suggestions", tags=["派单建议"])

    @routes.post("")
    async def suggest_items(told: MatterTold, caller: Caller) -> SuggestionsShown:
        """派单建议：按诉求内容或者清单编号，给出责任单位、依据和尚需询问的问题；不登记任何事项。"""
        require("suggestion.ask", caller, jurisdiction=told.jurisdiction)
        if told.statement is None and told.item is None:
            raise invalid("statement", "required", "请填写诉求内容，或者责任清单的编号。")
        answers: dict[str, Answer] = dict(told.answers)
        matter = Matter(
            told.jurisdiction,
            told.at or room.clock.now(),
            told.statement,
            told.item,
            told.category,
            told.address,
            answers,
        )
        try:
            return _shown(await suggest(room, matter))
        except NoPackInForce as none:
            field, rule = ("at", "no_policy") if none.known else ("jurisdiction", "unknown")
            raise invalid(field, rule, "该地区在所述时间没有施行的规则。") from None

    return routes


def _shown(found: Suggestions) -> SuggestionsShown:
    shown = found.found or (() if found.outside is None else (found.outside,))
    asked = dict.fromkeys(code for one in shown for code in one.decision.unanswered)
    return SuggestionsShown(
        items=tuple(_item(one) for one in found.found),
        questions=tuple(_question(code, found.questions[code]) for code in asked),
        none_fits=not found.found,
        person=not shown or shown[0].person,
        outside=None if found.outside is None else _item(found.outside),
    )


def _item(one: Suggested) -> ItemSuggested:
    decision, duty = one.decision, one.duty
    units = one.units(decision.addressees)
    certain = tuple(help_.helping for help_ in decision.helpers if not help_.pending and not help_.helping.as_needed)
    named = {*decision.addressees, *(help_.helping.unit for help_ in decision.helpers)}
    return ItemSuggested(
        item=one.item,
        title=duty.title,
        scope=duty.scope,
        score=one.score,
        proposal=one.proposal,
        manner=decision.manner,
        unresolved=one.unresolved,
        person=one.person,
        lead=units if decision.manner == "lead" else (),
        joint=units if decision.manner == "joint" else (),
        by_function=units if decision.manner == "by_function" else (),
        co_handlers=one.units(tuple(helping.unit for helping in certain if helping.role == "co_handler")),
        helpers=tuple(_helper(help_, one) for help_ in decision.helpers),
        references=tuple(
            Unresolved(
                reference=code,
                role=_role(decision, code),
                label=meant.reference.label,
                by=meant.reference.by,
                unit=meant.unit,
                candidates=meant.candidates,
            )
            for code, meant in one.meant.items()
            if code in named
        ),
        routing=decision.routing,
        closing=decision.closing,
        remark=decision.remark,
        questions=decision.unanswered,
        basis=decision.basis,
        statutes=tuple(StatuteQuoted(title=statute.label, articles=articles) for statute, articles in one.statutes),
    )


def _role(decision: Decision, code: str) -> Literal["lead", "joint", "by_function", "helper"]:
    if code not in decision.addressees:
        return "helper"
    if decision.manner == "joint" or decision.manner == "by_function":
        return decision.manner
    return "lead"


def _helper(help_: Help, one: Suggested) -> HelperShown:
    helping = help_.helping
    return HelperShown(
        unit=next(iter(one.units((helping.unit,))), None),
        reference=None if is_unit(helping.unit) else helping.unit,
        role=helping.role,
        qualifier=helping.qualifier,
        as_needed=helping.as_needed,
        pending=help_.pending,
    )


def _question(code: str, question: Question) -> QuestionAsked:
    yes_or_no = question.options is None and question.counted_in is None
    return QuestionAsked(
        id=code,
        ask=question.label,
        options=(True, False) if yes_or_no else tuple(question.options or ()),
        labels=dict(question.options or {}),
        counted_in=question.counted_in,
    )
