"""Playing a ticket's story to review: its steps, an order in which the bus can bring them, and what they came to."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from hypothesis import strategies as st
from sqlalchemy import select, text
from tests.review import extending
from tests.review.desk import CHENGGUAN, Desk, Ticket

from common.clock import new_id
from common.events.catalogue import CATALOGUE
from common.events.envelope import Message, Payload
from common.events.vocabulary import Anchor
from review.accountability.store import FINDING
from review.callbacks.store import CALLBACK
from review.consultation.store import CONSULTATION
from review.docket import DOCKET
from review.extensions.store import EXTENSION
from review.returns.store import RETURN
from review.supervision.store import SUPERVISION

APART: Final = timedelta(minutes=10)
"""Between one step of a story and the next."""
DAY: Final = timedelta(days=1)


@dataclass
class Play:
    """One ticket that lives through a story."""

    ticket: Ticket
    began: datetime
    events: dict[str, UUID] = field(default_factory=dict)
    cases: dict[str, UUID] = field(default_factory=dict)
    heard: int = 0

    @property
    def desk(self) -> Desk:
        return self.ticket.desk

    def row(self, kind: Any, due: timedelta, **more: Any) -> dict[str, Any]:
        own: dict[str, Any] = {name: more.pop(name) for name in ("round", "unit", "case") if name in more}
        row = extending.row(self.ticket, kind, self.began + due, **more).model_copy(update=own)
        same = {"original_due_at": self.began + DAY, "anchor": Anchor(event=new_id(), at=self.began)}
        return row.model_copy(update=same).model_dump()


@dataclass(frozen=True, slots=True)
class Step:
    """A fact of another service (``told``: what it says besides the common fields), or a command of review's own."""

    name: str
    type: str = ""
    told: Callable[[Play], Mapping[str, Any]] = lambda _: {}
    after: tuple[str, ...] = ("dispatched",)
    command: Callable[[Play], Awaitable[httpx.Response]] | None = None
    optional: bool = False

    @property
    def by(self) -> str:
        return "review" if self.command else CATALOGUE[self.type].owner


def may(name: str, type_: str, *after: str, **told: Any) -> Step:
    """A fact that may be among those of the story."""
    return Step(name, type_, lambda _: told, after or ("dispatched",), optional=True)


def fact(name: str, type_: str, *after: str, **told: Any) -> Step:
    return Step(name, type_, lambda _: told, after or ("dispatched",))


def does(name: str, command: Callable[[Play], Awaitable[httpx.Response]], *after: str) -> Step:
    return Step(name, command=command, after=after or ("dispatched",))


def dispatched(name: str = "dispatched", *after: str, unit: str = CHENGGUAN, round: int = 1, **more: Any) -> Step:
    return Step(name, "Dispatched", lambda _: {"unit": unit, "round": round} | more, after)


def limits(of: str = "dispatched", **whose: Any) -> Step:
    """Sla tells the limits of a round; that of an extension is over in an hour and a half, and may move."""

    def told(play: Play) -> dict[str, Any]:
        closing = play.row("closing", DAY, allowance=extending.FIFTEEN, **whose)
        rows = play.row("return_window", DAY, **whose), closing, play.row("extension_window", 9 * APART, **whose)
        return {"cause": play.events[of], "deadlines": rows}

    return Step(f"limits of {of}", "DeadlineSet", told, (of,))


def moved(name: str, kind: str, generation: int, reason: str, *after: str, optional: bool = False) -> Step:
    def told(play: Play) -> dict[str, Any]:
        allowance = extending.FIFTEEN if kind == "closing" else None
        row = play.row(kind, DAY * generation, allowance=allowance, generation=generation)
        return row | {"old_due_at": play.began + DAY, "reason": reason}

    return Step(name, "DeadlineMoved", told, (*after, "limits of dispatched"), optional=optional)


def deadline(name: str, type_: str, kind: str, *after: str, **more: Any) -> Step:
    """A fact about one deadline, which may be among those of the story."""

    def told(play: Play) -> dict[str, Any]:
        return {"kind": kind, "unit": CHENGGUAN, "due_at": play.began + DAY, "generation": 1} | more

    return Step(name, type_, told, (*after, "limits of dispatched"), optional=True)


def answer(name: str, case: str, kind: str, status: str, *after: str, **more: Any) -> Step:
    """Dispatch's answer to a ruling."""

    def told(play: Play) -> dict[str, Any]:
        return {"ruling": play.cases[case], "kind": kind, "outcome": "approved", "new_status": status} | more

    return Step(name, "RulingApplied", told, after)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Which steps there are, the order in which review meets them, with repeats, and whether one by one.

    ``echoes``: before which of them review's own events have come back to it.
    """

    steps: tuple[Step, ...]
    order: tuple[str, ...]
    singly: bool = False
    echoes: frozenset[int] = frozenset()


MOST: Final = 15
"""No story has more steps."""
PLACES: Final = st.integers(0, MOST - 1)


@dataclass(frozen=True, slots=True)
class Chance:
    """What Hypothesis chose, whatever the story: which optional steps, who comes first, what comes again and when."""

    extra: frozenset[int]
    first: list[int]
    again: list[tuple[int, int]]
    singly: bool
    echoes: frozenset[int]


CHANCES: Final = st.builds(
    Chance,
    extra=st.frozensets(PLACES, min_size=3, max_size=10),
    first=st.permutations(range(MOST)),
    again=st.lists(st.tuples(PLACES, PLACES), max_size=3),
    singly=st.booleans(),
    echoes=st.frozensets(PLACES, max_size=3),
)


def arrival_of(story: Sequence[Step], chance: Chance) -> Arrival:
    steps = list[Step]()
    for number, step in enumerate(story):  # what was caused by something that is not there is not there either
        if (number in chance.extra or not step.optional) and set(step.after) <= {one.name for one in steps}:
            steps.append(step)
    left, order = list(steps), list[str]()
    while left:
        ready = [step for step in left if _may_come(step, left, order)]
        chosen = min(ready, key=lambda step: chance.first[story.index(step)])
        left.remove(chosen)
        order.append(chosen.name)
    facts = [step.name for step in steps if not step.command]
    for which, later in chance.again:
        name = facts[which % len(facts)]
        order.insert(min(order.index(name) + 1 + later, len(order)), name)
    return Arrival(tuple(steps), tuple(order), chance.singly, chance.echoes)


def _may_come(step: Step, left: Sequence[Step], done: Sequence[str]) -> bool:
    """Its causes have come, all of its service that it told before, and no command of before is still to be given."""
    before = left[: left.index(step)]
    return set(step.after) <= set(done) and not any(one.by == step.by or one.command for one in before)


async def lived(desk: Desk, arrival: Arrival) -> tuple[Play, Counter[str]]:
    """A fresh ticket to which all this happened, and what review announced of it."""
    desk.later(hours=1)
    ticket = Ticket(desk, desk.pack)
    play = Play(ticket, desk.clock.now())
    await desk.wire.deliver(ticket.created())
    ticket.round = 1
    steps = {step.name: (number, step) for number, step in enumerate(arrival.steps, 1)}
    commands = {step.name for step in arrival.steps if step.command}
    messages, waiting = dict[str, Message](), list[Message]()
    for place, name in enumerate(arrival.order):
        number, step = steps[name]
        if step.command or arrival.singly or place in arrival.echoes or commands & set(step.after):
            if waiting:
                await desk.wire.deliver(*waiting)
            waiting.clear()
        if place in arrival.echoes or commands & set(step.after):
            await _hears_itself(play)
        if step.command:
            desk.clock.set(play.began + APART * number)
            answered = await step.command(play)
            assert answered.status_code == 201, (name, arrival, answered.text)
            play.cases.setdefault(name, UUID(answered.json()["id"]))
            continue
        if name not in messages:
            play.events[name] = new_id()
            happened = play.began + APART * number
            common = ticket.fields() | {"occurred_at": happened, "accepted_at": happened}
            told: Payload = CATALOGUE[step.type].model.model_validate(common | dict(step.told(play)))
            messages[name] = desk.wire.message(told, event_id=play.events[name])
        waiting.append(messages[name])
    await desk.wire.deliver(*waiting)
    while await _hears_itself(play):
        pass
    return play, Counter(message.headers["ce_type"] for message in await _announced(play))


async def _announced(play: Play) -> list[Message]:
    async with play.desk.service.room.database.engine.connect() as connection:
        rows = await connection.execute(_OUTBOX, {"subject": play.ticket.subject})
        return [
            Message(row.topic, row.subject, row.headers | {"ce_sequence": str(row.sequence)}, row.value.encode())
            for row in rows
        ]


_OUTBOX: Final = text(
    "select topic, subject, sequence, headers, value from outbox where subject = :subject and sequence > 0 order by id"
)


async def _hears_itself(play: Play) -> bool:
    """Review's own events come back to it over the bus, as far as there are new ones."""
    new = (await _announced(play))[play.heard :]
    play.heard += len(new)
    if new:
        await play.desk.wire.deliver(*new)
    play.events |= {message.headers["ce_type"]: UUID(message.headers["ce_id"]) for message in new}
    return bool(new)


WHEN_IT_CAME: Final = {"decided_at", "judged_at", "issued_at", "found_at", "convened_at", "concluded_at"}
TOLD_IN_WORDS: Final = {"said", "text"}
KNOWN_THEN: Final = {"window_due_at"}
"""What a person compared with is what was known when the person decided, and stays on record."""


async def state(play: Play) -> dict[str, list[Any]]:
    """The end: the docket and all cases, with names for ids and spans for instants; findings that stand."""
    names = {str(id_): name for name, id_ in (play.events | play.cases | {"ticket": play.ticket.id}).items()}
    names |= {str(UUID(int=number)): str(number) for number in range(4)}

    def plain(value: Any) -> Any:
        match value:
            case datetime():
                return value - play.began
            case dict():
                return {name: plain(one) for name, one in value.items()}
            case list():
                return [plain(one) for one in value]
            case UUID() | str():
                told = _INSTANT.sub(lambda met: str(datetime.fromisoformat(met[0]) - play.began), str(value))
                return _ID.sub(lambda met: names.get(met[0], "an id"), told)
            case _:
                return value

    found: dict[str, list[Any]] = {}
    async with play.desk.service.room.database.engine.connect() as connection:
        for table in (DOCKET, RETURN, EXTENSION, CONSULTATION, CALLBACK, SUPERVISION, FINDING):
            rows = await connection.execute(select(table).where(table.c.ticket == play.ticket.id))
            found[table.name] = sorted(
                (
                    {name: plain(value) for name, value in row._mapping.items() if name not in _NOT_COMPARED}
                    for row in rows
                    if table is not FINDING or row.state != "lapsed"  # its ground came first, and fell away
                ),
                key=repr,
            )
    return found


_NOT_COMPARED: Final = WHEN_IT_CAME | TOLD_IN_WORDS | KNOWN_THEN
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+[\d:]+|Z)")
