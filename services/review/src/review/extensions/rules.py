"""延期 (双鸭山 第二十条): what may be asked, what a rule denies at once, what a reviewer may grant and must argue.

Nothing here reads a clock or a table; what is late is measured from the filing's own instant of acceptance.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.calendar import Allowance
from common.events.vocabulary import Limit
from common.policy.extensions import Asked, ExtensionDenial, Extensions, Sort
from common.policy.matching import Situation
from review.refusals import FieldRefused, Refused
from review.statuses import HELD

State = Literal["pending", "queued", "granted", "applied", "overtaken", "denied", "lapsed"]
"""``pending``: the limit is not known yet. ``queued``: a reviewer decides. ``granted``: dispatch has not answered yet;
``applied`` or ``overtaken`` is its answer. ``denied`` and ``lapsed`` are final."""

UNDECIDED: Final[tuple[State, ...]] = ("pending", "queued")
UNSETTLED: Final[tuple[State, ...]] = ("pending", "queued", "granted")
"""While one of a round is in these states, the round takes no second."""

_WORDS: Final[dict[State, str]] = {
    "pending": "待确认办理时限",
    "queued": "待审核",
    "granted": "已同意，待派单环节生效",
    "applied": "已同意并生效",
    "overtaken": "已同意，但到达派单环节时已不能生效",
    "denied": "不予同意",
    "lapsed": "已随本轮办理终结而失效",
}
_FIELDS: Final = {"reason": "延期理由", "plan": "办理计划", "papers": "相关材料", "head_approval": "单位负责人同意"}
_COUNTED_IN: Final = {
    "minutes": "分钟",
    "clock_hours": "小时",
    "natural_days": "自然日",
    "working_days": "工作日",
    "rolling_working_days": "工作日（按24小时滚动）",
}


class NotExtendable(Refused):
    code = "not_extendable"


class ExtensionPending(Refused):
    code = "extension_pending"


class ExtensionDecided(Refused):
    code = "extension_decided"


class LimitUnknown(Refused):
    code = "limit_unknown"


@dataclass(frozen=True, slots=True)
class Running:
    """The limit that is to be extended. ``window_due_at`` is the first instant at which asking is too late, None where
    the pack has no such window; ``allowance`` the limit as its rule states it, None where an instant was given."""

    window_due_at: datetime | None
    window_generation: int
    allowance: Limit | None

    def late(self, filed_at: datetime) -> bool | None:
        return None if self.window_due_at is None else filed_at >= self.window_due_at


@dataclass(frozen=True, slots=True)
class Request:
    """One extension as a unit asked for it. ``nth``: which of the requests that the pack counts together it is.
    ``formalities``: the pack's codes of what the unit declares to have been done."""

    id: UUID
    ticket: UUID
    round: int
    unit: str
    state: State
    nth: int
    requested: Limit
    reason: str | None
    plan: str | None
    papers: tuple[UUID, ...]
    filed_at: datetime
    sort: Sort = "ordinary"
    formalities: tuple[str, ...] = ()
    head_approval: str | None = None

    @property
    def given(self) -> frozenset[str]:
        """The fields that the unit filled in, and the formalities it declares."""
        filled = {
            "reason": self.reason, "plan": self.plan, "papers": self.papers, "head_approval": self.head_approval,
        }  # fmt: skip
        return frozenset((*(name for name, value in filled.items() if value), *self.formalities))


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a request, with the window it was compared with. ``granted``: how much longer."""

    outcome: Literal["granted", "denied"]
    by_rule: bool
    ground: str | None
    note: str | None
    granted: Limit | None
    window_due_at: datetime | None
    window_generation: int
    late: bool | None
    basis: tuple[Basis, ...]


def require_extendable(status: str, *, round_ended: bool, unsettled: State | None) -> None:
    """Whether an extension may be asked for now. ``unsettled``: the state of another request of the same round."""
    if unsettled is not None:
        raise ExtensionPending(f"本轮已有一件延期申请（{_WORDS[unsettled]}），审核结束前不能再次申请。")
    if status not in HELD or round_ended:
        raise NotExtendable("工单不在承办单位办理，不能申请延期。", allowed=sorted(HELD))


def require_same_counting(allowance: Limit | None, asked: Limit, field: str) -> None:
    """What lengthens a limit is counted as the limit is: working days lengthen working days."""
    if allowance is not None and asked.unit != allowance.unit:
        raise FieldRefused(
            f"{field}.unit", "same_unit", f"办理时限按{_COUNTED_IN[allowance.unit]}计算，延期应当按同一单位提出。"
        )


def waits_for_move(running: Running, filed_at: datetime, settled_at_generation: int | None) -> bool:
    """Whether a late-looking request waits: an extension took effect and sla has not moved the limit yet.

    ``settled_at_generation``: the generation of the window when the round's last extension that took effect was
    granted; None: there is none.
    """
    if not running.late(filed_at) or settled_at_generation is None:
        return False
    return running.window_generation <= settled_at_generation


def counted_with(extensions: Extensions, unit: str) -> str | None:
    """Whose requests on the ticket count together with this unit's: its own, or everybody's (None)."""
    return unit if extensions.counted_by.value == "unit" else None


def decided_by_rule(
    extensions: Extensions,
    request: Request,
    running: Running,
    *,
    situation: Situation | None = None,
    granted_before: tuple[Limit, ...] = (),
) -> Decision | None:
    """The decision that needs no person, or None: a reviewer decides (双鸭山 第二十条).

    ``granted_before``: the ordinary extensions of the round so far. Where the pack leaves it to the unit's head, or to
    notice alone, what no rule denies is granted as asked.
    """
    denial = denied_by_rule(extensions, request, running, situation=situation, granted_before=granted_before)
    approved_by = extensions.approved_by
    if denial is not None or request.sort == "special" or approved_by is None or extensions.needs_reviewer:
        return denial
    bases = (approved_by.basis, extensions.effective.basis, extensions.requester_told_by.basis)
    return _decision(request, running, "granted", True, None, None, request.requested, bases)


def denied_by_rule(
    extensions: Extensions,
    request: Request,
    running: Running,
    *,
    situation: Situation | None = None,
    granted_before: tuple[Limit, ...] = (),
) -> Decision | None:
    """The denial that needs no person, or None."""
    asked = Asked(
        request.given,
        running.late(request.filed_at),
        request.nth,
        request.sort,
        Allowance(request.requested.amount, request.requested.unit),
        tuple(Allowance(one.amount, one.unit) for one in granted_before),
        situation or Situation(),
    )
    ground = extensions.denied_by_rule(asked)
    if ground is None:
        return None
    note = ground.label
    if ground.mechanism == "missing_field":
        formalities = extensions.special.formalities if extensions.special is not None else {}
        names = {**_FIELDS, **{code: one.label for code, one in formalities.items()}}
        note = f"未填写：{'、'.join(names[name] for name in extensions.missing(asked))}。"
    return _decision(request, running, "denied", True, ground.code, note, None, (ground.basis,))


def grounds_of_denial(extensions: Extensions) -> tuple[ExtensionDenial, ...]:
    """The grounds on which a reviewer may deny."""
    return tuple(ground for ground in extensions.denial_grounds.values() if ground.decided_by == "person")


def longer_than_limit(granted: Limit, allowance: Limit | None) -> bool:
    """Whether the extension is longer than the limit itself, or cannot be measured by it."""
    return allowance is None or granted.unit != allowance.unit or granted.amount > allowance.amount


def to_be_argued(extensions: Extensions, type: str | None, granted: Limit, running: Running) -> tuple[Basis, ...]:
    """The "in general" and "in principle" that granting this departs from; none: it needs no argument."""
    if extensions.each is not None:
        each = extensions.each.allowance
        return extensions.departures(type, longer=granted.unit != each.unit or granted.amount > each.amount)
    return extensions.departures(type, longer=longer_than_limit(granted, running.allowance))


def ruled(
    extensions: Extensions,
    request: Request,
    running: Running | None,
    decision: Literal["grant", "deny"],
    *,
    type: str | None,
    granted: Limit | None = None,
    ground: str | None = None,
    note: str | None = None,
) -> Decision:
    """A reviewer's decision. Who denies picks the ground; who departs from "一般" or "原则上" says why."""
    if request.state == "pending" or (request.state == "queued" and running is None):
        raise LimitUnknown("办理时限尚未确认，确认后由规则或者审核人员处理，请稍后重试。")
    if request.state != "queued" or running is None:
        raise ExtensionDecided(f"该延期申请{_WORDS[request.state]}，不能再次审核。")
    if decision == "deny":
        return _denied(extensions, request, running, granted, ground, note)
    if ground is not None:
        raise FieldRefused("ground", "not_asked", "同意延期无须选择不予同意的理由。")
    longer_by = granted or request.requested
    if request.sort == "ordinary":
        require_same_counting(running.allowance, longer_by, "granted" if granted else "requested")
    elif granted is not None and granted != request.requested:
        raise FieldRefused("granted", "as_requested", "特殊延期按规定的期限同意或者不予同意。")
    if longer_by.unit == request.requested.unit and longer_by.amount > request.requested.amount:
        raise FieldRefused("granted.amount", "at_most_requested", "同意的延期不得长于申请的延期。")
    argued = to_be_argued(extensions, type, longer_by, running) if request.sort == "ordinary" else ()
    if argued and not note:
        raise FieldRefused("note", "departure", "此项同意不合“一般”或者“原则上”的规定，应当说明理由。", basis=argued)
    bases = (extensions.effective.basis, *argued, extensions.requester_told_by.basis)
    return _decision(request, running, "granted", False, None, note, longer_by, bases)


def _denied(
    extensions: Extensions, request: Request, running: Running, granted: Limit | None, ground: str | None,
    note: str | None,
) -> Decision:  # fmt: skip
    choices = {choice.code: choice for choice in grounds_of_denial(extensions)}
    if granted is not None:
        raise FieldRefused("granted", "not_asked", "不予同意的，不填写延期长度。")
    if ground not in choices:
        raise FieldRefused("ground", "choice", f"不予同意应当选择理由。可选：{'、'.join(choices)}。")
    return _decision(request, running, "denied", False, ground, note, None, (choices[ground].basis,))


def _decision(
    request: Request, running: Running, outcome: Literal["granted", "denied"], by_rule: bool, ground: str | None,
    note: str | None, granted: Limit | None, basis: tuple[Basis, ...],
) -> Decision:  # fmt: skip
    return Decision(
        outcome=outcome,
        by_rule=by_rule,
        ground=ground,
        note=note,
        granted=granted,
        window_due_at=running.window_due_at,
        window_generation=running.window_generation,
        late=running.late(request.filed_at),
        basis=tuple(dict.fromkeys(basis)),
    )
