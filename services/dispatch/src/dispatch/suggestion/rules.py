"""What the responsibility catalogue says of a matter: who answers, who helps, what is still to be asked.

Pure: the hour, the working day and the answers are told. No row that holds and nothing left to ask: a person decides.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from math import log, sqrt
from typing import Final

from common.basis import Basis
from common.clock import SHANGHAI
from common.events.dispatch import Manner
from common.policy.catalogue import Catalogue, ClosingDirection, Duty, Helping, Item, Outcome, Question, Routing
from common.policy.circumstances import Answer, Circumstances, Finding

ALWAYS: Final = Finding(True)


class ItemRefused(Exception):
    """An item that cannot be named: the rule broken, its sentence, and the clause of an item that is switched off."""

    def __init__(self, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(rule)
        self.rule = rule
        self.message = message
        self.basis = basis


class AnswerRefused(Exception):
    """An answer that the question does not admit: its code and the sentence."""

    def __init__(self, question: str, rule: str, message: str) -> None:
        super().__init__(f"{question}: {rule}")
        self.question = question
        self.rule = rule
        self.message = message


@dataclass(frozen=True, slots=True)
class Help:
    """A unit beside those that answer; whether it is called in depends on the questions in ``pending``."""

    helping: Helping
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rows come to. ``unanswered``: the questions, in the order of the rows, that still matter.

    ``basis``: the item's clause, in the words that decide; in its general words as long as no row decides.
    """

    manner: Manner
    basis: Basis
    addressees: tuple[str, ...] = ()
    helpers: tuple[Help, ...] = ()
    routing: Routing | None = None
    closing: tuple[ClosingDirection, ...] = ()
    remark: str | None = None
    unanswered: tuple[str, ...] = ()


def circumstances(
    catalogue: Catalogue, at: datetime, working_day: bool | None, answers: Mapping[str, Answer]
) -> Circumstances:
    """What is known of a matter at that instant, in Shanghai time."""
    local = at.astimezone(SHANGHAI).time()
    hours = catalogue.working_daytime
    daytime = None if hours is None or working_day is None else working_day and hours.cover(local)
    return Circumstances(local, daytime, answers)


def check_answers(answers: Mapping[str, Answer], questions: Mapping[str, Question]) -> None:
    """Whether the catalogue asks these questions and admits these answers; raises ``AnswerRefused``."""
    for code, answer in answers.items():
        question = questions.get(code)
        if question is None:
            raise AnswerRefused(code, "unknown_question", "责任清单没有这个问题。")
        if not question.admits(answer):
            raise AnswerRefused(code, "no_answer", f"“{question.label}”应答：{_admitted(question)}。")


def _admitted(question: Question) -> str:
    if question.options is not None:
        return "、".join(f"{code}（{label}）" for code, label in question.options.items())
    return f"整数（{question.counted_in}）" if question.counted_in is not None else "true 或 false"


def decide(duty: Duty, known: Circumstances) -> Decision:
    """The first row that holds, unless an earlier one still might: then its questions come first."""
    possible: list[str] = []
    calendar_wanting = False
    for row in duty.outcomes:
        found = row.when.find(known) if row.when is not None else ALWAYS
        if found.holds is None:
            possible += found.unanswered
            calendar_wanting = calendar_wanting or not found.unanswered
        elif found.holds and calendar_wanting and not possible:
            return Decision("person", duty.basis)
        elif found.holds and not possible:
            return _decided(duty, row, known)
        elif found.holds:
            break
    if not possible:
        return Decision("person", duty.basis)
    helpers = _helpers(duty.helpers, (), known)
    unanswered = _once((*possible, *(code for one in helpers for code in one.pending)))
    return Decision("ask", duty.basis, unanswered=unanswered)


def _decided(duty: Duty, row: Outcome, known: Circumstances) -> Decision:
    named = row.addressees
    helpers = _helpers((*row.helpers, *duty.helpers), named, known) if named else ()
    return Decision(
        _manner(row),
        duty.basis_of(row),
        named,
        helpers,
        row.routing,
        row.closing,
        row.remark,
        _once(code for one in helpers for code in one.pending),
    )


def _manner(row: Outcome) -> Manner:
    if row.lead:
        return "lead"
    if row.joint:
        return "joint"
    if row.by_function:
        return "by_function"
    return "nobody" if row.nobody else "routing"


def _helpers(listed: Iterable[Helping], named: tuple[str, ...], known: Circumstances) -> tuple[Help, ...]:
    """Those whose condition holds or may hold; who answers for the matter does not help beside."""
    found = []
    for one in listed:
        finding = one.when.find(known) if one.when is not None else ALWAYS
        if one.unit not in named and finding.holds is not False:
            found.append(Help(one, finding.unanswered))
    return tuple(found)


def _once(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


def named_in_address(candidates: Mapping[str, str], address: str | None) -> str | None:
    """Of the units (code → name) that a reference may mean, the only one whose name stands in the address."""
    found = [code for code, name in candidates.items() if address is not None and name in address]
    return found[0] if len(found) == 1 else None


def check_named(catalogue: Catalogue | None, item: str, on: date) -> Item:
    """The item that an assignment or a question names; raises ``ItemRefused``."""
    if catalogue is None or item not in catalogue.items:
        raise ItemRefused("unknown_item", "本地责任清单没有这一项。")
    if not catalogue.in_use(item, on):
        raise ItemRefused("item_off", "责任清单的这一项已停用。", (catalogue.items[item].basis,))
    return catalogue.items[item]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An item, and how much its words and the statement's have in common: 0 to 1."""

    item: str
    score: float


MOST = 5
"""Items that are suggested at most."""
LEAST = 0.05
"""Below this an item has no more than a chance pair of characters in common with the statement."""
WEAK = 0.15
"""Below this an item that was found by its words is no more than a guess: a person decides whether it is the one."""
NEAR = 0.5
"""An item is worth showing beside the best one from this part of its score on."""


def rank(statement: str, catalogue: Catalogue, on: date) -> tuple[Ranked, ...]:
    """The items in use whose words come nearest to the statement's, the best first; none where nothing fits.

    Purely lexical: pairs of neighbouring characters, the rarer in the catalogue the heavier. The score is the geometric
    mean of the part of the statement that the item covers and the part of the item's title that the statement covers.
    """
    words = {number: _words(catalogue, item) for number, item in catalogue.items.items()}
    spread = Counter(pair for pairs in words.values() for pair in pairs)

    def weight(pairs: Iterable[str]) -> float:
        return sum(log(1 + len(words) / max(spread[pair], 1)) for pair in pairs)

    said = _pairs(statement)
    scored = []
    for number, pairs in words.items():
        title = _pairs(catalogue.items[number].title)
        shared = said & pairs
        if shared and catalogue.in_use(number, on):
            covered = max(weight(said & title) / weight(title), weight(shared) / weight(pairs)) if title else 0.0
            scored.append(Ranked(number, round(sqrt(weight(shared) / weight(said) * covered), 3)))
    best = sorted(scored, key=lambda one: -one.score)[:MOST]
    return tuple(one for one in best if one.score >= max(LEAST, NEAR * best[0].score))


def _words(catalogue: Catalogue, item: Item) -> frozenset[str]:
    """What an item says of its matter: title, scope, and the options between which its rows decide."""
    asked = {code for condition in item.conditions() for code in condition.answers or {}}
    options = [label for code in asked for label in ((catalogue.questions or {})[code].options or {}).values()]
    return _pairs("，".join((item.title, item.scope or "", *options)))


def _pairs(text: str) -> frozenset[str]:
    return frozenset(first + second for run in _RUN.findall(text) for first, second in pairwise(run))


_RUN: Final = re.compile(r"\w+")
