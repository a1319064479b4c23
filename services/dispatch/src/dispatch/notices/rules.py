"""Which notices an event brings about: to whom, in which words, and from when on they may ring."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from common.clock import SHANGHAI, in_utc, local_date
from common.policy.limits import Limit, Limits
from common.policy.matching import Situation
from common.policy.notices import Addressee, Notices, Occasion, QuietHours

State = Literal["waiting", "sent", "delivered", "failed", "unsent"]
"""``waiting``: to be sent. ``sent``: the gateway took it. ``delivered``, ``failed``: so its receipt said, or it was
given up. ``unsent``: there was nothing to send it with, or nowhere to send it."""
SETTLED: Final[frozenset[State]] = frozenset({"delivered", "failed", "unsent"})

_UNITS: Final = {
    "minutes": "分钟",
    "clock_hours": "个小时",
    "natural_days": "日",
    "working_days": "个工作日",
    "rolling_working_days": "个工作日",
}
_NO_LIMIT: Final = "规定时限"
_MARKED: Final = frozenset({"TicketAmended"})


@dataclass(frozen=True, slots=True)
class Happened:
    """What the rules look at in an event about one ticket.

    ``marks`` are those of the ticket, ``new_marks`` those that this event sets. ``above`` lists, per holder, itself and
    the units above it with their kinds, the nearest first. ``unit`` and ``participants`` are named by the event itself.
    ``territory``: 属地政府 as somebody named it.
    ``emergency``: acceptance calls it one; ``line``: the emergency line that the caller was put through to.
    """

    type: str
    at: datetime
    number: str
    situation: Situation
    type_label: str
    new_marks: frozenset[str] = frozenset()
    lead: str | None = None
    co_handlers: tuple[str, ...] = ()
    above: Mapping[str, tuple[tuple[str, str], ...]] | None = None
    authority: str | None = None
    unit: str | None = None
    participants: tuple[str, ...] = ()
    territory: str | None = None
    form: str | None = None
    emergency: bool = False
    line: str | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice to one unit; to None where nobody knows the territorial government that must be told.

    ``not_before``: the instant at which it may ring.
    """

    occasion: str
    unit: str | None
    text: str
    not_before: datetime


def drafts(notices: Notices, limits: Limits, happened: Happened) -> tuple[Draft, ...]:
    """The notices that this event brings about, in the order of the pack; at most one to each unit."""
    told: dict[str | None, Draft] = {}
    for occasion in notices.occasions.values():
        if not _brought_about(occasion, happened):
            continue
        text = _text(occasion, limits, happened)
        not_before = rings_from(notices, occasion, happened.situation.marks, happened.at)
        addressees: list[str | None] = [*_addressees(notices, occasion, happened)]
        if "territory" in occasion.to and happened.lead is not None and not territories(notices, happened):
            addressees.append(None)
        for unit in addressees:
            told.setdefault(unit, Draft(occasion.code, unit, text, not_before))
    return tuple(told.values())


def _brought_about(occasion: Occasion, happened: Happened) -> bool:
    marks = happened.new_marks if happened.type in _MARKED else happened.situation.marks
    return (
        happened.type in occasion.on
        and (occasion.mark is None or occasion.mark in marks)
        and (occasion.emergency is None or happened.emergency)
        and (occasion.form is None or occasion.form == happened.form)
    )


def _addressees(notices: Notices, occasion: Occasion, happened: Happened) -> Iterable[str]:
    known: Mapping[Addressee, tuple[str | None, ...]] = {
        "lead": (happened.lead,),
        "co_handlers": happened.co_handlers,
        "territory": territories(notices, happened),
        "authority": (happened.authority,),
        "unit": (happened.unit,),
        "participants": happened.participants,
    }
    return dict.fromkeys(unit for addressee in occasion.to for unit in known[addressee] if unit is not None)


def territories(notices: Notices, happened: Happened) -> tuple[str, ...]:
    """属地政府: the one that was named, and for each holder the nearest one that it is, or stands under."""
    above = happened.above or {}
    nearest = (
        next((code for code, kind in above.get(holder, ()) if kind == notices.territory_kind.value), None)
        for holder in (happened.lead, *happened.co_handlers)
        if holder is not None
    )
    return tuple(dict.fromkeys(code for code in (happened.territory, *nearest) if code is not None))


def _text(occasion: Occasion, limits: Limits, happened: Happened) -> str:
    told: dict[str, object] = {"number": happened.number, "type": happened.type_label}
    if occasion.limit is not None:
        told["limit"] = limit_in_words(limits, occasion.limit, happened.situation, happened.at)
    return occasion.text.format_map({**told, "times": happened.times, "line": happened.line})


def limit_in_words(limits: Limits, kind: str, situation: Situation, at: datetime) -> str:
    """The length of a limit as an official says it, such as 1个工作日."""
    found = limits.find(kind, situation, local_date(at))
    if not isinstance(found, Limit) or found.allowance is None:
        return _NO_LIMIT
    return f"{found.allowance.amount}{_UNITS[found.allowance.unit]}"


def rings_from(notices: Notices, occasion: Occasion, marks: frozenset[str], at: datetime) -> datetime:
    """The instant at which a notice may ring: now, or when the quiet hours in which it fell are over."""
    if occasion.at_once or not marks.isdisjoint(notices.never_quiet_marks.value):
        return at
    return _end_of_quiet(notices.quiet_hours, at)


def _end_of_quiet(quiet: QuietHours, at: datetime) -> datetime:
    local = at.astimezone(SHANGHAI)
    now = local.time()
    over_midnight = quiet.begin > quiet.end
    evening = now >= quiet.begin
    if not ((evening or now < quiet.end) if over_midnight else (evening and now < quiet.end)):
        return at
    day = local.date() + timedelta(days=1 if over_midnight and evening else 0)
    return in_utc(datetime.combine(day, quiet.end, SHANGHAI))


# --- sending, on machine time: engineering figures, none of them a regulation's ---

MOST_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=15)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed for the moment."""
    return min(_FIRST_PAUSE * (1 << min(attempts - 1, 20)), _LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. ``state`` None: to be tried again."""

    state: State | None
    reason: str | None = None


def outcome_of_status(status: int) -> Outcome:
    """What the gateway's answer means. Its body is not read: a stranger's words decide nothing."""
    if 200 <= status < 300:
        return Outcome("sent")
    if status in (408, 425, 429) or status >= 500:
        return Outcome(None, f"answered_{status}")
    return Outcome("failed", f"answered_{status}")


def after_attempt(outcome: Outcome, attempts: int) -> Outcome:
    """The outcome once the number of attempts is counted in."""
    if outcome.state is None and attempts >= MOST_ATTEMPTS:
        return Outcome("failed", outcome.reason)
    return outcome


Receipt = Literal["delivered", "failed"]


def settled_by(state: State, receipt: Receipt) -> State | None:
    """What a receipt makes of a notice: None, nothing new; the first one decides."""
    return None if state in SETTLED else receipt
