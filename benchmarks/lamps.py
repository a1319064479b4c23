"""An auditor of deadlines that shares nothing with sla: from the archived facts alone, what each lamp and verdict
must be."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

_FACTS_OF: Final = {
    "sign_in": ("SignedIn",),
    "closing": ("ClosingReported",),
    "ruling": ("ReturnApproved", "ReturnDenied", "ReturnLapsed"),
}
"""Kind of duty → the events that meet it; a return that lapsed ends its duty without a verdict."""
_FACTS: Final = frozenset(one for facts in _FACTS_OF.values() for one in facts)
_OF_A_CASE: Final = frozenset({"ruling"})
"""Kinds that belong to a case and not to a round."""


class Told(Protocol):
    """An archived event."""

    @property
    def subject(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


_Key = tuple[str, str, str | None, int, str | None]
"""Subject, kind, unit, round and case."""


@dataclass
class _Duty:
    name: str
    due_at: datetime
    warn_at: datetime | None
    told: Counter[str] = field(default_factory=Counter)


@dataclass
class _Span:
    """A round, or a case: what happened in it, and when it ended without more."""

    facts: dict[str, datetime] = field(default_factory=dict)
    ended_at: datetime | None = None


def audit(archive: Sequence[Told], now: datetime) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Numbers of what was looked at, and what is wrong, by name. ``now``: where the clock stands."""
    duties, spans, wrong = _gathered(archive)
    lamps = 0
    for (subject, kind, _, number, case), duty in duties.items():
        lamps += duty.told["DeadlineBreached"] + duty.told["DeadlineApproaching"]
        if kind not in _FACTS_OF:
            wrong["a kind of duty that the auditor does not know"].append(kind)
            continue
        span = spans[subject, case if kind in _OF_A_CASE else number]
        for fault in _faults(duty, span, _FACTS_OF[kind], now):
            wrong[fault].append(f"{duty.name} due {duty.due_at}, told {dict(duty.told)}")
    return {"duties": len(duties), "lamps": lamps}, wrong


def _gathered(
    archive: Sequence[Told],
) -> tuple[dict[_Key, _Duty], dict[tuple[str, int | str | None], _Span], dict[str, list[str]]]:
    duties: dict[_Key, _Duty] = {}
    spans: dict[tuple[str, int | str | None], _Span] = defaultdict(_Span)
    wrong: dict[str, list[str]] = defaultdict(list)
    later = []
    for one in archive:
        data = one.data
        if one.type == "DeadlineSet":
            for row in data["deadlines"]:
                if row["window"]:
                    continue
                key = _key(one.subject, row)
                if key in duties:
                    wrong["deadlines set twice"].append(str(key))
                warn_at = datetime.fromisoformat(row["warn_at"]) if row["warn_at"] else None
                duties[key] = _Duty(str(key), datetime.fromisoformat(row["due_at"]), warn_at)
        elif one.type in _FACTS:
            at = datetime.fromisoformat(data["occurred_at"])
            spans[one.subject, data["round"]].facts[one.type] = at
            spans[one.subject, data.get("case")].facts[one.type] = at
        elif one.type == "RulingApplied" and data.get("ended_round") is not None:
            ended = datetime.fromisoformat(data["round_ended_at"] or data["occurred_at"])
            spans[one.subject, data["ended_round"]].ended_at = ended
        elif one.type.startswith(("Deadline", "Breach")):
            later.append(one)
    for one in later:
        if (key := _key(one.subject, one.data)) in duties:
            duties[key].told[one.type] += 1
    return duties, spans, wrong


def _key(subject: str, row: Mapping[str, Any]) -> _Key:
    return subject, row["kind"], row.get("unit"), row["round"], row.get("case")


def _faults(duty: _Duty, span: _Span, facts: Sequence[str], now: datetime) -> list[str]:
    """Met means before due. What was not known by then was told once; told wrongly, it was taken back once."""
    told = duty.told
    lit = told["DeadlineBreached"] - told["BreachWithdrawn"]
    at = next((span.facts[fact] for fact in facts if fact in span.facts), None)
    lapsed_at = span.facts.get("ReturnLapsed") if "ReturnLapsed" in facts else None
    verdicts = (told["DeadlineMet"], told["DeadlineMissed"])
    ended_at = span.ended_at if lapsed_at is None else lapsed_at
    if at is not None and at != lapsed_at:
        late = at >= duty.due_at
        expected = (0, 1) if late else (1, 0)
    elif ended_at is not None:
        late = ended_at >= duty.due_at
        expected = (0, 1) if late else (0, 0)
    else:
        late = duty.due_at <= now
        expected = (0, 0)
    warned = duty.warn_at is not None and duty.warn_at <= now and at is None and ended_at is None
    faults = {
        "breached twice": told["DeadlineBreached"] > 1,
        "warned twice": told["DeadlineApproaching"] > 1,
        "breach missed": late and lit < 1,
        "breach that should not stand": not late and lit > 0,
        "warning missed": warned and not told["DeadlineApproaching"],
        "verdict other than the facts'": verdicts != expected,
    }
    return [name for name, is_so in faults.items() if is_so]
