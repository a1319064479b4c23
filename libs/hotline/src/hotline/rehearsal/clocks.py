"""Clocks (时限): what is due after which fact, when its lamp is lit, whether a fact was in time (双鸭山 第十六条)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime

from common.clock import local_date
from common.events.vocabulary import Anchor as Anchored
from common.events.vocabulary import Limit
from common.policy import Situation
from common.policy.extensions import Sort
from common.policy.limits import Anchor, Kind, Owner, Span
from common.policy.ruled import Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from sla.deadlines import Deadline
from sla.docket import About, Concluded, Docket, Registration
from sla.facts import Fact as Announced
from sla.known import Known
from sla.life import change
from sla.plan import ANCHORS, Rules, opened
from sla.verdicts import judged

_SOME: Final = UUID(int=1)
_EVENTS: Final = {anchor: event for event, anchor in reversed(tuple(ANCHORS.items()))}
_WEEK: Final = timedelta(days=7)
_LEAD: Final = "主办单位"
_BESIDE: Final = "协办单位"
_OF_NO_TICKET: Final[Mapping[str, About]] = {"pushed": "cluster", "effective": "entry"}
"""Anchors of what is owed about something wider than a ticket."""


def deadlines(stage: Stage, after: str, at: datetime, promised_at: datetime | None = None) -> tuple[Deadline, ...]:
    """What sla sets after a fact of the scenario's ticket, which has a lead and co-handlers, or of something wider."""
    docket = _docket(stage, after, at)
    found: list[Deadline] = []
    for form in ("designation", "coordination", "consultation") if after == "convened" else (None,):
        more = {
            "form": form,
            "promised_at": promised_at.isoformat() if promised_at else None,
            "effective_on": local_date(at).isoformat(),
        }
        found += opened(docket, Rules(stage.pack, stage.calendar), _fact(_EVENTS[after], docket, at, more))
    return tuple(found)


def _fact(type: str, docket: Docket, at: datetime, more: Mapping[str, Any]) -> Announced:
    round_ = 0 if type == "TicketCreated" else docket.round
    return Announced(_SOME, type, "scenario", at, at, round_, docket.unit, _SOME, more)


def _docket(stage: Stage, after: str, at: datetime) -> Docket:
    about = _OF_NO_TICKET.get(after, "ticket")
    situation, concluded = stage.situation if about == "ticket" else Situation(), stage.concluded_limit
    return Docket(
        ticket=_SOME,
        number="SYS20250101000001" if about == "ticket" else "",
        jurisdiction=stage.pack.jurisdiction,
        policy=stage.pack.version,
        type=situation.type or "",
        channel=situation.channel or "phone",
        category=situation.category or "某类",
        marks=tuple(situation.marks),
        legal_limit=stage.legal_limit,
        round=situation.round,
        unit=_LEAD,
        co_handlers=tuple(f"{_BESIDE}{place or ''}" for place in range(situation.co_handlers)),
        former=(),
        partition=0,
        imposed_limit=stage.imposed_limit,
        concluded=Concluded(
            "consultation",
            Limit(amount=concluded.amount, unit=concluded.unit),
            Anchored(event=_SOME, at=at, type="RulingApplied"),
        )
        if concluded
        else None,
        handling=True,
        registration=_registration(stage, at, situation) if about == "ticket" else None,
        about=about,
    )


def _registration(stage: Stage, at: datetime, situation: Situation) -> Registration:
    registered = stage.registered or stage.dispatched or at
    return Registration(
        anchor=Anchored(event=_SOME, at=registered, type="TicketCreated"),
        received_at=stage.received or registered,
        anonymous=situation.anonymous,
        contact=situation.contact,
        confidential=situation.confidential,
        imposed_whole=stage.imposed_whole,
    )


def begun_at(stage: Stage, after: str) -> datetime:
    """When the fact was, where the scenario says nothing else: the registration, or the dispatch."""
    return stage.registered_at if after == "registered" else stage.dispatched_at


def due_at(stage: Stage, kind: str, at: datetime, after: str = "dispatched") -> datetime | None:
    """The first late instant of a kind; None: it does not run from that fact, or has no limit."""
    return next((one.due_at for one in deadlines(stage, after, at) if one.kind == kind), None)


def extended(stage: Stage, kind: str, spans: tuple[Span, ...], sort: Sort = "ordinary") -> datetime | None:
    """The first late instant of a kind with extensions that were granted and took effect, one after the other."""
    at, rules = stage.dispatched_at, Rules(stage.pack, stage.calendar)
    docket = _docket(stage, "dispatched", at)
    rows = {
        one.id: one for after in ("registered", "dispatched") for one in deadlines(stage, after, begun_at(stage, after))
    }
    for place, span in enumerate(spans, start=1):
        limit = {"amount": span.amount, "unit": span.unit}
        granted = _fact("ExtensionGranted", docket, at, {"kind": sort, "granted": limit})
        granted = replace(granted, case=UUID(int=place))
        applied = _fact("RulingApplied", docket, at, {"kind": "extension", "new_status": "signed_in"})
        known = Known(docket, tuple(rows.values()), (granted,))
        steps = change(known, replace(applied, case=UUID(int=place)), rules).steps
        rows |= {step.deadline.id: step.deadline for step in steps}
    return next((one.due_at for one in rows.values() if one.kind == kind), None)


def stopped(stage: Stage, ground: str, at: datetime, until: datetime | None) -> tuple[Deadline, ...]:
    """What stands still on that ground from an instant on, as it is once it runs again (None: it does not)."""
    begun, rules = stage.dispatched_at, Rules(stage.pack, stage.calendar)
    docket = _docket(stage, "dispatched", begun)
    stop = replace(_fact("ClockStopped", docket, at, {"ground": ground}), case=_SOME)
    steps = change(Known(docket, deadlines(stage, "dispatched", begun)), stop, rules).steps
    rows = tuple(step.deadline for step in steps)
    if until is None:
        return rows
    resumption = replace(_fact("ClockResumed", docket, until, {}), case=_SOME)
    return tuple(step.deadline for step in change(Known(docket, rows), resumption, rules).steps)


class ExpectedDeadline(Part):
    """A deadline by hand. ``due_at`` is the first late instant; ``derivation`` says in words how it was counted.

    ``after`` is the fact it runs from, ``at`` the instant of that fact: the registration or the dispatch, where none is
    given; ``promised`` the date that it promised. ``due_at`` none: no limit. ``articles``: where several clauses rule.
    ``owed_by``: by whom, where more than the lead.
    """

    after: Anchor = "dispatched"
    at: AwareDatetime | None = None
    promised: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    warn_at: AwareDatetime | None = None
    owed_by: tuple[Owner, ...] | None = None
    article: Words | None = None
    articles: tuple[Words, ...] = ()
    derivation: Words

    def differences(self, kind: str, stage: Stage) -> Iterator[str]:
        all_ = deadlines(stage, self.after, self.at or begun_at(stage, self.after), self.promised)
        set_ = [one for one in all_ if one.kind == kind]
        one = set_[0] if set_ else None
        yield from compare(f"{kind} due", self.due_at, one.due_at if one else None)
        yield from compare(f"{kind} yellow lamp", self.warn_at, one.warn_at if one else None)
        expected = self.articles or ((self.article,) if self.article else ())
        yield from compare(f"{kind} article", expected, articles(one.basis) if one else ())
        if self.after in ("dispatched", "signed_in") and one is not None:
            owners: dict[Owner, None] = dict.fromkeys("lead" if each.unit == _LEAD else "co_handler" for each in set_)
            yield from compare(f"{kind} is owed by", self.owed_by or ("lead",), tuple(owners))


class Fact(Part):
    """Something done at an instant, and whether that was in time. ``after``: what the limit runs from.

    ``by`` closing: the ticket was closed by a report filed then; ``by`` promise: the lead reported progress then, with
    a date by which it will be done. ``lifted``: with that the duty is not owed any more, ``owed``: it still is.
    """

    kind: Kind
    at: AwareDatetime
    verdict: Literal["met", "missed", "lifted", "owed"]
    after: Anchor = "dispatched"
    by: Literal["closing", "promise"] | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        begun = begun_at(stage, self.after)
        one = next((found for found in deadlines(stage, self.after, begun) if found.kind == self.kind), None)
        verdict = None if one is None else self._by_way(stage, one) if self.by else self._done(one)
        yield from compare(f"{self.kind} at {self.at.isoformat()}", self.verdict, verdict)

    def _done(self, one: Deadline) -> str | None:
        return judged(one, _SOME, self.at).deadline.verdict

    def _by_way(self, stage: Stage, one: Deadline) -> str | None:
        docket = _docket(stage, self.after, self.at)
        if self.by == "closing":
            told = _fact("Closed", docket, self.at, {"filed_at": self.at.isoformat()})
        else:
            told = _fact("ProgressReported", docket, self.at, {"promised_at": (self.at + _WEEK).isoformat()})
        steps = change(Known(docket, (one,)), told, Rules(stage.pack, stage.calendar)).steps
        after = steps[-1].deadline if steps else one
        return "owed" if after.open else after.verdict or "lifted"


class OwnLimitMoves(Expectation):
    """What the ticket's own limits (by law, from above, by conclusion) move of all that a fact sets; nothing else."""

    after: Anchor = "dispatched"
    moves: tuple[Kind, ...] = ()
    leaves: tuple[Kind, ...] = ()
    derivation: Words

    def differences(self, stage: Stage) -> Iterator[str]:
        plain = replace(stage, legal_limit=None, imposed_limit=None, concluded_limit=None, imposed_whole=None)
        own, table = (
            {one.kind: one.due_at for one in deadlines(each, self.after, begun_at(each, self.after))}
            for each in (stage, plain)
        )
        moved = {kind for kind in own if own[kind] != table.get(kind)}
        left = set(own) - moved
        yield from compare(f"moved by the ticket's own limit, after {self.after}", _sorted(self.moves), _sorted(moved))
        yield from compare(f"left by the ticket's own limit, after {self.after}", _sorted(self.leaves), _sorted(left))


def _sorted(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(kinds))


class Redo(Expectation):
    """A ticket sent back to be handled again, with the closing limit of the new round."""

    dispatched_at: AwareDatetime
    closing_due_at: AwareDatetime

    def differences(self, stage: Stage) -> Iterator[str]:
        fresh = due_at(stage.in_round(stage.situation.round + 1), "closing", self.dispatched_at)
        yield from compare("closing due of the redo", self.closing_due_at, fresh)
