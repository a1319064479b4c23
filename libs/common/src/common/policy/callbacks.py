"""Asking the requester what became of the demand, and what follows from the answer."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from common.policy.refusals import Problem
from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated, Words


class Question(Entry):
    """One question with the steps of its scale, best first."""

    ask: Words
    scale: Annotated[Mapping[Code, Words], Field(min_length=2, max_length=5)]


class Means(Entry):
    """A way of asking."""


class Judgement(Entry):
    """What a person may decide about a callback that no rule settles."""


class ArchiveWhen(Ruled):
    """A callback is settled by rule when every question named here has one of the answers listed."""

    answers: Annotated[Mapping[Code, tuple[Code, ...]], Field(min_length=1)]


class Indicator(Ruled):
    """What the rates of callbacks count. ``counts``: the answers to each question that count as yes.

    ``marks``: tickets whose rate is not to be chased (双鸭山 第二十二条); every rate is told with and without them, and
    ``ranks`` says which of the two is compared between units.
    """

    counts: Annotated[Mapping[Code, tuple[Code, ...]], Field(min_length=1)]
    marks: tuple[Code, ...] = ()
    ranks: Literal["all", "without_marked"]

    def good(self, question: str, answer: str | bool) -> bool:
        """Whether this answer counts as yes."""
        return _spoken(answer) in self.counts.get(question, ())

    def set_apart(self, marks: Collection[str]) -> bool:
        """Whether a ticket with these marks is one of those that the rates are also told without."""
        return any(mark in self.marks for mark in marks)

    def ranked(self, marks: Collection[str]) -> bool:
        """Whether a ticket with these marks counts where units are compared."""
        return self.ranks == "all" or not self.set_apart(marks)


def _spoken(answer: str | bool) -> str:
    return ("yes" if answer else "no") if isinstance(answer, bool) else answer


class Unsatisfied(Ruled):
    """诉求人评价为不满意: one of these answers to one of these questions."""

    answers: Annotated[Mapping[Code, tuple[Code, ...]], Field(min_length=1)]


class Callbacks(Part):
    """回访 (双鸭山 第二十二条).

    Without ``unsatisfied`` nothing is owed to an unsatisfied requester; without ``statement_when`` no statement is
    asked for. ``archive_unsatisfied_after``: what the unit has done before a person may archive.
    """

    means: Register[Means]
    due: Stated[Literal["when_closed"]]
    no_contact: Stated[Literal["archived_without_callback"]]
    not_reached: Stated[Literal["archived_by_person"]]
    questions: Register[Question]
    archive_when: ArchiveWhen
    redo_when: Register[Judgement]
    judgements: Register[Judgement]
    indicator: Indicator | None = None
    unsatisfied: Unsatisfied | None = None
    explained_by: Stated[tuple[Literal["reached", "attempts_exhausted"], ...]] | None = None
    statement_when: Register[Judgement] | None = None
    archive_unsatisfied_after: Stated[tuple[Literal["explained", "stated"], ...]] | None = None

    def archives(self, answers: Mapping[str, str | bool]) -> bool:
        """Whether these answers close the file by rule; if not, a person decides. True and False say yes and no."""
        spoken = {question: _spoken(answer) for question, answer in answers.items()}
        return all(spoken.get(question) in accepted for question, accepted in self.archive_when.answers.items())

    def leaves_unsatisfied(self, answers: Mapping[str, str | bool]) -> bool:
        """Whether these answers say that the requester is not satisfied."""
        told = self.unsatisfied.answers if self.unsatisfied is not None else {}
        return any(_spoken(answer) in told.get(question, ()) for question, answer in answers.items())

    def explains(self, outcome: str) -> bool:
        """Whether a contact that ended so counts as the unit's explanation."""
        return self.explained_by is not None and outcome in self.explained_by.value


def problems_of_judgements(callbacks: Callbacks) -> Iterator[Problem]:
    """What is owed an unsatisfied requester needs questions that are asked and judgements that ask for it."""
    for question, answers in (callbacks.unsatisfied.answers if callbacks.unsatisfied else {}).items():
        scale = callbacks.questions[question].scale if question in callbacks.questions else {}
        for answer in answers:
            if answer not in scale:
                sentence = f"no question {question!r} has the answer {answer!r}"
                yield Problem(("callbacks", "unsatisfied", "answers", question), sentence)
    needed = {
        "explanation": callbacks.unsatisfied is not None and callbacks.explained_by is not None,
        "statement": callbacks.statement_when is not None,
    }
    for judgement, possible in needed.items():
        if (judgement in callbacks.judgements) != possible:
            sentence = f"the judgement {judgement!r} and what it rests on stand together or not at all"
            yield Problem(("callbacks", "judgements"), sentence)
    after = callbacks.archive_unsatisfied_after
    if after is not None and callbacks.unsatisfied is None:
        sentence = "something is owed an unsatisfied requester, but nothing says who is one"
        yield Problem(("callbacks", "archive_unsatisfied_after"), sentence)
