"""明确承办单位、协调、会商 (双鸭山 第十五条、第三十二条（二）): who takes part, what a conclusion says, who concludes.

Nothing here reads a clock or a table. Units are told as the register has them: which play a part for the hotline, and
of which kind they are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.events.vocabulary import Limit
from common.policy.consultation import Consultation as Section
from common.policy.consultation import ConsultationForm, Form
from common.policy.dispatching import Principle
from review.refusals import FieldRefused, Refused
from review.statuses import OPEN

State = Literal["convened", "concluded", "applied", "overtaken", "lapsed"]
"""``convened``: opinions and a conclusion are awaited. ``concluded``: dispatch has not answered yet; ``applied`` or
``overtaken`` is its answer. ``lapsed``: the ticket's life ended first."""

Outcome = Literal["unit_named", "unresolved"]
AUTHORITY: Final = "authority"
"""The part of the hotline's own authority: what it leads, it convenes itself."""

_WORDS: Final[dict[State, str]] = {
    "convened": "正在进行",
    "concluded": "已作结论，待派单环节生效",
    "applied": "已作结论并生效",
    "overtaken": "已作结论，但到达派单环节时已不能生效",
    "lapsed": "已因工单终结而失效",
}


class NoConsultation(Refused):
    """The pack knows none."""

    code = "no_consultation"


class ConsultationOpen(Refused):
    code = "consultation_open"


class NotConsultable(Refused):
    code = "not_consultable"


class InviteeMissing(Refused):
    """Nobody in the register plays the part that the rule wants at the table."""

    code = "invitee_missing"


class ConsultationSettled(Refused):
    code = "consultation_settled"


@dataclass(frozen=True, slots=True)
class Convening:
    """Who comes together. ``convener`` None: the authority. ``by_rule``: invited for the part that they play.

    ``disputants``: whose responsibility is in question; their people do not conclude.
    """

    convener: str | None
    participants: tuple[str, ...]
    by_rule: tuple[str, ...]
    disputants: tuple[str, ...]
    basis: tuple[Basis, ...]


@dataclass(frozen=True, slots=True)
class Consultation:
    """One attempt to settle who is responsible. ``round``: the one in which it was convened; it outlives that round."""

    id: UUID
    ticket: UUID
    round: int
    state: State
    form: Form
    ground: str | None
    convener: str | None
    participants: tuple[str, ...]
    by_rule: tuple[str, ...]
    disputants: tuple[str, ...]
    subject: str
    meets_at: datetime | None
    convened_at: datetime
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What it came to; texts are masked already."""

    outcome: Outcome
    unit: str | None = None
    co_handlers: tuple[str, ...] = ()
    principle: str | None = None
    limit: Limit | None = None
    solution: str | None = None
    reply_wording: str | None = None


def require_section(section: Section | None) -> Section:
    """The pack's rules of consultation; ``NoConsultation`` where it has none."""
    if section is None:
        raise NoConsultation("本地区的规则没有规定明确承办单位、协调和会商。")
    return section


def require_consultable(status: str, unsettled: State | None) -> None:
    """Whether a consultation of the ticket may begin. ``unsettled``: the state of another one of the ticket."""
    if unsettled is not None:
        raise ConsultationOpen(f"本工单已有一次协调或者会商（{_WORDS[unsettled]}），结束前不能再次组织。")
    require_open(status)


def require_open(status: str) -> None:
    """Whether it is still open who handles the ticket."""
    if status not in OPEN:
        raise NotConsultable("工单已不在派单或者承办环节，承办单位不再调整。", allowed=sorted(OPEN))


def require_unsettled(state: State) -> None:
    """Whether something may still be said in it."""
    if state != "convened":
        raise ConsultationSettled(f"该次协调或者会商{_WORDS[state]}。")


def require_not_lapsed(state: State) -> None:
    """Minutes belong to a consultation that took place: not to one that the end of the ticket made void."""
    if state == "lapsed":
        raise ConsultationSettled(f"该次协调或者会商{_WORDS[state]}。")


def convening(
    section: Section,
    form: Form,
    ground: str | None,
    named: Sequence[str],
    holders: Sequence[str],
    players: Mapping[str, Sequence[str]],
) -> Convening:
    """Who takes part. ``named``: those the convener names; ``holders``: lead and co-handlers of the ticket;
    ``players``: the units that stand, by the part they play.

    Whom the form wants is invited by rule; where several play a part, the convener names the one of the same level
    (双鸭山 第十五条“同级”).
    """
    rule = _form(section, form)
    because = _ground(section, rule, form, ground)
    if rule.led_by_lead and not holders:
        raise NotConsultable(f"{rule.label}由承办单位召集，工单尚未派到承办单位。", basis=(rule.basis,))
    wanted = tuple(part for part in rule.required if part in rule.invites or part != AUTHORITY)
    seats = {part: _seated(rule, part, named, players.get(part, ())) for part in wanted}
    by_rule = tuple(dict.fromkeys(unit for units in seats.values() for unit in units))
    disputants = tuple(dict.fromkeys((*holders, *(unit for unit in named if unit not in by_rule))))
    if not disputants:
        raise FieldRefused("participants", "required", "应当至少有一家相关单位参加。")
    if rule.led_by_lead:
        convener: str | None = holders[0]
    else:
        convener = None if rule.led_by == AUTHORITY else seats[rule.led_by][0]
    return Convening(
        convener=convener,
        participants=tuple(dict.fromkeys((*by_rule, *disputants))),
        by_rule=by_rule,
        disputants=disputants,
        basis=(rule.basis, *because),
    )


def _form(section: Section, form: str) -> ConsultationForm:
    if form not in section.forms:
        raise FieldRefused("form", "choice", f"形式应为：{'、'.join(section.forms)}。")
    return section.forms[form]


def _ground(section: Section, rule: ConsultationForm, form: str, ground: str | None) -> tuple[Basis, ...]:
    grounds = section.grounds_of(form)
    if ground is None:
        if rule.needs_ground:
            raise FieldRefused("ground", "required", f"{rule.label}须注明事由，可选：{'、'.join(grounds)}。")
        return ()
    if ground not in grounds:
        raise FieldRefused("ground", "choice", f"{rule.label}的事由应为：{'、'.join(grounds)}。")
    return (grounds[ground].basis,)


def _seated(rule: ConsultationForm, part: str, named: Sequence[str], playing: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(unit for unit in playing if unit in named)
    if chosen or len(playing) == 1:
        return chosen or tuple(playing)
    if not playing:
        raise InviteeMissing(f"{rule.label}应有的单位（{part}）未在单位库登记，请先登记。", basis=(rule.basis,))
    raise FieldRefused("participants", "same_level", f"应邀请同级的一家，请从中指明：{'、'.join(playing)}。")


def recusal(section: Section, disputants: Collection[str], unit: str | None) -> tuple[Basis, ...] | None:
    """Why a person of that unit may not conclude; None: may."""
    if unit is None or unit not in disputants or not section.disputants_recused.value:
        return None
    return (section.disputants_recused.basis,)


def conclusion_basis(
    section: Section, principles: Mapping[str, Principle], form: Form, conclusion: Conclusion, kind: str | None
) -> tuple[Basis, ...]:
    """What a conclusion rests on, once it says what it must. ``kind``: of the unit it names, as the register has it.

    双鸭山 第十五条: a unit is named by a principle; 第三十二条（二）: it may not refuse.
    """
    rule = _form(section, form)
    if conclusion.outcome == "unresolved":
        _require_nothing_named(conclusion)
        return (rule.basis,)
    if conclusion.unit is None:
        raise FieldRefused("unit", "required", "应当写明主办单位。")
    if conclusion.unit in conclusion.co_handlers or len(set(conclusion.co_handlers)) != len(conclusion.co_handlers):
        raise FieldRefused("co_handlers", "duplicate", "主办、协办单位不得重复。")
    choices = [code for code in section.principles.value if code in principles]
    if conclusion.principle is None:
        raise FieldRefused("principle", "required", f"应当写明所依原则，可选：{'、'.join(choices)}。")
    if conclusion.principle not in choices:
        raise FieldRefused("principle", "choice", f"所依原则应为：{'、'.join(choices)}。")
    principle = principles[conclusion.principle]
    if principle.for_kinds and kind not in principle.for_kinds:
        raise FieldRefused(
            "unit", "kind", f"按“{principle.label}”应由相应类别的单位承办：{'、'.join(principle.for_kinds)}。"
        )
    return (rule.basis, principle.basis, section.named_unit.basis)


def _require_nothing_named(conclusion: Conclusion) -> None:
    named = {
        "unit": conclusion.unit,
        "co_handlers": conclusion.co_handlers,
        "principle": conclusion.principle,
        "limit": conclusion.limit,
    }
    for field, said in named.items():
        if said:
            raise FieldRefused(field, "not_with_unresolved", "未达成一致的，不写承办单位、原则和时限。")
