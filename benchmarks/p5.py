"""P5: a million limits, beside libraries that know China's working days, and equal to walkers of days and minutes.

The libraries give whether one day is worked; a limit of five working days is the loop that people write around that.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final

import chinese_calendar
import holidays
from tests.common.walker import EIGHT_HOURS, Case, Minutes, cases, walked

from benchmarks import results
from benchmarks.running import ROOT
from common.calendar import Allowance, Unit, due, due_many, load_calendar

NUMBER: Final = 1_000_000
_SHARE: Final = {"chinesecalendar": 100, "holidays": 20, "due, one by one": 4}
"""Which part of the limits each slower side works out; its time is multiplied."""
_ROUNDS: Final = 5
_CALENDAR: Final = load_calendar(ROOT / "policies" / "calendar")
_FIVE: Final = Allowance(5, "working_days")


async def measure(seconds: float) -> None:
    """``seconds`` do not matter here: the work is as long as it is."""
    anchors = _anchors(random.Random(5))
    wanted = [found.due_at for found in due_many(_CALENDAR, anchors, _FIVE)]
    ours = _timed(partial(_many, _FIVE), anchors, 1)
    china = holidays.country_holidays("CN", years=range(2018, 2027))
    sides: dict[str, Callable[[datetime], datetime]] = {
        "chinesecalendar": lambda anchor: _looped(chinese_calendar.is_workday, anchor),
        "holidays": lambda anchor: _looped(china.is_working_day, anchor),
        "due, one by one": lambda anchor: due(_CALENDAR, anchor, _FIVE).due_at,
    }
    figures: dict[str, Any] = {f"due_many, {NUMBER:,} of 5 working days, s": f"{ours:.3f} (aim 0.1)"}
    for name, side in sides.items():
        some = anchors[:: _SHARE[name]]
        assert [side(anchor) for anchor in some[:2_000]] == wanted[:: _SHARE[name]][:2_000], name
        took = _timed(partial(_each, side), some, _SHARE[name])
        figures[f"{name}, s"] = f"{took:.1f}: {took / ours:,.0f} times as long (1 of {_SHARE[name]} limits measured)"
    units: tuple[Unit, ...] = ("natural_days", "rolling_working_days", "clock_hours")
    for unit in units:
        found = _timed(partial(_many, Allowance(5, unit)), anchors, 1)
        figures[f"due_many, {unit}, s"] = f"{found:.3f}"
    began = time.monotonic()
    different = await asyncio.to_thread(_compared, NUMBER)
    figures["different from the walkers"] = f"{different} of {NUMBER:,}, all units, {time.monotonic() - began:.0f} s"
    results.keep("p5", {**figures, "again": "make bench NAME=p5"})
    assert different == 0


def _anchors(dice: random.Random) -> list[datetime]:
    first = datetime(2018, 1, 2, tzinfo=UTC)
    return [first + timedelta(seconds=dice.randrange(3_200 * 86_400)) for _ in range(NUMBER)]


def _timed(work: Callable[[Sequence[datetime]], object], anchors: Sequence[datetime], share: int) -> float:
    """Processor seconds for all anchors, the best of some rounds: other work on the machine only ever adds."""
    best = float("inf")
    for _ in range(_ROUNDS if share == 1 else 1):
        began = time.process_time()
        work(anchors)
        best = min(best, time.process_time() - began)
    return best * share


def _many(allowance: Allowance, anchors: Sequence[datetime]) -> object:
    return due_many(_CALENDAR, anchors, allowance)


def _each(side: Callable[[datetime], datetime], anchors: Sequence[datetime]) -> object:
    return [side(anchor) for anchor in anchors]


def _looped(is_worked: Callable[[date], bool], anchor: datetime) -> datetime:
    """The end of the fifth working day after that of the anchor, day by day."""
    day, left = (anchor + EIGHT_HOURS).date(), _FIVE.amount
    while left:
        day += timedelta(1)
        left -= is_worked(day)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1) - EIGHT_HOURS


def _compared(number: int) -> int:
    """How many of so many cases of all units come out otherwise than the walkers', by ``due`` or by ``due_many``."""
    pieces = 20
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(_different, range(pieces), [number // pieces] * pieces))


_minutes: list[Minutes] = []


def _different(seed: int, number: int) -> int:
    if not _minutes:
        _minutes.append(Minutes())
    found = sorted(cases(random.Random(seed), number), key=_rule)
    wrong = 0
    for _, group in groupby(found, _rule):
        alike = list(group)
        allowance, day_end, roll = alike[0].allowance, alike[0].day_end, alike[0].roll
        many = due_many(_CALENDAR, [one.anchor for one in alike], allowance, day_end=day_end, roll=roll)
        for one, of_many in zip(alike, many, strict=True):
            single = due(_CALENDAR, one.anchor, allowance, day_end=day_end, roll=roll)
            wrong += not single == of_many == walked(one, _minutes[0])
    return wrong


def _rule(case: Case) -> tuple[Unit, int, str, bool]:
    return case.allowance.unit, case.allowance.amount, str(case.day_end), case.roll
