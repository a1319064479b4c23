"""The board: what is due for whom, by which span, with which lamp; over HTTP, as it changes, and by which indexes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import text
from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.clock import new_id
from common.events.dispatch import SubAssigned, UnitSucceeded
from sla.board import Scope, ends
from sla.store.board import count_query, page_query

HERE = "shuangyashan"
BUSY = "shuangyashan.u5"


async def board(desk: Desk, role: Any = "dispatcher", of: str | None = None, **params: Any) -> dict[str, Any]:
    answer = await desk.get("board", role, of, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_span_ends_with_the_local_day_and_with_sunday() -> None:
    found = ends(at("2024-09-27 23:30"))  # a Friday
    assert (found.today, found.week) == (at("2024-09-28 00:00"), at("2024-09-30 00:00"))
    assert ends(at("2024-09-29 12:00")).week == at("2024-09-30 00:00")
    assert ends(at("2024-09-30 00:00")).week == at("2024-10-07 00:00")


async def test_what_is_due_stands_in_the_order_of_its_limits_with_its_lamp(desk: Desk) -> None:
    inquiry, complaint = await desk.dispatch(type="inquiry"), await desk.dispatch()
    # sign-in of both until Sunday 24:00 (a make-up day), the inquiry's closing until Monday 24:00
    await desk.reach("2024-09-29 18:00")
    found = await board(desk, jurisdiction=HERE, span="today")
    assert [(row["label"], row["lamp"], row["due_at"]) for row in found["items"]] == [
        ("签收", "yellow", "2024-09-29T16:00:00Z"),
        ("签收", "yellow", "2024-09-29T16:00:00Z"),
    ]
    assert {row["subject"] for row in found["items"]} == {f"ticket/{inquiry}", f"ticket/{complaint}"}
    row = found["items"][0]
    assert (row["unit"], row["unit_name"], row["round"], row["provisional"]) == (
        LEAD,
        LEAD,
        1,
        False,
    )
    assert row["basis"]["article"] == "第十六条"
    assert found["counts"]["now"] == {"red": 0, "unconfirmed": 0, "yellow": 2, "none": 0}
    assert sum(found["counts"]["today"].values()) == sum(found["counts"]["week"].values()) == 2

    desk.set("2024-09-30 09:00")  # sla has not read the bus since
    late = await board(desk, jurisdiction=HERE, span="now")
    assert [row["lamp"] for row in late["items"]] == ["unconfirmed", "unconfirmed"]
    await desk.catch_up()
    await desk.fire()
    red = await board(desk, jurisdiction=HERE, span="week")
    assert [row["lamp"] for row in red["items"]] == ["red", "red", "yellow"]
    assert red["counts"]["now"]["red"] == 2
    first = await board(desk, jurisdiction=HERE, span="week", size=2)
    rest = await board(desk, jurisdiction=HERE, span="week", size=2, cursor=first["next"])
    assert [row["id"] for row in (*first["items"], *rest["items"])] == [row["id"] for row in red["items"]]
    assert rest["next"] is None
    await desk.tell(desk.signed_in(inquiry), desk.signed_in(complaint))
    assert [row["label"] for row in (await board(desk, jurisdiction=HERE, span="week"))["items"]] == ["办结"]


async def test_a_jurisdiction_without_a_pack_has_no_board(desk: Desk) -> None:
    headers = desk.headers("viewer", None, None)
    for path in ("board", "board/stream"):
        for field, code in (("jurisdiction", "nowhere"), ("unit", "nowhere.x")):
            answer = await desk.client.get(path, params={field: code}, headers=headers)
            assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)


async def test_a_stream_without_changes_tells_of_the_last_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sla.routes.board._HEARTBEAT_SECONDS", 0.2)
    await desk.service.start()
    url, headers = f"v1/board/stream?jurisdiction={HERE}", desk.headers("dispatcher")
    async with served(desk) as client, asyncio.timeout(10), client.stream("GET", url, headers=headers) as answer:
        told = events(answer)
        while (beat := await anext(told))[0] != "as_of" or beat[1]["as_of"] is None:
            pass
        assert beat[1] == {"as_of": desk.clock.now().isoformat()}


async def test_a_lit_lamp_stands_in_every_span_however_far_off_its_limit(desk: Desk) -> None:
    desk.set("2024-10-17 16:00")
    await desk.tell(desk.signed_in(await desk.dispatch(type="inquiry")))
    await desk.reach("2024-10-19 00:00")  # Saturday; to be closed by Monday 24:00, which is in the next week
    for span in ("now", "today", "week"):
        found = await board(desk, jurisdiction=HERE, span=span)
        assert [(row["label"], row["lamp"], row["due_at"]) for row in found["items"]] == [
            ("办结", "yellow", "2024-10-21T16:00:00Z")
        ]
        assert found["counts"][span] == {"red": 0, "unconfirmed": 0, "yellow": 1, "none": 0}
        assert len((await board(desk, "unit", LEAD, span=span))["items"]) == 1


async def test_a_unit_sees_its_own_board_and_what_it_got_inside_another_and_from_one_that_ended(desk: Desk) -> None:
    own, passed, inherited = await desk.dispatch(), await desk.dispatch(), await desk.dispatch()
    below = "shuangyashan.below"
    await desk.tell(desk.fact(SubAssigned, passed, assignment=new_id(), unit=LEAD, to_unit=below))
    await desk.tell(desk.fact(UnitSucceeded, inherited, unit=LEAD, successor=OTHER))

    async def tickets(role: Any, of: str | None, **params: Any) -> set[str]:
        return {row["subject"][7:] for row in (await board(desk, role, of, span="week", **params))["items"]}

    assert await tickets("unit", LEAD) == {str(own), str(passed)}
    assert await tickets("unit", below) == {str(passed)}
    assert await tickets("unit", OTHER) == {str(inherited)}
    assert await tickets("supervisor", None, unit=OTHER) == {str(inherited)}
    assert (await board(desk, "unit", OTHER, span="week"))["items"][0]["unit"] == OTHER
    assert (await desk.get("board", "unit", OTHER, unit=LEAD)).status_code == 404
    assert (await desk.get("board", "unit", OTHER, jurisdiction=HERE)).status_code == 404
    assert (await desk.get("board", "softphone", jurisdiction=HERE)).status_code == 403
    assert (await desk.get("board", "viewer", jurisdiction="tongjiang")).status_code == 404
    assert (await desk.get("board", "viewer")).status_code == 422
    assert (await desk.get("board", "viewer", jurisdiction=HERE, cursor="x")).status_code == 422
    assert (await desk.client.get("board")).status_code == 401


async def test_an_officer_sees_what_the_unit_passed_to_the_account(desk: Desk) -> None:
    mine, other = await desk.dispatch(), await desk.dispatch()
    await desk.tell(desk.fact(SubAssigned, mine, assignment=new_id(), unit=LEAD, to_account="li"))
    found = await board(desk, "unit", LEAD, officer="li", span="week")
    assert {row["subject"] for row in found["items"]} == {f"ticket/{mine}"}
    assert sum(found["counts"]["week"].values()) == len(found["items"])
    assert len((await board(desk, "unit", LEAD, span="week"))["items"]) == 2 * len(found["items"])
    assert (await desk.get("board", "viewer", jurisdiction=HERE, officer="li")).status_code == 422
    # Passed on to somebody else, and in a new round to nobody.
    await desk.tell(desk.fact(SubAssigned, mine, assignment=new_id(), unit=LEAD, to_account="wang"))
    assert (await board(desk, "unit", LEAD, officer="li", span="week"))["items"] == []
    await desk.tell(desk.dispatched(mine, 2))
    assert (await board(desk, "unit", LEAD, officer="wang", span="week"))["items"] == []
    assert other != mine


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """The service behind the real server: a stream over it is one."""
    config = uvicorn.Config(desk.service.app, port=0, log_config=None, access_log=False, ws="none", lifespan="off")
    running = uvicorn.Server(config)
    serving = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - the server offers no event
        await asyncio.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/sla/", timeout=20) as client:
            yield client
    finally:
        desk.around.activity.ending = True
        running.should_exit = True
        await asyncio.wait_for(serving, 10)


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


async def test_the_stream_tells_the_whole_board_then_what_changes_and_ends_when_the_service_does(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.service.start()
    url, headers = f"v1/board/stream?jurisdiction={HERE}&span=week", desk.headers("dispatcher")
    async with served(desk) as client, asyncio.timeout(15):
        assert (await client.get("v1/board/stream", params={"unit": LEAD})).status_code == 401
        async with client.stream("GET", url, headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = events(answer)
            name, whole = await anext(told)
            assert (name, [row["label"] for row in whole["items"]]) == ("board", ["签收"])
            await desk.tell(desk.signed_in(ticket))
            name, change = await anext(told)
            assert (name, change["items"], change["gone"]) == ("change", [], [whole["items"][0]["id"]])
            assert sum(change["counts"]["week"].values()) == 0
            desk.around.activity.ending = True
            assert [one async for one in told] == []


async def test_the_page_holds_no_data_and_may_only_ask_its_own_origin(desk: Desk) -> None:
    answer = await desk.client.get("http://hotline/sla/board")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "时限看板" in answer.text


@pytest.mark.parametrize(
    "scope", [Scope(BUSY, None), Scope(None, HERE), Scope(BUSY, None, "li")], ids=["unit", "jurisdiction", "officer"]
)
async def test_a_page_of_a_hundred_thousand_deadlines_is_read_by_the_boards_indexes(desk: Desk, scope: Scope) -> None:
    async with desk.service.room.database.engine.connect() as connection:
        await connection.execute(text(_MANY))
        await connection.execute(text("analyze docket"))
        await connection.execute(text("analyze deadline"))
        now = at("2024-09-27 16:00")
        until = ends(now)
        given = {"unit": scope.unit, "officer": scope.officer, "jurisdiction": scope.jurisdiction}
        named = {name: value for name, value in given.items() if value is not None}
        arguments = {"now": now, "until": until.week, "most": 100, **named}
        plan = await _plan(connection, page_query(scope, after=False), arguments)
        assert "Seq Scan on deadline" not in plan
        assert "Seq Scan on docket" not in plan
        assert any(index in plan for index in ("deadline_unit_board_idx", "deadline_board_idx", "docket_officers_idx"))
        counting = await _plan(
            connection, count_query(scope), {"now": now, "today": until.today, "week": until.week, **named}
        )
        assert "Seq Scan on deadline" not in counting
        await connection.rollback()


async def _plan(connection: Any, query: Any, arguments: dict[str, Any]) -> str:
    explained = text(f"explain {query.text}").bindparams(*query._bindparams.values())
    return "\n".join((await connection.execute(explained, arguments)).scalars())


_MANY = """
with tickets as (
    insert into docket (ticket, number, jurisdiction, policy, type, channel, category, marks, round, unit, co_handlers,
                        former, partition)
    select uuidv7(), 'N' || n, case when n % 5 = 0 then 'shuangyashan' else 'tongjiang' end, 'p', 'complaint', 'phone',
           'x', '{}', 1,
           case when n % 5 = 0 then 'shuangyashan.u' || n % 50 else 'tongjiang.u' || n % 50 end, '{}', '{}', 0
    from generate_series(1, 50000) n
    returning ticket, unit
)
insert into deadline (id, subject, ticket, kind, unit, round, is_window, anchor_event, anchor_at, allowance, due_at,
                      original_due_at, state, generation, policy, calendar, provisional, basis, partition)
select uuidv7(), 'ticket/' || ticket, ticket, kind, unit, 1, false, ticket, now(), '{}', due.at, due.at, 'armed', 1,
       'p', 'c', false, '[]', 0
from tickets, lateral (
    values ('sign_in', timestamptz '2024-09-27 16:00+08' + random() * interval '20 days'),
           ('closing', timestamptz '2024-09-27 16:00+08' + random() * interval '60 days')
) as due (kind, at)
"""
