"""Which event sets which deadlines, and which fact meets what: the pack's limits over a ticket's situation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from common.basis import Basis
from common.calendar import Allowance, WorkingCalendar
from common.clock import local_date, new_id
from common.events.vocabulary import Anchor, DeadlineKind, LegalLimit
from common.policy import WINDOWS, Limit, NoLimit, Pack, Situation

from .counting import Counting, count
from .deadlines import Deadline
from .docket import Docket

ANCHORS: Final[Mapping[str, str]] = {"Dispatched": "dispatched", "Reissued": "dispatched"}
"""Type of event → the anchor of the pack's limits that it is: the round's work order reached the unit."""

MEETS: Final[Mapping[str, tuple[DeadlineKind, ...]]] = {"SignedIn": ("sign_in",), "Returned": ("return_window",)}
"""Type of event → the kinds it meets, or of windows, judges. The closing has its own steps (``verdicts``)."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one kind: how it is counted, or that it is exempt (``counting`` None), and why."""

    kind: DeadlineKind
    anchor: str
    counting: Counting | None
    basis: tuple[Basis, ...]


class NoRuleApplies(LookupError):
    """The pack knows the kind and no row of its table is for the situation: "no limit" is said, never implied."""


def ruling(
    pack: Pack, kind: str, situation: Situation, anchor_at: datetime, legal_limit: LegalLimit | None
) -> Ruling | None:
    """The rule for a kind; None when the pack does not know it: the mechanism is off. ``NoRuleApplies``.

    A law's own limit on the ticket goes before the pack's table, also before its "no limit" (双鸭山 第十六条).
    """
    table = pack.limits.tables.get(kind)
    if table is None:
        return None
    named = cast(DeadlineKind, kind)
    anchor = pack.limits.anchor(kind)
    warn_before = table.warn_before.allowance if table.warn_before else None
    rules = pack.limits.counting
    if legal_limit is not None and kind in pack.limits.law_overrides.kinds:
        allowance = Allowance(legal_limit.amount, legal_limit.unit)
        counting = Counting(allowance, rules.close_of_business, rules.roll, warn_before)
        return Ruling(named, anchor, counting, (legal_limit.basis, pack.limits.law_overrides.basis))
    found = pack.limits.find(kind, situation, local_date(anchor_at))
    if found is None:
        raise NoRuleApplies(f"{pack.version} has no row of {kind} for the ticket's situation")
    if isinstance(found, NoLimit):
        return Ruling(named, anchor, None, (found.basis,))
    return Ruling(named, anchor, _counting(found), (found.basis,))


def _counting(limit: Limit) -> Counting:
    return Counting(limit.allowance, limit.day_end, limit.roll, limit.warn_before)


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that brings deadlines about: whose round begins, and when."""

    event: UUID
    type: str
    at: datetime
    round: int
    unit: str


def opened(docket: Docket, pack: Pack, calendar: WorkingCalendar, cause: Cause) -> tuple[Deadline, ...]:
    """All deadlines that run from this event, owed by its unit; an exempt kind has none.

    ``OutsideCalendar``, ``NoRuleApplies``.
    """
    return tuple(_opened(docket, pack, calendar, cause))


def _opened(docket: Docket, pack: Pack, calendar: WorkingCalendar, cause: Cause) -> Iterator[Deadline]:
    situation = docket.situation(cause.round)
    for kind in pack.limits.kinds():
        if "lead" not in pack.limits.tables[kind].owners or pack.limits.anchor(kind) != ANCHORS[cause.type]:
            continue
        rule = ruling(pack, kind, situation, cause.at, docket.legal_limit)
        if rule is None or rule.counting is None:
            continue
        instants = count(calendar, cause.at, rule.counting)
        yield Deadline(
            id=new_id(),
            subject=docket.subject,
            ticket=docket.ticket,
            kind=rule.kind,
            unit=cause.unit,
            round=cause.round,
            case=None,
            window=kind in WINDOWS,
            anchor=Anchor(event=cause.event, at=cause.at, type=cause.type),
            counting=rule.counting,
            warn_at=instants.warn_at,
            due_at=instants.due_at,
            original_due_at=instants.due_at,
            policy=docket.policy,
            calendar=instants.calendar,
            provisional=instants.provisional,
            basis=rule.basis,
            partition=docket.partition,
        )
