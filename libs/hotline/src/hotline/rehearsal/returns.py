"""Returns (退单): what may be filed, what a rule denies, what a reviewer may decide (双鸭山 第十八条、第十九条)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator

from common.policy.returns import ReturnField
from common.policy.ruled import Code, Part, Words
from common.web.problems import Problem
from dispatch.docket import Docket, require_no_blocking_return
from hotline.rehearsal.clocks import due_at
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from review.refusals import Refused
from review.returns.rules import Decision, Filing, Window, denied_by_rule, grounds_for, require_returnable, ruled

_CASE = UUID(int=1)
_PAPERS = {
    "reason": "不属于本单位职责。",
    "legal_basis": "有关规定。",
    "suggested_unit": "某单位",
    "explanation": "详细情况。",
}


class ReviewerRules(Part):
    """What a reviewer decides: the ground, and the clauses the decision rests on, or why it can not rest on it."""

    decision: Literal["approve", "deny"]
    ground: Code
    articles: tuple[Words, ...] = ()
    refused: Words | None = None


class ExpectedReturn(Part):
    """What becomes of a return. ``denied_by``: the ground by rule, or the sentence where it has none; none: a person
    reviews it.

    ``refused``: it is not even filed. ``articles``: what a denial by rule rests on. ``note``: what the unit reads.
    """

    refused: Words | None = None
    in_time: bool
    marked_overdue: bool
    denied_by: Words | None = None
    articles: tuple[Words, ...] = ()
    note: Words | None = None
    still_possible: tuple[Literal["sign_in", "closing"], ...]
    own_unit_may_review: bool
    closing_due_if_denied: AwareDatetime | None = None
    closing_due_if_redispatched: AwareDatetime | None = None
    grounds_to_approve: tuple[Words, ...] | None = None
    grounds_to_deny: tuple[Words, ...] | None = None


class ReturnFiled(Expectation):
    """A return as a unit files it; ``redispatched_at`` is when another unit gets the work order, if approved."""

    filed_at: AwareDatetime
    signed_in: bool
    redo: bool = False
    given: tuple[ReturnField, ...]
    designated: bool = False
    redispatched_at: AwareDatetime | None = None
    reviewer: Annotated[tuple[ReviewerRules, ...], BeforeValidator(listed)] = ()
    expect: ExpectedReturn

    def differences(self, stage: Stage) -> Iterator[str]:
        returns, expect = stage.pack.returns, self.expect
        try:
            status = "signed_in" if self.signed_in else "dispatched"
            require_returnable(returns, status, round_ended=False, unsettled=None)
        except Refused as refused:
            yield from compare("the return is filed", expect.refused, refused.detail)
            return
        yield from compare("the return is filed", expect.refused, None)
        last = due_at(stage, "return_late_window", stage.dispatched_at)
        window = Window(due_at(stage, "return_window", stage.dispatched_at), last_due_at=last)
        late = bool(window.late(self.filed_at))
        yield from compare("the return is in time", expect.in_time, not late)
        yield from compare("the ticket is marked overdue", expect.marked_overdue, late)
        filing = self._filing()
        denial = denied_by_rule(
            returns, filing, window, designated=self.designated, redo=self.redo, situation=stage.situation
        )
        yield from self._denial(denial)
        yield from compare("possible while it is reviewed", expect.still_possible, _possible(stage))
        recused = returns.reviewer_recused_for_own_unit.value
        yield from compare("a reviewer may review the own unit's return", expect.own_unit_may_review, not recused)
        yield from self._clocks(stage)
        for reviewer in self.reviewer:
            yield from _reviewed(reviewer, stage, filing, window)
        choices: tuple[tuple[Literal["approve", "deny"], tuple[str, ...] | None], ...] = (
            ("approve", expect.grounds_to_approve),
            ("deny", expect.grounds_to_deny),
        )
        for decision, expected in choices:
            if expected is not None:
                offered = tuple(ground.label for ground in grounds_for(returns, decision))
                yield from compare(f"grounds on which a reviewer may {decision}", expected, offered)

    def _filing(self) -> Filing:
        papers = {name: words if name in self.given else None for name, words in _PAPERS.items()}
        return Filing(
            id=_CASE, ticket=_CASE, round=2 if self.redo else 1, unit="某单位", state="queued", ground=None,
            papers=(), filed_at=self.filed_at, **papers,
        )  # fmt: skip

    def _denial(self, denial: Decision | None) -> Iterator[str]:
        by = None if denial is None else denial.ground or denial.note
        yield from compare("denied by rule on the ground", self.expect.denied_by, by)
        cited = articles(denial.basis) if denial else ()
        yield from compare("articles of the denial", self.expect.articles, cited)
        if self.expect.note is not None:
            yield from compare("what the unit reads", self.expect.note, denial.note if denial else None)

    def _clocks(self, stage: Stage) -> Iterator[str]:
        first = due_at(stage, "closing", stage.dispatched_at)
        yield from compare("closing due if denied", self.expect.closing_due_if_denied, first)
        if self.redispatched_at:
            fresh = due_at(stage, "closing", self.redispatched_at)
            yield from compare("closing due if re-dispatched", self.expect.closing_due_if_redispatched, fresh)


def _possible(stage: Stage) -> tuple[str, ...]:
    """What the unit may still do while the return is reviewed: what dispatch does not refuse for it."""
    docket = Docket(
        ticket=_CASE, number="", jurisdiction=stage.pack.jurisdiction, policy=stage.pack.version, status="signed_in",
        round=1, unit="某单位", co_handlers=(), designated=False, has_contact=True, round_began_at=None,
        pending_return=_CASE, report=None,
    )  # fmt: skip
    possible: list[str] = []
    for command in ("sign_in", "closing"):
        with suppress(Problem):
            require_no_blocking_return(docket, command, stage.pack)
            possible.append(command)
    return tuple(possible)


def _reviewed(reviewer: ReviewerRules, stage: Stage, filing: Filing, window: Window) -> Iterator[str]:
    what = f"{reviewer.decision} on {reviewer.ground}"
    try:
        decision = ruled(stage.pack.returns, filing, window, reviewer.decision, reviewer.ground, None)
    except Refused as refused:
        yield from compare(what, reviewer.refused, refused.detail)
        return
    yield from compare(what, reviewer.refused, None)
    yield from compare(f"articles: {what}", reviewer.articles, articles(decision.basis))
