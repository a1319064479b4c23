"""Clocks (时限): when something is due, when its lamp is lit, and whether a fact was in time (双鸭山 第十六条)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from common.policy.limits import Kind
from common.policy.ruled import Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from sla.counting import Instants, count
from sla.plan import Ruling, ruling


def rule_of(stage: Stage, kind: str, anchor_at: datetime) -> Ruling | None:
    """What sla reads of the pack for the scenario's ticket."""
    return ruling(stage.pack, kind, stage.situation, anchor_at, stage.legal_limit)


def instants(stage: Stage, kind: str, anchor_at: datetime) -> Instants | None:
    """The limit as sla counts it; None where there is none."""
    rule = rule_of(stage, kind, anchor_at)
    return None if rule is None or rule.counting is None else count(stage.calendar, anchor_at, rule.counting)


def due_at(stage: Stage, kind: str, anchor_at: datetime) -> datetime | None:
    found = instants(stage, kind, anchor_at)
    return found.due_at if found else None


class ExpectedDeadline(Part):
    """A deadline by hand. ``due_at`` is the first late instant; ``derivation`` says in words how it was counted.

    ``after`` is the fact it runs from, ``at`` the instant of that fact: the dispatch, where none is given.
    ``due_at`` None: the pack says that there is no limit. ``articles``: beside ``article``, where several clauses rule.
    """

    after: str = "dispatched"
    at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    warn_at: AwareDatetime | None = None
    provisional: bool = False
    article: Words | None = None
    articles: tuple[Words, ...] = ()
    derivation: Words

    def differences(self, kind: str, stage: Stage) -> Iterator[str]:
        anchor_at = self.at or stage.dispatched_at
        rule, found = rule_of(stage, kind, anchor_at), instants(stage, kind, anchor_at)
        yield from compare(f"{kind} runs from", self.after, rule.anchor if rule else None)
        yield from compare(f"{kind} due", self.due_at, found.due_at if found else None)
        yield from compare(f"{kind} yellow lamp", self.warn_at, found.warn_at if found else None)
        yield from compare(f"{kind} is provisional", self.provisional, found.provisional if found else False)
        expected = self.articles or ((self.article,) if self.article else ())
        yield from compare(f"{kind} article", expected, articles(rule.basis) if rule else ())


class Fact(Part):
    """Something done at an instant, and whether that was in time."""

    kind: Kind
    at: AwareDatetime
    verdict: Literal["met", "missed"]

    def differences(self, stage: Stage) -> Iterator[str]:
        late_from = due_at(stage, self.kind, stage.dispatched_at)
        actual = None if late_from is None else "met" if self.at < late_from else "missed"
        yield from compare(f"{self.kind} at {self.at.isoformat()}", self.verdict, actual)


class Redo(Expectation):
    """A ticket sent back to be handled again, with the closing limit of the new round."""

    dispatched_at: AwareDatetime
    closing_due_at: AwareDatetime

    def differences(self, stage: Stage) -> Iterator[str]:
        fresh = due_at(stage, "closing", self.dispatched_at)
        yield from compare("closing due of the redo", self.closing_due_at, fresh)
