"""责任追究 (双鸭山 第三十四条): what the facts of a ticket, or of some months, come to; what a person may decide of it.

A finding is derived from all facts that are known, in whatever order they came, so that it falls away when a fact that
was late on its way takes its ground away. Only verdicts count as late, never a lamp. What a person has decided on is
not brought forward again: those facts count once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, assert_never
from uuid import UUID

from common.basis import Basis
from common.clock import SHANGHAI
from common.events.vocabulary import DeadlineKind
from common.events.wording import DEADLINE_WORDS
from common.policy.accountability import (
    Accountability,
    DesignatedInactive,
    Ground,
    LateWithoutStatement,
    LowSatisfaction,
    NoticeKindCode,
    Shirking,
    SupervisionUnanswered,
)
from review.refusals import FieldRefused, Refused

State = Literal["open", "issued", "sent", "dismissed", "lapsed"]
"""``open``: a person decides. ``lapsed``: later facts took its ground away before anybody decided."""
Follows = Literal["notice", "referral"]
Decision = Literal["issue", "send", "dismiss"]
FactKind = Literal["missed", "extension_asked", "extension_granted", "statement", "designated", "denied", "asked"]

CARRIED_OUT: Final[Mapping[Follows, Decision]] = {"notice": "issue", "referral": "send"}
OUTCOME: Final[Mapping[Decision, State]] = {"issue": "issued", "send": "sent", "dismiss": "dismissed"}
NAMES: Final[Mapping[Follows, str]] = {"notice": "通报", "referral": "移交"}

_WORDS: Final[Mapping[State, str]] = {
    "open": "待决定",
    "issued": "已发出",
    "sent": "已移交",
    "dismissed": "已不予追究",
    "lapsed": "已因据以认定的情形不成立而失效",
}


class FindingDecided(Refused):
    code = "finding_decided"


class DecisionNotOfKind(Refused):
    code = "decision_not_allowed"


class NobodyAccountable(Refused):
    """The pack has no such section: the mechanism is off in this jurisdiction."""

    code = "not_accountable"


class FindingOpen(Refused):
    """The same is already waiting for a decision."""

    code = "finding_open"


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, as far as it says something about accountability.

    ``missed``: ``duty``, ``due_at`` and, if it came at all, ``done_at``. ``extension_asked`` (with a reason) and
    ``extension_granted``: ``case``. ``statement``: 情况说明. ``designated``: the unit may not return that round's
    ticket. ``denied``: a return, with the ``ground`` of its denial; ``because_designated``: that ground was the
    designation. ``asked``: a requester said whether satisfied; ``good``: as the indicator that ranks counts it.
    """

    event: UUID
    kind: FactKind
    unit: str
    ticket: UUID
    round: int
    at: datetime
    duty: DeadlineKind | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    case: UUID | None = None
    ground: str | None = None
    because_designated: bool = False
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found. ``facts`` is the evidence, oldest first; ``said`` tells it in a sentence."""

    ground: Ground
    facts: tuple[Fact, ...]
    said: str

    @property
    def basis(self) -> tuple[Basis, ...]:
        return basis_of(self.ground)


def basis_of(ground: Ground) -> tuple[Basis, ...]:
    """The clause of the ground, and how a rule reads it."""
    return tuple(dict.fromkeys((ground.basis, *((ground.found_by.basis,) if ground.found_by else ()))))


def found(ground: Ground, facts: Iterable[Fact], spent: Collection[UUID] = ()) -> Found | None:
    """What the facts about one unit and one ticket come to on this ground.

    ``spent``: the events of missed duties and denied returns that a person has decided on already, on this ground.
    """
    known = sorted(facts, key=lambda fact: (fact.at, fact.event))
    fresh = [fact for fact in known if fact.kind in ("missed", "denied") and fact.event not in spent]
    match ground.found_by:
        case None | LowSatisfaction():
            return None
        case LateWithoutStatement() as rule:
            late = [fact for fact in fresh if fact.duty in rule.duties and not _stated(rule, fact, known)]
            return _found(ground, late, "未作情况说明" if rule.statements else None)
        case SupervisionUnanswered():
            return _found(ground, [fact for fact in fresh if fact.duty == "supervision_reply"], "未按期书面回复督办")
        case DesignatedInactive() as rule:
            late = [fact for fact in fresh if fact.duty in rule.duties and _designation(fact, known) is not None]
            named = {one.event: one for fact in late if (one := _designation(fact, known)) is not None}
            return _found(ground, [*named.values(), *late], "已被指定承办而未及时办理") if late else None
        case Shirking() as rule:
            denied = [fact for fact in fresh if fact.kind == "denied" and fact.ground not in rule.not_counted]
            bound = [fact for fact in denied if fact.because_designated]
            many = rule.denied_in_all is not None and len(denied) >= rule.denied_in_all
            enough = many or len(bound) >= rule.denied_when_designated
            return _found(ground, denied, _refusals(denied, bound)) if enough else None
        case _:
            assert_never(ground.found_by)


def _found(ground: Ground, facts: Sequence[Fact], why: str | None) -> Found | None:
    """``why`` None: that a limit was missed is all that the ground asks for (同江 三（三）)."""
    if not facts:
        return None
    ordered = tuple(sorted(facts, key=lambda fact: (fact.at, fact.event)))
    missed = [_missed(fact) for fact in ordered if fact.kind == "missed"]
    return Found(ground, ordered, "；".join([*missed, *([why] if why else [])]) + "。")


def _stated(rule: LateWithoutStatement, late: Fact, facts: Iterable[Fact]) -> bool:
    """Whether the unit had said something for itself about this missed limit.

    An extension that was granted gave the unit the longer limit; who misses that one owes another statement.
    """
    of_round = [fact for fact in facts if fact.round == late.round]
    granted = {fact.case for fact in of_round if fact.kind == "extension_granted"}
    asked = any(
        fact.kind == "extension_asked"
        and fact.case not in granted
        and late.due_at is not None
        and fact.at < late.due_at
        for fact in of_round
    )
    stated = any(fact.kind == "statement" for fact in of_round)
    return (asked and "extension_asked_in_time" in rule.statements) or (
        stated and "statement_submitted" in rule.statements
    )


def _designation(late: Fact, facts: Iterable[Fact]) -> Fact | None:
    """The designation under which the limit ran out."""
    return next(
        (
            fact
            for fact in facts
            if fact.kind == "designated"
            and fact.round == late.round
            and late.due_at is not None
            and fact.at < late.due_at
        ),
        None,
    )


def _missed(fact: Fact) -> str:
    assert fact.due_at is not None
    assert fact.duty is not None
    duty = DEADLINE_WORDS[fact.duty]
    done = f"，实际于{_minute(fact.done_at)}完成" if fact.done_at else "，至本轮终结未完成"
    return f"第{fact.round}轮{duty}时限于{_minute(fact.due_at)}届满，结论为超时{done}"


def _refusals(denied: Sequence[Fact], bound: Sequence[Fact]) -> str:
    because = f"，其中{len(bound)}次因已被指定承办" if bound else ""
    return f"对同一工单退单{len(denied)}次未获通过{because}"


def _minute(at: datetime) -> str:
    """An instant as officials write it; the first instant of a day is the last one of the day before."""
    local = at.astimezone(SHANGHAI)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{local - timedelta(days=1):%Y年%-m月%-d日}24时"
    return f"{local:%Y年%-m月%-d日%H:%M}"


@dataclass(frozen=True, slots=True)
class Tally:
    """A unit's month: how many tickets were asked about, how many requesters were satisfied."""

    month: date
    asked: int
    good: int
    facts: tuple[Fact, ...] = ()

    @property
    def said(self) -> str:
        return f"{self.month:%Y年%-m月}有效回访{self.asked}件、满意{self.good}件（{self.good * 100 / self.asked:.1f}%）"


def month_of(at: datetime) -> date:
    """The first day of the natural month, by the clock on the wall in Shanghai."""
    return at.astimezone(SHANGHAI).date().replace(day=1)


def months_back(month: date, by: int) -> date:
    """The first day of the month so many months before; after, when negative."""
    counted = month.year * 12 + month.month - 1 - by
    return date(counted // 12, counted % 12 + 1, 1)


def tallied(facts: Iterable[Fact]) -> dict[date, Tally]:
    """A unit's months. Of several callbacks about a ticket in one month the last one counts."""
    last: dict[tuple[date, UUID], Fact] = {}
    for fact in sorted(facts, key=lambda one: (one.at, one.event)):
        if fact.kind == "asked":
            last[month_of(fact.at), fact.ticket] = fact
    months: dict[date, list[Fact]] = {}
    for (month, _), fact in last.items():
        months.setdefault(month, []).append(fact)
    return {
        month: Tally(month, len(counted), sum(1 for one in counted if one.good), tuple(counted))
        for month, counted in months.items()
    }


def months_found(
    ground: Ground, tallies: Mapping[date, Tally], last: date, taken: Collection[date] = ()
) -> tuple[Found, tuple[Tally, ...]] | None:
    """Whether satisfaction was low in every month of the row that ends with ``last``; each month counts once.

    ``taken``: months that an earlier finding rests on. The evidence holds the callbacks that were not satisfied.
    """
    rule = ground.found_by
    if not isinstance(rule, LowSatisfaction):
        return None
    row: list[Tally] = []
    for back in reversed(range(rule.months)):
        tally = tallies.get(months_back(last, back))
        if tally is None or tally.month in taken or tally.asked < rule.fewest_callbacks:
            return None
        if tally.good * 100 >= rule.below_percent * tally.asked:
            return None
        row.append(tally)
    poor = tuple(fact for tally in row for fact in sorted(tally.facts, key=lambda one: one.at) if not fact.good)
    said = "；".join(tally.said for tally in row) + f"。连续{rule.months}个月低于{rule.below_percent}%。"
    return Found(ground, poor, said), tuple(row)


def decided(state: State, follows: Follows, decision: Decision) -> State:
    """A person's decision on an open finding: carried out, or dismissed."""
    allowed = (CARRIED_OUT[follows], "dismiss")
    if decision not in allowed:
        raise DecisionNotOfKind(f"{NAMES[follows]}事项不能作出此项决定。", allowed=allowed)
    if state != "open":
        raise FindingDecided(f"该事项{_WORDS[state]}，不能再次决定。")
    return OUTCOME[decision]


def concerned(ground: Ground, *, unit: str | None, account: str | None) -> str:
    """Whom it concerns, as the ground says: a unit, or an account of the centre's own staff; ``FieldRefused`` when
    the one is missing or the other is named too."""
    if ground.concerns == "operator":
        wanted, other, named, unfit = "account", "unit", account, unit
    else:
        wanted, other, named, unfit = "unit", "account", unit, account
    if named is None:
        who = "工作人员账号" if wanted == "account" else "承办单位"
        raise FieldRefused(wanted, "required", f"该理由须写明{who}。")
    if unfit is not None:
        raise FieldRefused(other, "not_of_ground", "该理由不适用于此对象。")
    return named


def kind_of_notice(accountability: Accountability, chosen: str | None) -> tuple[NoticeKindCode, tuple[Basis, ...]]:
    """What a notice is, and by which clause: as was chosen, else the pack's default. ``FieldRefused`` for a kind that
    the pack does not list.
    """
    section = accountability.notice_kinds
    if section is None:
        if chosen not in (None, "criticism"):
            raise FieldRefused("kind", "choice", "本地规则的通报不分种类。")
        return "criticism", ()
    kind = section.kinds.get(chosen or section.default)
    if kind is None:
        known = "、".join(f"{one.code}（{one.label}）" for one in section.kinds.values())
        raise FieldRefused("kind", "choice", f"应为：{known}。", basis=(section.basis,))
    return kind.code, (kind.basis,)
