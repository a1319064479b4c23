"""Which fact sets which deadlines, and which fact meets what: the pack's limits over a ticket's situation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final, cast

from common.basis import Basis
from common.calendar import Allowance, WorkingCalendar
from common.clock import SHANGHAI, in_utc, local_date, new_id
from common.events.vocabulary import Anchor, DeadlineKind, ImposedLimit, LegalLimit
from common.policy import WINDOWS, Limit, NoLimit, Pack, Situation

from .counting import Counting, Source, count
from .deadlines import Deadline
from .docket import Concluded, Docket
from .facts import Fact

ANCHORS: Final[Mapping[str, str]] = {
    "TicketCreated": "registered",
    "Dispatched": "dispatched",
    "Reissued": "dispatched",
    "Returned": "returned",
    "ConsultationConvened": "convened",
    "ConsultationConcluded": "unresolved",
    "SupervisionIssued": "supervised",
    "SignedIn": "signed_in",
    "ProgressReported": "promised",
    "Closed": "closed",
    "PushIssued": "pushed",
    "KnowledgeDue": "effective",
}
"""Type of event → the anchor of the pack's limits that it is."""

MEETS: Final[Mapping[str, tuple[DeadlineKind, ...]]] = {
    "SignedIn": ("sign_in",),
    "Returned": ("return_window", "return_late_window"),
    "RequesterContacted": ("first_contact", "first_response"),
    "ProgressReported": ("first_response", "progress"),
    "ClosingReported": ("first_response", "progress"),
}
"""Type of event → the kinds of its unit and round that it meets, or of windows, judges.

A filed result says at least as much as a response or progress. The closing itself has its own steps (``verdicts``).
"""

CLOSINGS: Final[tuple[DeadlineKind, ...]] = ("closing", "closing_whole", "promised")
"""Kinds that the closing of the lead meets, by when the accepted report was filed."""

DECIDES: Final[Mapping[str, tuple[DeadlineKind, ...]]] = {
    "ReturnApproved": ("ruling",),
    "ReturnDenied": ("ruling",),
    "ConsultationConcluded": ("designation", "coordination", "consultation"),
    "SupervisionReplied": ("supervision_reply",),
    "PushAnswered": ("push_feedback",),
    "KnowledgeEntered": ("knowledge_update",),
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
    imposed_whole: ImposedLimit | None = None,
) -> Ruling | None:
    """The rule for a kind; None when the pack does not know it: the mechanism is off. ``NoRuleApplies``.

    What is the ticket's own goes before the pack's table, also before its "no limit": a law's limit (双鸭山 第十六条),
    of the ticket or of its matter, then what was concluded, then what was imposed at registration, unless that is an
    instant already past. ``imposed_whole``: what was imposed on 整体时限 (真如 六(三)), beside the given limit.
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
        earlier_by=table.earlier_by.allowance if table.earlier_by else None,
    )
    today = local_date(anchor_at)

    def own(source: Source, span: Allowance | None, until: datetime | None, *basis: Basis) -> Ruling:
        counting = replace(plain, allowance=span, until=until, source=source)
        return Ruling(named, anchor, counting, (*basis, *followed))

    if legal_limit is not None and rows in limits.law_overrides.kinds:
        span = Allowance(legal_limit.amount, legal_limit.unit)
        return own("law", span, None, legal_limit.basis, limits.law_overrides.basis)
    if (law := limits.overlaid(kind, situation, today)) is not None:
        return _by(named, anchor, limits.by(kind, law), (*followed, limits.law_overrides.basis), "law")
    if concluded is not None and limits.concluded_limits is not None and rows in limits.concluded_limits.kinds:
        span = Allowance(concluded.limit.amount, concluded.limit.unit)
        return own("concluded", span, None, limits.concluded_limits.basis)
    if rows == "closing_whole":
        imposed = imposed_whole
    if imposed is not None and limits.imposed_limits is not None and rows in limits.imposed_limits.kinds:
        named_span, until = imposed.limit, imposed.due_at
        if named_span is not None:
            span = Allowance(named_span.amount, named_span.unit)
            return own("imposed", span, None, imposed.basis, limits.imposed_limits.basis)
        if until is not None and until > anchor_at:
            return own("imposed", None, until, imposed.basis, limits.imposed_limits.basis)
    row = limits.tabled(kind, situation, today)
    if row is None:
        raise NoRuleApplies(f"{pack.version} has no row of {kind} for the ticket's situation")
    return _by(named, anchor, limits.by(kind, row), followed, "table")


def _by(kind: DeadlineKind, anchor: str, found: Limit | NoLimit, followed: tuple[Basis, ...], source: Source) -> Ruling:
    """What a row of the pack comes to."""
    if isinstance(found, NoLimit):
        return Ruling(kind, anchor, None, (found.basis, *followed))
    counting = Counting(
        found.allowance,
        found.day_end,
        found.roll,
        found.warn_before,
        source=source,
        earlier_by=found.earlier_by,
        counted_from=found.counted_from,
    )
    return Ruling(kind, anchor, counting, (found.basis, *followed))


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
            imposed_whole=docket.registration.imposed_whole if docket.registration else None,
        )


def anchored(fact: Fact) -> Anchor:
    """The fact, as what a limit runs from: a policy, from the beginning of the day on which it takes effect."""
    if fact.type == "KnowledgeDue":
        day = date.fromisoformat(fact.more["effective_on"])
        return Anchor(event=fact.event, at=in_utc(datetime.combine(day, time(), SHANGHAI)), type=fact.type)
    return Anchor(event=fact.event, at=fact.at, type=fact.type)


def opened(docket: Docket, rules: Rules, fact: Fact) -> tuple[Deadline, ...]:
    """All deadlines that run from this fact; an exempt kind has none. ``OutsideCalendar``, ``NoRuleApplies``.

    What runs from a dispatch or a sign-in is owed by the lead or by each co-handler, as the pack says; a promise by
    the lead; a reply by the unit that is supervised or was pushed to; what is to be decided about it by no unit.
    """
    limits, runs_from = rules.pack.limits, ANCHORS[fact.type]
    found: list[Deadline | None] = []
    for kind in limits.kinds():
        if limits.anchor(kind) != runs_from or (runs_from == "convened" and kind != fact.more["form"]):
            continue
        if runs_from in ("dispatched", "signed_in"):
            owners = owners_of(docket, rules, kind)
            found += [set_up(docket, rules, kind, unit, fact.round, anchored(fact)) for unit in owners]
        else:
            owner = fact.unit if runs_from in ("supervised", "promised", "pushed", "effective") else None
            found.append(set_up(docket, rules, kind, owner, fact.round, anchored(fact), fact))
    return tuple(one for one in found if one is not None)


def owners_of(docket: Docket, rules: Rules, kind: str) -> Iterator[str]:
    """The units that owe a kind that runs from the dispatch."""
    for owner in rules.pack.limits.tables[kind].owners:
        if owner == "co_handler":
            yield from docket.co_handlers
        elif docket.unit is not None:
            yield docket.unit


def counted_from(docket: Docket, counting: Counting, anchor: Anchor) -> Anchor:
    """What the limit is counted from: the fact that set it, or the report or its registration, as the row says."""
    came = docket.registration
    if counting.counted_from is None or came is None:
        return anchor
    return (
        came.anchor
        if counting.counted_from == "registered"
        else came.anchor.model_copy(update={"at": came.received_at})
    )


def set_up(
    docket: Docket, rules: Rules, kind: str, unit: str | None, round_: int, anchor: Anchor, case: Fact | None = None
) -> Deadline | None:
    """One deadline, just begun; None where the kind is exempt. ``OutsideCalendar``, ``NoRuleApplies``."""
    rule = rules.ruling(kind, docket, round_, anchor.at)
    if rule is None or rule.counting is None:
        return None
    counting, anchor = rule.counting, counted_from(docket, rule.counting, anchor)
    if rule.anchor == "promised" and case is not None:
        counting = replace(counting, until=case.instant("promised_at"))
    instants = count(rules.calendar, anchor.at, counting)
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
        counting=counting,
        warn_at=instants.warn_at,
        due_at=instants.due_at,
        original_due_at=instants.original_due_at,
        policy=docket.policy,
        calendar=instants.calendar,
        provisional=instants.provisional,
        basis=rule.basis,
        partition=docket.partition,
    )
