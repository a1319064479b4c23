"""What several services tell of a ticket, and the orders in which the bus can deliver it.

The bus keeps each service's own order and puts effects after their causes; some of it comes twice. Between services
anything may come first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tests.support.wire import Wire

from common.events.catalogue import CATALOGUE
from common.events.envelope import Payload


class Told(Protocol):
    """A fact that a service tells; ``after`` names the facts that caused it."""

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def after(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=Told)


def ordered(draw: st.DrawFn, told: Sequence[T], in_time: Sequence[T] | None = None, *known: str) -> list[T]:
    """An order in which effects follow their causes and, once it is told ``in_time``, each service keeps its own.

    ``known``: what has been told before any of these.
    """
    left, done = list(told), list[T]()
    while left:
        names = {one.name for one in done} | {*known}
        ready = [one for one in left if set(one.after) <= names]
        if in_time is not None:
            first = {one.source: one for one in reversed(in_time) if one in left}
            ready = [one for one in ready if first[one.source] is one]
        chosen = draw(st.sampled_from(ready))
        left.remove(chosen)
        done.append(chosen)
    return done


def repeated(draw: st.DrawFn, arrives: list[str]) -> tuple[str, ...]:
    """Some of it comes once more, later."""
    again = list(arrives)
    for name in draw(st.lists(st.sampled_from(arrives), max_size=2)):
        again.insert(draw(st.integers(again.index(name) + 1, len(again))), name)
    return tuple(again)


def chosen(draw: st.DrawFn, groups: Sequence[tuple[T, ...]], most: int = 6) -> list[T]:
    """Two to four groups of facts, no more than so many facts together."""
    found: list[T] = []
    for group in draw(st.lists(st.sampled_from(groups), min_size=2, max_size=4, unique_by=lambda one: one[0].name)):
        if len(found) + len(group) <= most:
            found += group
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """A fact of a story: its type, what it says beside what all facts say, and the facts that caused it."""

    name: str
    type: type[Payload]
    more: Mapping[str, Any]
    after: tuple[str, ...] = ()
    round: int = 1

    @property
    def source(self) -> str:
        return CATALOGUE[self.type.__name__].owner


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, in time; the order in which it arrives, with repeats; how many facts come at once."""

    happened: tuple[Step, ...]
    arrives: tuple[str, ...]
    at_once: int

    @property
    def in_time(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.happened)


@st.composite
def stories(draw: st.DrawFn, groups: Sequence[tuple[Step, ...]]) -> Story:
    """Up to six facts of these groups; a group's first fact names it."""
    steps = chosen(draw, groups)
    happened = ordered(draw, steps)
    arrives = [step.name for step in ordered(draw, steps, happened)]
    return Story(tuple(happened), repeated(draw, arrives), draw(st.sampled_from((1, 3, 9))))


async def deliver(wire: Wire, story: Story, arrives: Sequence[str], common: Mapping[str, Any], began: datetime) -> None:
    """Tell a story about a ticket of its own; ``common`` is what all its facts say."""
    messages = {}
    for number, step in enumerate(story.happened, 1):
        moment = began + number * APART
        said = {**common, "round": step.round, "occurred_at": moment, "accepted_at": moment, **step.more}
        messages[step.name] = wire.message(step.type(**said))
    for first in range(0, len(arrives), story.at_once):
        await wire.deliver(*(messages[name] for name in arrives[first : first + story.at_once]))


APART: Final = timedelta(minutes=10)
CASES: Final = tuple(UUID(int=number) for number in range(1, 6))
"""Ids for a story's returns, extensions, reports."""
FEW: Final = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""For stories that go through a database."""
