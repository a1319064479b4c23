"""What every topic of a scenario shares: the pack, the calendar, the story so far, and how a difference is told."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field

from common.basis import Basis
from common.calendar import Unit, WorkingCalendar
from common.clock import SHANGHAI
from common.events.vocabulary import ImposedLimit, LegalLimit, Limit
from common.policy import Pack, Situation
from common.policy.limits import Span
from common.policy.ruled import Code, Part, Words


class Untold(ValueError):
    """The scenario expects something of a story it does not tell."""


class SituationShape(Part):
    """The situation as it is written in a file. ``co_handlers``: how many units handle it beside the lead."""

    type: Code
    channel: Code | None = None
    category: Words | None = None
    urgency: Code | None = None
    marks: tuple[Code, ...] = ()
    round: int = 1
    anonymous: bool = False
    contact: bool = True
    confidential: bool = False
    co_handlers: Annotated[int, Field(ge=0, le=9)] = 1

    def situation(self) -> Situation:
        return Situation(
            self.type, self.channel, self.category, self.urgency, frozenset(self.marks), self.round,
            self.anonymous, self.contact, self.confidential, self.co_handlers,
        )  # fmt: skip


class LawLimit(Span):
    """A limit that a law sets for the ticket, with its clause."""

    article: Words

    def limit(self) -> LegalLimit:
        basis = Basis(rule="SYS-16", document="某法", article=self.article, quote="办理期限")
        return LegalLimit(amount=self.amount, unit=self.unit, basis=basis)


class HandedDown(Part):
    """The limit that came with a ticket from the platform above: a span, or the first late instant."""

    amount: Annotated[int, Field(gt=0)] | None = None
    unit: Unit | None = None
    due_at: AwareDatetime | None = None

    def limit(self) -> ImposedLimit:
        span = None if self.amount is None or self.unit is None else Limit(amount=self.amount, unit=self.unit)
        return ImposedLimit(limit=span, due_at=self.due_at, basis=Basis(rule="SYS-11", assumption="交办时限"))


@dataclass(frozen=True, slots=True)
class Stage:
    """The pack that is rehearsed, and what the scenario tells of its ticket."""

    pack: Pack
    calendar: WorkingCalendar
    told: SituationShape | None = None
    dispatched: datetime | None = None
    legal_limit: LegalLimit | None = None
    imposed_limit: ImposedLimit | None = None
    concluded_limit: Span | None = None
    imposed_whole: ImposedLimit | None = None
    received: datetime | None = None
    registered: datetime | None = None

    @property
    def situation(self) -> Situation:
        if self.told is None:
            raise Untold("deadlines need a situation and the moment of dispatch")
        return self.told.situation()

    @property
    def dispatched_at(self) -> datetime:
        if self.dispatched is None:
            raise Untold("deadlines need a situation and the moment of dispatch")
        return self.dispatched

    @property
    def registered_at(self) -> datetime:
        """The acceptance; where the scenario does not tell it, the ticket was dispatched at once."""
        return self.registered or self.dispatched_at

    @property
    def received_at(self) -> datetime:
        """When the report reached the hotline; where the scenario does not tell it, it was accepted at once."""
        return self.received or self.registered_at

    def in_round(self, round: int) -> "Stage":
        """The same ticket in another round."""
        told = self.told.model_copy(update={"round": round}) if self.told else None
        return replace(self, told=told)


class Expectation(Part, ABC):
    """What must come of one topic."""

    @abstractmethod
    def differences(self, stage: Stage) -> Iterator[str]:
        """Each way in which the pack says something else, in one sentence."""


class Comparison(Expectation, ABC):
    """What is held beside the pack's own words and clauses: it notices a change, and proves nothing it decides."""


def listed(data: Any) -> Any:
    """What may be written once or as a list."""
    return [data] if isinstance(data, Mapping) else data


E = TypeVar("E", bound=Expectation)
Several = Annotated[tuple[E, ...], BeforeValidator(listed)]
"""One expectation, or a list of them."""


def compare(what: str, expected: object, actual: object) -> Iterator[str]:
    if expected != actual:
        yield f"{what}: expected {_shown(expected)}, the pack says {_shown(actual)}"


def articles(bases: Iterable[Basis]) -> tuple[str, ...]:
    """The clauses that a decision rests on, in order, each once; a value that was assumed cites none."""
    return tuple(dict.fromkeys(basis.article for basis in bases if basis.article))


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None else str(value)
