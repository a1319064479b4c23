"""Apache Kafka's client, set so that it loses nothing, against a broker that comes and goes (R12)."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from tests.messaging.fleet import ROOT, until
from tests.messaging.scene import GROUP, HANDLERS, announce, open_room

from common.clock import new_id
from common.events.catalogue import TICKETS
from common.events.envelope import Message
from common.messaging.bus import PARTITIONS, BusUnavailable
from common.messaging.kafka import Kafka
from common.messaging.relay import Relay, unpublished
from common.messaging.runner import Runner
from common.messaging.wakeup import Bell
from hotline import broker as kafka_broker

LEASE = timedelta(seconds=6)


async def test_the_clients_take_effect_as_they_are_meant() -> None:
    kafka = Kafka("127.0.0.1:9", lease=timedelta(seconds=10))
    producer = AIOKafkaProducer(**kafka.producer_settings())
    consumer = AIOKafkaConsumer(**kafka.consumer_settings("g"))
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
    assert producer._txn_manager.transactional_id is None
    assert consumer._enable_auto_commit is False
    assert consumer._auto_offset_reset == "earliest"
    assert consumer._isolation_level == "read_committed"
    assert (consumer._session_timeout_ms, consumer._heartbeat_interval_ms) == (10_000, 3_000)
    await producer.stop()
    await consumer.stop()


def test_only_one_module_makes_clients() -> None:
    importing = re.compile(r"^\s*(?:import|from) aiokafka", re.MULTILINE)
    sources = [path for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if importing.search(path.read_text("utf-8"))] == ["kafka.py"]


@pytest.mark.broker
async def test_a_broker_that_goes_and_comes_back_delays_facts_and_loses_none(admin_url: str, tmp_path: Path) -> None:
    broker = kafka_broker.start(tmp_path)
    port = int(broker.bootstrap.rpartition(":")[2])
    kafka = Kafka(broker.bootstrap, lease=LEASE)
    await kafka.ensure_topics(PARTITIONS)
    intake, dispatch = open_room(admin_url, "intake"), open_room(admin_url, "dispatch")
    stopping = asyncio.Event()
    relay = asyncio.create_task(Relay(intake, kafka.sink(), Bell(), lease=LEASE).run())
    runner = asyncio.create_task(
        Runner(dispatch, kafka.source(GROUP, [TICKETS]), {"TicketUrged": HANDLERS["TicketUrged"]}).run(stopping)
    )
    ticket = new_id()
    announced = 0

    async def all_heard() -> bool:
        async with dispatch.database.engine.connect() as connection:
            rows = await connection.execute(text("select sequence from heard order by place"))
            return list(rows.scalars()) == list(range(1, announced + 1))

    announced += 1
    await announce(intake, ticket, announced)
    await until(all_heard)
    await asyncio.to_thread(broker.stop)
    announced += 1
    await announce(intake, ticket, announced)
    assert await unpublished(intake) == 1
    broker = await asyncio.to_thread(kafka_broker.start, tmp_path, port=port)
    await until(all_heard)
    await asyncio.to_thread(broker.stop)
    announced += 1
    await announce(intake, ticket, announced)
    stopping.set()
    async with asyncio.timeout(45):
        await runner
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    left = [task for task in asyncio.all_tasks() if "aiokafka" in repr(task.get_coro())]
    assert left == []
    for room in (intake, dispatch):
        await room.database.close()


async def test_a_topic_of_which_the_broker_has_not_heard_yet_is_waited_for(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe, asked = AIOKafkaAdminClient.describe_topics, 0

    async def late(admin: AIOKafkaAdminClient, topics: list[str]) -> list[dict[str, object]]:
        nonlocal asked
        asked += 1
        found: list[dict[str, object]] = await describe(admin, topics)
        return [one | {"partitions": []} for one in found] if asked < 3 else found

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", late)
    for _ in ("made now", "there already"):
        asked = 0
        await Kafka(kafka).ensure_topics({"heard-of-late": 3})
        assert asked == 3


@pytest.mark.broker
async def test_a_broker_that_stands_still_does_not_keep_the_relay_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.messaging.kafka._PUBLISH_SECONDS", 1)
    broker = kafka_broker.start(tmp_path)
    kafka = Kafka(broker.bootstrap, lease=LEASE)
    await kafka.ensure_topics(PARTITIONS)
    sink = kafka.sink()
    message = Message(TICKETS, "ticket/1", {}, b"{}")
    await sink.publish([message])
    [java] = [one for one in psutil.Process(broker.guard.pid).children(recursive=True) if one.name() == "java"]
    java.suspend()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(BusUnavailable):
                await sink.publish([message])
    finally:
        java.resume()
    monkeypatch.setattr("common.messaging.kafka._PUBLISH_SECONDS", 30)
    await sink.publish([message])
    await sink.close()
    await asyncio.to_thread(broker.stop)


async def test_a_broker_that_is_not_there_is_an_unavailable_bus() -> None:
    kafka = Kafka("127.0.0.1:9")
    with pytest.raises(BusUnavailable):
        await kafka.ensure_topics(PARTITIONS)
    kafka._known.update(PARTITIONS)
    source = kafka.source(GROUP, [TICKETS])
    with pytest.raises(BusUnavailable):
        await source.start()
    await source.close()
