"""退单 (双鸭山 第十八条、第十九条): what may be filed, what a rule denies at once, what a reviewer may decide.

Nothing here reads a clock or a table; what is late is measured from the filing's own instant of acceptance.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.events.vocabulary import Designation
from common.policy.matching import Situation
from common.policy.returns import DenialGround, ReturnGround, Returns
from review.refusals import Refused
from review.statuses import HELD

State = Literal["pending", "queued", "approved", "applied", "overtaken", "denied", "lapsed"]
"""``pending``: the window is not known yet. ``queued``: a reviewer decides. ``approved``: dispatch has not answered
yet; ``applied`` or ``overtaken`` is its answer. ``denied`` and ``lapsed`` are final."""

UNDECIDED: Final[tuple[State, ...]] = ("pending", "queued")
UNSETTLED: Final[tuple[State, ...]] = ("pending", "queued", "approved")
"""While one of a round is in these states, the round takes no second."""

_WORDS: Final[dict[State, str]] = {
    "pending": "待确认退单期限",
    "queued": "待审核",
    "approved": "已同意，待派单环节生效",
    "applied": "已同意并生效",
    "overtaken": "已同意，但到达派单环节时已不能生效",
    "denied": "不予通过",
    "lapsed": "已随本轮办理终结而失效",
}


class NotReturnable(Refused):
    code = "not_returnable"


class ReturnPending(Refused):
    code = "return_pending"


class ReturnDecided(Refused):
    code = "return_decided"


class WindowUnknown(Refused):
    code = "window_unknown"


class GroundNotOfDecision(Refused):
    """The ground is not one on which this decision can rest; ``allowed`` are those."""

    code = "ground_not_allowed"


@dataclass(frozen=True, slots=True)
class Window:
    """Until when the round may be returned; ``due_at`` is the first late instant, None: no window applies.

    ``last_due_at``: that of the second window, in which more is needed (真如 三（二）3), where the pack has one.
    """

    due_at: datetime | None
    basis: tuple[Basis, ...] = ()
    last_due_at: datetime | None = None

    def late(self, filed_at: datetime) -> bool | None:
        last = self.last_due_at or self.due_at
        return None if last is None else filed_at >= last

    def compared(self, filed_at: datetime) -> datetime | None:
        """The first late instant of the window that decides about it: of the second one, once the first is over."""
        over = self.due_at is not None and filed_at >= self.due_at
        return self.last_due_at if over and self.last_due_at is not None else self.due_at

    def late_window(self, filed_at: datetime) -> bool:
        """Whether it came after the first window and in the second."""
        return self.due_at is not None and self.last_due_at is not None and self.due_at <= filed_at < self.last_due_at


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a return, with the window it was compared with; ``designation``: what bound the unit."""

    outcome: Literal["approved", "denied"]
    ground: str | None
    by_rule: bool
    note: str | None
    window_due_at: datetime | None
    late: bool | None
    basis: tuple[Basis, ...]
    designation: Designation | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """One return as a unit filed it."""

    id: UUID
    ticket: UUID
    round: int
    unit: str
    state: State
    ground: str | None
    reason: str | None
    legal_basis: str | None
    suggested_unit: str | None
    papers: tuple[UUID, ...]
    filed_at: datetime
    explanation: str | None = None

    @property
    def given(self) -> frozenset[str]:
        """The fields that the unit filled in."""
        filled = {
            "reason": self.reason,
            "legal_basis": self.legal_basis,
            "suggested_unit": self.suggested_unit,
            "explanation": self.explanation,
        }
        return frozenset(name for name, text in filled.items() if text)


def require_returnable(returns: Returns, status: str, *, round_ended: bool, unsettled: State | None) -> None:
    """Whether the round may be returned now. ``unsettled``: the state of another return of the same round."""
    if unsettled is not None:
        raise ReturnPending(f"本轮已有一件退单（{_WORDS[unsettled]}），审核结束前不能再次退单。")
    if status not in HELD or round_ended:
        raise NotReturnable("工单不在承办单位办理，不能退单。", allowed=sorted(HELD))
    if status == "dispatched" and returns.before_sign_in.value == "refused":
        raise NotReturnable("应先签收再退单。", allowed=["signed_in"], basis=(returns.before_sign_in.basis,))


def denied_by_rule(
    returns: Returns,
    filing: Filing,
    window: Window,
    *,
    designated: bool,
    redo: bool,
    designation: Designation | None = None,
    situation: Situation | None = None,
) -> Decision | None:
    """The denial that needs no person, or None: a reviewer decides.

    双鸭山 第十九条（二）（四）; a redo round that may not be returned and a late return that is not reviewed are other
    packs' rules. A late return that is reviewed stays late whatever the reviewer decides (第十八条). ``designation``:
    by whom the unit was named, where that was told. ``situation``: the ticket, of which some are never returned.
    """
    if window.late(filing.filed_at) and returns.late.value == "refused_and_marked_overdue":
        return _denial(returns, filing, window, None, "超过退单期限，不予审核。", returns.late.basis)
    if returns.never is not None and returns.never.when.holds(situation or Situation()):
        return _denial(returns, filing, window, None, returns.never.label, returns.never.basis)
    second = window.late_window(filing.filed_at)
    ground = returns.denied_by_rule(filing.given, designated=designated, late_window=second)
    if ground is not None:
        missing = returns.missing(filing.given, late_window=second)
        if ground.mechanism == "missing_reason_or_basis":
            note = f"未填写：{'、'.join(_FIELDS[field] for field in missing)}。"
            return _denial(returns, filing, window, ground.code, note, ground.basis)
        if designation is None:
            return _denial(returns, filing, window, ground.code, ground.label, ground.basis)
        note, paper = f"本单位{_named_by(designation)}，不得退单。", _paper(ground, designation)
        denial = _denial(returns, filing, window, ground.code, note, ground.basis, paper)
        return replace(denial, designation=designation)
    if redo and not returns.redo_round_may_be_returned.value:
        stated = returns.redo_round_may_be_returned
        return _denial(returns, filing, window, None, "再次办理的工单不得退回。", stated.basis)
    return None


_NAMED_BY: Final[dict[str, tuple[str, str]]] = {
    "superior": ("已由上级领导指定", "上级领导指定"),
    "department": ("已由有关部门指定", "有关部门指定"),
    "designation": ("已由热线主管部门明确为承办单位", "主管部门明确承办单位的决定"),
    "coordination": ("已经协调明确为承办单位", "协调结论"),
    "consultation": ("已经会商指定", "会商结论"),
    "escalation": ("已由专报批示指定", "专报批示"),
}
"""Who named the unit, and what the paper is called (双鸭山 第十五条、第十九条（四）)."""


def _named_by(designation: Designation) -> str:
    reference = designation.reference or designation.case
    return _NAMED_BY[designation.by][0] + (f"（{reference}）" if reference else "")


def _paper(ground: DenialGround, designation: Designation) -> Basis:
    """The paper that named the unit, as a basis beside the clause that makes it binding."""
    reference = designation.reference or designation.case
    return Basis(rule=ground.rule, document=_NAMED_BY[designation.by][1], article=str(reference) if reference else None)


_FIELDS: Final = {
    "reason": "退回理由",
    "legal_basis": "退回依据",
    "suggested_unit": "转送建议",
    "explanation": "详细情况说明",
}


def _denial(
    returns: Returns, filing: Filing, window: Window, ground: str | None, note: str, *because: Basis
) -> Decision:
    return Decision(
        outcome="denied",
        ground=ground,
        by_rule=True,
        note=note,
        window_due_at=window.compared(filing.filed_at),
        late=window.late(filing.filed_at),
        basis=_bases(*because, returns.denied.basis, *_lateness(returns, filing, window)),
    )


def grounds_for(returns: Returns, decision: Literal["approve", "deny"]) -> tuple[ReturnGround | DenialGround, ...]:
    """The grounds a reviewer may pick: the two of 双鸭山 第十八条, or those of 第十九条 that a person decides."""
    if decision == "approve":
        return tuple(returns.grounds_for_return.values())
    return tuple(ground for ground in returns.denial_grounds.values() if ground.decided_by == "person")


def ruled(
    returns: Returns, filing: Filing, window: Window | None, decision: Literal["approve", "deny"], ground: str,
    note: str | None,
) -> Decision:  # fmt: skip
    """A reviewer's decision. 双鸭山 第十九条: who denies must pick the ground."""
    if filing.state == "pending" or (filing.state == "queued" and window is None):
        raise WindowUnknown("退单期限尚未确认，确认后由规则或者审核人员处理，请稍后重试。")
    if filing.state != "queued" or window is None:
        raise ReturnDecided(f"该退单{_WORDS[filing.state]}，不能再次审核。")
    choices = {choice.code: choice for choice in grounds_for(returns, decision)}
    if ground not in choices:
        raise GroundNotOfDecision("所选理由不适用于此项决定。", allowed=tuple(choices))
    follows = returns.approved.basis if decision == "approve" else returns.denied.basis
    return Decision(
        outcome="approved" if decision == "approve" else "denied",
        ground=ground,
        by_rule=False,
        note=note,
        window_due_at=window.compared(filing.filed_at),
        late=window.late(filing.filed_at),
        basis=_bases(choices[ground].basis, follows, *_lateness(returns, filing, window)),
    )


def _lateness(returns: Returns, filing: Filing, window: Window) -> tuple[Basis, ...]:
    if window.late_window(filing.filed_at) and returns.late_window_needs is not None:
        return (returns.late_window_needs.basis,)
    return (returns.late.basis,) if window.late(filing.filed_at) else ()


def _bases(*bases: Basis) -> tuple[Basis, ...]:
    """Each clause once, in order."""
    return tuple(dict.fromkeys(bases))
