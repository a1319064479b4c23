"""Apache Kafka as the bus. The only module that imports aiokafka: its defaults lose data and are turned round here."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, TopicAlreadyExistsError

from common.events.catalogue import DEAD, REFERENCE
from common.events.envelope import Message

from .bus import RETENTION_DAYS, UNIT_PREFIX, BusUnavailable, Fetched, Place, WrongPartitions

log = structlog.get_logger()

PRODUCER = {"acks": "all", "enable_idempotence": True, "linger_ms": 1, "request_timeout_ms": 15_000}
CONSUMER = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "max_poll_interval_ms": 120_000,
    "fetch_max_wait_ms": 100,
}
_STOP_SECONDS = 5
_DAY_MS = 24 * 60 * 60 * 1000


def _retention(topic: str) -> str:
    """``hotline.reference`` and what was parked never expire; tickets' and units' facts are kept some weeks."""
    return "-1" if topic in (REFERENCE, DEAD) else str(RETENTION_DAYS * _DAY_MS)


class Kafka:
    """One process's view of a Kafka cluster. ``extra`` holds the connection's security settings."""

    def __init__(self, bootstrap: str, *, replication: int = 1, extra: Mapping[str, Any] | None = None) -> None:
        self._bootstrap = bootstrap
        self._replication = replication
        self._extra = dict(extra or {})
        self._known: set[str] = set()

    def settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return {"bootstrap_servers": self._bootstrap, **own, **self._extra}

    async def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        admin = AIOKafkaAdminClient(**self.settings({"request_timeout_ms": 15_000}))
        try:
            await admin.start()
            there = set(await admin.list_topics())
            missing = [
                NewTopic(name, number, self._replication, topic_configs={"retention.ms": _retention(name)})
                for name, number in partitions.items()
                if name not in there
            ]
            if missing:
                try:
                    await admin.create_topics(missing)
                except TopicAlreadyExistsError:
                    log.info("topic was created by another process")
            for described in await admin.describe_topics([name for name in partitions if name in there]):
                found = len(described["partitions"])
                if found != partitions[described["topic"]]:
                    raise WrongPartitions(f"topic {described['topic']} has {found} partitions")
            self._known.update(partitions)
        except (KafkaError, OSError) as error:
            raise BusUnavailable(type(error).__name__) from error
        finally:
            await admin.close()

    async def know(self, topic: str) -> None:
        """A unit's topic is made when first spoken of."""
        if topic not in self._known and topic.startswith(UNIT_PREFIX):
            await self.ensure_topics({topic: 1})

    def sink(self) -> "KafkaSink":
        return KafkaSink(self)

    def source(self, group: str, topics: Sequence[str]) -> "KafkaSource":
        return KafkaSource(self, group, topics)

    async def close(self) -> None:
        return None


class KafkaSink:
    """An idempotent producer, made anew after any error: one that lost its sequence never recovers by itself."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        try:
            for topic in {message.topic for message in messages}:
                await self._kafka.know(topic)
            producer = await self._ready()
            sent = [
                await producer.send(
                    one.topic,
                    one.value,
                    key=self._key(one),
                    headers=[(name, value.encode()) for name, value in one.headers.items()],
                )
                for one in messages
            ]
            await asyncio.gather(*sent)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise BusUnavailable(type(error).__name__) from error

    def _key(self, message: Message) -> bytes | None:
        return message.key.encode()

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(**self._kafka.settings(PRODUCER))
            await producer.start()
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets a rebalance wait until what is in hand is committed: nothing is read twice for nothing."""

    def __init__(self, source: "KafkaSource") -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: object) -> None:
        await self._source.settled()

    async def on_partitions_assigned(self, assigned: object) -> None:
        return None


class KafkaSource:
    def __init__(self, kafka: Kafka, group: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._group = group
        self._topics = list(topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._in_hand = False
        self._settled = asyncio.Event()
        self._settled.set()

    async def start(self) -> None:
        try:
            for topic in self._topics:
                await self._kafka.know(topic)
            consumer = AIOKafkaConsumer(**self._kafka.settings({**CONSUMER, "group_id": self._group}))
            consumer.subscribe(self._topics, listener=_Drain(self))
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise BusUnavailable(type(error).__name__) from error
        self._consumer = consumer

    async def settled(self) -> None:
        """Wait, for a while, until the messages in hand are committed."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            log.warning("rebalance while messages are in hand", group=self._group)

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        self._settled.set()
        consumer = self._consumer
        if consumer is None:
            await self.start()
            consumer = self._consumer
            assert consumer is not None
        try:
            assigned = consumer.assignment()
            ends = await consumer.end_offsets(assigned) if assigned else {}
            records = await consumer.getmany(timeout_ms=int(seconds * 1000), max_records=limit)
            read = {place: await consumer.position(place) for place in ends if place in consumer.assignment()}
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise BusUnavailable(type(error).__name__) from error
        messages = [
            Message(
                topic=record.topic,
                key=(record.key or b"").decode("utf-8", "replace"),
                headers={name: value.decode("utf-8", "replace") for name, value in record.headers},
                value=record.value or b"",
                partition=record.partition,
                offset=record.offset,
            )
            for batch in records.values()
            for record in batch
        ]
        if messages:
            self._settled.clear()
        caught_up = frozenset((place.topic, place.partition) for place, at in read.items() if at >= ends[place])
        return Fetched(messages, caught_up)

    async def commit(self, positions: Mapping[Place, int]) -> None:
        consumer = self._consumer
        if consumer is None or not positions:
            return
        held = consumer.assignment()
        offsets = {TopicPartition(*place): offset for place, offset in positions.items()}
        try:
            await consumer.commit({place: offset for place, offset in offsets.items() if place in held})
        except (CommitFailedError, IllegalStateError):
            log.warning("partition lost", group=self._group)
        except (KafkaError, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error
        finally:
            self._settled.set()

    async def behind(self) -> int:
        consumer = self._consumer
        if consumer is None:
            return 1
        try:
            places = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            ends = await consumer.end_offsets(places)
            committed = [await consumer.committed(place) for place in places]
        except (KafkaError, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error
        return sum(ends[place] - (done or 0) for place, done in zip(places, committed, strict=True))

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._settled.set()
        if consumer is not None:
            await _stop(consumer)


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, for a while: its own stop can wait for a broker that is gone."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await client.stop()
    except (TimeoutError, KafkaError, OSError):
        log.warning("client did not stop in time", client=type(client).__name__)
