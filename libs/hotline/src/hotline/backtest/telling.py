"""A backtest as JSON lines: one for each overdue duty, filing and ticket that is not comparable; the figures last."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from common.basis import Basis
from common.policy import Pack
from hotline.backtest.codes import Codes
from hotline.backtest.filings import Filing, Ruled
from hotline.backtest.lives import Standing
from hotline.backtest.record import Head
from hotline.backtest.tally import Says, Side, Tally, Trial, kinds_of, overdue, rate


def rows(trial: Trial, tally: Tally) -> Iterator[Mapping[str, Any]]:
    """What there is to tell of one ticket."""
    for why in trial.reasons:
        yield {"row": "not_comparable", "ticket": trial.number, "reason": why}
    for why in trial.unchecked:
        yield {"row": "not_checked", "ticket": trial.number, "reason": why}
    for what in trial.differences:
        yield {"row": "self_check_differs", "ticket": trial.number, "what": what}
    for one in overdue(trial, tally.as_of):
        kind, unit, round_, case = one.identity
        named = {"ticket": one.number, "kind": kind, "unit": unit, "round": round_, "case": case and str(case)}
        sides = {
            "before": {"says": one.said_before, **_standing(one.before)},
            "after": {"says": one.said_after, **_standing(one.after)},
        }
        yield {"row": "overdue", **named, **sides}
    for filing in trial.after.filings if trial.after is not None else ():
        yield {"row": filing.what, "ticket": trial.number, **_filing(filing)}


def figures(tally: Tally, head: Head, packs: Mapping[str, Pack], codes: Codes) -> Mapping[str, Any]:
    """The last line: what was compared, the self-check, on-time rates in exact fractions with what they exclude."""
    own, other = kinds_of(packs.values()), kinds_of([codes.pack])
    return {
        "row": "figures",
        "jurisdiction": head.jurisdiction,
        "as_of": head.as_of.isoformat(),
        "before": sorted(packs),
        "after": codes.pack.version,
        "tickets": tally.tickets,
        "comparable": tally.comparable,
        "not_comparable": dict(tally.reasons),
        "self_check": {
            "tickets": tally.checked,
            "limits": tally.limits_checked,
            "differences": tally.differing,
            "by_another_calendar": tally.by_calendar,
            "not_checked": tally.unchecked,
        },
        "on_time": list(_places(tally)),
        "on_time_of_both": {
            "kinds": sorted(own & other),
            "before": _rate(_over(tally.before, own & other)),
            "after": _rate(_over(tally.after, own & other)),
        },
        "only_before": sorted(own - other),
        "only_after": sorted(other - own),
        "returns": {unit: asdict(one) for unit, one in sorted(tally.returns.items())},
        "extensions": {unit: asdict(one) for unit, one in sorted(tally.extensions.items())},
        "read_as": {f"{dimension}:{code}": read_as for (dimension, code), read_as in sorted(codes.used.items())},
    }


def _places(tally: Tally) -> Iterator[Mapping[str, Any]]:
    for unit, kind in sorted({*tally.before.counts, *tally.after.counts}):
        then, now = (side.of(unit=unit, kind=kind) for side in (tally.before, tally.after))
        yield {"unit": unit or None, "kind": kind, "before": _rate(then), "after": _rate(now)}


def _over(side: Side, kinds: Iterable[str]) -> Counter[Says]:
    return sum((side.of(kind=kind) for kind in kinds), Counter[Says]())


def _rate(counted: Counter[Says]) -> Mapping[str, Any]:
    numerator, denominator = rate(counted)
    excluded = {what: counted[what] for what in ("overdue", "open", "stopped", "superseded")}
    return {"numerator": numerator, "denominator": denominator, "excluded": excluded}


def _standing(one: Standing | None) -> Mapping[str, Any]:
    if one is None:
        return {}
    fact_at = one.fact_at.isoformat() if one.fact_at else None
    return {"due_at": one.due_at.isoformat(), "fact_at": fact_at, "basis": _bases(one.basis)}


def _filing(one: Filing) -> Mapping[str, Any]:
    return {
        "case": str(one.case),
        "unit": one.unit,
        "round": one.round,
        "filed_at": one.filed_at.isoformat(),
        "before": _ruled(one.recorded),
        "after": _ruled(one.again),
        "undone": one.undone,
    }


def _ruled(one: Ruled) -> Mapping[str, Any]:
    told = {"outcome": one.outcome, "ground": one.ground, "note": one.note, "late": one.late}
    return {**told, "basis": _bases(one.basis)}


def _bases(bases: Iterable[Basis]) -> list[Mapping[str, Any]]:
    return [one.model_dump(exclude_none=True) for one in bases]
