"""Playing the stories: each step at its moment, by whoever attempted it; what comes of it is the suite's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .attempts import READER, Attempts
from .desk import Answer, Desk
from .stories import CENTRE, Register, Source, Step
from .timeline import Moved, Scene

_AFTERWARDS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A write as it was sent: by whom, where, what, under which key."""

    who: str
    path: str
    body: dict[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class Played:
    """A step, what was sent and what the suite answered; both None: there was nothing to act on, such as no return
    that waits."""

    scene: Scene
    asked: Asked | None = None
    answer: Answer | None = None


@dataclass(slots=True)
class Case:
    """A story as it goes along in the suite."""

    moved: Moved
    ticket: str | None = None
    number: str | None = None
    last_event: str | None = None
    played: list[Played] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ended:
    """What the suite tells of a case in the end, as read from its interfaces. ``findings``: 通报和移交, found by rule
    and for a person to decide."""

    case: Case
    ticket: Mapping[str, Any]
    timeline: Sequence[Mapping[str, Any]]
    deadlines: Sequence[Mapping[str, Any]]
    returns: Sequence[Mapping[str, Any]]
    consultations: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]


class Player:
    """Plays cases at a running suite. ``tell`` hears of each step as it was answered."""

    def __init__(self, desk: Desk, jurisdiction: str, cases: Sequence[Moved], tell: Callable[[Played], None]) -> None:
        self.cases = [Case(moved) for moved in cases]
        self._desk = desk
        self._attempts = Attempts(desk, jurisdiction)
        self._tell = tell

    async def enter_units(self, source: Source, listening: str) -> None:
        """The story's units into the register; the one that listens asks for a topic of its own."""
        for unit in source.units:
            entry = {"name": unit.name, "kind": unit.kind, "kafka_feed": unit.code == listening}
            answer = await self._desk.put("admin", f"/dispatch/v1/units/{self._attempts.full(unit.code)}", entry)
            if not answer.done:
                raise RuntimeError(f"{unit.name} was not entered: {answer.body}")

    async def play(self, scenes: Sequence[Scene]) -> None:
        """All scenes in order, the clock moved to each before it is played."""
        for scene in scenes:
            await self._desk.clock(scene.at)
            case = self.cases[scene.case]
            played = await self._attempt(case, scene)
            case.played.append(played)
            self._tell(played)

    async def let_time_pass(self) -> None:
        """Move the clock on until no duty of any case is still ahead."""
        while True:
            ahead = [
                one["due_at"]
                for case in self.cases
                for one in await self._deadlines(case)
                if not one["window"] and one["state"] in ("armed", "approaching")
            ]
            if not ahead:
                return
            await self._desk.clock(max(map(datetime.fromisoformat, ahead)) + _AFTERWARDS)

    async def endings(self) -> list[Ended]:
        """What the suite tells of every case that was registered."""
        return [await self._ending(case) for case in self.cases if case.ticket]

    async def _ending(self, case: Case) -> Ended:
        path = f"/intake/v1/tickets/{case.ticket}"
        of_it = {"ticket": case.ticket, "size": 200}
        filed = await self._desk.get("reviewer", "/review/v1/returns", of_it)
        convened = await self._desk.get("reviewer", "/review/v1/consultations", of_it)
        found = [await self._desk.get(READER, f"/review/v1/{kind}", of_it) for kind in ("notices", "referrals")]
        return Ended(
            case=case,
            ticket=await self._desk.get(READER, path, after=case.last_event),
            timeline=(await self._desk.get(READER, f"{path}/timeline"))["entries"],
            deadlines=await self._deadlines(case),
            returns=filed["items"],
            consultations=convened["items"],
            findings=[one for page in found for one in page["items"]],
        )

    async def _deadlines(self, case: Case) -> Sequence[Mapping[str, Any]]:
        if case.ticket is None:
            return ()
        found = await self._desk.get(READER, f"/sla/v1/tickets/{case.ticket}/deadlines", after=case.last_event)
        items: Sequence[Mapping[str, Any]] = found["items"]
        return items

    async def _attempt(self, case: Case, scene: Scene) -> Played:
        step = scene.step
        request = await self._attempts.of(step, case.ticket, case.last_event)
        if request is None:
            return Played(scene)
        path, body = request
        asked = Asked(self._who(step), path, body, f"demo-{scene.case}-{scene.number}")
        answer = await self._desk.post(asked.who, asked.path, asked.body, asked.key, after=case.last_event)
        case.last_event = answer.event or case.last_event
        if isinstance(step, Register) and answer.done:
            case.ticket, case.number = answer.body["id"], answer.body["number"]
        return Played(scene, asked, answer)

    def _who(self, step: Step) -> str:
        return step.who if step.who in CENTRE else self._attempts.full(step.who)
