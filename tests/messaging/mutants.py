"""Four event layers that are wrong in one way each. The suite must find every one of them out."""

import random
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.codec import peek
from common.events.envelope import Message
from common.failpoint import reach
from common.messaging.bus import Bus, Fetched, Place, Sink, Source
from common.messaging.inbox import claim
from common.messaging.kafka import KafkaSink
from common.messaging.pglog import PgLogSink
from common.messaging.relay import Relay
from common.messaging.runner import Runner


class CommitsOnHandOut:
    """Auto-commit: the offset is committed when the messages are handed out, before their effect."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def start(self) -> None:
        await self._source.start()

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        fetched = await self._source.fetch(limit, seconds)
        await self._source.commit({(one.topic, one.partition): one.offset + 1 for one in fetched.messages})
        return fetched

    async def commit(self, positions: Mapping[Place, int]) -> None:
        return None

    async def behind(self) -> int:
        return await self._source.behind()

    async def close(self) -> None:
        await self._source.close()


class ClaimsOutside(Runner):
    """No fence: the inbox is read before the effect's transaction and written after it."""

    async def _together(self, messages: Sequence[Message]) -> None:
        peeked = [(message, peek(message)) for message in messages]
        async with self.room.database.engine.connect() as connection:
            seen = set((await connection.execute(_SEEN, {"ids": [head.id for _, head in peeked]})).scalars())
        reach("mutant.checked")
        async with self.room.transaction() as tx:
            for message, head in peeked:
                if head.id not in seen:
                    await self.handle(tx, message, head)
        async with self.room.database.engine.begin() as connection:
            await claim(connection, [head.id for _, head in peeked])


_SEEN = text("select event_id from inbox where event_id = any(:ids)").bindparams(bindparam("ids", type_=ARRAY(PgUUID)))


class CursorRelay(Relay):
    """A cursor on ids: rows are read by ``id > last``, not by being unpublished."""

    _last = 0

    async def publish_some(self, connection: AsyncConnection) -> int:
        rows = (await connection.execute(_AFTER, {"last": self._last})).all()
        if not rows:
            return 0
        await self._sink.publish(
            [
                Message(row.topic, row.subject, row.headers | {"ce_sequence": str(row.sequence)}, row.value.encode())
                for row in rows
            ]
        )
        self._last = rows[-1].id
        await connection.execute(_MARK, {"ids": [row.event_id for row in rows]})
        self._bus_bell.ring()
        return len(rows)


_AFTER = text(
    "select id, event_id, topic, subject, sequence, headers, value from outbox where id > :last order by id limit 100"
)
_MARK = text("update outbox set published_at = clock_timestamp() where event_id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(PgUUID))
)


class _AnyPgLogPartition(PgLogSink):
    def partition_of(self, key: str, partitions: int) -> int:
        return random.randrange(partitions)


class _AnyKafkaPartition(KafkaSink):
    def partition_of(self, key: str, partitions: int) -> int:
        return random.randrange(partitions)


def keyless_sink(bus: Bus) -> Sink:
    """No key: the partition is chosen at random."""
    sink = bus.sink()
    return _AnyKafkaPartition(sink._kafka) if isinstance(sink, KafkaSink) else _AnyPgLogPartition(sink._bus)  # type: ignore[attr-defined]
