"""Verdicts and lamps as pure steps: no order of facts and moments breaks what the rules promise."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from tests.support.wire import at

from common.calendar import Allowance
from common.events.vocabulary import Anchor
from sla.counting import Counting, Instants
from sla.deadlines import Deadline
from sla.verdicts import (
    Step,
    closing_accepted,
    closing_filed,
    closing_sent_back,
    fired,
    judged,
    recounted,
    round_ended,
)

WARN, DUE = at("2024-10-23 00:00"), at("2024-10-24 00:00")
FACT = UUID(int=7)


def closing(**more: object) -> Deadline:
    plain = Deadline(
        id=uuid4(),
        subject=f"ticket/{uuid4()}",
        ticket=uuid4(),
        kind="closing",
        unit="shuangyashan.zhujianju",
        round=1,
        case=None,
        window=False,
        anchor=Anchor(event=uuid4(), at=at("2024-09-27 16:00")),
        counting=Counting(Allowance(15, "working_days"), None, True, Allowance(1, "working_days")),
        warn_at=WARN,
        due_at=DUE,
        original_due_at=DUE,
        policy="shuangyashan@x",
        calendar="x",
        provisional=False,
        basis=(),
        partition=0,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def names(step: Step | None) -> list[str]:
    return [told.name for told in step.told] if step else []


def test_what_is_not_due_by_then_does_not_fire() -> None:
    assert fired(closing(), WARN - timedelta(microseconds=1)) is None
    assert names(fired(closing(), WARN)) == ["DeadlineApproaching"]
    assert names(fired(closing(), DUE)) == ["DeadlineApproaching", "DeadlineBreached"]
    assert names(fired(closing(state="approaching", warned_at=WARN), DUE)) == ["DeadlineBreached"]


def test_a_window_and_an_ended_deadline_never_fire() -> None:
    late = DUE + timedelta(days=99)
    for one in (closing(window=True), closing(state="stopped"), closing(state="closed"), closing(state="superseded")):
        assert one.next_at is None
        assert fired(one, late) is None


def test_a_report_filed_in_time_and_undecided_when_the_round_ends_is_superseded() -> None:
    filed = closing_filed(closing(), FACT, DUE - timedelta(hours=1)).deadline
    assert round_ended(filed, DUE + timedelta(hours=1), "superseded", FACT).deadline.state == "superseded"
    late = closing_filed(closing(), FACT, DUE).deadline
    assert round_ended(late, DUE + timedelta(hours=1), "superseded", FACT).deadline.verdict == "missed"


moments = st.integers(-72, 72).map(lambda hours: DUE + timedelta(hours=hours))
moves = st.lists(
    st.tuples(st.sampled_from(["time", "filed", "sent back", "calendar"]), st.integers(0, 24)), max_size=12
)


@given(moves, st.sampled_from(["accepted", "ended", "open"]))
def test_lamps_and_verdicts_agree_whatever_happens(moves: list[tuple[str, int]], end: str) -> None:
    """Red is lit at most once more than it is withdrawn; a verdict follows from the fact's own time alone."""
    deadline, now, said = closing(), DUE - timedelta(days=4), list[str]()

    def take(step: Step | None) -> None:
        nonlocal deadline
        if step is not None:
            deadline = step.deadline
            said.extend(names(step))

    for move, hours in moves:
        now += timedelta(hours=hours)
        if move == "time":
            take(fired(deadline, now))
        elif move == "filed" and deadline.state != "stopped":
            take(closing_filed(deadline, FACT, now))
        elif move == "sent back" and deadline.state == "stopped":
            take(closing_sent_back(deadline, FACT, now))
        elif move == "calendar":
            later = Instants(
                deadline.due_at + timedelta(days=1),
                deadline.due_at + timedelta(days=1),
                _later(deadline.warn_at),
                False,
                "y",
            )
            take(recounted(deadline, later, now, None))
        lit = said.count("DeadlineBreached") - said.count("BreachWithdrawn")
        assert lit == (1 if deadline.breached_at else 0)
        assert (deadline.state == "breached") <= (deadline.breached_at is not None)
        assert deadline.next_at is None or deadline.state in ("armed", "approaching")
        assert deadline.due_at == deadline.original_due_at
    if end == "accepted":
        filed_at = deadline.filed_at or now
        take(closing_accepted(deadline, FACT, filed_at))
        assert deadline.verdict == ("met" if filed_at < deadline.due_at else "missed")
        assert (deadline.breached_at is None) or deadline.verdict == "missed"
    elif end == "ended":
        filed_in_time = deadline.filed_at is not None and deadline.filed_at < deadline.due_at
        missed = deadline.due_at <= now and not filed_in_time
        take(round_ended(deadline, now, "superseded", FACT))
        assert deadline.verdict == ("missed" if missed else None)
        assert deadline.state == ("closed" if missed else "superseded")
        assert missed or deadline.breached_at is None
    assert deadline.open == (end == "open")


def _later(at: datetime | None) -> datetime | None:
    return None if at is None else at + timedelta(days=1)


@given(moments)
def test_met_means_before_the_first_late_instant(fact_at: datetime) -> None:
    step = judged(closing(), FACT, fact_at)
    assert (step.deadline.verdict == "met") == (fact_at < DUE)
    assert step.deadline.fact_at == fact_at


def test_a_move_is_a_new_generation_and_an_old_instant_does_not_fire_any_more() -> None:
    moved = recounted(
        closing(state="approaching", warned_at=WARN),
        Instants(DUE + timedelta(days=2), DUE + timedelta(days=2), WARN + timedelta(days=2), False, "y"),
        WARN + timedelta(hours=1),
        FACT,
    )
    assert (moved.deadline.generation, moved.deadline.state, moved.deadline.warned_at) == (2, "armed", None)
    assert fired(moved.deadline, DUE) is None
    assert names(fired(moved.deadline, DUE + timedelta(days=1))) == ["DeadlineApproaching"]
