"""An auditor of deadlines that shares nothing with sla: from the archived facts alone, what each lamp and verdict
must be."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

_FACT_OF: Final = {"sign_in": "SignedIn", "closing": "ClosingReported"}
"""Kind of duty → dispatch's event that meets it."""


class Told(Protocol):
    """An archived event."""

    @property
    def subject(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass
class _Duty:
    name: str
    due_at: datetime
    warn_at: datetime | None
    told: Counter[str] = field(default_factory=Counter)


@dataclass
class _Round:
    facts: dict[str, datetime] = field(default_factory=dict)
    ended_at: datetime | None = None


def audit(archive: Sequence[Told], now: datetime) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Numbers of what was looked at, and what is wrong, by name. ``now``: where the clock stands."""
    duties, rounds, wrong = _gathered(archive)
    lamps = 0
    for (subject, kind, _, number), duty in duties.items():
        lamps += duty.told["DeadlineBreached"] + duty.told["DeadlineApproaching"]
        if kind not in _FACT_OF:
            wrong["a kind of duty that the auditor does not know"].append(kind)
            continue
        for fault in _faults(duty, rounds[subject, number], _FACT_OF[kind], now):
            wrong[fault].append(f"{duty.name} due {duty.due_at}, told {dict(duty.told)}")
    return {"duties": len(duties), "lamps": lamps}, wrong


def _gathered(
    archive: Sequence[Told],
) -> tuple[dict[tuple[str, str, str, int], _Duty], dict[tuple[str, int], _Round], dict[str, list[str]]]:
    duties: dict[tuple[str, str, str, int], _Duty] = {}
    rounds: dict[tuple[str, int], _Round] = defaultdict(_Round)
    wrong: dict[str, list[str]] = defaultdict(list)
    later = []
    for one in archive:
        data = one.data
        if one.type == "DeadlineSet":
            for row in data["deadlines"]:
                key = (one.subject, row["kind"], row["unit"], row["round"])
                if row["window"]:
                    continue
                if key in duties:
                    wrong["deadlines set twice"].append(str(key))
                warn_at = datetime.fromisoformat(row["warn_at"]) if row["warn_at"] else None
                duties[key] = _Duty(str(key), datetime.fromisoformat(row["due_at"]), warn_at)
        elif one.type in _FACT_OF.values():
            rounds[one.subject, data["round"]].facts[one.type] = datetime.fromisoformat(data["occurred_at"])
        elif one.type == "RulingApplied" and data.get("ended_round") is not None:
            ended = datetime.fromisoformat(data["round_ended_at"] or data["occurred_at"])
            rounds[one.subject, data["ended_round"]].ended_at = ended
        elif one.type.startswith(("Deadline", "Breach")):
            later.append(one)
    for one in later:
        key = (one.subject, one.data["kind"], one.data["unit"], one.data["round"])
        if key in duties:
            duties[key].told[one.type] += 1
    return duties, rounds, wrong


def _faults(duty: _Duty, its_round: _Round, fact: str, now: datetime) -> list[str]:
    """Met means before due. What was not known by then was told once; told wrongly, it was taken back once."""
    told = duty.told
    lit = told["DeadlineBreached"] - told["BreachWithdrawn"]
    at = its_round.facts.get(fact)
    verdicts = (told["DeadlineMet"], told["DeadlineMissed"])
    if at is not None:
        late = at >= duty.due_at
        expected = (0, 1) if late else (1, 0)
    elif its_round.ended_at is not None:
        late = its_round.ended_at >= duty.due_at
        expected = (0, 1) if late else (0, 0)
    else:
        late = duty.due_at <= now
        expected = (0, 0)
    warned = duty.warn_at is not None and duty.warn_at <= now and at is None and its_round.ended_at is None
    faults = {
        "breached twice": told["DeadlineBreached"] > 1,
        "warned twice": told["DeadlineApproaching"] > 1,
        "breach missed": late and lit < 1,
        "breach that should not stand": not late and lit > 0,
        "warning missed": warned and not told["DeadlineApproaching"],
        "verdict other than the facts'": verdicts != expected,
    }
    return [name for name, is_so in faults.items() if is_so]
