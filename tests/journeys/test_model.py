"""Random lives through the real doors of the whole suite, against a small model (C10).

Hypothesis draws a few lives and what is attempted on them, possible or not, with some time in between. While everybody
is up to date, each answer and each ticket must be the model's. In the end several commands fall upon each ticket at
once, and whatever won, the story told must be one that the table of the life cycle lists.

``HOTLINE_MODEL_EXAMPLES`` says how many examples, ``HOTLINE_MODEL_SECONDS`` for how long at most, and
``HOTLINE_MODEL_SEED`` which ones; the seed is printed. With ``HOTLINE_MODEL_SHRINK=1`` a failing example is made
smaller: that takes minutes.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.conftest import FreshDatabase
from tests.journeys.city import HERE, Aside, City, city_of
from tests.journeys.living.commands import choose
from tests.journeys.living.life import BELOW_A, COUNTY, UNITS, A, C, Life, Step
from tests.journeys.looking_back import differences
from tests.journeys.retelling import retold, unanswered
from tests.support.logs import captured_logs
from tests.support.wire import at

from dispatch.lifecycle import HELD

EXAMPLES = int(os.environ.get("HOTLINE_MODEL_EXAMPLES", "25"))
SECONDS = float(os.environ.get("HOTLINE_MODEL_SECONDS", "45"))
SEED = int(os.environ.get("HOTLINE_MODEL_SEED", random.SystemRandom().randrange(2**32)))
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("HOTLINE_MODEL_SHRINK") else (Phase.generate,)
PACKS = Path(__file__).parents[2] / "policies"

STEPS = st.builds(
    Step,
    which=st.integers(0, 999),
    wild=st.sampled_from((True, False, False, False)),
    who=st.integers(0, 5),
    pick=st.integers(0, 11),
    fresh=st.sampled_from((True,) * 9 + (False,)),
    yes=st.sampled_from((True, True, False)),
)
PAUSES = st.sampled_from((timedelta(0),) * 6 + (timedelta(hours=5), timedelta(days=2), timedelta(days=30)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One life as it is drawn: what is attempted one after the other, and what at once in the end."""

    has_contact: bool
    steps: list[Step]
    rush: list[Step]


LIVES = st.builds(
    Drawn,
    has_contact=st.sampled_from((True, True, True, False)),
    steps=st.lists(STEPS, min_size=8, max_size=20),
    rush=st.lists(STEPS, max_size=4),
)


@pytest.fixture
def city(database: FreshDatabase, tmp_path: Path) -> Iterator[tuple[City, Aside]]:
    with captured_logs("hotline") as log, city_of(database, at("2025-03-03 09:00"), PACKS, tmp_path) as (city, other):
        other.do(_enter_units(city))
        yield city, other
        print(*(line for line in log.getvalue().splitlines() if '"error"' in line), sep="\n")  # noqa: T201


async def _enter_units(city: City) -> None:
    for unit in UNITS:
        kind = "county_district" if unit == COUNTY else "municipal_department"
        row = {"name": unit.partition(".")[2], "kind": kind, "parent": A if unit == BELOW_A else None}
        assert (await city.put("admin", f"/dispatch/v1/units/{unit}", row)).status == 201
    await city.rest()


@pytest.mark.timeout(1800)
def test_random_lives_are_those_of_the_model(city: tuple[City, Aside]) -> None:
    suite, other = city
    print(f"HOTLINE_MODEL_SEED={SEED} HOTLINE_MODEL_EXAMPLES={EXAMPLES}")  # noqa: T201 - shown when the test fails

    ends = time.monotonic() + SECONDS

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(drawn=st.lists(LIVES, min_size=4, max_size=8), pauses=st.lists(PAUSES, max_size=16))
    def lived(drawn: list[Drawn], pauses: list[timedelta]) -> None:
        if time.monotonic() < ends:  # what is drawn after that is not lived
            other.do(_live(suite, drawn, pauses))

    lived()
    tickets, otherwise = differences(suite, other)
    assert otherwise == [], "\n".join(otherwise)
    print(f"judged again under their own pack: {tickets} tickets, no difference")  # noqa: T201 - with -rP
    done = Counter(does for does, status in suite.tally.elements() if status == 201)
    told = ", ".join(f"{does} {done[does]}/{tried}" for does, tried in suite.tried().most_common())
    print(f"carried out of what was tried: {told}")  # noqa: T201 - with -rP


async def _live(city: City, drawn: Sequence[Drawn], pauses: Sequence[timedelta]) -> None:
    lives = [await _begin(city, one) for one in drawn]
    await city.rest()
    ticks = max(len(one.steps) for one in drawn)
    for place, pause in zip(range(ticks), chain(pauses, repeat(timedelta(0))), strict=False):
        doing = [(life, one.steps[place]) for life, one in zip(lives, drawn, strict=True) if place < len(one.steps)]
        await asyncio.gather(*(_do(city, life, step) for life, step in doing))
        await city.rest(pause)
        await asyncio.gather(*(_compare(city, life) for life, _ in doing))
    await _compare_elsewhere(city, lives)
    await asyncio.gather(*(_rush(city, life, one.rush) for life, one in zip(lives, drawn, strict=True)))
    await city.rest()
    await asyncio.gather(*(_examine(city, life) for life in lives))
    if city.parked:
        pytest.fail("\n".join(await _parked(city)))


async def _parked(city: City) -> list[str]:
    """What could not be consumed, and the story of its ticket so far."""
    told = []
    for service in city.parked:
        for item in (await city.get("admin", f"/{service}/v1/parked")).body["items"]:
            path = f"/intake/v1/{item['subject'].replace('ticket/', 'tickets/')}/timeline"
            story = (await city.get("admin", path)).body.get("entries", [])
            told.append(f"{item} after {[(one['type'], one['round']) for one in story]}")
    return told


async def _begin(city: City, drawn: Drawn) -> Life:
    requester = {"name": "某人", "phone": "13800000000"} if drawn.has_contact else {"anonymous": True}
    body = {
        "jurisdiction": HERE,
        "channel": "web",
        "type": "complaint",
        "category": "城市管理/路灯",
        "statement": "路灯不亮",
        "address": "新兴广场",
        "requester": requester,
    }
    answer = await city.post("agent", "/intake/v1/tickets", body)
    assert answer.status == 201, answer
    return Life(answer.body["id"], drawn.has_contact)


async def _do(city: City, life: Life, step: Step) -> None:
    """The answer is the model's, and then the model goes on."""
    does, call = choose(life, step)
    answer = await city.post(call.who, call.path, call.body, call.headers)
    assert answer.status == call.expect, (does, step, call, answer, life)
    city.tally[does, answer.status] += 1
    if answer.status == 201:
        call.then(answer.body)


async def _compare(city: City, life: Life) -> None:
    read = (await city.get("viewer", f"/intake/v1/tickets/{life.ticket}")).body
    told = {
        "status": read["status"],
        "round": read["round"],
        "unit": read["unit"],
        "co_handlers": tuple(read["co_handlers"]),
        "sub_units": tuple(read["sub_units"]),
        "marks": set(read["marks"]),
        "type": read["type"],
        "urged": read["urgings"]["times"],
        "withdrawal": read["withdrawal"],
    }
    assert told == {
        "status": life.status,
        "round": life.round,
        "unit": life.unit,
        "co_handlers": life.co,
        "sub_units": life.subs,
        "marks": life.marks,
        "type": life.type,
        "urged": life.urged,
        "withdrawal": None,
    }


async def _compare_elsewhere(city: City, lives: Sequence[Life]) -> None:
    """What dispatch shows the units, review its reviewers and sla everybody is the model's too."""
    for unit in UNITS:
        listed = (await city.get(unit, f"/dispatch/v1/units/{unit}/open?size=200")).body["items"]
        theirs = {item["ticket"] for item in listed} & {life.ticket for life in lives}
        assert theirs == {life.ticket for life in lives if life.status in HELD and unit in life.workers}, unit
    for life in lives:
        for kind, case in (("returns", life.returned), ("extensions", life.extension)):
            if case.state != "absent":
                assert (await city.get("viewer", f"/review/v1/{kind}/{case.id}")).body["state"] == case.state
        for kind, case in (("consultations", life.consultation), ("escalations", life.escalation)):
            if case.state != "absent":
                assert (await city.get("viewer", f"/review/v1/{kind}/{case.id}")).body["state"] == case.state
        rows = (await city.get("viewer", f"/sla/v1/tickets/{life.ticket}/deadlines")).body["items"]
        running = {row["kind"] for row in rows if row["state"] in ("armed", "approaching", "breached")}
        if life.status in ("archived", "withdrawn", "stopped"):
            assert not running, (life, running)
        assert ("closing" in running) is (life.status in HELD), (life, running)


async def _rush(city: City, life: Life, steps: Sequence[Step]) -> None:
    """All at once, each as if it were alone: whatever is refused, nothing breaks."""
    calls = [choose(life, step)[1] for step in steps]
    answers = await asyncio.gather(*(city.post(call.who, call.path, call.body, call.headers) for call in calls))
    assert all(answer.status < 500 for answer in answers), list(zip(calls, answers, strict=True))


async def _examine(city: City, life: Life) -> None:
    """Every ruling has its one answer, and the story is one of the table's."""
    story: list[dict[str, Any]] = (await city.get("viewer", f"/intake/v1/tickets/{life.ticket}/timeline")).body[
        "entries"
    ]
    assert unanswered(story) == []
    read = (await city.get("viewer", f"/intake/v1/tickets/{life.ticket}")).body
    assert retold(story) == read["status"]
    held = (await city.get(read["unit"] or C, f"/dispatch/v1/units/{read['unit'] or C}/open?size=200")).body["items"]
    assert (life.ticket in {item["ticket"] for item in held}) is (read["status"] in HELD)
