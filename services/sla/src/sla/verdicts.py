"""What becomes of a deadline: lamps by the time, verdicts by the facts' own time. Pure; each step says what to tell.

Breach and verdict are two things: a breach says that nothing was known by then, a verdict is judged from when the fact
happened. Met means before ``due_at``, the first late instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from common.events.sla import MoveReason

from .counting import Instants
from .deadlines import Deadline, State, Told, Verdict

EndReason = Literal["superseded", "withdrawn", "merged", "handling_stopped"]


@dataclass(frozen=True, slots=True)
class Step:
    """A deadline as it stands afterwards, and what is announced of it, in order."""

    deadline: Deadline
    told: tuple[Told, ...]


def fired(deadline: Deadline, until: datetime) -> Step | None:
    """The lamps whose instant has come by ``until``: yellow, then red. None when none has."""
    told: list[Told] = []
    if deadline.state == "armed" and deadline.warn_at is not None and _due(deadline, until):
        told.append(Told("DeadlineApproaching", deadline.warn_at))
        deadline = replace(deadline, state="approaching", warned_at=deadline.warn_at)
    if _due(deadline, until):
        told.append(Told("DeadlineBreached", deadline.due_at))
        deadline = replace(deadline, state="breached", breached_at=deadline.due_at)
    return Step(deadline, tuple(told)) if told else None


def _due(deadline: Deadline, until: datetime) -> bool:
    return deadline.next_at is not None and deadline.next_at <= until


def judged(deadline: Deadline, fact: UUID, fact_at: datetime) -> Step:
    """The fact that meets the duty, or the filing that judges the window, has come, in time or not.

    A fact in time that arrives after the breach withdraws the red lamp first.
    """
    verdict: Verdict = "met" if fact_at < deadline.due_at else "missed"
    told = _withdrawn(deadline, fact, fact_at) if verdict == "met" else ()
    after = replace(
        deadline,
        state="closed",
        verdict=verdict,
        fact_at=fact_at,
        fact_event=fact,
        breached_at=None if verdict == "met" else deadline.breached_at,
    )
    said = Told("DeadlineMet" if verdict == "met" else "DeadlineMissed", fact_at, fact=fact, fact_at=fact_at)
    return Step(after, (*told, said))


def _withdrawn(deadline: Deadline, fact: UUID, fact_at: datetime) -> tuple[Told, ...]:
    if deadline.breached_at is None:
        return ()
    return (Told("BreachWithdrawn", fact_at, "fact_in_time", fact, fact_at),)


def closing_filed(deadline: Deadline, fact: UUID, filed_at: datetime) -> Step:
    """The closing report was filed: the lamp is off until somebody decides about the report; no verdict yet.

    The red lamp of a report that was filed in time is withdrawn; of a late one it comes back if the report is sent
    back.
    """
    in_time = filed_at < deadline.due_at
    told = _withdrawn(deadline, fact, filed_at) if in_time else ()
    after = replace(
        deadline,
        state="stopped",
        filed_at=filed_at,
        fact_at=filed_at,
        fact_event=fact,
        breached_at=None if in_time else deadline.breached_at,
    )
    return Step(after, (*told, Told("DeadlineStopped", filed_at, "closing_filed", fact, filed_at)))


def closing_sent_back(deadline: Deadline, fact: UUID, at: datetime) -> Step:
    """The report is not accepted: the same deadline runs on. What has passed meanwhile, the timers announce."""
    state: State = "breached" if deadline.breached_at else "approaching" if deadline.warned_at else "armed"
    after = replace(deadline, state=state, filed_at=None, fact_at=None, fact_event=None)
    return Step(after, (Told("DeadlineResumed", at, "closing_sent_back", fact, at),))


def closing_accepted(deadline: Deadline, accepted: UUID, filed_at: datetime) -> Step:
    """The report is accepted: judged by when it was filed."""
    filed = deadline.fact_event if deadline.filed_at is not None and deadline.fact_event is not None else accepted
    return judged(deadline, filed, filed_at)


def round_ended(deadline: Deadline, at: datetime, reason: EndReason, fact: UUID) -> Step:
    """The round ended at ``at`` without the fact.

    A duty due by then is missed. The others are superseded, without verdict, the lamp withdrawn; so is a duty whose
    closing report had been filed in time and was still to be decided. A window lapses in silence.
    """
    if deadline.window and deadline.due_at <= at:
        return Step(replace(deadline, state="closed"), ())
    filed_in_time = deadline.filed_at is not None and deadline.filed_at < deadline.due_at
    if deadline.due_at <= at and not filed_in_time and not deadline.counting.paused:
        return Step(replace(deadline, state="closed", verdict="missed"), (Told("DeadlineMissed", at),))
    told = [Told("DeadlineStopped", at, reason, fact, at)]
    if deadline.breached_at is not None:
        told.insert(0, Told("BreachWithdrawn", at, "superseded", fact, at))
    return Step(replace(deadline, state="superseded", breached_at=None), tuple(told))


def lifted(deadline: Deadline, at: datetime, fact: UUID) -> Step:
    """The kind no longer applies to the ticket: superseded without verdict, the red lamp withdrawn."""
    told = [Told("DeadlineStopped", at, "superseded", fact, at)]
    if deadline.breached_at is not None:
        told.insert(0, Told("BreachWithdrawn", at, "amendment", fact, at))
    return Step(replace(deadline, state="superseded", breached_at=None), tuple(told))


def clock_stopped(after: Deadline, at: datetime, fact: UUID) -> Step:
    """The clock stands still: no lamp is lit meanwhile. A window only lapses later."""
    return Step(replace(after, state="stopped"), (Told("DeadlineStopped", at, "clock_stopped", fact, at),))


def clock_resumed(after: Deadline, instants: Instants, at: datetime, fact: UUID) -> Step:
    """The clock runs again: told, and moved by what it stood still."""
    step = moved(replace(after, state="armed"), instants, at, "resumed", fact)
    told = Told("DeadlineResumed", at, "clock_resumed", fact, at)
    return Step(step.deadline, (told, *step.told))


Withdrawal = Literal["extension", "amendment", "consultation", "escalation"]
WITHDRAWS: Mapping[MoveReason, Withdrawal] = {
    "extension": "extension",
    "amendment": "amendment",
    "legal_limit": "amendment",
    "consultation": "consultation",
    "escalation": "escalation",
}
"""Why a limit moved → why that withdraws a red lamp. What is not named here withdraws none."""


def moved(after: Deadline, instants: Instants, at: datetime, reason: MoveReason, fact: UUID | None) -> Step:
    """The deadline, counted otherwise now, moves as a new generation; its warning is announced again if it is ahead.

    A red lamp is withdrawn where the limit has moved past ``at``, or past the filing that is being decided. A calendar
    undoes nothing that has fired.
    """
    same = (instants.due_at, instants.original_due_at, instants.warn_at, instants.provisional) == (
        after.due_at, after.original_due_at, after.warn_at, after.provisional,
    )  # fmt: skip
    if same:
        return Step(replace(after, calendar=instants.calendar), ())
    old_due_at = after.due_at
    ahead = instants.warn_at is not None and instants.warn_at > at
    after = replace(
        after,
        due_at=instants.due_at,
        original_due_at=instants.original_due_at,
        warn_at=instants.warn_at,
        provisional=instants.provisional,
        calendar=instants.calendar,
        generation=after.generation + 1,
        warned_at=None if ahead else after.warned_at,
    )
    told = [Told("DeadlineMoved", at, reason, fact, old_due_at=old_due_at)]
    if after.breached_at is not None and instants.due_at > (after.filed_at or at) and reason in WITHDRAWS:
        told.append(Told("BreachWithdrawn", at, WITHDRAWS[reason], fact, at))
        after = replace(after, breached_at=None)
    if after.state != "stopped":
        state: State = "breached" if after.breached_at else "approaching" if after.warned_at else "armed"
        after = replace(after, state=state)
    return Step(after, tuple(told))


def set_again(before: Deadline, fresh: Deadline, at: datetime, fact: UUID) -> Step:
    """A superseded deadline applies once more: the fresh one in its place, as its next generation."""
    after = replace(fresh, id=before.id, generation=before.generation + 1)
    return Step(after, (Told("DeadlineMoved", at, "amendment", fact, old_due_at=before.due_at),))


def recounted(deadline: Deadline, instants: Instants, at: datetime, cause: UUID | None) -> Step:
    """The calendar changed (G-5): the deadline moves, or is certain now; what has fired stands.

    A breached one keeps its instant. Nor does a calendar make late what was not: where the limit would now lie at or
    before ``at``, or before the filing that is being decided, and did not, it stays where it was announced.
    """
    known_at = deadline.filed_at or at
    if deadline.breached_at is not None or instants.due_at <= known_at < deadline.due_at:
        return Step(deadline, ())
    return moved(deadline, instants, at, "calendar", cause)
