"""Clocks (时限): what is due after which fact, when its lamp is lit, whether a fact was in time (双鸭山 第十六条)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import AwareDatetime

from common.events.vocabulary import Anchor as Anchored
from common.events.vocabulary import Limit
from common.policy.limits import Anchor, Kind, Owner, Span
from common.policy.ruled import Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from sla.counting import Extension, Instants, count
from sla.deadlines import Deadline
from sla.docket import Concluded, Docket
from sla.facts import Fact as Announced
from sla.plan import ANCHORS, Rules, opened
from sla.verdicts import judged

_SOME: Final = UUID(int=1)
_EVENTS: Final = {anchor: event for event, anchor in reversed(tuple(ANCHORS.items()))}
_OWNERS: Final[dict[str | None, Owner]] = {"主办单位": "lead", "协办单位": "co_handler"}


def deadlines(stage: Stage, after: str, at: datetime) -> tuple[Deadline, ...]:
    """What sla sets after a fact of the scenario's ticket, which has a lead and one co-handler."""
    docket = _docket(stage, at)
    found: list[Deadline] = []
    for form in ("designation", "coordination", "consultation") if after == "convened" else (None,):
        fact = Announced(_SOME, _EVENTS[after], "scenario", at, at, docket.round, docket.unit, _SOME, {"form": form})
        found += opened(docket, Rules(stage.pack, stage.calendar), fact)
    return tuple(found)


def _docket(stage: Stage, at: datetime) -> Docket:
    situation, concluded = stage.situation, stage.concluded_limit
    anchor = Anchored(event=_SOME, at=at, type="RulingApplied")
    return Docket(
        ticket=_SOME,
        number="SYS20250101000001",
        jurisdiction=stage.pack.jurisdiction,
        policy=stage.pack.version,
        type=situation.type or "",
        channel=situation.channel or "phone",
        category=situation.category or "某类",
        marks=tuple(situation.marks),
        legal_limit=stage.legal_limit,
        round=situation.round,
        unit="主办单位",
        co_handlers=("协办单位",),
        former=(),
        partition=0,
        imposed_limit=stage.imposed_limit,
        concluded=Concluded("consultation", Limit(amount=concluded.amount, unit=concluded.unit), anchor)
        if concluded
        else None,
    )


def due_at(stage: Stage, kind: str, at: datetime, after: str = "dispatched") -> datetime | None:
    """The first late instant of a kind; None: it does not run from that fact, or has no limit."""
    return next((one.due_at for one in deadlines(stage, after, at) if one.kind == kind), None)


def extended(stage: Stage, deadline: Deadline, spans: tuple[Span, ...]) -> Instants:
    """The deadline with extensions that were granted and took effect, one after the other."""
    granted = tuple(Extension(_SOME, span.allowance) for span in spans)
    return count(stage.calendar, deadline.anchor.at, replace(deadline.counting, extensions=granted))


class ExpectedDeadline(Part):
    """A deadline by hand. ``due_at`` is the first late instant; ``derivation`` says in words how it was counted.

    ``after`` is the fact it runs from, ``at`` the instant of that fact: the dispatch, where none is given. ``due_at``
    none: no limit. ``articles``: where several clauses rule. ``owed_by``: by whom, where more than the lead.
    """

    after: Anchor = "dispatched"
    at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    warn_at: AwareDatetime | None = None
    owed_by: tuple[Owner, ...] | None = None
    article: Words | None = None
    articles: tuple[Words, ...] = ()
    derivation: Words

    def differences(self, kind: str, stage: Stage) -> Iterator[str]:
        set_ = [one for one in deadlines(stage, self.after, self.at or stage.dispatched_at) if one.kind == kind]
        one = set_[0] if set_ else None
        yield from compare(f"{kind} due", self.due_at, one.due_at if one else None)
        yield from compare(f"{kind} yellow lamp", self.warn_at, one.warn_at if one else None)
        expected = self.articles or ((self.article,) if self.article else ())
        yield from compare(f"{kind} article", expected, articles(one.basis) if one else ())
        if self.after == "dispatched" and one is not None:
            owners = tuple(_OWNERS[found.unit] for found in set_)
            yield from compare(f"{kind} is owed by", self.owed_by or ("lead",), owners)


class Fact(Part):
    """Something done at an instant, and whether that was in time."""

    kind: Kind
    at: AwareDatetime
    verdict: Literal["met", "missed"]

    def differences(self, stage: Stage) -> Iterator[str]:
        set_ = deadlines(stage, "dispatched", stage.dispatched_at)
        one = next((found for found in set_ if found.kind == self.kind), None)
        verdict = judged(one, _SOME, self.at).deadline.verdict if one else None
        yield from compare(f"{self.kind} at {self.at.isoformat()}", self.verdict, verdict)


class OwnLimitMoves(Expectation):
    """What the ticket's own limits (by law, from above, by conclusion) move of all that a fact sets; nothing else."""

    after: Anchor = "dispatched"
    moves: tuple[Kind, ...] = ()
    leaves: tuple[Kind, ...] = ()
    derivation: Words

    def differences(self, stage: Stage) -> Iterator[str]:
        plain = replace(stage, legal_limit=None, imposed_limit=None, concluded_limit=None)
        own, table = (
            {one.kind: one.due_at for one in deadlines(each, self.after, each.dispatched_at)} for each in (stage, plain)
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
        fresh = due_at(stage, "closing", self.dispatched_at)
        yield from compare("closing due of the redo", self.closing_due_at, fresh)
