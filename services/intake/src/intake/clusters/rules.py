"""When the demands that one unit leads are concentrated (双鸭山 第八条（五）)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from common.basis import Basis
from common.policy.clusters import Clusters, midnight

State = Literal["open", "waiting", "answered"]
"""``open``: further tickets join. ``waiting``: its window has passed, the unit has not answered yet."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A ticket as far as counting goes."""

    ticket: UUID
    type: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """Demands that are concentrated, oldest first; later ones of the window, which ends before ``ends_at``, join."""

    demands: tuple[Demand, ...]
    starts_at: datetime
    ends_at: datetime
    basis: tuple[Basis, ...]


def counts(section: Clusters, type: str) -> bool:
    """Whether a ticket of that type is counted at all."""
    return type not in section.not_counted.value


def gathered(section: Clusters, demands: Iterable[Demand], at: datetime) -> Gathered | None:
    """What the demands of one category and one unit come to on the day of ``at``; None: they are not concentrated."""
    since = section.since(at)
    recent = [demand for demand in demands if counts(section, demand.type) and demand.received_at >= since]
    if len(recent) < section.reached.count:
        return None
    recent.sort(key=lambda demand: (demand.received_at, demand.ticket))
    first = recent[0].received_at
    return Gathered(tuple(recent), midnight(first), section.until(first), (section.reached.basis, section.window.basis))


def state(ends_at: datetime, answered_at: datetime | None, now: datetime) -> State:
    if answered_at is not None:
        return "answered"
    return "open" if now < ends_at else "waiting"
