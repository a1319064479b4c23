"""A database with the scene's rooms per test, and both buses behind one name."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError
from tests.messaging.scene import GROUP, set_scene

from common.events.catalogue import DEAD, TICKETS
from common.messaging.bus import PARTITIONS
from common.messaging.kafka import Kafka
from hotline import postgres as embedded

_TEMPLATE = "messaging_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def scene_template(postgres: embedded.Server) -> str:
    await _administer(postgres, f"create database {_TEMPLATE}")
    await set_scene(postgres.url(embedded.SUPERUSER, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture
async def admin_url(postgres: embedded.Server, scene_template: str) -> AsyncIterator[str]:
    """A database of this test's own with the scene set."""
    name = f"messaging_{next(_numbers)}"
    await _administer(postgres, f"create database {name} template {scene_template} strategy file_copy")
    yield postgres.url(embedded.SUPERUSER, name)
    await _administer(postgres, f"drop database {name} with (force)")


async def _administer(server: embedded.Server, statement: str) -> None:
    connection = await asyncpg.connect(server.url(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["pglog", "kafka"])
async def bus_address(request: pytest.FixtureRequest) -> str:
    """Either bus: ``pglog``, or a broker on which dispatch's group stands at the end of what earlier tests left."""
    if request.param == "pglog":
        return "pglog"
    bootstrap: str = request.getfixturevalue("kafka")
    await begin_here(bootstrap, GROUP)
    return bootstrap


async def begin_here(bootstrap: str, group: str) -> None:
    """Commit the ends of the topics for a group without members."""
    await Kafka(bootstrap).ensure_topics(PARTITIONS)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, n) for topic in (TICKETS, DEAD) for n in range(PARTITIONS[topic])]
        consumer.assign(places)
        ends = dict(await consumer.end_offsets(places))
        async with asyncio.timeout(20):
            while not await _committed(consumer, ends):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    finally:
        await consumer.stop()


async def _committed(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """False as long as the broker takes members that an earlier test killed for living ones."""
    try:
        await consumer.commit(ends)
    except CommitFailedError:
        return False
    return True
