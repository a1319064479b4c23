"""The service as it runs: relay, consumer and writer of feeds at work, over the embedded bus."""

import asyncio
from uuid import UUID

import httpx
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.conftest import FreshDatabase
from tests.dispatch.office import LEAD, Office

from common.database import Database
from common.events.catalogue import unit_topic
from dispatch.docket import METADATA


async def read_until(office: Office, count: int) -> list[str]:
    """Long polls until so many events were told."""
    told: list[str] = []
    after = 0
    while len(told) < count:
        answer = await office.get(f"units/{LEAD}/events", "unit", LEAD, after=after, wait=10)
        after = answer.json()["next"]
        told += [item["event"]["type"].split(".")[1] for item in answer.json()["items"]]
    return told


async def quiet(office: Office) -> None:
    """Nothing left to publish, consume or number, seen twice."""
    seen = 0
    while seen < 2:
        seen = seen + 1 if not (await office.service.state()).busy else 0
        await asyncio.sleep(0.02)


async def test_a_unit_reads_over_http_by_stream_and_from_its_topic_the_same_numbered_events(office: Office) -> None:
    service = office.service
    await office.enter_unit(LEAD, '"1"', kafka_feed=True)
    await service.start()
    created = office.wire.message(office.created())
    await service.bus.sink().publish([created])
    ticket = UUID(created.key.removeprefix("ticket/"))
    headers = office.headers("dispatcher") | {"Idempotency-Key": "k", "If-After": created.headers["ce_id"]}
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    waiting = asyncio.create_task(read_until(office, 3))
    assert (await office.client.post(f"tickets/{ticket}/assignments", json=body, headers=headers)).status_code == 201
    assert (await office.sign_in(ticket)).status_code == 201
    told = ["TicketCreated", "Dispatched", "SignedIn"]
    assert await waiting == told
    await quiet(office)

    topic = service.bus.source("the unit's own system", [unit_topic(LEAD)])
    await topic.start()
    messages = (await topic.fetch(10, 0)).messages
    assert [message.headers["ce_type"].split(".")[1] for message in messages] == told
    assert [message.headers["ce_feedseq"] for message in messages] == ["1", "2", "3"]
    await topic.close()

    stream = asyncio.create_task(listen(office, last_seen="1"))
    await asyncio.sleep(0)
    await service.stop()
    lines = (await stream).splitlines()
    assert [line for line in lines if line.startswith("id:")] == ["id: 2", "id: 3"]
    assert [line for line in lines if line.startswith("event:")] == [
        "event: hotline.Dispatched.v1",
        "event: hotline.SignedIn.v1",
    ]


async def listen(office: Office, last_seen: str) -> str:
    headers = office.headers("unit", LEAD) | {"Accept": "text/event-stream", "Last-Event-ID": last_seen}
    answer: httpx.Response = await office.client.get(f"units/{LEAD}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


async def test_the_tables_in_the_code_are_those_of_the_migrations(database: FreshDatabase) -> None:
    room = Database.open(database.url("dispatch"), "dispatch")

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": lambda _o, name, *_: not (name or "").endswith(("_rest", "alembic_version"))},
        )
        return list(compare_metadata(context, METADATA))

    async with room.engine.connect() as connection:
        found = await connection.run_sync(differences)
    await room.close()
    assert found == []
