"""What is explained day by day adds up to the limit, by hand, from the answer's JSON alone."""

import random
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.common.walker import UNPUBLISHED, cases, instant, is_worked, wall
from tests.support.wire import PACKS

from common.basis import Basis
from common.calendar import Allowance, Unit, load_calendar
from common.events.vocabulary import Anchor
from sla.counting import Counting, Extension, Pause, Source, count
from sla.deadlines import Deadline
from sla.routes.explaining import explained_row

CALENDAR = load_calendar(PACKS / "calendar")
BASIS = (Basis(rule="SYS-16", document="办法", article="第十六条"),)
DAY = timedelta(days=1)
SOURCES: tuple[Source, ...] = ("table", "table", "law", "concluded", "imposed")
UNITS: tuple[Unit, ...] = ("working_days", "working_days", "natural_days", "clock_hours")
SPANS: dict[str, timedelta] = {
    "minutes": timedelta(minutes=1),
    "clock_hours": timedelta(hours=1),
    "rolling_working_days": DAY,
}


def readded(told: dict[str, Any], day_end: time | None) -> datetime:
    """The steps added up by a person: fingers for days, a watch for hours, no calendar but the days that are told."""
    reached = datetime.fromisoformat(told["anchor"]["at"])
    for number, step in enumerate(told["steps"]):
        earlier = told["steps"][:number]
        begins = datetime.fromisoformat(step["begins_at"])
        counting = [day["on"] for day in step["days"] if day["counts"]]
        if step["until"] is not None:
            found = datetime.fromisoformat(step["until"])
        elif step["what"] == "earlier":
            found = _taken_back(step, reached)
        elif step["what"] == "pause" and step["amount"] is None:
            found = _stood_still(step, reached, earlier, day_end)
        elif step["unit"] in ("natural_days", "working_days"):
            assert len(counting) == step["amount"]
            assert step["what"] != "pause" or _left(step, reached) in (step["amount"], None)
            found = _end_of(counting[-1], day_end)
        else:
            found = _spent(begins, step["amount"] * SPANS[step["unit"]], counting)
        if step["cap"] is not None:
            found = max(reached, min(found, datetime.fromisoformat(step["cap"])))
        reached = found
        assert reached == datetime.fromisoformat(step["ends_at"]), step
    return reached


def _end_of(day: str, day_end: time | None) -> datetime:
    start = datetime.combine(datetime.fromisoformat(day), time())
    return instant(datetime.combine(start, day_end) if day_end else start + DAY)


def _spent(begins: datetime, left: timedelta, counting: list[str]) -> datetime:
    """Where so much time has passed on the days that count."""
    for day in counting:
        start = instant(datetime.fromisoformat(day))
        begins = max(begins, start)
        if left <= start + DAY - begins:
            return begins + left
        left -= start + DAY - begins
    assert not left
    return begins


def _taken_back(step: dict[str, Any], due_at: datetime) -> datetime:
    if step["unit"] not in ("working_days", "rolling_working_days"):
        span: timedelta = step["amount"] * SPANS.get(step["unit"], DAY)
        return due_at - span
    first, *days = step["days"]
    assert sum(day["counts"] for day in days) == step["amount"]
    start = instant(datetime.fromisoformat(first["on"]))
    if not days[-1]["counts"]:  # on a rest day nothing has passed of the next
        return start + DAY
    return start + (due_at - instant(datetime.fromisoformat(days[-1]["on"])))


def _left(step: dict[str, Any], due_at: datetime) -> int | None:
    """How many days were left after the one on which the clock stopped; None where the walkers know no days off."""
    stop, last = (
        wall(datetime.fromisoformat(step["stopped_at"])).date(),
        wall(due_at - timedelta(microseconds=1)).date(),
    )
    days = [stop + timedelta(n) for n in range(1, (last - stop).days + 1)]
    if days and days[-1].year > UNPUBLISHED:
        return None
    return len(days) if step["unit"] == "natural_days" else sum(map(is_worked, days))


def _stood_still(
    step: dict[str, Any], due_at: datetime, earlier: list[dict[str, Any]], day_end: time | None
) -> datetime:
    """A clock that stood still without days being left to count: hours, the rest of a working day, or the last day."""
    stopped_at, resumed_at = (datetime.fromisoformat(step[name]) for name in ("stopped_at", "begins_at"))
    if resumed_at == stopped_at or due_at <= stopped_at:
        return due_at
    unit = earlier[0]["unit"]
    counting = [day["on"] for day in step["days"] if day["counts"]]
    if unit in ("natural_days", "working_days"):
        return _end_of(counting[-1], day_end)
    if unit != "rolling_working_days":
        return due_at + (resumed_at - stopped_at)
    left = timedelta(0)
    for day in sorted({day["on"] for one in earlier for day in one["days"] if day["counts"]}):
        start = instant(datetime.fromisoformat(day))
        left += max(timedelta(0), min(due_at, start + DAY) - max(stopped_at, start))
    return _spent(resumed_at, left, counting)


def some_countings(dice: random.Random, number: int) -> list[tuple[datetime, Counting]]:
    """Limits of all sources and units, extended, capped, stood still, ending earlier, or given as an instant."""
    found = []
    for case in cases(dice, number):
        counting = Counting(case.allowance, case.day_end, case.roll, None, dice.choice(SOURCES))
        if dice.random() < 0.05:
            until = case.anchor + timedelta(minutes=dice.randrange(20_000))
            counting = Counting(None, case.day_end, case.roll, None, "imposed", until)
        plain = count(CALENDAR, case.anchor, counting).due_at
        extensions = [_extension(dice, plain) for _ in range(dice.choice((0, 0, 1, 1, 2, 3)))]
        pauses: tuple[Pause, ...] = ()
        if dice.random() < 0.3:
            stopped = case.anchor + timedelta(minutes=dice.randrange(1, 15_000))
            resumed = stopped + timedelta(minutes=dice.choice((1, 90, 1_440, 5_000, 20_000)))
            pauses = (Pause(uuid4(), stopped, resumed if dice.random() < 0.9 else None),)
            if pauses[0].resumed_at and counting.allowance and counting.allowance.unit == "rolling_working_days":
                extensions = []
        earlier = Allowance(dice.choice((1, 2, 3)), dice.choice(UNITS))
        found.append(
            (
                case.anchor,
                Counting(
                    counting.allowance, counting.day_end, counting.roll, None, counting.source, counting.until,
                    tuple(extensions), earlier if dice.random() < 0.1 else None, None, pauses,
                ),
            )
        )  # fmt: skip
    return found


def _extension(dice: random.Random, due_at: datetime) -> Extension:
    cap = due_at + timedelta(days=dice.randrange(1, 40)) if dice.random() < 0.3 else None
    if dice.random() < 0.1:
        return Extension(uuid4(), None, due_at + timedelta(days=dice.randrange(1, 30), hours=3), cap)
    return Extension(uuid4(), Allowance(dice.choice((1, 3, 5, 10, 15)), dice.choice(UNITS)), None, cap)


def row(anchor: datetime, counting: Counting) -> Deadline:
    """A deadline as it would stand, counted so."""
    instants, ticket = count(CALENDAR, anchor, counting), uuid4()
    return Deadline(
        id=uuid4(), subject=f"ticket/{ticket}", ticket=ticket, kind="closing", unit="shuangyashan.zhujianju", round=1,
        case=uuid4(), window=False, anchor=Anchor(event=uuid4(), at=anchor), counting=counting, warn_at=None,
        due_at=instants.due_at, original_due_at=instants.original_due_at, policy="shuangyashan@0",
        calendar=CALENDAR.version, provisional=instants.provisional, basis=BASIS, partition=0,
    )  # fmt: skip


def test_the_explained_days_of_10000_deadlines_add_up_to_their_limits() -> None:
    seen: Counter[str] = Counter()
    for anchor, counting in some_countings(random.Random(16), 10_000):
        deadline = row(anchor, counting)
        told = explained_row(deadline, CALENDAR, CALENDAR).model_dump(mode="json")
        assert readded(told, counting.day_end) == deadline.due_at, (anchor, counting)
        assert datetime.fromisoformat(told["due_at"]) == deadline.due_at
        assert told["text"][-1].startswith("期限")
        seen.update(step["what"] for step in told["steps"])
        seen["capped"] += any(step["cap"] for step in told["steps"])
        seen[counting.source] += 1
    wanted = {"stated", "extension", "pause", "earlier", "capped", "table", "law", "concluded", "imposed"}
    assert {what: number for what, number in seen.items() if number > 400}.keys() >= wanted


def test_an_explanation_of_one_day_less_does_not_add_up() -> None:
    anchor = instant(datetime.fromisoformat("2024-09-27 16:00"))
    deadline = row(anchor, Counting(Allowance(5, "working_days"), None, True, None))
    told = explained_row(deadline, CALENDAR, CALENDAR).model_dump(mode="json")
    del told["steps"][0]["days"][-1]
    with pytest.raises(AssertionError):
        readded(told, None)
