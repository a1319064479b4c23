"""Services never disagree about a version: packs are activated while tickets are registered and handled."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.conftest import FreshDatabase
from tests.journeys.city import HERE, Aside, City, city_of
from tests.support.wire import at

from common.policy import load_pack, parse_pack

PACKS = Path(__file__).parents[2] / "policies"
UNIT = f"{HERE}.chengguan"
STATED = {"rule": "G-3", "assumption": "测试：本版规则是否适用于在办工单。"}
WORKERS = 4
_DOCKETS = {"sla": ("docket", "ticket"), "dispatch": ("docket", "ticket"), "review": ("docket", "ticket")} | {
    "intake": ("ticket", "id"),
    "reporting": ("ticket", "ticket"),
}


@pytest.fixture
def city(database: FreshDatabase, tmp_path: Path) -> Iterator[tuple[City, Aside]]:
    packs = tmp_path / "packs"
    for folder in (HERE, "calendar"):
        shutil.copytree(PACKS / folder, packs / folder)
    with city_of(database, at("2025-03-03 09:00"), packs, tmp_path) as found:
        yield found


def version(days: int, *, applies: bool) -> dict[str, Any]:
    """双鸭山's pack with so many days for complaints."""
    content = load_pack(PACKS / HERE).dump()
    content["limits"]["kinds"]["closing"]["rules"][-1]["allowance"]["amount"] = days
    return content | {"applies_to_open_tickets": STATED | {"value": applies}}


async def _life(city: City, number: int) -> None:
    """One ticket: registered, dispatched, then signed in or returned. A command that comes too early is sent again."""
    body = {
        "jurisdiction": HERE,
        "channel": "phone",
        "type": "complaint",
        "category": "城市管理/市政道路",
        "statement": f"第{number}号路灯不亮。",
        "address": f"某路{number}号",
        "requester": {"name": "张三", "phone": f"139{number:08d}", "anonymous": False, "confidential": False},
    }
    made = await city.post("softphone", "/intake/v1/tickets", body)
    assert made.status == 201, made.body
    ticket = made.body["id"]
    order = {"round": 0, "unit": UNIT, "principle": "function"}
    assert (await _when_known(city, "dispatcher", f"/dispatch/v1/tickets/{ticket}/assignments", order)) == 201
    if number % 2:
        assert (await _when_known(city, UNIT, f"/dispatch/v1/tickets/{ticket}/sign-ins", {"round": 1})) == 201
    else:
        filed = {"round": 1, "ground": "not_this_units_duty", "reason": "不属本单位", "legal_basis": "三定方案"}
        assert (await _when_known(city, UNIT, f"/review/v1/tickets/{ticket}/returns", filed)) == 201


async def _when_known(city: City, who: str, path: str, body: dict[str, Any]) -> int:
    answer = await city.post(who, path, body)
    for _ in range(200):
        if answer.status not in (404, 409):
            break
        await asyncio.sleep(0.05)
        answer = await city.post(who, path, body)
    return answer.status


async def _activations(city: City, versions: list[dict[str, Any]], done: asyncio.Event) -> list[int]:
    """One after the other; each has come to whoever registers before the next one does."""
    said = []
    for content in versions:
        path = f"/sla/v1/policies/{HERE}/activations"
        answer = await city.post("admin", path, {"content": content})
        said.append(answer.status)
        while not await _known_at_intake(city, answer.body["version"]):  # noqa: ASYNC110 - its table is asked
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.2)  # for so long intake may trust the list it has
    done.set()
    return said


async def _known_at_intake(city: City, version: str) -> bool:
    async with city.suite.services["intake"].room.database.engine.connect() as connection:
        query = text("select exists (select from policy_version where version = :version)")
        return bool(await connection.scalar(query, {"version": version}))


async def _under_load(city: City, versions: list[dict[str, Any]]) -> list[int]:
    unit = {"name": "城管局", "kind": "municipal_department", "parent": None}
    await city.put("admin", f"/dispatch/v1/units/{UNIT}", unit)
    await city.rest()
    done, numbers = asyncio.Event(), count()

    async def work() -> None:
        while not done.is_set():
            await _life(city, next(numbers))
            await asyncio.sleep(0.1)

    activations = asyncio.create_task(_activations(city, versions, done))
    await asyncio.gather(activations, *(work() for _ in range(WORKERS)))
    await city.rest()
    return activations.result()


async def _dockets(city: City) -> dict[str, dict[str, str]]:
    """Service → ticket → version."""
    found = {}
    for service, (table, key) in _DOCKETS.items():
        async with city.suite.services[service].room.database.engine.connect() as connection:
            rows = await connection.execute(text(f"select {key}, policy from {table}"))
            found[service] = {str(row[0]): row[1] for row in rows}
    return found


async def _log(city: City) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Subject → its events in the order of the log."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    async with city.suite.services["reporting"].room.database.engine.connect() as connection:
        query = 'select subject, type, value from archive where topic = :topic order by partition, "offset"'
        for row in await connection.execute(text(query), {"topic": "hotline.tickets"}):
            found.setdefault(row.subject, []).append((row.type, json.loads(row.value)))
    return found


@pytest.mark.database
@pytest.mark.timeout(240)
def test_services_never_disagree_about_a_version_while_packs_are_activated_under_load(city: tuple[City, Aside]) -> None:
    suite, other = city
    contents = [version(14, applies=True), version(13, applies=False), version(12, applies=True)]
    v1, v2, v3 = (parse_pack(content).version for content in contents)
    assert other.do(_under_load(suite, contents)) == [201, 201, 201]
    assert not any(suite.parked.values())

    dockets = other.do(_dockets(suite))
    assert {frozenset(one.values()) for one in dockets.values()} == {frozenset({v3})}  # the last one took all
    assert all(one == dockets["sla"] for one in dockets.values())

    log = other.do(_log(suite))
    begun_under = set()
    for ticket in dockets["sla"]:
        events = log[f"ticket/{ticket}"]
        known = {events[0][1]["policy"]}
        begun_under |= known
        for kind, data in events:
            if kind == "PolicyApplied":
                assert data["from_policy"] in known
                known.add(data["to_policy"])
            assert data["policy"] in known, (kind, data["policy"], known)
        applied = [data["to_policy"] for kind, data in events if kind == "PolicyApplied"]
        assert v2 not in applied  # it left open tickets alone
        moves = [kind for kind, data in events if kind == "PolicyApplied" or data.get("reason") == "policy"]
        assert not moves or moves[0] == "PolicyApplied"
    assert len(begun_under) > 1, "the load was over before the versions changed"
    assert v1 not in {one for service in dockets.values() for one in service.values()}
