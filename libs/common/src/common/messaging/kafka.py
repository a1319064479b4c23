"""Apache Kafka as the bus. The only module that imports aiokafka: its defaults lose data and are turned round here."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    ProducerClosed,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.partitioner import murmur2

from common.events.catalogue import DEAD, REFERENCE
from common.events.envelope import Message

from .bus import LEASE, RETENTION_DAYS, BusUnavailable, Fetched, Place, WrongPartitions, made_when_spoken_of

log = structlog.get_logger()

PRODUCER: Mapping[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": 262_144,
    "request_timeout_ms": 15_000,
}
CONSUMER: Mapping[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "max_poll_interval_ms": 120_000,
    "fetch_max_wait_ms": 100,
    "request_timeout_ms": 15_000,
}
_STOP_SECONDS = 5
_ANSWER_SECONDS = 30
_STUCK_SECONDS = 30
_PUBLISH_SECONDS = 60
_ENDS_SECONDS = 0.2
_METADATA_SECONDS = 0.05
_DAY_MS = 24 * 60 * 60 * 1000


@contextmanager
def _reaching() -> Iterator[None]:
    """Every error of the client is the bus being unavailable: the same work may succeed later."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(type(error).__name__) from error


def _retention(topic: str) -> str:
    """``hotline.reference`` and what was parked never expire; tickets' and units' facts are kept some weeks."""
    return "-1" if topic in (REFERENCE, DEAD) else str(RETENTION_DAYS * _DAY_MS)


class Kafka:
    """One process's view of a Kafka cluster. ``extra`` holds the connection's security settings."""

    def __init__(
        self,
        bootstrap: str,
        *,
        replication: int = 1,
        extra: Mapping[str, Any] | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._bootstrap = bootstrap
        self._replication = replication
        self._extra = dict(extra or {})
        self._lease_ms = lease // timedelta(milliseconds=1)
        self._known: dict[str, int] = {}

    def producer_settings(self) -> dict[str, Any]:
        return self._settings(PRODUCER)

    def consumer_settings(self, group: str) -> dict[str, Any]:
        lease = {"session_timeout_ms": self._lease_ms, "heartbeat_interval_ms": self._lease_ms * 3 // 10}
        return self._settings({**CONSUMER, **lease, "group_id": group})

    def _settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return {"bootstrap_servers": self._bootstrap, **own, **self._extra}

    async def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        admin = AIOKafkaAdminClient(**self._settings({"request_timeout_ms": 15_000}))
        try:
            with _reaching():
                await admin.start()
                there = set(await admin.list_topics())
                missing = {name: number for name, number in partitions.items() if name not in there}
                if missing:
                    await self._create(admin, missing)
                # A broker hears of a topic only a moment after it was made.
                async with asyncio.timeout(_ANSWER_SECONDS):
                    while not _all_of_their_size(await admin.describe_topics(list(partitions)), partitions):  # noqa: ASYNC110
                        await asyncio.sleep(_METADATA_SECONDS)
        finally:
            await admin.close()
        self._known.update(partitions)

    async def _create(self, admin: AIOKafkaAdminClient, missing: Mapping[str, int]) -> None:
        safe = {"min.insync.replicas": str(max(1, self._replication - 1))}
        answer = await admin.create_topics(
            [
                NewTopic(name, number, self._replication, topic_configs={"retention.ms": _retention(name), **safe})
                for name, number in missing.items()
            ]
        )
        for name, code, *_ in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:  # another process was faster
                raise for_code(code)(f"topic {name} could not be created")

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; a unit's or a replay's topic is made when first spoken of."""
        if topic not in self._known:
            if not made_when_spoken_of(topic):
                raise BusUnavailable(f"no topic {topic}")
            await self.ensure_topics({topic: 1})
        return self._known[topic]

    def sink(self) -> "KafkaSink":
        return KafkaSink(self)

    def source(self, group: str, topics: Sequence[str]) -> "KafkaSource":
        return KafkaSource(self, group, topics)

    async def forget_old(self, rows: int = 5000) -> int:
        """The broker does, by each topic's ``retention.ms``."""
        return 0

    async def close(self) -> None:
        return None


def _all_of_their_size(described: Sequence[Mapping[str, Any]], partitions: Mapping[str, int]) -> bool:
    """False while a topic is not known yet; another number of partitions than the suite's is refused."""
    sizes = {one["topic"]: len(one["partitions"]) for one in described}
    for name, wanted in partitions.items():
        found = sizes.get(name, 0)
        if found not in (0, wanted):
            raise WrongPartitions(f"topic {name} has {found} partitions, the suite needs {wanted}")
    return all(sizes.get(name) for name in partitions)


class KafkaSink:
    """An idempotent producer, made anew after any error: one that lost its sequence never recovers by itself.

    A partition's messages travel in one batch, or in batches that wait for each other. In aiokafka's own accumulator
    a batch may fail and the one behind it succeed, and readers would take the first, sent again, for a repeat.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    def partition_of(self, key: str, partitions: int) -> int:
        """Java's default, so that other people's clients find the same partition."""
        return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions

    async def publish(self, messages: Sequence[Message]) -> None:
        queues: dict[Place, list[Message]] = {}
        for one in messages:
            place = (one.topic, self.partition_of(one.key, await self._kafka.partitions(one.topic)))
            queues.setdefault(place, []).append(one)
        try:
            with _reaching():
                async with asyncio.timeout(_PUBLISH_SECONDS):
                    producer = await self._ready()
                    outcomes = await asyncio.gather(
                        *(_append(producer, place, queue) for place, queue in queues.items()), return_exceptions=True
                    )
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
        except BaseException:
            await self.close()
            raise

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(**self._kafka.producer_settings())
            self._producer = producer
            await producer.start()
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            _give_up(producer)
            await _stop(producer)


async def _append(producer: AIOKafkaProducer, place: Place, queue: Sequence[Message]) -> None:
    """Send one partition's messages in order, a batch at a time; return when all replicas in sync have them."""
    topic, number = place
    left = list(reversed(queue))
    while left:
        batch = producer.create_batch()
        while left and batch.append(
            timestamp=None,
            key=left[-1].key.encode(),
            value=left[-1].value,
            headers=[(name, value.encode()) for name, value in left[-1].headers.items()],
        ):
            left.pop()
        batch.close()
        if not batch.record_count():
            raise KafkaError("a message is too large for a batch")
        await (await producer.send_batch(batch, topic, partition=number))


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets a rebalance wait until what is in hand is committed, and counts the changes of hands."""

    def __init__(self, group: str) -> None:
        self._group = group
        self.count = 0
        self.settled = asyncio.Event()
        self.settled.set()

    async def on_partitions_revoked(self, revoked: object) -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.settled.wait()
        except TimeoutError:
            log.warning("rebalance while messages are in hand", group=self._group)

    async def on_partitions_assigned(self, assigned: object) -> None:
        self.count += 1


class KafkaSource:
    """One member of a consumer group."""

    def __init__(self, kafka: Kafka, group: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._group = group
        self._topics = list(topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._started = False
        self._assignments = _Assignments(group)
        self._handed_out_in = 0
        self._ends_at = float("-inf")
        self._moved_at = 0.0

    async def start(self) -> None:
        for topic in self._topics:
            await self._kafka.partitions(topic)
        consumer = AIOKafkaConsumer(**self._kafka.consumer_settings(self._group))
        consumer.subscribe(self._topics, listener=self._assignments)
        self._consumer = consumer
        self._moved_at = asyncio.get_running_loop().time()
        with _reaching():
            async with asyncio.timeout(_ANSWER_SECONDS):
                await consumer.start()
        self._started = True

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        self._assignments.settled.set()
        async with self._asking(seconds) as consumer:
            ends = await self._ends(consumer)
            # Settled while it waits: in a rebalance getmany waits for the new assignment, and the rebalance for us.
            records = await consumer.getmany(timeout_ms=int(seconds * 1000), max_records=limit)
            if records:
                self._assignments.settled.clear()
            self._handed_out_in = self._assignments.count
            held = consumer.assignment()
            read = await _positions(consumer, [place for place in ends if place in held])
        messages = [_message(record) for batch in records.values() for record in batch]
        caught_up = frozenset((place.topic, place.partition) for place, at in read.items() if at >= ends[place])
        self._watch(moved=bool(messages) or not held or (bool(ends) and len(caught_up) == len(ends)))
        return Fetched(messages, caught_up)

    async def commit(self, positions: Mapping[Place, int]) -> None:
        try:
            async with self._asking() as consumer:
                held = consumer.assignment()
                offsets = {TopicPartition(*place): offset for place, offset in positions.items()}
                kept = {place: offset for place, offset in offsets.items() if place in held}
                # After a rebalance the group may be further: an old position is never committed in a new assignment.
                if self._handed_out_in != self._assignments.count:
                    kept = {}
                try:
                    if kept:
                        await consumer.commit(kept)
                except (CommitFailedError, IllegalStateError):
                    kept = {}
                if len(kept) < len(offsets):
                    log.warning("partition lost", group=self._group)
        finally:
            self._assignments.settled.set()

    async def behind(self) -> int:
        async with self._asking() as consumer:
            places = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in range(await self._kafka.partitions(topic))
            ]
            ends = await consumer.end_offsets(places)
            committed = await asyncio.gather(*(consumer.committed(place) for place in places))
            fresh = [place for place, done in zip(places, committed, strict=True) if done is None]
            begins = await consumer.beginning_offsets(fresh) if fresh else {}
        return sum(
            ends[place] - (begins[place] if done is None else done)
            for place, done in zip(places, committed, strict=True)
        )

    async def close(self) -> None:
        consumer, self._consumer, self._started = self._consumer, None, False
        self._assignments.settled.set()
        if consumer is not None:
            await _stop(consumer)

    @asynccontextmanager
    async def _asking(self, seconds: float = 0) -> AsyncIterator[AIOKafkaConsumer]:
        """The consumer, for a question that is answered within a bounded time."""
        if self._consumer is None or not self._started:
            raise BusUnavailable("not started")
        with _reaching():
            async with asyncio.timeout(_ANSWER_SECONDS + seconds):
                yield self._consumer

    async def _ends(self, consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, int]:
        """Where the partitions held end now; looked up a few times a second, else nothing."""
        now = asyncio.get_running_loop().time()
        held = consumer.assignment()
        if not held or now - self._ends_at < _ENDS_SECONDS:
            return {}
        self._ends_at = now
        return dict(await consumer.end_offsets(held))

    def _watch(self, *, moved: bool) -> None:
        """A consumer that is behind and gets nothing is stuck (aiokafka #1154): it is made anew."""
        now = asyncio.get_running_loop().time()
        if moved:
            self._moved_at = now
        elif now - self._moved_at > _STUCK_SECONDS:
            raise BusUnavailable("nothing comes although there is something")


async def _positions(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    """How far each is read; nothing when that is not known at once: in a rebalance, which may be waiting for us."""
    try:
        async with asyncio.timeout(_ENDS_SECONDS):
            return {place: await consumer.position(place) for place in places}
    except (TimeoutError, IllegalStateError):
        return {}


def _message(record: Any) -> Message:
    return Message(
        topic=record.topic,
        key=(record.key or b"").decode("utf-8", "replace"),
        headers={name: value.decode("utf-8", "replace") for name, value in record.headers},
        value=record.value or b"",
        partition=record.partition,
        offset=record.offset,
    )


def _give_up(producer: AIOKafkaProducer) -> None:
    """Send nothing more: ``stop`` by itself would go on sending what is left, beside the producer made next."""
    left = producer._message_accumulator
    for batch in [*left._pending_batches, *(batch for waiting in left._batches.values() for batch in waiting)]:
        batch.future.add_done_callback(lambda future: future.cancelled() or future.exception())
    left.fail_all(ProducerClosed())


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, for a while.

    Its own ``stop`` may wait for a broker that is gone, or end half-way with the CancelledError of one of its tasks.
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=_STOP_SECONDS)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    log.warning("client did not stop in order", client=type(client).__name__)
    stopping.cancel()
    fetcher = getattr(client, "_fetcher", None)
    for task in [] if fetcher is None else [fetcher._fetch_task, *fetcher._pending_tasks]:
        task.cancel()
    connections = client._client if isinstance(client, AIOKafkaConsumer) else client.client
    await asyncio.wait({stopping, asyncio.create_task(connections.close())}, timeout=_STOP_SECONDS)
    await asyncio.gather(stopping, return_exceptions=True)
