"""Why a limit ends when it does: every day, and the same in sentences; an extension is counted on from the end."""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from common.basis import Basis
from common.calendar import Allowance, Reckoning, WorkingCalendar, lines, reckon, sentences
from common.calendar.explain import amount
from common.clock import SHANGHAI
from common.events.vocabulary import Anchor
from common.policy import Pack
from common.web.inputs import ApiModel
from sla.counting import Counting, count, resumes_at
from sla.deadlines import Deadline
from sla.plan import Ruling


class DayShown(ApiModel):
    """One day: whether it counts, and why."""

    on: date
    counts: bool
    why: str


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
    text: tuple[str, ...] = ()


_STATED_BY: Final = {
    "law": "法律、法规、规章规定的期限",
    "concluded": "结论确定的期限",
    "imposed": "交办平台确定的期限",
}

_LATER: Final = "按其后公布的日历，期限至{}届满；已经告警、办结或者当时未逾期的，不因日历更正改变。"


def explained_row(row: Deadline, calendar: WorkingCalendar, in_force: WorkingCalendar) -> Explained:
    """A deadline that stands, with the calendar that it was counted with; and what the one in force would make of it.

    The two differ where a calendar came too late to move it (G-5): both instants are told.
    """
    explained = explained_counting(row.kind, row.basis, row.counting, row.anchor.at, calendar, row.policy)
    later = count(in_force, row.anchor.at, row.counting).due_at if in_force.version != row.calendar else row.due_at
    told = (*explained.text, _LATER.format(_end(later))) if later != row.due_at else explained.text
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
    instants = count(calendar, anchor, counting)
    days, told, spans = _stated(calendar, anchor, counting)
    due_at = instants.original_due_at
    for nth, extension in enumerate(counting.extensions, 1):
        if extension.allowance is None:
            assert extension.until is not None  # an extension is a span or an instant
            told.append(f"第{nth}次延期：批准延至{_end(extension.until)}。")
            due_at = extension.until
            continue
        reckoning = _reckoned(calendar, resumes_at(due_at, extension.allowance), extension.allowance, counting)
        told.append(f"第{nth}次延期：批准延长{amount(extension.allowance)}，自上述期限届满后继续计算。")
        first = 1 if resumes_at(due_at, extension.allowance) < due_at else 0  # its last day has been told already
        days += [DayShown.model_validate(line) for line in lines(reckoning)[first:]]
        told += sentences(reckoning)[1 + first : 1 + len(reckoning.days)]
        spans.append(f"延期{amount(extension.allowance)}")
        due_at = reckoning.due_at
    told.append(f"期限至{_end(instants.due_at)}届满，此后办理的为超期。")
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
        allowance="，".join(spans) or None,
        explanation=tuple(days),
        text=(*(_quoted(one) for one in basis), *told),
    )


def _stated(
    calendar: WorkingCalendar, anchor: datetime, counting: Counting
) -> tuple[list[DayShown], list[str], list[str]]:
    """The limit as it is stated: its days, its sentences, its length in words."""
    stated_by = [f"按{_STATED_BY[counting.source]}计算。"] if counting.source in _STATED_BY else []
    if counting.allowance is None:
        assert counting.until is not None  # a limit is a span or an instant
        return [], [*stated_by, f"期限确定至{_end(counting.until)}。"], []
    reckoning = _reckoned(calendar, anchor, counting.allowance, counting)
    told = sentences(reckoning)[: 1 + len(reckoning.days)]
    days = [DayShown.model_validate(line) for line in lines(reckoning)]
    return days, [*stated_by, *told], [amount(counting.allowance)]


def _reckoned(calendar: WorkingCalendar, start: datetime, allowance: Allowance, counting: Counting) -> Reckoning:
    return reckon(calendar, start, allowance, day_end=counting.day_end, roll=counting.roll)


def _end(due_at: datetime) -> str:
    """The end as the rules say it: 24:00 of the last day, not 00:00 of the next."""
    local = due_at.astimezone(SHANGHAI)
    if local.hour or local.minute or local.second or local.microsecond:
        return f"{local.year}年{local.month}月{local.day}日{local:%H:%M:%S}".removesuffix(":00")
    last = local - timedelta(days=1)
    return f"{last.year}年{last.month}月{last.day}日24:00"


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
