"""What sla says about deadlines, as events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID

from common.events.envelope import Actor, Payload
from common.events.sla import (
    BreachWithdrawn,
    DeadlineApproaching,
    DeadlineBreached,
    DeadlineMet,
    DeadlineMissed,
    DeadlineMoved,
    DeadlineResumed,
    DeadlineRow,
    DeadlineSet,
    DeadlineStopped,
)

from .deadlines import Deadline, Told
from .docket import Docket

SYSTEM = Actor(role="system")

_BY_A_FACT: Mapping[str, type[Payload]] = {
    "BreachWithdrawn": BreachWithdrawn,
    "DeadlineStopped": DeadlineStopped,
    "DeadlineResumed": DeadlineResumed,
    "DeadlineMet": DeadlineMet,
    "DeadlineMissed": DeadlineMissed,
}
_BY_TIME: Mapping[str, type[Payload]] = {
    "DeadlineApproaching": DeadlineApproaching,
    "DeadlineBreached": DeadlineBreached,
}


class Announced(Protocol):
    """What a ticket's deadlines are announced under: its docket, or as much of it."""

    @property
    def ticket(self) -> UUID: ...
    @property
    def number(self) -> str: ...
    @property
    def jurisdiction(self) -> str: ...
    @property
    def policy(self) -> str: ...


def announcement(docket: Announced, deadline: Deadline, told: Told, accepted_at: datetime) -> Payload:
    """The event that says so."""
    common = _common(docket, told.at, accepted_at) | {"round": deadline.round}
    if told.name == "DeadlineMoved":
        shown = deadline.row()
        row = {name: getattr(shown, name) for name in DeadlineRow.model_fields}
        moved = {"old_due_at": told.old_due_at, "reason": told.reason, "cause": told.fact}
        return DeadlineMoved.model_validate(common | row | moved)
    one = {
        "kind": deadline.kind,
        "unit": deadline.unit,
        "case": deadline.case,
        "due_at": deadline.due_at,
        "generation": deadline.generation,
        "basis": deadline.basis,
    }
    if told.name in _BY_TIME:
        return _BY_TIME[told.name].model_validate(common | one)
    by = {"fact": told.fact, "fact_at": told.fact_at}
    if told.reason is not None:
        by["reason"] = cast(Any, told.reason)
    return _BY_A_FACT[told.name].model_validate(common | one | by)


def set_of(
    docket: Docket, deadlines: tuple[Deadline, ...], cause: UUID, at: datetime, accepted_at: datetime
) -> Payload:
    """The one event that tells all deadlines a cause brought about."""
    common = _common(docket, at, accepted_at) | {"round": deadlines[0].round}
    return DeadlineSet.model_validate(common | {"cause": cause, "deadlines": tuple(one.row() for one in deadlines)})


def _common(docket: Announced, occurred_at: datetime, accepted_at: datetime) -> dict[str, Any]:
    return {
        "jurisdiction": docket.jurisdiction,
        "policy": docket.policy,
        "ticket": docket.ticket if docket.number else None,
        "number": docket.number or None,
        "occurred_at": occurred_at,
        "accepted_at": accepted_at,
        "actor": SYSTEM,
    }
