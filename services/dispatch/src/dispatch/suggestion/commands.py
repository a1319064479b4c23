"""派单建议: the items of the catalogue in force that a matter may be, and what each of them comes to.

Nothing is written: a suggestion is not a decision. What a dispatcher makes of it stands in ``Dispatched``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from common.clock import local_date
from common.messaging.room import Room
from common.policy.catalogue import Catalogue, Duty, Question, Reference, Statute, is_unit
from common.policy.circumstances import Answer
from common.web.problems import invalid
from dispatch.docket import SHELF
from dispatch.suggestion.rules import (
    WEAK,
    AnswerRefused,
    Decision,
    ItemRefused,
    Ranked,
    check_answers,
    check_named,
    circumstances,
    decide,
    named_in_address,
    rank,
)
from dispatch.suggestion.store import is_working_day
from dispatch.units.rules import Unit
from dispatch.units.store import of_jurisdiction


@dataclass(frozen=True, slots=True)
class Matter:
    """What is told of a matter: in words, or by the item's number, or both."""

    jurisdiction: str
    at: datetime
    statement: str | None = None
    item: str | None = None
    category: str | None = None
    address: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meant:
    """A reference of the catalogue: the unit whose name stands in the address, and all that it may be."""

    reference: Reference
    unit: str | None
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggested:
    """An item (None: what is outside the catalogue), what it comes to, and what is quoted for it.

    ``proposal``: nobody named the item; the statement's words led to it, or to none.
    """

    item: str | None
    score: float
    duty: Duty
    decision: Decision
    statutes: tuple[tuple[Statute, tuple[str, ...]], ...]
    meant: Mapping[str, Meant]
    proposal: bool

    @property
    def weak(self) -> bool:
        """Whether the item is no more than a guess."""
        return self.proposal and self.item is not None and self.score < WEAK

    @property
    def unresolved(self) -> bool:
        """Whether somebody answers for it, and none of them is known by code."""
        return bool(self.decision.addressees) and not self.units(self.decision.addressees)

    @property
    def person(self) -> bool:
        """Whether a person has to decide: no rule does, or not about who answers, or not about the item."""
        return self.decision.manner == "person" or self.unresolved or self.weak

    def units(self, addressees: tuple[str, ...]) -> tuple[str, ...]:
        """The addressees that are known by their code."""
        found = (one if is_unit(one) else self.meant[one].unit for one in addressees)
        return tuple(unit for unit in found if unit is not None)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """``found`` is empty where no item fits; ``outside`` then tells whose the matter is, where the pack says so."""

    found: tuple[Suggested, ...]
    outside: Suggested | None = None
    questions: Mapping[str, Question] = field(default_factory=dict)


async def suggest(room: Room, matter: Matter) -> Suggestions:
    """What the catalogue in force at that instant says.

    422 names the item or the answer that it does not know. ``NoPackInForce`` for a jurisdiction without a pack.
    """
    pack = await SHELF.in_force(room.database, matter.jurisdiction, matter.at)
    catalogue = pack.catalogue
    if catalogue is None:
        if matter.item is not None:
            raise invalid("item", "unknown_item", "本地没有责任清单。")
        return Suggestions(())
    questions = catalogue.questions or {}
    ranked = _ranked(catalogue, matter)
    try:
        check_answers(matter.answers, questions)
    except AnswerRefused as refused:
        raise invalid(f"answers.{refused.question}", refused.rule, refused.message) from None
    async with room.database.engine.connect() as connection:
        units = await of_jurisdiction(connection, matter.jurisdiction)
        on = local_date(matter.at)
        working = await is_working_day(connection, on) if catalogue.working_daytime is not None else None
    known = circumstances(catalogue, matter.at, working, matter.answers)
    standing = {code: unit for code, unit in units.items() if not unit.ended(on)}

    proposal = matter.item is None

    def suggested(number: str | None, score: float, duty: Duty) -> Suggested:
        meant = _meant(catalogue, duty, standing, matter.address)
        return Suggested(number, score, duty, decide(duty, known), catalogue.provisions(duty, on), meant, proposal)

    found = tuple(suggested(one.item, one.score, catalogue.items[one.item]) for one in ranked)
    outside = suggested(None, 0.0, catalogue.outside) if catalogue.outside is not None and not found else None
    return Suggestions(found, outside, questions)


def _ranked(catalogue: Catalogue, matter: Matter) -> tuple[Ranked, ...]:
    on = local_date(matter.at)
    if matter.item is not None:
        try:
            check_named(catalogue, matter.item, on)
        except ItemRefused as refused:
            raise invalid("item", refused.rule, refused.message) from None
        return (Ranked(matter.item, 1.0),)
    words = "，".join(part for part in (matter.category, matter.statement) if part)
    return rank(words, catalogue, on)


def _meant(catalogue: Catalogue, duty: Duty, units: Mapping[str, Unit], address: str | None) -> Mapping[str, Meant]:
    found: dict[str, Meant] = {}
    for code in dict.fromkeys(duty.addressees()):
        if is_unit(code):
            continue
        reference = (catalogue.references or {})[code]
        candidates = {one.code: one.name for one in units.values() if reference.kind in (None, one.kind)}
        unit = named_in_address(candidates, address) if reference.by == "address" else None
        found[code] = Meant(reference, unit, tuple(sorted(candidates)) if reference.by == "address" else ())
    return found
