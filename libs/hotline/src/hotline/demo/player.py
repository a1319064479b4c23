"""Playing the stories: each step at its moment, by whoever attempted it; what comes of it is the suite's."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .desk import Answer, Desk
from .stories import (
    CENTRE,
    Assign,
    Callback,
    Close,
    Contact,
    Judge,
    Progress,
    Register,
    Return,
    Rule,
    SignIn,
    Source,
    Step,
)
from .timeline import Moved, Scene

_READER = "supervisor"
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
    """What the suite tells of a case in the end, as read from its interfaces."""

    case: Case
    ticket: Mapping[str, Any]
    timeline: Sequence[Mapping[str, Any]]
    deadlines: Sequence[Mapping[str, Any]]
    returns: Sequence[Mapping[str, Any]]


class Player:
    """Plays cases at a running suite. ``tell`` hears of each step as it was answered."""

    def __init__(self, desk: Desk, jurisdiction: str, cases: Sequence[Moved], tell: Callable[[Played], None]) -> None:
        self.cases = [Case(moved) for moved in cases]
        self._desk = desk
        self._jurisdiction = jurisdiction
        self._tell = tell

    async def enter_units(self, source: Source, listening: str) -> None:
        """The story's units into the register; the one that listens asks for a topic of its own."""
        for unit in source.units:
            entry = {"name": unit.name, "kind": unit.kind, "kafka_feed": unit.code == listening}
            answer = await self._desk.put("admin", f"/dispatch/v1/units/{self._full(unit.code)}", entry)
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
        filed = await self._desk.get("reviewer", "/review/v1/returns", {"ticket": case.ticket, "size": 200})
        return Ended(
            case=case,
            ticket=await self._desk.get(_READER, path, after=case.last_event),
            timeline=(await self._desk.get(_READER, f"{path}/timeline"))["entries"],
            deadlines=await self._deadlines(case),
            returns=filed["items"],
        )

    async def _deadlines(self, case: Case) -> Sequence[Mapping[str, Any]]:
        if case.ticket is None:
            return ()
        found = await self._desk.get(_READER, f"/sla/v1/tickets/{case.ticket}/deadlines", after=case.last_event)
        items: Sequence[Mapping[str, Any]] = found["items"]
        return items

    async def _attempt(self, case: Case, scene: Scene) -> Played:
        step = scene.step
        if isinstance(step, Register):
            request: tuple[str, dict[str, Any]] | None = ("/intake/v1/tickets", self._registration(step))
        else:
            request = await self._request(case, step)
        if request is None:
            return Played(scene)
        asked = Asked(self._who(step), *request, key=f"demo-{scene.case}-{scene.number}")
        answer = await self._desk.post(asked.who, asked.path, asked.body, asked.key, after=case.last_event)
        case.last_event = answer.event or case.last_event
        if isinstance(step, Register) and answer.done:
            case.ticket, case.number = answer.body["id"], answer.body["number"]
        return Played(scene, asked, answer)

    def _registration(self, step: Register) -> dict[str, Any]:
        """What a softphone posts. The requester is nobody: the country code +999 is given to no country."""
        return {
            "jurisdiction": self._jurisdiction,
            "channel": step.channel,
            "type": step.type,
            "category": step.category,
            "statement": step.statement,
            "address": step.address,
            "marks": list(step.marks),
            "requester": {"name": "演示诉求人", "phone": f"+999{secrets.randbelow(10**8):08}"},
        }

    async def _request(self, case: Case, step: Step) -> tuple[str, dict[str, Any]] | None:
        """The path and the body, with the round that the ticket is seen in; None when there is nothing to act on."""
        if case.ticket is None:
            return None
        ticket = await self._desk.get(_READER, f"/intake/v1/tickets/{case.ticket}", after=case.last_event)
        dispatch, seen = f"/dispatch/v1/tickets/{case.ticket}", {"round": ticket["round"]}
        match step:
            case Assign():
                return f"{dispatch}/assignments", {
                    **seen,
                    "unit": self._full(step.unit),
                    "principle": step.principle,
                }
            case SignIn():
                return f"{dispatch}/sign-ins", seen
            case Contact():
                return f"{dispatch}/contacts", {**seen, "outcome": step.outcome}
            case Progress():
                return f"{dispatch}/progress-reports", {**seen, "text": step.text}
            case Close():
                return f"{dispatch}/closing-reports", {**seen, "result": step.result}
            case Return():
                return f"/review/v1/tickets/{case.ticket}/returns", {**seen, **self._return(step)}
            case Rule():
                waiting = await self._waiting(case, "returns")
                body = {"decision": step.decision, "ground": step.ground, "note": step.note}
                return waiting and (f"/review/v1/returns/{waiting}/rulings", {**seen, **body})
            case Callback():
                body = step.model_dump(include={"outcome", "responded", "resolved", "satisfaction"}, exclude_none=True)
                return f"/intake/v1/tickets/{case.ticket}/callbacks", {**seen, "means": "phone", **body}
            case Judge():
                waiting = await self._waiting(case, "callbacks")
                body = {"outcome": step.outcome, "ground": step.ground, "reason": step.why}
                return waiting and (f"/review/v1/callbacks/{waiting}/judgements", {**seen, **body})
        raise AssertionError(f"{step.does} is no step that is played")

    def _return(self, step: Return) -> dict[str, Any]:
        return {
            "ground": step.ground,
            "reason": step.why,
            "legal_basis": step.legal_basis,
            "suggested_unit": step.suggested_unit and self._full(step.suggested_unit),
        }

    async def _waiting(self, case: Case, board: str) -> Any:
        """The id of what waits for a reviewer on this case, if anything does."""
        params = {"ticket": case.ticket, "state": "queued"}
        found = await self._desk.get("reviewer", f"/review/v1/{board}", params, after=case.last_event)
        return found["items"][0]["id"] if found["items"] else None

    def _who(self, step: Step) -> str:
        return step.who if step.who in CENTRE else self._full(step.who)

    def _full(self, code: str) -> str:
        return f"{self._jurisdiction}.{code}"
