"""What the other services tell of a ticket reaches review in every order that the bus can deliver, some of it twice:
the ticket, its cases, what was found and what was announced end as if all had come when it happened (C7).

The bus keeps each service's own order and puts effects after their causes; between services anything may come first.
Review's own commands are given between these facts: what happened later cannot have come before them.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from tests.review import extending
from tests.review.desk import CHENGGUAN, ZHUJIAN, Desk
from tests.review.playing import (
    CHANCES,
    DAY,
    Arrival,
    Chance,
    Play,
    Step,
    answer,
    arrival_of,
    deadline,
    dispatched,
    does,
    fact,
    limits,
    lived,
    may,
    moved,
    state,
)
from tests.review.test_consultations import JIANSHAN, conclude, convene, enter_bodies

from common.clock import new_id

SIGNED: Final = may("signed in", "SignedIn", unit=CHENGGUAN)
CO_SIGNED: Final = may("co-handler signed in", "SignedIn", unit=JIANSHAN, part="co_handler")
PASSED_DOWN: Final = may("passed down", "SubAssigned", assignment=UUID(int=1), unit=CHENGGUAN, to_unit=ZHUJIAN)
AMENDED: Final = Step(
    "amended",
    "TicketAmended",
    lambda _: (
        {"type": "help", "category": "其他", "address": "某路", "marks": ("special",), "legal_limit": None}
        | {"changed": ("type", "marks"), "reason": "登记有误"}
    ),
    (),
    optional=True,
)
PLAIN: Final = may("contacted", "RequesterContacted", unit=CHENGGUAN, level=2, outcome="reached")
SOON: Final = deadline("closing is near", "DeadlineApproaching", "closing")
MISSED: Final = deadline("closing missed", "DeadlineMissed", "closing")
CO_HANDLED: Final[dict[str, Any]] = {"co_handlers": (JIANSHAN,)}


def of_return(decision: str, ground: str) -> Callable[[Play], Awaitable[httpx.Response]]:
    return lambda play: play.desk.rule(str(play.cases["filed"]), decision, ground)


APPROVED: Final = (
    dispatched(**CO_HANDLED),
    limits(),
    SIGNED,
    AMENDED,
    CO_SIGNED,
    PASSED_DOWN,
    does("filed", lambda play: play.desk.file(play.ticket, CHENGGUAN)),
    may("report filed", "ClosingReported", "signed in", report=UUID(int=2), unit=CHENGGUAN, result="已修复"),
    does("ruled", of_return("approve", "not_this_units_duty"), "filed", "limits of dispatched"),
    answer("taken back", "filed", "return", "awaiting_dispatch", "ruled", ended_round=1),
    dispatched("dispatched anew", "taken back", unit=ZHUJIAN, round=2),
    limits("dispatched anew", round=2, unit=ZHUJIAN),
    MISSED,
)

DESIGNATED: Final = (
    dispatched(designated=True, designation={"by": "superior", "reference": "市政府批示〔2025〕3号"}, **CO_HANDLED),
    does("filed", lambda play: play.desk.file(play.ticket, CHENGGUAN)),
    limits(),
    SIGNED,
    SOON,
    AMENDED,
    CO_SIGNED,
    does("filed again", lambda play: play.desk.file(play.ticket, CHENGGUAN), "filed", "limits of dispatched"),
    PASSED_DOWN,
    MISSED,
    deadline("sign-in missed", "DeadlineMissed", "sign_in"),
)

EXTENDED: Final = (
    dispatched(**CO_HANDLED),
    limits(),
    AMENDED,
    SIGNED,
    does("asked", lambda play: extending.ask(play.desk, play.ticket, CHENGGUAN)),
    PLAIN,
    moved("window moved", "extension_window", 2, "amendment", "amended", optional=True),
    does(
        "granted",
        lambda play: extending.decide(play.desk, play.cases["asked"], note="须等待检测报告"),
        "asked",
        "limits of dispatched",
    ),
    answer("extended", "asked", "extension", "signed_in", "granted"),
    may("told", "RequesterContacted", "granted", unit=CHENGGUAN, level=2, outcome="reached"),
    does("asked again", lambda play: extending.ask(play.desk, play.ticket, CHENGGUAN), "extended"),
    moved("closing longer", "closing", 2, "extension", "extended"),
    moved("window longer", "extension_window", 3, "extension", "extended"),
    SOON,
    MISSED,
)

CONFIRMED: Final = (
    dispatched(**CO_HANDLED),
    limits(),
    does("filed", lambda play: play.desk.file(play.ticket, CHENGGUAN)),
    AMENDED,
    SIGNED,
    does("convened", lambda play: convene(play.desk, play.ticket, form="coordination", ground="shirked")),
    Step(
        "limit of the coordination",
        "DeadlineSet",
        lambda play: {
            "cause": new_id(),
            "deadlines": (play.row("coordination", DAY, unit=None, case=play.cases["convened"]),),
        },
        ("convened", "limits of dispatched"),
        optional=True,
    ),
    CO_SIGNED,
    does("concluded", lambda play: conclude(play.desk, str(play.cases["convened"]), unit=CHENGGUAN), "convened"),
    answer("confirmed", "convened", "consultation", "signed_in", "concluded", designated=CHENGGUAN),
    SOON,
    MISSED,
    does("filed again", lambda play: play.desk.file(play.ticket, CHENGGUAN), "confirmed", "limits of dispatched"),
)

EXPLAINED: Final = (
    dispatched(**CO_HANDLED),
    limits(),
    AMENDED,
    SIGNED,
    fact("closed", "Closed", report=UUID(int=2), unit=CHENGGUAN, filed_at=datetime(2025, 9, 26).astimezone(),
         decided_by_rule=True),
    MISSED,
    deadline("closing is near", "DeadlineApproaching", "closing", "closed"),
    Step(
        "called back",
        "CallbackRecorded",
        lambda play: {"callback": play.cases.setdefault("called back", new_id()), "outcome": "reached", "attempt": 1}
        | {"responded": True, "resolved": True, "satisfaction": "dissatisfied"},
        ("closed",),
    ),
    does("asked to explain", lambda play: play.desk.judge(play.cases["called back"], "explanation"), "called back"),
    answer("has to explain", "called back", "callback", "closed", "asked to explain"),
    fact("explained", "RequesterContacted", "has to explain", unit=CHENGGUAN, level=2, outcome="reached",
         purpose="explanation"),
    may("stated", "StatementSubmitted", "has to explain", statement=UUID(int=3), unit=CHENGGUAN, text="列入明年计划",
        evidence=("年度计划",)),
    does("judged", lambda play: play.desk.judge(play.cases["called back"], "archive"), "explained"),
    answer("archived", "called back", "callback", "archived", "judged"),
    CO_SIGNED,
)  # fmt: skip

TAKEN_OVER: Final = (
    dispatched(**CO_HANDLED),
    limits(),
    does("asked", lambda play: extending.ask(play.desk, play.ticket, CHENGGUAN)),
    does("filed", lambda play: play.desk.file(play.ticket, CHENGGUAN)),
    AMENDED,
    fact("succeeded", "UnitSucceeded", "filed", "asked", unit=CHENGGUAN, successor=ZHUJIAN),
    moved("closing moved", "closing", 2, "amendment", "amended", optional=True),
    moved("window moved", "extension_window", 2, "amendment", "amended", optional=True),
    CO_SIGNED,
    does(
        "granted",
        lambda play: extending.decide(play.desk, play.cases["asked"], note="须等待检测报告"),
        "asked",
        "limits of dispatched",
        "succeeded",
    ),
    answer("extended", "asked", "extension", "dispatched", "granted"),
    moved("closing longer", "closing", 3, "extension", "extended"),
    moved("window longer", "extension_window", 3, "extension", "extended"),
    does("asked again", lambda play: extending.ask(play.desk, play.ticket, ZHUJIAN), "extended"),
)

STORIES: Final = {
    "a return is approved": APPROVED,
    "returns are denied to a designated unit": DESIGNATED,
    "an extension is granted and another asked for": EXTENDED,
    "a coordination confirms the unit while its return is queued": CONFIRMED,
    "the unit explains itself after the callback": EXPLAINED,
    "a successor goes on with an extension and a return": TAKEN_OVER,
}


QUICK: Final = settings(
    max_examples=24,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Stage:
    """Where a story is played again and again; ``ends``: what the same facts came to when each came as it happened."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ends: dict[tuple[str, ...], tuple[dict[str, list[Any]], Counter[str]]] = {}


@pytest.fixture
async def stage(desk: Desk) -> Stage:
    await enter_bodies(desk)
    return Stage(desk)


@pytest.mark.parametrize("story", STORIES)
@QUICK
@given(chance=CHANCES)
async def test_the_order_of_arrival_changes_nothing(stage: Stage, story: str, chance: Chance) -> None:
    arrival = arrival_of(STORIES[story], chance)
    facts = tuple(step.name for step in arrival.steps)
    if facts not in stage.ends:
        play, told = await lived(stage.desk, Arrival(arrival.steps, facts))
        stage.ends[facts] = (await state(play), told)
    play, told = await lived(stage.desk, arrival)
    assert (await state(play), told) == stage.ends[facts], arrival.order
    async with stage.desk.service.room.database.engine.connect() as connection:
        assert (await connection.execute(text("select reason from parked"))).all() == []
