"""A command sent again does nothing again; a refusal for the moment keeps the instant of the first attempt."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Header, Request, Response
from sqlalchemy import text
from tests.support.logs import captured_logs

from common.clock import SimulatedClock, new_id
from common.database import Database, bootstrap, metadata, room_url
from common.messaging.room import Room, Transaction
from common.web.app import create_app
from common.web.edge import Activity
from common.web.idempotency import (
    CLAIM_ANSWERED,
    CREATE_IDEMPOTENCY,
    KEYED,
    Answer,
    Commands,
    answered,
    forget_old,
    idempotency_table,
)
from common.web.inputs import ApiModel
from common.web.problems import Problem, not_found
from common.web.routing import router
from hotline import postgres as embedded

BEFORE_THE_LIMIT = datetime(2025, 9, 26, 8, 59, 59, tzinfo=UTC)
EVENT = UUID("01990000-0000-7000-8000-000000000001")


class Filing(ApiModel):
    text: str


class Filed(ApiModel):
    number: int
    accepted_at: datetime
    text: str


@dataclass
class Bench:
    """One service with one keyed command, and the levers of the test."""

    room: Room
    clock: SimulatedClock
    activity: Activity
    client: httpx.AsyncClient
    before_effect: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    rights_gone: bool = False
    seen: set[UUID] = field(default_factory=set)

    async def file(self, key: str | None = "k1", text: str = "路灯脱落", **more: str) -> httpx.Response:
        headers = {**({"Idempotency-Key": key} if key is not None else {}), **more}
        return await self.client.post("/intake/v1/tickets/7/filings", json={"text": text}, headers=headers)

    async def effects(self) -> int:
        return int(await self.scalar("select count(*) from effect"))

    async def scalar(self, statement: str) -> Any:
        async with self.room.database.engine.connect() as connection:
            return (await connection.execute(text(statement))).scalar_one()


def _app(bench_of: Callable[[], Bench], room: Room, clock: SimulatedClock, activity: Activity) -> FastAPI:
    commands: Commands[Transaction] = Commands(room.transaction, activity)
    routes = router()
    Client = Annotated[str, Header(alias="x-client")]

    @routes.post("/v1/tickets/{ticket}/filings", openapi_extra=KEYED)
    async def file(ticket: int, filing: Filing, request: Request, client: Client = "softphone") -> Response:
        async def authorise(tx: Transaction) -> None:
            if bench_of().rights_gone:
                raise not_found()

        async def carry_out(tx: Transaction) -> Answer:
            number = (
                await tx.connection.execute(
                    text("insert into effect (text) values (:text) returning id"), {"text": filing.text}
                )
            ).scalar_one()
            for step in bench_of().before_effect:
                await step()
            return Answer(201, Filed(number=number, accepted_at=tx.now, text=filing.text), EVENT, {"Location": "/x/1"})

        return await commands.run(request, client, "filings", carry_out, authorise=authorise)

    @routes.post("/v1/hot", openapi_extra=KEYED)
    async def hot(filing: Filing, request: Request) -> Response:
        keyed = await commands.keyed(request, "softphone", "hot")
        answer = Answer(201, Filed(number=0, accepted_at=keyed.accepted_at, text=filing.text), EVENT)

        async def known(tx: Transaction) -> Answer:
            await tx.connection.execute(text("insert into effect (text) values (:text)"), {"text": filing.text})
            return Answer(201, Filed(number=0, accepted_at=tx.now, text=filing.text), EVENT)

        async with commands.keeping_refusals(request, keyed):
            async with room.transaction(keyed.accepted_at) as tx:
                statement = text(
                    f"with claimed as ({CLAIM_ANSWERED}), made as (insert into effect (text) "
                    "select :text from claimed) select count(*) from claimed"
                )
                parameters = {**keyed.parameters(answer), "text": filing.text}
                claimed = (await tx.connection.execute(statement, parameters)).scalar_one()
            return answered(answer) if claimed else await commands.carry_out(keyed, known)

    async def seen(event: UUID) -> bool:
        return event in bench_of().seen

    return create_app(
        "intake", title="t", routers=[routes], clock=clock, verifier=None, refusals=[], activity=activity, seen=seen
    )


@pytest.fixture(scope="module")
async def intake_url(postgres: embedded.Server) -> str:
    """A database of this file's own with the services' roles and schemas, and no table yet."""
    admin = await asyncpg.connect(postgres.url(embedded.SUPERUSER, "postgres"))
    await admin.execute("create database idempotency")
    await admin.close()
    admin_url = postgres.url(embedded.SUPERUSER, "idempotency")
    await bootstrap(admin_url)
    return room_url(admin_url, "intake")


@pytest.fixture
async def bench(intake_url: str) -> AsyncIterator[Bench]:
    opened = Database.open(intake_url, "intake", pool_size=12)
    async with opened.engine.begin() as connection:
        await connection.execute(text("drop table if exists idempotency, effect"))
        for statement in CREATE_IDEMPOTENCY:
            await connection.execute(text(statement))
        await connection.execute(text("create table effect (id integer generated always as identity, text text)"))
    clock = SimulatedClock(BEFORE_THE_LIMIT)
    room = Room("intake", opened, clock)
    activity = Activity()
    app = _app(lambda: made, room, clock, activity)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        made = Bench(room, clock, activity, client)
        yield made
    await opened.close()


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    with captured_logs():
        yield


async def test_a_repeat_is_answered_as_the_first_was_and_does_nothing(bench: Bench) -> None:
    first = await bench.file()
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(hours=1))
    again = await bench.file()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert first.headers["hotline-event"] == again.headers["hotline-event"] == str(EVENT)
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert await bench.effects() == 1


async def test_the_same_key_with_another_body_is_refused(bench: Bench) -> None:
    await bench.file()
    other = await bench.file(text="井盖松动")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await bench.effects() == 1


async def test_the_same_key_for_another_ticket_is_another_request(bench: Bench) -> None:
    await bench.file()
    body = {"text": "路灯脱落"}
    other = await bench.client.post("/intake/v1/tickets/8/filings", json=body, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_another_client_with_the_same_key_sees_nothing_of_the_first(bench: Bench) -> None:
    first = await bench.file()
    other = await bench.file(**{"x-client": "somebody-else"})
    assert other.status_code == 201
    assert other.json()["number"] != first.json()["number"]
    assert await bench.effects() == 2


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([], "idempotency_key_required"),
        (["a", "b"], "idempotency_key_malformed"),
        ([""], "idempotency_key_malformed"),
        (["x" * 201], "idempotency_key_malformed"),
        (["a b"], "idempotency_key_malformed"),
        (["\u00e9"], "idempotency_key_malformed"),
    ],
)
async def test_a_request_that_creates_has_exactly_one_sound_key(bench: Bench, sent: list[str], code: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1")) for key in sent]
    answer = await bench.client.post("/intake/v1/tickets/7/filings", json={"text": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await bench.effects() == 0


async def test_twenty_at_once_have_one_effect_and_one_answer(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.file() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in (each for each in answers)}) <= 2  # jsonb spells the same answer its own way
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert await bench.effects() == 1


async def test_when_the_first_of_two_at_once_fails_the_second_does_it(bench: Bench) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def wait_and_fail() -> None:
        bench.before_effect.clear()
        inside.set()
        await go_on.wait()
        raise Problem(409, "not_signed_in", "当前状态不允许")

    bench.before_effect.append(wait_and_fail)
    first = asyncio.create_task(bench.file())
    await inside.wait()
    second = asyncio.create_task(bench.file())
    while not await bench.scalar("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110 - the database waits
        await asyncio.sleep(0)
    go_on.set()
    assert (await first).status_code == 409
    assert (await second).status_code == 201
    assert await bench.effects() == 1


@pytest.mark.parametrize("status", [404, 409, 422])
async def test_a_refused_command_leaves_nothing_and_may_be_sent_again(bench: Bench, status: int) -> None:
    async def refuse() -> None:
        raise Problem(status, "refused", "不行")

    bench.before_effect.append(refuse)
    assert (await bench.file()).status_code == status
    assert await bench.effects() == 0
    assert await bench.scalar("select count(*) from idempotency") == 0
    bench.before_effect.clear()
    assert (await bench.file()).status_code == 201


async def test_a_bug_leaves_nothing(bench: Bench) -> None:
    async def fail() -> None:
        raise KeyError("路灯")

    bench.before_effect.append(fail)
    assert (await bench.file()).status_code == 500
    assert await bench.effects() == 0
    assert await bench.scalar("select count(*) from idempotency") == 0


async def _no_answer() -> None:
    raise TimeoutError


async def _parked() -> None:
    raise Problem(503, "ticket_parked", "有事件待处理", retry_after=5)


@pytest.mark.parametrize("refuse", [_no_answer, _parked])
async def test_a_retry_after_a_503_counts_at_the_first_attempt(
    bench: Bench, refuse: Callable[[], Awaitable[None]]
) -> None:
    bench.before_effect.append(refuse)
    refused = await bench.file()
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert await bench.effects() == 0
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(minutes=2))
    assert (await bench.file()).status_code == 503  # a second refusal keeps the first instant
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(minutes=5))
    bench.before_effect.clear()
    filed = await bench.file()
    assert filed.status_code == 201
    assert datetime.fromisoformat(filed.json()["accepted_at"]) == BEFORE_THE_LIMIT
    assert (await bench.file()).json() == filed.json()
    assert await bench.effects() == 1


async def test_the_instant_of_a_refused_filing_is_not_lent_to_another_body_or_key(bench: Bench) -> None:
    bench.before_effect.append(_no_answer)
    await bench.file()
    bench.before_effect.clear()
    later = BEFORE_THE_LIMIT + timedelta(minutes=5)
    bench.clock.set(later)
    assert (await bench.file(text="另一件事")).json()["code"] == "idempotency_key_reused"
    assert datetime.fromisoformat((await bench.file(key="k2")).json()["accepted_at"]) == later


async def test_a_command_during_an_advance_of_the_clock_is_refused_and_counts_when_it_came(bench: Bench) -> None:
    bench.activity.clock_moving = True
    refused = await bench.file()
    assert (refused.status_code, refused.json()["code"]) == (503, "clock_moving")
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(days=3))
    bench.activity.clock_moving = False
    filed = await bench.file()
    assert datetime.fromisoformat(filed.json()["accepted_at"]) == BEFORE_THE_LIMIT
    assert bench.activity.in_flight == 0


async def test_a_filing_that_waited_in_vain_for_an_event_counts_when_it_came(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.web.reading.wait_until_seen.__defaults__", (0.02,))
    event = new_id()
    refused = await bench.file(**{"If-After": str(event)})
    assert (refused.status_code, refused.json()["code"]) == (503, "not_yet_here")
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(hours=1))
    bench.seen.add(event)
    filed = await bench.file(**{"If-After": str(event)})
    assert datetime.fromisoformat(filed.json()["accepted_at"]) == BEFORE_THE_LIMIT


async def test_a_repeat_is_answered_only_while_the_right_lasts(bench: Bench) -> None:
    await bench.file()
    bench.rights_gone = True
    assert (await bench.file()).status_code == 404
    bench.rights_gone = False
    assert (await bench.file()).status_code == 201


async def test_the_hot_path_claims_key_and_effect_in_one_statement(bench: Bench) -> None:
    async def send() -> httpx.Response:
        return await bench.client.post("/intake/v1/hot", json={"text": "x"}, headers={"Idempotency-Key": "h"})

    answers = await asyncio.gather(*(send() for _ in range(10)))
    assert all(answer.status_code == 201 for answer in answers)
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert {answer.headers["hotline-event"] for answer in answers} == {str(EVENT)}
    assert await bench.effects() == 1


async def test_the_hot_path_goes_on_with_a_refused_filing_at_its_first_instant(bench: Bench) -> None:
    headers = {"Idempotency-Key": "h"}
    bench.activity.clock_moving = True
    await bench.client.post("/intake/v1/hot", json={"text": "x"}, headers=headers)
    bench.activity.clock_moving = False
    bench.clock.set(BEFORE_THE_LIMIT + timedelta(hours=2))
    filed = await bench.client.post("/intake/v1/hot", json={"text": "x"}, headers=headers)
    assert filed.status_code == 201
    assert datetime.fromisoformat(filed.json()["accepted_at"]) == BEFORE_THE_LIMIT
    assert await bench.effects() == 1


async def test_old_keys_are_forgotten_by_machine_time(bench: Bench) -> None:
    for number in range(5):
        await bench.file(key=f"k{number}")
    async with bench.room.database.engine.begin() as connection:
        assert await forget_old(connection, days=7) == 0
        await connection.execute(
            text("update idempotency set stored_at = clock_timestamp() - interval '8 days' where key <> 'k0'")
        )
        assert await forget_old(connection, days=7, rows=3) == 3
        assert await forget_old(connection, days=7) == 1
    assert await bench.scalar("select count(*) from idempotency") == 1


async def test_the_declared_table_is_the_created_one(bench: Bench) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import Connection

    declared = metadata()
    idempotency_table(declared)

    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name == "idempotency"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared))

    async with bench.room.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
