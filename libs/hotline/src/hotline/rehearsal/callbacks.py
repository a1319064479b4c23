"""Callbacks (回访): what is asked, what a rule settles, what a person may judge (双鸭山 第二十二条)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BeforeValidator

from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from intake.callbacks.rules import Callback as Entered
from intake.callbacks.rules import CallbackRefused, check
from review.callbacks.rules import Callback, State, answered_state, archived_by_rule, judged, judgements_for
from review.refusals import Refused

_CASE: Final = UUID(int=1)
_SOME_DAY: Final = datetime(2025, 3, 20, 2, tzinfo=UTC)


class PersonJudges(Part):
    """What a person judges: the outcome and its ground, with the clauses, or why that can not be judged."""

    outcome: Code
    ground: Code | None = None
    articles: tuple[Words, ...] = ()
    refused: Words | None = None


class CallbackAnswered(Expectation):
    """What a requester answered, and whether that closes the file by rule. ``answers`` none: nobody was reached.

    ``refused``: the sentence with which an incomplete entry is sent back. ``choices``: what a person may judge.
    ``asked``: what was asked of the unit before, ``done``: what it has done since.
    """

    means: Code = "phone"
    answers: Mapping[Code, Code]
    archives: bool = False
    articles: tuple[Words, ...] = ()
    refused: Words | None = None
    refused_articles: tuple[Words, ...] = ()
    asked: Literal["explanation", "statement"] | None = None
    done: tuple[Literal["explained", "stated"], ...] = ()
    choices: tuple[Words, ...] | None = None
    judged: Annotated[tuple[PersonJudges, ...], BeforeValidator(listed)] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        callbacks = stage.pack.callbacks
        reached: Literal["reached", "not_reached"] = "reached" if self.answers else "not_reached"
        entered = Entered(means=self.means, outcome=reached, **self._said())
        try:
            check(entered, stage.pack, closed_at=None, accepted_at=_SOME_DAY)
        except CallbackRefused as refused:
            yield from compare("the callback is recorded", self.refused, refused.message)
            yield from compare("articles of the refusal", self.refused_articles, articles(refused.basis))
            return
        yield from compare("the callback is recorded", self.refused, None)
        callback = self._callback(reached)
        by_rule = archived_by_rule(callbacks, callback)
        yield from compare("the file is closed by rule", self.archives, by_rule is not None)
        if by_rule is not None:
            yield from compare("articles of the archiving", self.articles, articles(by_rule.basis))
        if self.choices is not None:
            offered = tuple(choice.label for choice in judgements_for(callbacks, callback))
            yield from compare("what a person may judge", self.choices, offered)
        for person in self.judged:
            yield from _judged(person, stage, callback)

    def _callback(self, reached: Literal["reached", "not_reached"]) -> Callback:
        state: State = "queued" if self.answers else "not_reached"
        done: dict[str, Any] = {name: {"at": _SOME_DAY.isoformat()} for name in self.done}
        callback = Callback(
            id=_CASE, ticket=_CASE, round=1, state=state, outcome=reached, attempt=1, occurred_at=_SOME_DAY,
            remark=None, judgement=self.asked, **done, **self._said(),
        )  # fmt: skip
        return replace(callback, state=answered_state(callback)) if self.asked else callback

    def _said(self) -> dict[str, Any]:
        spoken = {"yes": True, "no": False}
        answers = {name: spoken.get(said, said) for name, said in self.answers.items()}
        return {name: answers.get(name) for name in ("responded", "resolved", "satisfaction")}


def _judged(person: PersonJudges, stage: Stage, callback: Callback) -> Iterator[str]:
    what = f"{person.outcome} on {person.ground}" if person.ground else person.outcome
    outcome: Any = person.outcome
    try:
        judgment = judged(stage.pack.callbacks, callback, outcome, person.ground, "理由")
    except Refused as refused:
        yield from compare(what, person.refused, refused.detail)
        return
    yield from compare(what, person.refused, None)
    yield from compare(f"articles: {what}", person.articles, articles(judgment.basis))


class RatesCounted(Expectation):
    """What the rates of callbacks make of a ticket: which answers count as yes, and whether units are compared by it.

    ``explains``: by how a contact ended, whether it counts as the unit's explanation to the requester.
    """

    marks: tuple[Code, ...] = ()
    counts: Mapping[Code, tuple[Code, ...]] = {}
    set_apart: bool = False
    ranked: bool = True
    explains: Mapping[Code, bool] = {}

    def differences(self, stage: Stage) -> Iterator[str]:
        indicator = stage.pack.callbacks.indicator
        if indicator is None:
            yield "the pack has no rates of callbacks"
            return
        for question, yes in self.counts.items():
            scale = tuple(stage.pack.callbacks.questions[question].scale)
            counted = tuple(step for step in scale if indicator.good(question, step))
            yield from compare(f"answers to {question} that count as yes", yes, counted)
        yield from compare("told with and without it", self.set_apart, indicator.set_apart(self.marks))
        yield from compare("units are compared by it", self.ranked, indicator.ranked(self.marks))
        for ended, expected in self.explains.items():
            explains = stage.pack.callbacks.explains(ended)
            yield from compare(f"a contact that ended {ended} explains", expected, explains)
