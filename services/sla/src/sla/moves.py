"""How the limits of an open round move: by an extension, by what was concluded, by an amendment (双鸭山 第二十条)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from common.basis import Basis
from common.calendar import Allowance
from common.events.sla import MoveReason
from common.events.vocabulary import Anchor, Limit

from .counting import Extension, Pause, count
from .deadlines import Deadline
from .docket import Concluded, Docket
from .facts import Fact
from .known import Known
from .plan import Rules, Ruling, anchored, counted_from, owners_of, set_up
from .verdicts import Step, clock_resumed, clock_stopped, lifted, moved, set_again


class DecisionUnknown(LookupError):
    """A ruling took effect whose decision never came."""


def _decision(known: Known, fact: Fact, *types: str) -> Fact:
    """The decision that a ruling answers."""
    found = [one for one in known.facts if one.type in types and one.case == fact.case]
    if not found:
        raise DecisionUnknown(f"a ruling took effect whose {' or '.join(types)} never came")
    return found[-1]


def extended(known: Known, fact: Fact, rules: Rules) -> tuple[Step, ...]:
    """The granted time is added to the closing and to what follows it; where an interim report has met the closing, to
    the promised date that is tracked since. A special one, which the platform above gives, is added to the whole limit
    of the ticket too (真如 三（二）2（2）)."""
    decision = _decision(known, fact, "ExtensionGranted")
    granted = Limit.model_validate(decision.more["granted"]) if decision.more.get("granted") else None
    assert fact.case is not None  # a ruling names its case
    ordinary = decision.more.get("kind", "ordinary") == "ordinary"
    extension = Extension(
        fact.case,
        Allowance(granted.amount, granted.unit) if granted else None,
        decision.instant("granted_until"),
        cap=_cap(known, rules) if ordinary else None,
    )
    steps: list[Step] = []
    rows = known.open("closing", *rules.pack.limits.followers("closing"), round_=fact.round)
    if all(row.kind != "closing" for row in rows):
        rows += known.open("promised", round_=fact.round)
    for row in rows if ordinary else (*rows, *known.open("closing_whole")):
        if any(one.case == fact.case for one in row.counting.extensions):
            continue
        counting = replace(row.counting, extensions=(*row.counting.extensions, extension))
        after = replace(row, counting=counting, basis=_with_extension(row, rules, ordinary=ordinary))
        steps.append(moved(after, count(rules.calendar, row.anchor.at, counting), fact.at, "extension", fact.event))
    return tuple(steps)


def _cap(known: Known, rules: Rules) -> datetime | None:
    """The instant beyond which no ordinary extension of the round reaches (真如 三(二)2（1）)."""
    latest = rules.pack.limits.latest
    if latest is None:
        return None
    rows = [row for row in known.rows if row.kind == latest.value and row.round == known.docket.round]
    if not rows:
        return None
    # Without what the clock stood still: that is counted on top of the extension, as of every limit.
    return count(rules.calendar, rows[0].anchor.at, replace(rows[0].counting, pauses=())).due_at


def _with_extension(row: Deadline, rules: Rules, *, ordinary: bool) -> tuple[Basis, ...]:
    """The clauses of the limit and, once, the one that such extensions rest on."""
    window, extensions = rules.pack.limits.tables.get("extension_window"), rules.pack.extensions
    basis = window.follows.basis if window is not None and window.follows is not None else None
    if not ordinary and extensions is not None and extensions.special is not None:
        basis = extensions.special.spans.basis
    return row.basis if basis is None or basis in row.basis else (*row.basis, basis)


def named_limit(known: Known, fact: Fact) -> Docket:
    """The docket with the limit that the conclusion or the decision names, if it names one."""
    decision = _decision(known, fact, "ConsultationConcluded", "EscalationDecided")
    if not decision.more.get("limit"):
        return known.docket
    by_meeting = decision.type == "ConsultationConcluded"
    concluded = Concluded(
        "consultation" if by_meeting else "escalation", Limit.model_validate(decision.more["limit"]), anchored(fact)
    )
    return replace(known.docket, concluded=concluded)


def counted_again(known: Known, fact: Fact, rules: Rules, reason: MoveReason) -> tuple[Step, ...]:
    """What runs from the round's dispatch, by the rules for the ticket as it is now."""
    docket, steps = known.docket, list[Step]()
    for row in known.open(round_=docket.round):
        if row.case is not None or rules.pack.limits.tables.get(row.kind) is None or row.kind == "promised":
            continue
        anchor = _anchor(row, docket)
        rule = rules.ruling(row.kind, docket, row.round, anchor.at)
        if rule is None or rule.counting is None:
            steps.append(lifted(row, fact.at, fact.event))
        elif (step := _by(rule, row, _anchor(row, docket, rule), rules, fact, reason)) is not None:
            steps.append(step)
    return tuple(steps)


def _anchor(row: Deadline, docket: Docket, rule: Ruling | None = None) -> Anchor:
    """What the deadline runs from: a limit that was concluded within the round from when it took effect."""
    begun, concluded = docket.begun, docket.concluded
    if rule is not None and rule.counting is not None and begun is not None:
        if rule.counting.counted_from is not None:
            return counted_from(docket, rule.counting, begun)
        if row.counting.counted_from is not None:
            row = replace(row, anchor=begun)
    if begun is None or concluded is None or concluded.anchor.at <= begun.at:
        return row.anchor
    if rule is not None and rule.counting is not None and rule.counting.source == "concluded":
        return concluded.anchor
    return begun if row.anchor.type == "RulingApplied" else row.anchor


def _by(rule: Ruling, row: Deadline, anchor: Anchor, rules: Rules, fact: Fact, reason: MoveReason) -> Step | None:
    """The deadline by another rule; None if nothing about it is different. Its extensions stay, unless the limit was
    newly concluded.
    """
    assert rule.counting is not None
    newly = anchor.event != row.anchor.event and "RulingApplied" in (anchor.type, row.anchor.type)
    kept = () if newly else row.counting.extensions
    counting = replace(rule.counting, extensions=kept, pauses=row.counting.pauses)
    basis = (*rule.basis, *(one for one in row.basis if kept and one not in rule.basis and one == row.basis[-1]))
    if (counting, anchor) == (row.counting, row.anchor):
        return None
    after = replace(row, counting=counting, anchor=anchor, basis=basis)
    return moved(after, count(rules.calendar, anchor.at, counting), fact.at, reason, fact.event)


def newly_owed(known: Known, fact: Fact, rules: Rules) -> tuple[tuple[Deadline, ...], tuple[Step, ...]]:
    """Kinds that apply only now run from the amendment; one that had applied before runs again."""
    docket, fresh, revived = known.docket, list[Deadline](), list[Step]()
    standing = {row.identity: row for row in known.rows}
    limits = rules.pack.limits
    for kind in limits.kinds():
        if limits.anchor(kind) != "dispatched":
            continue
        for unit in owners_of(docket, rules, kind):
            found = set_up(docket, rules, kind, unit, docket.round, anchored(fact))
            before = standing.get((kind, unit, docket.round, None))
            if found is None or (before is not None and before.state != "superseded"):
                continue
            if before is None:
                fresh.append(found)
            else:
                revived.append(set_again(before, found, fact.at, fact.event))
    return tuple(fresh), tuple(revived)


def promised(known: Known, fact: Fact, rules: Rules) -> tuple[tuple[Deadline, ...], tuple[Step, ...]]:
    """A date was promised: a duty begins that ends with it, or one that still has time moves to it (同江 三（一）).

    A promise that was broken is not mended by another one.
    """
    standing = [row for row in known.rows if row.kind == "promised" and row.round == fact.round]
    if not standing:
        found = set_up(known.docket, rules, "promised", fact.unit, fact.round, anchored(fact), fact)
        return ((found,) if found else ()), ()
    row = standing[-1]
    if not row.open or row.due_at <= fact.at or row.state == "stopped":
        return (), ()
    after = replace(row, counting=replace(row.counting, until=fact.instant("promised_at")), anchor=anchored(fact))
    return (), (moved(after, count(rules.calendar, fact.at, after.counting), fact.at, "promised", fact.event),)


def stopped(known: Known, fact: Fact, rules: Rules) -> tuple[Step, ...]:
    """The clocks that the pack names for the ground stand still; what is over already does not."""
    ground = (rules.pack.limits.clock_stops or {}).get(fact.more.get("ground", ""))
    assert fact.case is not None  # a stop is a case of its own
    if ground is None:
        return ()
    pause, steps = Pause(fact.case, fact.at), list[Step]()
    for row in known.open(*ground.kinds, round_=fact.round):
        if row.due_at > fact.at and row.filed_at is None and not row.counting.paused:
            counting = replace(row.counting, pauses=(*row.counting.pauses, pause))
            after = replace(row, counting=counting, basis=tuple(dict.fromkeys((*row.basis, ground.basis))))
            steps.append(clock_stopped(after, fact.at, fact.event))
    return tuple(steps)


def resumed(rows: Iterable[Deadline], at: datetime, fact: UUID, rules: Rules) -> tuple[Step, ...]:
    """The clocks that stand still run on, with the time that was left."""
    steps: list[Step] = []
    for row in rows:
        if row.counting.paused:
            pauses = tuple(replace(one, resumed_at=one.resumed_at or at) for one in row.counting.pauses)
            after = replace(row, counting=replace(row.counting, pauses=pauses))
            steps.append(clock_resumed(after, count(rules.calendar, row.anchor.at, after.counting), at, fact))
    return tuple(steps)
