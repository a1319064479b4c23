"""What a responsibility catalogue's rows look at: answers to questions, the hour, the working day.

A condition has three outcomes, for what nobody has told yet is neither so nor otherwise: it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictStr, StringConstraints, model_validator

from common.policy.matching import NumberTest
from common.policy.ruled import Code, Part

Answer = bool | int | str
"""Yes or no, a whole number, or the code of an option."""

AnswerTest = StrictBool | StrictStr | NumberTest
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Hours(Part):
    """A part of the day in Shanghai time, its end not included; over midnight where the end comes before the start."""

    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay

    @model_validator(mode="after")
    def _some_of_the_day(self) -> Self:
        if self.from_ == self.to:
            raise ValueError(f"hours from {self.from_} to {self.to} are no part of the day")
        return self

    def cover(self, at: time) -> bool:
        start, end = time.fromisoformat(self.from_), time.fromisoformat(self.to)
        return start <= at < end if start < end else at >= start or at < end


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a matter. ``working_daytime`` None: no calendar says whether the day is a working day."""

    at: time
    working_daytime: bool | None
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a condition holds; None as long as the questions in ``unanswered`` are open."""

    holds: bool | None
    unanswered: tuple[str, ...] = ()


class Condition(Part):
    """Everything it names must hold. ``working_daytime``: in the catalogue's hours of a working day, or outside."""

    answers: Annotated[Mapping[Code, AnswerTest], Field(min_length=1)] | None = None
    hours: Hours | None = None
    working_daytime: StrictBool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.answers is None and self.hours is None and self.working_daytime is None:
            raise ValueError("a condition names nothing; leave `when` out if the row always holds")
        return self

    def find(self, known: Circumstances) -> Finding:
        answers = self.answers or {}
        told = [_passes(test, known.answers[code]) for code, test in answers.items() if code in known.answers]
        if self.hours is not None:
            told.append(self.hours.cover(known.at))
        if self.working_daytime is not None and known.working_daytime is not None:
            told.append(self.working_daytime is known.working_daytime)
        if not all(told):
            return Finding(False)
        unanswered = tuple(code for code in answers if code not in known.answers)
        calendar_wanting = self.working_daytime is not None and known.working_daytime is None
        return Finding(None if unanswered or calendar_wanting else True, unanswered)

    def narrows(self, other: "Condition") -> bool:
        """Whether the other one holds wherever this one does."""
        mine, theirs = self.answers or {}, other.answers or {}
        return (
            all(code in mine and _narrower(mine[code], test) for code, test in theirs.items())
            and (other.hours is None or (self.hours is not None and _inside(self.hours, other.hours)))
            and other.working_daytime in (None, self.working_daytime)
        )


def _narrower(test: AnswerTest, other: AnswerTest) -> bool:
    """Whether every answer that passes the first test passes the second."""
    if isinstance(test, NumberTest) and isinstance(other, NumberTest):
        near = {0, *turning_points(test), *turning_points(other)}
        return all(other.passes(number) for number in near if number >= 0 and test.passes(number))
    return type(test) is type(other) and test == other


def turning_points(test: NumberTest) -> frozenset[int]:
    """The numbers that a test names and their neighbours: between them its outcome does not change."""
    named = {one for one in (test.eq, test.gte, test.lte, *(test.in_ or ())) if one is not None}
    return frozenset(near for number in named for near in (number - 1, number, number + 1))


def _inside(hours: Hours, other: Hours) -> bool:
    minutes = (time(hour, minute) for hour in range(24) for minute in range(60))
    return all(other.cover(at) for at in minutes if hours.cover(at))


def _passes(test: AnswerTest, answer: Answer) -> bool:
    if isinstance(test, NumberTest):
        return isinstance(answer, int) and not isinstance(answer, bool) and test.passes(answer)
    return type(test) is type(answer) and test == answer
