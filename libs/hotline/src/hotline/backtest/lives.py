"""A ticket's recorded life: what was done, as sla's facts, and what had been announced of its limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from common.basis import Basis
from common.events.envelope import Event
from common.events.intake import TicketCreated
from common.events.sla import DeadlineMoved, DeadlineRow, DeadlineSet, DeadlineStopped, OneDeadline
from hotline.backtest.record import Story
from sla.consumers import docket_of
from sla.deadlines import Deadline, Identity, Verdict
from sla.docket import Docket
from sla.facts import Fact, fact_of, placed
from sla.life import READ

State = Literal["open", "stopped", "ended"]
"""``stopped``: the clock stands still, as while a closing report is decided. ``ended``: judged, or over without a
verdict."""


class NotComparable(Exception):
    """The ticket cannot be judged again; ``reasons`` are told as they are, in Chinese."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("；".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one limit in the end. ``due_at`` is the first late instant."""

    kind: str
    unit: str | None
    round: int
    case: UUID | None
    window: bool
    due_at: datetime
    calendar: str
    basis: tuple[Basis, ...]
    state: State = "open"
    verdict: Verdict | None = None
    fact_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        return self.kind, self.unit, self.round, self.case

    def overdue(self, as_of: datetime) -> bool:
        """Judged as missed, or nothing has happened by ``as_of`` although the limit has passed. No window is."""
        if self.window:
            return False
        return self.verdict == "missed" or (self.state == "open" and self.due_at <= as_of)


Standings = Mapping[Identity, Standing]


@dataclass(frozen=True, slots=True)
class Life:
    """One ticket. ``facts``: what was done, each at its place; the first is the registration. ``docket``: as sla opens
    it. ``events``: everything, in the order of the bus."""

    number: str
    docket: Docket
    facts: tuple[Fact, ...]
    events: tuple[Event, ...]

    @property
    def ticket(self) -> UUID:
        return self.docket.ticket

    @property
    def policy(self) -> str:
        """The pack under which it was registered."""
        return self.docket.policy


_OF_LIMITS: Final = frozenset((*READ, "PolicyApplied"))


def life_of(story: Story) -> Life:
    """The ticket as it was recorded. ``NotComparable`` when its registration is not there or something is unreadable.

    Services keep their own order; between them it is the order of the bus, as sla took it in.
    """
    if story.unreadable:
        raise NotComparable(*(f"存档中有无法读取的事件：{why}" for why in story.unreadable[:3]))
    first = next((one for one in story.events if one.type == "TicketCreated"), None)
    if first is None:
        raise NotComparable("存档中没有该工单的登记")
    assert isinstance(first.data, TicketCreated)
    facts = [fact_of(first)]
    for event in story.events:
        if event.type in _OF_LIMITS and event is not first:
            fact, _ = placed(fact_of(event), facts)
            facts.append(fact)
    return Life(first.data.number, docket_of(first), tuple(facts), story.events)


def announced(events: Iterable[Event]) -> dict[Identity, Standing]:
    """What sla announced of the ticket's limits, in the end."""
    found: dict[Identity, Standing] = {}
    for event in sorted((one for one in events if one.source == "sla"), key=lambda one: one.sequence):
        data = event.data
        if isinstance(data, DeadlineSet):
            found |= {one.identity: one for one in map(_set, data.deadlines)}
        elif isinstance(data, DeadlineMoved):
            before = found.get(_set(data).identity)
            found[_set(data).identity] = _moved(before, data)
        elif isinstance(data, OneDeadline):
            identity = (data.kind, data.unit, data.round, data.case)
            if identity in found:
                found[identity] = replace(found[identity], **_said(event.type, data))
    return found


def _set(row: DeadlineRow) -> Standing:
    return Standing(
        kind=row.kind,
        unit=row.unit,
        round=row.round,
        case=row.case,
        window=row.window,
        due_at=row.due_at,
        calendar=row.calendar,
        basis=row.basis,
    )


def _moved(before: Standing | None, row: DeadlineMoved) -> Standing:
    """A limit that was over without a verdict and moves is set once more."""
    after = _set(row)
    if before is None or (before.state == "ended" and before.verdict is None):
        return after
    return replace(after, state=before.state, verdict=before.verdict, fact_at=before.fact_at)


def _said(type_: str, data: OneDeadline) -> dict[str, Any]:
    match type_:
        case "DeadlineMet" | "DeadlineMissed":
            verdict = "met" if type_ == "DeadlineMet" else "missed"
            return {"state": "ended", "verdict": verdict, "fact_at": getattr(data, "fact_at", None)}
        case "DeadlineStopped":
            assert isinstance(data, DeadlineStopped)
            stands_still = data.reason in ("closing_filed", "clock_stopped")
            return {"state": "stopped" if stands_still else "ended", "verdict": None, "fact_at": None}
        case "DeadlineResumed":
            return {"state": "open", "verdict": None, "fact_at": None}
    return {}


def standings(rows: Iterable[Deadline]) -> dict[Identity, Standing]:
    """The same of limits as sla's rules tell them."""
    return {row.identity: _standing(row) for row in rows}


def _standing(row: Deadline) -> Standing:
    return Standing(
        kind=row.kind,
        unit=row.unit,
        round=row.round,
        case=row.case,
        window=row.window,
        due_at=row.due_at,
        calendar=row.calendar,
        basis=row.basis,
        state="stopped" if row.state == "stopped" else "open" if row.open else "ended",
        verdict=row.verdict,
        fact_at=row.fact_at if row.verdict is not None else None,
    )


def differing(recorded: Standings, again: Standings) -> tuple[Sequence[Identity], int]:
    """Limits that were announced otherwise than the same rules judge them now, and how many more rest on a calendar
    that has been corrected since. What is over without a verdict, and a window, says no more than its end."""
    found, by_calendar = list[Identity](), 0
    for identity in recorded.keys() | again.keys():
        then, now = recorded.get(identity), again.get(identity)
        if _alike(then, now):
            continue
        if then is not None and now is not None and then.calendar != now.calendar:
            by_calendar += 1
        else:
            found.append(identity)
    return found, by_calendar


def _alike(then: Standing | None, now: Standing | None) -> bool:
    over = [one is None or (one.state == "ended" and one.verdict is None) for one in (then, now)]
    if then is None or now is None or all(over):
        return all(over)
    if then.window:
        return (then.due_at, then.verdict) == (now.due_at, now.verdict)
    told = [(one.due_at, one.state, one.verdict, one.fact_at) for one in (then, now)]
    return told[0] == told[1]
