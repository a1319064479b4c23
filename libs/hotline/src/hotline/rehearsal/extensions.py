"""Extensions (延期): what a rule denies, what a reviewer must argue, how long the limit becomes (双鸭山 第二十条)."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator

from common.events.vocabulary import Limit
from common.policy.extensions import Extensions, Sort
from common.policy.limits import Kind, Span
from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.clocks import deadlines, extended
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from review.extensions.rules import Request, Running, counted_with, decided_by_rule, grounds_of_denial, ruled
from review.refusals import FieldRefused, Refused

_CASE: Final = UUID(int=1)
_LEAD: Final = "主办单位"


class ReviewerRules(Part):
    """What a reviewer decides, and the clauses it rests on, or the sentence that stands against it.

    ``closing_due``: the limit once the extension has taken effect; ``earlier`` counts those granted before.
    ``window_due``: until when another may be asked for, where that is not the limit itself; ``whole_due``: 整体时限.
    """

    decision: Literal["grant", "deny"]
    ground: Code | None = None
    note: Words | None = None
    granted: Span | None = None
    earlier: tuple[Span, ...] = ()
    articles: tuple[Words, ...] = ()
    refused: Words | None = None
    closing_due: AwareDatetime | None = None
    window_due: AwareDatetime | None = None
    whole_due: AwareDatetime | None = None


class ExtensionRequested(Expectation):
    """A request as the lead (主办单位) files it: ``nth`` of those that count together, or ``asked_before`` by these
    units on the ticket. ``denied_by`` none: a reviewer decides, or it is granted as asked (``granted_by_rule``).
    ``granted_before``: what took effect in this round; ``closing_due``: the limit once it is granted by rule."""

    filed_at: AwareDatetime
    asks: Span
    given: tuple[Literal["reason", "plan", "papers", "head_approval"], ...] = ("reason",)
    sort: Sort = "ordinary"
    formalities: tuple[Code, ...] = ()
    granted_before: tuple[Span, ...] = ()
    granted_by_rule: bool = False
    closing_due: AwareDatetime | None = None
    nth: int = 1
    asked_before: tuple[Words, ...] | None = None
    denied_by: Code | None = None
    note: Words | None = None
    articles: tuple[Words, ...] = ()
    grounds_to_deny: tuple[Words, ...] | None = None
    reviewer: Annotated[tuple[ReviewerRules, ...], BeforeValidator(listed)] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        extensions = stage.pack.extensions
        if extensions is None:
            yield "the pack knows no extensions"
            return
        running, request = self._running(stage), self._request(extensions)
        before = tuple(Limit(amount=one.amount, unit=one.unit) for one in self.granted_before)
        found = decided_by_rule(extensions, request, running, situation=stage.situation, granted_before=before)
        granted = found if found is not None and found.outcome == "granted" else None
        denial = found if granted is None else None
        yield from compare("granted by rule", self.granted_by_rule, granted is not None)
        if granted is not None:
            yield from compare("articles of the grant", self.articles, articles(granted.basis))
            if self.closing_due is not None:
                moved = extended(stage, "closing", (*self.granted_before, self.asks), self.sort)
                yield from compare("closing due with the extension", self.closing_due, moved)
            return
        yield from compare("denied by rule on the ground", self.denied_by, denial.ground if denial else None)
        yield from compare("what the unit reads", self.note, denial.note if denial else None)
        yield from compare("articles of the denial", self.articles, articles(denial.basis) if denial else ())
        if self.grounds_to_deny is not None:
            offered = tuple(ground.label for ground in grounds_of_denial(extensions))
            yield from compare("grounds on which a reviewer may deny", self.grounds_to_deny, offered)
        for reviewer in self.reviewer:
            yield from self._reviewed(reviewer, stage, request, running)

    def _running(self, stage: Stage) -> Running:
        set_ = {one.kind: one for one in deadlines(stage, "dispatched", stage.dispatched_at)}
        kind: Kind = "special_extension_window" if self.sort == "special" else "extension_window"
        window, closing = set_.get(kind), set_.get("closing")
        stated = closing.counting.allowance if closing else None
        limit = Limit(amount=stated.amount, unit=stated.unit) if stated else None
        return Running(window.due_at if window else None, 1, limit)

    def _nth(self, extensions: Extensions) -> int:
        if self.asked_before is None:
            return self.nth
        counted = counted_with(extensions, _LEAD)
        return sum(counted in (None, unit) for unit in self.asked_before) + 1

    def _request(self, extensions: Extensions) -> Request:
        return Request(
            id=_CASE, ticket=_CASE, round=1, unit=_LEAD, state="queued", nth=self._nth(extensions),
            requested=Limit(amount=self.asks.amount, unit=self.asks.unit),
            reason="情况复杂。" if "reason" in self.given else None, plan="计划。" if "plan" in self.given else None,
            papers=(_CASE,) if "papers" in self.given else (), filed_at=self.filed_at, sort=self.sort,
            formalities=self.formalities, head_approval="leader" if "head_approval" in self.given else None,
        )  # fmt: skip

    def _reviewed(self, reviewer: ReviewerRules, stage: Stage, request: Request, running: Running) -> Iterator[str]:
        assert stage.pack.extensions is not None
        granted = Limit(amount=reviewer.granted.amount, unit=reviewer.granted.unit) if reviewer.granted else None
        what = f"{reviewer.decision}, {reviewer.ground or self.asks}"
        try:
            decision = ruled(
                stage.pack.extensions, request, running, reviewer.decision,
                type=stage.situation.type, granted=granted, ground=reviewer.ground, note=reviewer.note,
            )  # fmt: skip
        except (Refused, FieldRefused) as refused:
            yield from compare(what, reviewer.refused, refused.detail)
            yield from compare(f"articles: {what}", reviewer.articles, articles(refused.basis))
            return
        yield from compare(what, reviewer.refused, None)
        yield from compare(f"articles: {what}", reviewer.articles, articles(decision.basis))
        if reviewer.closing_due is not None:
            spans = (*reviewer.earlier, reviewer.granted or self.asks)
            moved = extended(stage, "closing", spans, self.sort)
            yield from compare("closing due with the extension", reviewer.closing_due, moved)
            window = extended(stage, "extension_window", spans, self.sort)
            if window is not None:
                expected = reviewer.window_due or reviewer.closing_due
                yield from compare("extension_window due with the extension", expected, window)
        if reviewer.whole_due is not None:
            spans = (*reviewer.earlier, reviewer.granted or self.asks)
            whole = extended(stage, "closing_whole", spans, self.sort)
            yield from compare("closing_whole due with the extension", reviewer.whole_due, whole)
