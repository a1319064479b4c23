"""A ticket's clocks told again from all its facts in their order, and what that changes of what had been announced.

The services' facts reach the log independently. When one comes that happened before others of other services and
changes what those mean, such as an amendment behind the closing that it preceded, the deadlines become what they would
be had it come in time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.events.vocabulary import ImposedLimit, LegalLimit

from .deadlines import Deadline, Identity, Name, State, Told
from .docket import Docket
from .facts import Fact, in_order
from .known import Change, Known
from .life import change
from .plan import Rules, opened
from .verdicts import Step, lifted


def registered(docket: Docket, facts: Sequence[Fact]) -> Docket:
    """The docket as the registration, the first fact, left it."""
    more = facts[0].more
    applied = [one.more["from_policy"] for one in facts if one.type == "PolicyApplied"]
    return Docket(
        ticket=docket.ticket,
        number=docket.number,
        jurisdiction=docket.jurisdiction,
        policy=applied[0] if applied else docket.policy,
        type=more["type"],
        channel=more["channel"],
        category=more["category"],
        marks=tuple(more.get("marks", ())),
        legal_limit=_parsed(LegalLimit, more.get("legal_limit")),
        round=0,
        unit=None,
        co_handlers=(),
        former=(),
        partition=docket.partition,
        imposed_limit=_parsed(ImposedLimit, more.get("imposed_limit")),
        registration=docket.registration,
        about=docket.about,
    )


def _parsed(shape: Any, written: Any) -> Any:
    return shape.model_validate(written) if written else None


def versions(docket: Docket, facts: Iterable[Fact]) -> set[str]:
    """The packs under which the ticket has been."""
    applied = (one.more for one in facts if one.type == "PolicyApplied")
    return {docket.policy, *(version for more in applied for version in (more["from_policy"], more["to_policy"]))}


def told(docket: Docket, facts: Sequence[Fact], rules: Mapping[str, Rules]) -> tuple[Docket, dict[Identity, Deadline]]:
    """Docket and deadlines after these facts, in their order, without any lamp. The first is the registration.

    ``rules`` by the version of their pack.
    """
    docket = registered(docket, facts)
    rows = {one.identity: one for one in opened(docket, rules[docket.policy], facts[0])}
    for fact in facts[1:]:
        under = rules[fact.more["to_policy"] if fact.type == "PolicyApplied" else docket.policy]
        done = change(Known(docket, tuple(rows.values()), facts), fact, under)
        docket = done.docket
        rows |= {step.deadline.identity: step.deadline for step in done.steps}
        rows |= {one.identity: one for one in done.opened}
    return docket, rows


def taken_in(
    known: Known, fact: Fact, rules: Rules, *, disturbs: bool, earlier: Mapping[str, Rules] | None = None
) -> Change:
    """What the fact changes. One that comes too late for its place is put there (``disturbs``); all are needed then,
    and the rules of ``earlier`` packs that the ticket has been under."""
    if disturbs and known.facts[0].type == "TicketCreated":
        return retold(known, fact, {**(earlier or {}), rules.pack.version: rules})
    return change(known, fact, rules)


def retold(known: Known, fact: Fact, rules: Mapping[str, Rules]) -> Change:
    """What the fact changes, at its place among the others."""
    created, *others = known.facts
    docket, rows = told(known.docket, (created, *in_order(others)), rules)
    former = dict.fromkeys((*known.docket.former, *docket.former))
    docket = replace(docket, former=tuple(one for one in former if one not in docket.holders))
    standing = {row.identity: row for row in known.rows}
    steps = [_reconciled(row, rows.get(identity), fact) for identity, row in standing.items()]
    fresh = {row: _begun(row) for identity, row in rows.items() if identity not in standing}
    then = [_reconciled(begun, row, fact) for row, begun in fresh.items()]
    return Change(docket, tuple(fresh.values()), _said(steps), _said(then))


def _said(steps: Iterable[Step | None]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step is not None)


def _begun(row: Deadline) -> Deadline:
    """The deadline as it was when it began, for those who have not heard of it yet."""
    return replace(row, state="armed", verdict=None, fact_at=None, fact_event=None, filed_at=None)


def _reconciled(stands: Deadline, target: Deadline | None, fact: Fact) -> Step | None:
    """The deadline as it is to be, with the lamps that were lit, and what has to be said about that."""
    if target is None:
        if stands.state == "superseded":
            return None
        unjudged = replace(stands, verdict=None, fact_at=None, fact_event=None, filed_at=None)
        return lifted(unjudged, fact.at, fact.event)
    if not stands.open and stands.calendar != target.calendar:
        return None  # what is over is not counted again by another calendar
    target = _by_its_own_calendar(stands, target)
    at, said = fact.at, list[Told]()
    shifted = (target.due_at, target.warn_at, target.counting, target.anchor) != (
        stands.due_at, stands.warn_at, stands.counting, stands.anchor,
    )  # fmt: skip
    if shifted:
        said.append(Told("DeadlineMoved", at, "amendment", fact.event, old_due_at=stands.due_at))
    red = stands.breached_at if _stays_red(target, at) else None
    if stands.breached_at is not None and red is None:
        said.append(Told("BreachWithdrawn", at, "amendment", fact.event, at))
    yellow = stands.warned_at if target.warn_at is not None and target.warn_at <= at else None
    said += _verdicts(stands, target, fact, shifted=shifted)
    after = replace(
        target,
        id=stands.id,
        generation=stands.generation + 1 if shifted else stands.generation,
        breached_at=red,
        warned_at=yellow,
        state=_state(target, red, yellow),
    )
    return Step(after, tuple(said)) if after != stands else None


def _by_its_own_calendar(stands: Deadline, target: Deadline) -> Deadline:
    """A limit that is another only because the calendar is: it stays as it was announced, and so does what fired by it.

    Where another calendar moves it, ``recompute`` says so.
    """
    same = (target.counting, target.anchor) == (stands.counting, stands.anchor)
    if target.calendar == stands.calendar or not same:
        return target
    verdict = target.verdict
    if verdict is not None and target.fact_at is not None:
        verdict = "met" if target.fact_at < stands.due_at else "missed"
    return replace(
        target,
        warn_at=stands.warn_at,
        due_at=stands.due_at,
        original_due_at=stands.original_due_at,
        calendar=stands.calendar,
        provisional=stands.provisional,
        verdict=verdict,
    )


def _stays_red(target: Deadline, at: datetime) -> bool:
    """Whether a red lamp that was lit is right: nothing was done before the limit, and the limit is over."""
    if target.state == "superseded" or target.verdict == "met":
        return False
    return target.due_at <= (target.filed_at or target.fact_at or at)


def _verdicts(stands: Deadline, target: Deadline, fact: Fact, *, shifted: bool) -> Iterable[Told]:
    """A verdict that is another, or is of another limit, is given anew."""
    same = (target.verdict, target.fact_at) == (stands.verdict, stands.fact_at) and not shifted
    if target.verdict is not None and not same:
        name: Name = "DeadlineMet" if target.verdict == "met" else "DeadlineMissed"
        yield Told(name, target.fact_at or fact.at, fact=target.fact_event, fact_at=target.fact_at)
    elif target.state == "superseded" and stands.state != "superseded":
        yield Told("DeadlineStopped", fact.at, "superseded", fact.event, fact.at)
    elif target.state == "stopped" and stands.state != "stopped":
        yield Told("DeadlineStopped", fact.at, "closing_filed", target.fact_event, target.filed_at)
    elif target.open and target.state != "stopped" and (not stands.open or stands.state == "stopped"):
        yield Told("DeadlineResumed", fact.at, "clock_resumed", fact.event, fact.at)


def _state(target: Deadline, red: datetime | None, yellow: datetime | None) -> State:
    if not target.open or target.state == "stopped":
        return target.state
    return "breached" if red else "approaching" if yellow else "armed"
