"""Why a limit ends when it does: every day, and the same in sentences; an extension is counted on from the end."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from common.basis import Basis
from common.calendar import DayLine, Unit, WorkingCalendar
from common.calendar.explain import amount
from common.events.vocabulary import Anchor
from common.policy import Pack
from common.web.inputs import ApiModel
from sla.counting import Counting, count
from sla.deadlines import Deadline
from sla.derivation import Leg, What, derive, end
from sla.plan import Ruling


class DayShown(ApiModel):
    """One day: whether it counts, and why."""

    on: date
    counts: bool
    why: str


class StepShown(ApiModel):
    """One leg of the derivation: its days, added up from ``begins_at``, come to ``ends_at``, where the next goes on.

    ``stated``, ``extension``: ``amount`` of ``unit``, or ``until``, at most to ``cap``; ``pause``: what was left at
    ``stopped_at``, from when the clock was resumed; ``earlier``: the limit ends by so much earlier.
    """

    what: What
    begins_at: datetime
    ends_at: datetime
    amount: int | None
    unit: Unit | None
    until: datetime | None
    cap: datetime | None
    stopped_at: datetime | None
    days: tuple[DayShown, ...]


class Explained(ApiModel):
    """Why this instant: every day, and the same in sentences. ``exempt``: the rules set no limit, on that basis."""

    kind: str
    exempt: bool
    basis: Basis | None
    bases: tuple[Basis, ...]
    due_at: datetime | None = None
    original_due_at: datetime | None = None
    warn_at: datetime | None = None
    due_at_by_later_calendar: datetime | None = None
    provisional: bool = False
    calendar: str | None = None
    policy: str | None = None
    anchor: Anchor | None = None
    unit: str | None = None
    round: int | None = None
    case: UUID | None = None
    generation: int | None = None
    allowance: str | None = None
    explanation: tuple[DayShown, ...] = ()
    steps: tuple[StepShown, ...] = ()
    text: tuple[str, ...] = ()


_LATER: Final = "按其后公布的日历，期限至{}届满；已经告警、办结或者当时未逾期的，不因日历更正改变。"


def explained_row(row: Deadline, calendar: WorkingCalendar, in_force: WorkingCalendar) -> Explained:
    """A deadline that stands, with the calendar that it was counted with; and what the one in force would make of it.

    The two differ where a calendar came too late to move it (G-5): both instants are told.
    """
    explained = explained_counting(row.kind, row.basis, row.counting, row.anchor.at, calendar, row.policy)
    later = count(in_force, row.anchor.at, row.counting).due_at if in_force.version != row.calendar else row.due_at
    told = (*explained.text, _LATER.format(end(later))) if later != row.due_at else explained.text
    standing = {
        "due_at_by_later_calendar": later if later != row.due_at else None,
        "text": told,
        "due_at": row.due_at,
        "original_due_at": row.original_due_at,
        "warn_at": row.warn_at,
        "provisional": row.provisional,
        "anchor": row.anchor,
        "unit": row.unit,
        "round": row.round,
        "case": row.case,
        "generation": row.generation,
    }
    return explained.model_copy(update=standing)


def explained_counting(
    kind: str, basis: tuple[Basis, ...], counting: Counting, anchor: datetime, calendar: WorkingCalendar, policy: str
) -> Explained:
    """What counting comes to, step by step. ``OutsideCalendar``, ``AllowanceRefused``."""
    instants, legs = count(calendar, anchor, counting), derive(calendar, anchor, counting)
    told = [sentence for leg in legs for sentence in leg.told]
    told.append(f"期限至{end(instants.due_at)}届满，此后办理的为超期。")
    if instants.provisional:
        told.append("期限涉及国务院尚未公布放假安排的年份，暂按法定节假日推定，公布后重新计算。")
    return Explained(
        kind=kind,
        exempt=False,
        basis=basis[0],
        bases=basis,
        due_at=instants.due_at,
        original_due_at=instants.original_due_at,
        provisional=instants.provisional,
        calendar=instants.calendar,
        policy=policy,
        allowance=_length(counting),
        steps=tuple(_step(leg) for leg in legs),
        explanation=tuple(_shown(line) for leg in legs if leg.what != "earlier" for line in leg.days),
        text=(*(_quoted(one) for one in basis), *told),
    )


def _step(leg: Leg) -> StepShown:
    return StepShown(
        what=leg.what,
        begins_at=leg.begins_at,
        ends_at=leg.ends_at,
        amount=leg.span.amount if leg.span else None,
        unit=leg.span.unit if leg.span else None,
        until=leg.until,
        cap=leg.cap,
        stopped_at=leg.stopped_at,
        days=tuple(_shown(line) for line in leg.days),
    )


def _shown(line: DayLine) -> DayShown:
    return DayShown(on=line.on, counts=line.counts, why=line.why)


def _length(counting: Counting) -> str | None:
    """How long it is in words, extensions included."""
    stated = [amount(counting.allowance)] if counting.allowance else []
    longer = [f"延期{amount(one.allowance)}" for one in counting.extensions if one.allowance]
    return "，".join((*stated, *longer)) or None


def exempt(kind: str, pack: Pack, rule: Ruling | None) -> Explained:
    """No limit: the pack says so, or it does not know the kind at all."""
    basis = rule.basis if rule else ()
    told = [_quoted(one) for one in basis] or [f"{pack.name}的规则没有规定此项时限。"]
    return Explained(
        kind=kind,
        exempt=True,
        basis=basis[0] if basis else None,
        bases=basis,
        policy=pack.version,
        text=(*told, "不设时限。"),
    )


def _quoted(basis: Basis) -> str:
    """The clause as it is quoted to a citizen; an assumption is never quoted as one."""
    if basis.document:
        quote = f"：“{basis.quote}”" if basis.quote else ""
        return f"依据《{basis.document}》{basis.article or ''}{quote}。"
    return f"条文未作规定，本系统按以下理由推定：{(basis.assumption or '').rstrip('。')}。"
