"""Which fact sets which deadlines, and which fact meets what: the pack's limits over a ticket's situation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from common.basis import Basis
from common.calendar import Allowance, WorkingCalendar
from common.clock import local_date, new_id
from common.events.vocabulary import Anchor, DeadlineKind, ImposedLimit, LegalLimit
from common.policy import WINDOWS, Limit, NoLimit, Pack, Situation

from .counting import Counting, Source, count
from .deadlines import Deadline
from .docket import Concluded, Docket
from .facts import Fact

ANCHORS: Final[Mapping[str, str]] = {
    "Dispatched": "dispatched",
    "Reissued": "dispatched",
    "Returned": "returned",
    "ConsultationConvened": "convened",
    "ConsultationConcluded": "unresolved",
    "SupervisionIssued": "supervised",
}
"""Type of event → the anchor of the pack's limits that it is."""

MEETS: Final[Mapping[str, tuple[DeadlineKind, ...]]] = {
    "SignedIn": ("sign_in",),
    "Returned": ("return_window",),
    "RequesterContacted": ("first_response",),
    "ProgressReported": ("first_response", "progress"),
    "ClosingReported": ("first_response", "progress"),
}
"""Type of event → the kinds of its unit and round that it meets, or of windows, judges.

A filed result says at least as much as a response or progress. The closing itself has its own steps (``verdicts``).
"""

DECIDES: Final[Mapping[str, tuple[DeadlineKind, ...]]] = {
    "ReturnApproved": ("ruling",),
    "ReturnDenied": ("ruling",),
    "ConsultationConcluded": ("designation", "coordination", "consultation"),
    "SupervisionReplied": ("supervision_reply",),
}
"""Type of event → the kinds of its case that it meets."""


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
    pack: Pack,
    kind: str,
    situation: Situation,
    anchor_at: datetime,
    legal_limit: LegalLimit | None = None,
    *,
    concluded: Concluded | None = None,
    imposed: ImposedLimit | None = None,
) -> Ruling | None:
    """The rule for a kind; None when the pack does not know it: the mechanism is off. ``NoRuleApplies``.

    What is the ticket's own goes before the pack's table, also before its "no limit": a law's limit (双鸭山 第十六条),
    then what was concluded, then what was imposed at registration, unless that is an instant already past.
    """
    limits = pack.limits
    table = limits.tables.get(kind)
    if table is None:
        return None
    named, anchor, rows = cast(DeadlineKind, kind), limits.anchor(kind), limits.counts_as(kind)
    followed = (table.follows.basis,) if table.follows is not None else ()
    plain = Counting(
        allowance=None,
        day_end=limits.counting.close_of_business,
        roll=limits.counting.roll,
        warn_before=table.warn_before.allowance if table.warn_before else None,
    )

    def own(source: Source, span: Allowance | None, until: datetime | None, *basis: Basis) -> Ruling:
        counting = replace(plain, allowance=span, until=until, source=source)
        return Ruling(named, anchor, counting, (*basis, *followed))

    if legal_limit is not None and rows in limits.law_overrides.kinds:
        span = Allowance(legal_limit.amount, legal_limit.unit)
        return own("law", span, None, legal_limit.basis, limits.law_overrides.basis)
    if concluded is not None and limits.concluded_limits is not None and rows in limits.concluded_limits.kinds:
        span = Allowance(concluded.limit.amount, concluded.limit.unit)
        return own("concluded", span, None, limits.concluded_limits.basis)
    if imposed is not None and limits.imposed_limits is not None and rows in limits.imposed_limits.kinds:
        named_span, until = imposed.limit, imposed.due_at
        if named_span is not None:
            span = Allowance(named_span.amount, named_span.unit)
            return own("imposed", span, None, imposed.basis, limits.imposed_limits.basis)
        if until is not None and until > anchor_at:
            return own("imposed", None, until, imposed.basis, limits.imposed_limits.basis)
    found = limits.find(kind, situation, local_date(anchor_at))
    if found is None:
        raise NoRuleApplies(f"{pack.version} has no row of {kind} for the ticket's situation")
    if isinstance(found, NoLimit):
        return Ruling(named, anchor, None, (found.basis, *followed))
    return Ruling(named, anchor, _counting(found), (found.basis, *followed))


def _counting(limit: Limit) -> Counting:
    return Counting(limit.allowance, limit.day_end, limit.roll, limit.warn_before)


@dataclass(frozen=True, slots=True)
class Rules:
    """What deadlines are counted with: the ticket's pack and the calendar in force."""

    pack: Pack
    calendar: WorkingCalendar

    def ruling(self, kind: str, docket: Docket, round_: int, anchor_at: datetime) -> Ruling | None:
        """The rule for one kind of a ticket's deadlines. ``NoRuleApplies``."""
        return ruling(
            self.pack,
            kind,
            docket.situation(round_),
            anchor_at,
            docket.legal_limit,
            concluded=docket.concluded,
            imposed=docket.imposed_limit,
        )


def anchored(fact: Fact) -> Anchor:
    """The fact, as what a limit runs from."""
    return Anchor(event=fact.event, at=fact.at, type=fact.type)


def opened(docket: Docket, rules: Rules, fact: Fact) -> tuple[Deadline, ...]:
    """All deadlines that run from this fact; an exempt kind has none. ``OutsideCalendar``, ``NoRuleApplies``.

    What runs from a dispatch is owed by the lead or by each co-handler, as the pack says; a reply by the unit that is
    supervised; what is to be decided about the ticket by no unit.
    """
    limits, runs_from = rules.pack.limits, ANCHORS[fact.type]
    found: list[Deadline | None] = []
    for kind in limits.kinds():
        if limits.anchor(kind) != runs_from or (runs_from == "convened" and kind != fact.more["form"]):
            continue
        if runs_from == "dispatched":
            owners = owners_of(docket, rules, kind)
            found += [set_up(docket, rules, kind, unit, fact.round, anchored(fact)) for unit in owners]
        else:
            owner = fact.unit if runs_from == "supervised" else None
            found.append(set_up(docket, rules, kind, owner, fact.round, anchored(fact), fact))
    return tuple(one for one in found if one is not None)


def owners_of(docket: Docket, rules: Rules, kind: str) -> Iterator[str]:
    """The units that owe a kind that runs from the dispatch."""
    for owner in rules.pack.limits.tables[kind].owners:
        if owner == "co_handler":
            yield from docket.co_handlers
        elif docket.unit is not None:
            yield docket.unit


def set_up(
    docket: Docket, rules: Rules, kind: str, unit: str | None, round_: int, anchor: Anchor, case: Fact | None = None
) -> Deadline | None:
    """One deadline, just begun; None where the kind is exempt. ``OutsideCalendar``, ``NoRuleApplies``."""
    rule = rules.ruling(kind, docket, round_, anchor.at)
    if rule is None or rule.counting is None:
        return None
    instants = count(rules.calendar, anchor.at, rule.counting)
    return Deadline(
        id=new_id(),
        subject=docket.subject,
        ticket=docket.ticket,
        kind=rule.kind,
        unit=unit,
        round=round_,
        case=case.case if case else None,
        window=kind in WINDOWS,
        anchor=anchor,
        counting=rule.counting,
        warn_at=instants.warn_at,
        due_at=instants.due_at,
        original_due_at=instants.original_due_at,
        policy=docket.policy,
        calendar=instants.calendar,
        provisional=instants.provisional,
        basis=rule.basis,
        partition=docket.partition,
    )
