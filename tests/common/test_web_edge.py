"""The instant that counts, the commands in flight, the gate, waiting for an event, pages, health."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.routing import Mount

from common.clock import SimulatedClock, new_id
from common.observability import configure_tracing
from common.web.app import create_app
from common.web.edge import Activity, accepted_at
from common.web.problems import Problem
from common.web.reading import Cursor, PageSize, cursor_of, position_of, wait_until_seen
from common.web.routing import router

START = datetime(2025, 1, 1, tzinfo=UTC)


class Service:
    """A service of the test's own, with its levers."""

    def __init__(self) -> None:
        configure_tracing("test")
        self.clock = SimulatedClock(START)
        self.activity = Activity()
        self.seen: set[UUID] = set()
        self.ready = True
        self.inside = asyncio.Event()
        self.go_on = asyncio.Event()
        routes = router()

        @routes.post("/v1/commands")
        async def command(body: dict[str, str], request: Request) -> dict[str, str]:
            self.inside.set()
            if body.get("wait"):
                await self.go_on.wait()
            return {"accepted_at": accepted_at(request).isoformat(), "now": self.clock.now().isoformat()}

        @routes.get("/v1/things")
        async def things(limit: PageSize = 20, cursor: Cursor = None) -> dict[str, object]:
            return {"limit": limit, "position": position_of(cursor, (str, int)) if cursor else None}

        async def seen(event: UUID) -> bool:
            return event in self.seen

        async def database() -> bool:
            return self.ready

        self.app: FastAPI = create_app(
            "sla",
            title="时限",
            routers=[routes],
            clock=self.clock,
            verifier=None,
            refusals=[],
            activity=self.activity,
            seen=seen,
            ready={"database": database},
        )


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://sla") as client:
        yield client


async def test_what_counts_is_the_instant_at_which_the_request_had_been_read(
    service: Service, client: httpx.AsyncClient
) -> None:
    read = START + timedelta(seconds=5)

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"wait":'
        service.clock.set(read)
        yield b'"x"}'

    sending = asyncio.create_task(
        client.post("/sla/v1/commands", content=slowly(), headers={"content-type": "application/json"})
    )
    await service.inside.wait()
    service.clock.set(START + timedelta(hours=1))
    service.go_on.set()
    answer = (await sending).json()
    assert datetime.fromisoformat(answer["accepted_at"]) == read
    assert datetime.fromisoformat(answer["now"]) == START + timedelta(hours=1)


async def test_a_command_is_in_flight_until_it_is_answered(service: Service, client: httpx.AsyncClient) -> None:
    sending = asyncio.create_task(client.post("/sla/v1/commands", json={"wait": "x"}))
    await service.inside.wait()
    assert service.activity.in_flight == 1
    service.go_on.set()
    await sending
    assert service.activity.in_flight == 0
    await client.get("/sla/v1/things")
    await client.post("/sla/v1/commands", content=b"{")
    assert service.activity.in_flight == 0


async def test_while_the_clock_moves_commands_are_refused_and_reading_goes_on(
    service: Service, client: httpx.AsyncClient
) -> None:
    service.activity.clock_moving = True
    refused = await client.post("/sla/v1/commands", json={})
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "clock_moving", "1")
    assert (await client.get("/sla/v1/things")).status_code == 200


async def test_a_reader_waits_until_the_event_he_names_is_here(service: Service, client: httpx.AsyncClient) -> None:
    event = new_id()
    reading = asyncio.create_task(client.get("/sla/v1/things", headers={"If-After": str(event)}))
    await asyncio.sleep(0)
    service.seen.add(event)
    assert (await reading).status_code == 200


async def test_the_wait_for_an_event_does_not_move_the_instant_of_a_command(
    service: Service, client: httpx.AsyncClient
) -> None:
    event = new_id()
    asked = asyncio.Event()

    async def seen(_: UUID) -> bool:
        asked.set()
        return event in service.seen

    service.app.state.seen = seen
    sending = asyncio.create_task(client.post("/sla/v1/commands", json={}, headers={"If-After": str(event)}))
    await asked.wait()
    service.clock.set(START + timedelta(hours=1))
    service.seen.add(event)
    assert datetime.fromisoformat((await sending).json()["accepted_at"]) == START


async def test_an_event_that_does_not_come_is_a_503_that_says_so() -> None:
    asked = 0

    async def never(_: UUID) -> bool:
        nonlocal asked
        asked += 1
        return False

    with pytest.raises(Problem) as refused:
        await wait_until_seen(never, new_id(), timeout=0.03)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "not_yet_here", 1)
    assert 2 <= asked < 10


@pytest.mark.parametrize("named", [["x"], [""], [str(UUID(int=1)), str(UUID(int=2))], ["1" * 500]])
async def test_if_after_names_one_event(client: httpx.AsyncClient, named: list[str]) -> None:
    answer = await client.get("/sla/v1/things", headers=[("If-After", each) for each in named])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_if_after")


async def test_a_cursor_is_opaque_and_comes_back_as_it_went(client: httpx.AsyncClient) -> None:
    cursor = cursor_of("2025-01-01T00:00:00Z|路灯", 7)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    answer = await client.get("/sla/v1/things", params={"cursor": cursor})
    assert answer.json()["position"] == ["2025-01-01T00:00:00Z|路灯", 7]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "[1]",
        "W10",
        cursor_of("a"),
        cursor_of("a", "b"),
        cursor_of(1, 1),
        cursor_of("a", 1, 1),
        cursor_of("\x00", 1),
    ],
)
async def test_a_cursor_that_we_did_not_make_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/sla/v1/things", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["fields"][0]["rule"]) == (422, "cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000000", "x"])
async def test_a_page_has_at_most_two_hundred_entries(client: httpx.AsyncClient, limit: str) -> None:
    assert (await client.get("/sla/v1/things", params={"limit": limit})).status_code == 422


async def test_health_readiness_and_figures(service: Service, client: httpx.AsyncClient) -> None:
    for prefix in ("", "/sla"):
        assert (await client.get(f"{prefix}/healthz")).status_code == 200
        assert (await client.get(f"{prefix}/readyz")).status_code == 200
        assert "hotline_http_request_seconds" in (await client.get(f"{prefix}/metrics")).text
        assert "/v1/things" in (await client.get(f"{prefix}/openapi.json")).json()["paths"]
        assert (await client.get(f"{prefix}/docs")).status_code == 404
    service.ready = False
    answer = await client.get("/sla/readyz")
    assert (answer.status_code, answer.json()["waiting_for"]) == (503, ["database"])


async def test_the_same_paths_work_when_the_service_is_mounted_beside_others(service: Service) -> None:
    outer = FastAPI(routes=[Mount("/sla", service.app)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://suite") as client:
        assert (await client.get("/sla/v1/things")).status_code == 200
        assert (await client.get("/sla/healthz")).status_code == 200
        assert (await client.get("/v1/things")).status_code == 404
        assert (await client.get("/sla/openapi.json")).json()["servers"] == [{"url": "/sla"}]


async def test_a_trace_begun_elsewhere_goes_on_here(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.get("/sla/nothing", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.json()["trace"] == trace
    answer = await client.get("/sla/nothing", headers={"traceparent": "00-zz-zz-01\x7f"})
    assert len(answer.json()["trace"]) == 32


def test_a_router_that_reads_json_loosely_is_refused() -> None:
    from fastapi import APIRouter

    loose = APIRouter()
    loose.add_api_route("/v1/x", lambda: None)
    with pytest.raises(TypeError, match="/v1/x"):
        create_app("sla", title="t", routers=[loose], clock=SimulatedClock(START), verifier=None, refusals=[])
