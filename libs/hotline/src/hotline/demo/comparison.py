"""Each case twice: as the document tells it, and as it went under the suite, read from what the interfaces told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import wording
from .player import Ended
from .stories import Happened, Return

THEN, NOW = "通报所述", "本系统之下"


@dataclass(frozen=True, slots=True)
class Side:
    """How a case went: how often it was moved, how long it took, who had it, what was late, and why."""

    moves: str
    lasted: str
    held_by: str
    late: str
    why: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One case. ``then`` is None where the document tells no course of it."""

    case: str
    then: Side | None
    now: Side


def compared(endings: Sequence[Ended], names: Mapping[str, str]) -> list[Compared]:
    """The cases in the order in which they began; tickets that are one case stand together."""
    cases: dict[str, list[Ended]] = {}
    for ended in endings:
        cases.setdefault(ended.case.moved.story.of_case, []).append(ended)
    return [Compared(case, _told(tickets), _under_suite(tickets, names)) for case, tickets in cases.items()]


def _told(tickets: Sequence[Ended]) -> Side | None:
    told = next((one for ended in tickets if (one := ended.case.moved.story.happened) is not None), None)
    return None if told is None else _side(told)


def _side(told: Happened) -> Side:
    return Side(f"{told.moves}次", told.lasted, told.held_by, told.late, told.why)


def _under_suite(tickets: Sequence[Ended], names: Mapping[str, str]) -> Side:
    return Side(
        moves=f"{sum(len(_leads(ended)) - 1 for ended in tickets)}次",
        lasted=_lasted(tickets),
        held_by="；".join(_counted(_holders(ended, names) for ended in tickets)),
        late="；".join(_counted(late for ended in tickets for late in _late(ended, names))) or "无",
        why="；".join(_why(tickets, names)),
    )


def _leads(ended: Ended) -> list[str]:
    """The leads one after another; a new round of the same lead is no move."""
    leads: list[str] = []
    for entry in ended.timeline:
        if entry["type"] == "Dispatched" and leads[-1:] != [entry["data"]["unit"]]:
            leads.append(entry["data"]["unit"])
    return leads


def _at(ended: Ended, type: str) -> list[datetime]:
    return [datetime.fromisoformat(one["occurred_at"]) for one in ended.timeline if one["type"] == type]


def _lasted(tickets: Sequence[Ended]) -> str:
    """From the first registration to the last closing."""
    closed = [_at(ended, "Closed") for ended in tickets]
    if not all(closed):
        return "通报未写此后经过，演示中未办结"
    spent = max(at for one in closed for at in one) - min(at for ended in tickets for at in _at(ended, "TicketCreated"))
    return f"{spent.days}天" if spent.days else "当日"


def _holders(ended: Ended, names: Mapping[str, str]) -> str:
    return "→".join(names.get(unit, unit) for unit in _leads(ended))


def _late(ended: Ended, names: Mapping[str, str]) -> Iterator[str]:
    for one in ended.deadlines:
        if not one["window"] and (one["verdict"] == "missed" or one["state"] == "breached"):
            who = names.get(one["unit"] or "", "热线主管部门")
            yield f"{wording.DUTIES.get(one['kind'], one['kind'])}超期（{who}）"
    for filed in ended.returns:
        if filed["late"]:
            yield f"超期退单（{names.get(filed['unit'], filed['unit'])}）"


def _why(tickets: Sequence[Ended], names: Mapping[str, str]) -> Iterator[str]:
    """What decided the course: returns approved and denied, who was named by whom, and what that put an end to."""
    filed = [one for ended in tickets for one in ended.returns]
    if approved := sum(one["state"] == "applied" for one in filed):
        yield f"退单同意{approved}次，另行转派"
    denied = [one for one in filed if one["state"] == "denied"]
    yield from _denied(one for one in denied if not one["decision"]["designation"])
    named = [_named(one, names) for ended in tickets for one in ended.consultations if one["conclusion"]]
    yield from _counted(named)
    yield from _denied(one for one in denied if one["decision"]["designation"])
    if strangers := sum(1 for ended in tickets for _ in impossible(ended)):
        yield f"不持有工单，无从退回{strangers}次"
    yield from _counted(_finding(one, names) for ended in tickets for one in ended.findings)
    if not filed and not named:
        archived = all(ended.ticket["status"] == "archived" for ended in tickets)
        yield "首接单位办结，回访满意归档" if archived else "首接单位办理"


def _denied(filed: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    for article, times in Counter(map(_article, filed)).items():
        yield f"退单不予通过{times}次，{article}"


def _article(filed: Mapping[str, Any]) -> str:
    """The clause that denied it, and what the designation was that bound the unit."""
    decision = filed["decision"]
    article = next((basis["article"] for basis in decision["basis"] if basis["article"]), "")
    by = (decision.get("designation") or {}).get("by")
    return f"{article}，经{wording.FORMS.get(by, by)}指定" if by else str(article)


def _named(consultation: Mapping[str, Any], names: Mapping[str, str]) -> str:
    made = consultation["conclusion"]
    form = wording.FORMS[consultation["form"]]
    return f"{form}指定{names.get(made['unit'], made['unit'])}主办" if made["unit"] else f"{form}未决"


def _finding(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What the record makes of it: a person decides."""
    article = next((basis["article"] for basis in found["basis"] if basis["article"]), "")
    follows = {"notice": "提请通报", "referral": "提请移交追责"}[found["follows"]]
    return f"{article}{follows}{names.get(found['unit'], found['unit'])}，待人员决定"


def impossible(ended: Ended) -> Iterator[str]:
    """Who tried to return what was not his to return."""
    for played in ended.case.played:
        if isinstance(played.scene.step, Return) and played.answer is not None and played.answer.status in (403, 404):
            yield played.scene.step.who


def _counted(said: Iterator[str] | Sequence[str]) -> list[str]:
    return [text if times == 1 else f"{text}×{times}" for text, times in Counter(said).items()]
