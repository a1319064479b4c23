"""What a responsibility catalogue's rows look at: answers to questions, the hour, the working day.

A condition has three outcomes, for what nobody has told yet is neither so nor otherwise: it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Annotated

from pydantic import Field, StrictBool, StrictStr, StringConstraints

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


def _passes(test: AnswerTest, answer: Answer) -> bool:
    if isinstance(test, NumberTest):
        return isinstance(answer, int) and not isinstance(answer, bool) and test.passes(answer)
    return type(test) is type(answer) and test == answer
