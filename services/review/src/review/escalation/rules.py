"""专报 (双鸭山 第十五条): when a matter goes to the government, and what comes back must say."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.events.vocabulary import Limit
from common.policy.escalation import DecisionOutcome
from common.policy.escalation import Escalation as Section
from review.refusals import FieldRefused, Refused
from review.statuses import OPEN

State = Literal["reported", "decided", "applied", "overtaken", "lapsed"]
"""``reported``: the decision is awaited. ``decided``: dispatch has not answered yet; ``applied`` or ``overtaken`` is
its answer. ``lapsed``: the ticket's life ended first."""

_WORDS: Final[dict[State, str]] = {
    "reported": "已呈报，待批示",
    "decided": "已有批示，待派单环节生效",
    "applied": "批示已生效",
    "overtaken": "批示到达派单环节时已不能生效",
    "lapsed": "已因工单终结而失效",
}


class NoEscalation(Refused):
    """The pack knows none."""

    code = "no_escalation"


class EscalationOpen(Refused):
    code = "escalation_open"


class NotEscalatable(Refused):
    """The status is not one in which it is open who handles the ticket."""

    code = "not_escalatable"


class NotUnresolved(Refused):
    """A matter is reported upward only after it could not be settled. ``allowed``: the forms that come first."""

    code = "not_unresolved"


class EscalationSettled(Refused):
    code = "escalation_settled"


@dataclass(frozen=True, slots=True)
class Escalation:
    """One report upward, masked. ``consultation``: the one that stayed unresolved."""

    id: UUID
    ticket: UUID
    round: int
    state: State
    ground: str
    addressee: str
    consultation: UUID
    report: str
    reply_line: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What came back; texts are masked already."""

    outcome: DecisionOutcome
    instruction: str
    unit: str | None = None
    co_handlers: tuple[str, ...] = ()
    limit: Limit | None = None
    reply_line: str | None = None


def require_section(section: Section | None) -> Section:
    """The pack's rules of escalation; ``NoEscalation`` where it has none."""
    if section is None:
        raise NoEscalation("本地区的规则没有规定专报。")
    return section


def require_open(status: str) -> None:
    """Whether it is still open who handles the ticket."""
    if status not in OPEN:
        raise NotEscalatable("工单已不在派单或者承办环节，不再呈报或者批示。", allowed=sorted(OPEN))


def escalation_basis(
    section: Section, status: str, ground: str, *, unresolved_form: str | None, unsettled: State | None
) -> tuple[Basis, ...]:
    """What a report upward rests on. ``unresolved_form``: of the last attempt, if that came to nothing.

    双鸭山 第十五条“经协调或会商难以统筹协调的”.
    """
    if unsettled is not None:
        raise EscalationOpen(f"本工单已有一件专报（{_WORDS[unsettled]}），办结前不能再次呈报。")
    require_open(status)
    after = section.after
    if unresolved_form not in after.value:
        raise NotUnresolved("应先经协调或者会商，难以统筹协调的方可呈报。", allowed=after.value, basis=(after.basis,))
    if ground not in section.grounds:
        raise FieldRefused("ground", "choice", f"呈报事由应为：{'、'.join(section.grounds)}。")
    return tuple(dict.fromkeys((after.basis, section.grounds[ground].basis, section.addressee.basis)))


def decision_basis(section: Section, state: State, decision: Decision) -> tuple[Basis, ...]:
    """What a decision rests on, once it says what it must."""
    if state != "reported":
        raise EscalationSettled(f"该专报{_WORDS[state]}，不能再次登记批示。")
    if decision.outcome not in section.decisions:
        raise FieldRefused("outcome", "choice", f"批示结果应为：{'、'.join(section.decisions)}。")
    if decision.outcome == "unit_named":
        if decision.unit is None:
            raise FieldRefused("unit", "required", "应当写明主办单位。")
        _require_each_once(decision.unit, decision.co_handlers)
    else:
        _require_nothing_named(decision)
    if decision.outcome == "answered" and decision.reply_line is None:
        raise FieldRefused("reply_line", "required", "应当写明答复口径。")
    return (section.decisions[decision.outcome].basis,)


def _require_each_once(unit: str, co_handlers: Collection[str]) -> None:
    if unit in co_handlers or len(set(co_handlers)) != len(co_handlers):
        raise FieldRefused("co_handlers", "duplicate", "主办、协办单位不得重复。")


def _require_nothing_named(decision: Decision) -> None:
    named = {"unit": decision.unit, "co_handlers": decision.co_handlers, "limit": decision.limit}
    for field, said in named.items():
        if said:
            raise FieldRefused(field, "only_with_unit_named", "未指定承办单位的，不写承办单位和时限。")
