"""T12: whatever was left of a limit when its clock stopped is left when it runs again, in any sequence of stops and
extensions. Counted by walking the days of another library; 20,000 sequences here, ``HOTLINE_PAUSES=200000`` in the
long run (``docs/timers.md``).
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.common.walker import is_worked
from tests.support.wire import PACKS, at

from common.calendar import Allowance, Unit, WorkingCalendar, load_calendar
from common.clock import SHANGHAI
from sla.counting import Counting, Extension, Instants, Pause, count

SEQUENCES = int(os.environ.get("HOTLINE_PAUSES", "20000"))
CALENDAR = load_calendar(PACKS / "calendar")
BEGIN, SPAN_SECONDS = at("2019-01-02 00:00"), 6 * 365 * 86400
UNITS: tuple[Unit, ...] = ("minutes", "clock_hours", "natural_days", "working_days", "rolling_working_days")
MOST = {"minutes": 5000, "clock_hours": 200, "natural_days": 40, "working_days": 30, "rolling_working_days": 30}
Count = Callable[[WorkingCalendar, datetime, Counting], Instants]


@dataclass(frozen=True)
class Story:
    """A limit, its extensions, and after how many minutes its clock stops, and for how long, again and again."""

    anchor: datetime
    counting: Counting
    stops: tuple[tuple[int, int], ...]


def some_story(draw: random.Random) -> Story:
    unit = draw.choice(UNITS)
    amounts = [draw.randint(1, MOST[unit]) for _ in range(draw.randint(1, 3))]
    counting = Counting(
        Allowance(amounts[0], unit),
        time(17, 30) if draw.random() < 0.3 and unit in ("natural_days", "working_days") else None,
        draw.random() < 0.5,
        None,
        extensions=tuple(
            Extension(UUID(int=number), Allowance(amount, unit)) for number, amount in enumerate(amounts[1:])
        ),
    )
    stops = tuple((_minutes(draw), _minutes(draw)) for _ in range(draw.randint(1, 4)))
    return Story(BEGIN + timedelta(seconds=draw.randrange(SPAN_SECONDS)), counting, stops)


def _minutes(draw: random.Random) -> int:
    """None, whole days to the minute, or anything up to three weeks: boundaries matter most."""
    return draw.choice((0, 1, draw.randrange(15) * 1440, draw.randrange(2000), draw.randrange(30_000)))


def lost(story: Story, counted: Count) -> str | None:
    """What was not conserved in the story, if anything."""
    counting, since = story.counting, story.anchor
    for number, (after, still) in enumerate(story.stops):
        before = counted(CALENDAR, story.anchor, counting).due_at
        stopped_at = since + timedelta(minutes=after)
        resumed_at = since = stopped_at + timedelta(minutes=still)
        counting = replace(counting, pauses=(*counting.pauses, Pause(UUID(int=100 + number), stopped_at, resumed_at)))
        now = counted(CALENDAR, story.anchor, counting).due_at
        assert counting.allowance is not None
        if before <= stopped_at or still == 0:
            if now != before:
                return f"it was over, or never stopped, and moved from {before} to {now}"
        elif fault := _unequal(counting, stopped_at, before, resumed_at, now):
            return fault
    return None


def _unequal(
    counting: Counting, stopped_at: datetime, before: datetime, resumed_at: datetime, now: datetime
) -> str | None:
    assert counting.allowance is not None
    left, again = _left(counting, stopped_at, before), _left(counting, resumed_at, now)
    told = f"{counting.allowance.unit}: left {left} at {stopped_at}, then {again} at {resumed_at}"
    if isinstance(left, timedelta) or (counting.allowance.unit == "working_days" and left > 0):
        return told if left != again else None
    # Natural days, and the very last day of working days: where the last day is not worked, the next one that is.
    last = _day(resumed_at) + timedelta(days=left)
    while (counting.roll or counting.allowance.unit == "working_days") and not is_worked(last):
        last += timedelta(days=1)
    return told if _day(now - timedelta(microseconds=1)) != last else None


def _left(counting: Counting, start: datetime, end: datetime) -> timedelta | int:
    """What of the limit lies between, as its unit counts it."""
    assert counting.allowance is not None
    unit = counting.allowance.unit
    if unit in ("minutes", "clock_hours"):
        return end - start
    first, last = _day(start), _day(end - timedelta(microseconds=1))
    days = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    if unit == "working_days":
        return sum(map(is_worked, days))
    if unit == "natural_days":
        return len(days)
    spans = (
        min(end, _midnight(day) + timedelta(days=1)) - max(start, _midnight(day))
        for day in [first, *days]
        if is_worked(day)
    )
    return sum(spans, timedelta())


def _day(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


# Ten stories an example: drawing each of their numbers by Hypothesis would take ten times as long as counting them.
@settings(max_examples=max(1, SEQUENCES // 10), deadline=None, database=None)
@given(st.integers(0, 2**64 - 1))
def test_what_was_left_when_the_clock_stopped_is_left_when_it_runs_again(seed: int) -> None:
    draw = random.Random(seed)
    for story in [some_story(draw) for _ in range(10)]:
        assert lost(story, count) is None, story


def moved_by_the_wall(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> Instants:
    """The mutant: the limit moves by as much as the clock stood still, whatever the days were."""
    plain = count(calendar, anchor, replace(counting, pauses=()))
    still = timedelta()
    for pause in counting.pauses:
        assert pause.resumed_at is not None
        if plain.due_at + still > pause.stopped_at:
            still += pause.resumed_at - pause.stopped_at
    return replace(plain, due_at=plain.due_at + still)


def counted_from_the_stop(calendar: WorkingCalendar, anchor: datetime, counting: Counting) -> Instants:
    """The mutant: every resumption gives the whole limit again."""
    resumed = [pause.resumed_at for pause in counting.pauses if pause.resumed_at is not None]
    return count(calendar, resumed[-1] if resumed else anchor, replace(counting, pauses=()))


def test_mutants_that_count_a_stop_otherwise_are_found_out() -> None:
    draw = random.Random(12)
    limit = Counting(Allowance(5, "working_days"), None, True, None)
    chosen = [
        Story(
            BEGIN + timedelta(minutes=draw.randrange(3_000_000)), limit, ((draw.randrange(5000), draw.randrange(9000)),)
        )
        for _ in range(200)
    ]
    assert all(lost(story, count) is None for story in chosen)
    for mutant in (moved_by_the_wall, counted_from_the_stop):
        assert sum(lost(story, mutant) is not None for story in chosen) > 50
