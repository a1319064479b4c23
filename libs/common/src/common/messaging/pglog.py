"""The embedded bus: a Kafka-shaped log in PostgreSQL.

Topic, partition, offset; consumer groups whose members hold partitions by lease and epoch. Offsets are given out under
a row lock on the partition that is held until commit, so they become visible in their own order.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from json import dumps
from zlib import crc32

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, TEXT
from sqlalchemy.ext.asyncio import AsyncEngine

from common.database import SERVICES, one_by_one
from common.events.catalogue import DEAD, REFERENCE
from common.events.envelope import Message

from .bus import (
    LEASE,
    RETENTION_DAYS,
    BusUnavailable,
    Source,
    WrongPartitions,
    made_when_spoken_of,
    reaching,
)
from .pglog_member import PgLogSource
from .wakeup import Bell

CREATE_BUS = (
    "create table if not exists bus.topic (topic text primary key, partitions integer not null)",
    """
    create table if not exists bus.partition (
        topic text not null, partition integer not null, next_offset bigint not null default 0,
        primary key (topic, partition)
    ) with (fillfactor = 50)
    """,
    """
    create table if not exists bus.log (
        topic text not null, partition integer not null, "offset" bigint not null,
        key text not null, headers jsonb not null, value text not null,
        appended_at timestamptz not null default clock_timestamp(),
        primary key (topic, partition, "offset")
    )
    """,
    """
    create table if not exists bus.member (
        group_name text not null, member uuid not null, seen_at timestamptz not null,
        primary key (group_name, member)
    )
    """,
    """
    create table if not exists bus.claim (
        group_name text not null, topic text not null, partition integer not null,
        committed bigint not null default 0, owner uuid, epoch bigint not null default 0, lease_until timestamptz,
        primary key (group_name, topic, partition)
    ) with (fillfactor = 50)
    """,
    f"grant select, insert, update on all tables in schema bus to {', '.join(SERVICES)}",
    "create index if not exists log_appended_at_idx on bus.log using brin (appended_at)",
    f"grant delete on bus.member to {', '.join(SERVICES)}",
    # No service may delete from the log. With its owner's right this drops only what is old and consumed.
    """
    create or replace function bus.forget_old(kept text[], days integer, most integer) returns bigint
    language sql security definer set search_path = bus as $$
        with gone as (
            delete from log where ctid = any (array(
                select l.ctid from log l
                where l.appended_at < clock_timestamp() - make_interval(days => days) and l.topic <> all(kept)
                  and not exists (
                      select from claim c
                      where c.topic = l.topic and c.partition = l.partition and c.committed <= l."offset"
                  )
                limit most
            ))
            returning 1
        )
        select count(*) from gone
    $$
    """,
    "revoke all on function bus.forget_old from public",
    f"grant execute on function bus.forget_old to {', '.join(SERVICES)}",
)


async def create_bus(engine: AsyncEngine) -> None:
    """Create the log's tables as the database's owner, once."""
    async with engine.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(hashtext('hotline bootstrap'))"))
        for statement in CREATE_BUS:
            await connection.execute(text(statement))


class PgLog:
    """The log seen from one process. ``bell`` is rung when this process appended something."""

    def __init__(self, engine: AsyncEngine, bell: Bell, *, lease: timedelta = LEASE) -> None:
        self.engine = engine
        self.single = one_by_one(engine)
        self.bell = bell
        self.lease = lease
        self._partitions: dict[str, int] = {}

    async def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        with reaching():
            async with self.engine.begin() as connection:
                for topic, wanted in sorted(partitions.items()):
                    await connection.execute(_ADD_TOPIC, {"topic": topic, "partitions": wanted})
                    await connection.execute(_ADD_PARTITIONS, {"topic": topic, "partitions": wanted})
        for topic, wanted in partitions.items():
            there = await self.partitions(topic)
            if there != wanted:
                raise WrongPartitions(f"topic {topic} has {there} partitions, the suite needs {wanted}")

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; a unit's or a replay's topic is made when first spoken of."""
        if topic not in self._partitions:
            with reaching():
                async with self.engine.connect() as connection:
                    found = (await connection.execute(_COUNT, {"topic": topic})).scalar()
            if found is None and made_when_spoken_of(topic):
                await self.ensure_topics({topic: 1})
                found = 1
            if found is None:
                raise BusUnavailable(f"no topic {topic}")
            self._partitions[topic] = int(found)
        return self._partitions[topic]

    def sink(self) -> "PgLogSink":
        return PgLogSink(self)

    def source(self, group: str, topics: Sequence[str]) -> Source:
        return PgLogSource(self.engine, self.bell, self.partitions, group, topics, lease=self.lease)

    async def forget_old(self, rows: int = 5000) -> int:
        """``hotline.reference`` and what was parked never expire; nothing does that a group has yet to consume."""
        with reaching():
            async with self.engine.begin() as connection:
                gone = await connection.execute(
                    _FORGET, {"kept": [REFERENCE, DEAD], "days": RETENTION_DAYS, "most": rows}
                )
                return int(gone.scalar_one())

    async def close(self) -> None:
        await self.engine.dispose()


class PgLogSink:
    def __init__(self, bus: PgLog) -> None:
        self._bus = bus

    def partition_of(self, key: str, partitions: int) -> int:
        return crc32(key.encode()) % partitions

    async def publish(self, messages: Sequence[Message]) -> None:
        places = [self.partition_of(one.key, await self._bus.partitions(one.topic)) for one in messages]
        with reaching():
            async with self._bus.single.connect() as connection:
                await connection.execute(
                    _APPEND,
                    {
                        "topics": [one.topic for one in messages],
                        "partitions": places,
                        "keys": [one.key for one in messages],
                        "headers": [dumps(one.headers, ensure_ascii=False) for one in messages],
                        "values": [one.value.decode() for one in messages],
                    },
                )
        self._bus.bell.ring()

    async def close(self) -> None:
        return None


_FORGET = text("select bus.forget_old(:kept, :days, :most)").bindparams(bindparam("kept", type_=ARRAY(TEXT)))
_ADD_TOPIC = text("insert into bus.topic values (:topic, :partitions) on conflict do nothing")
_ADD_PARTITIONS = text(
    """
    insert into bus.partition (topic, partition)
    select topic, generate_series(0, partitions - 1) from bus.topic where topic = :topic and partitions = :partitions
    on conflict do nothing
    """
)
_COUNT = text("select partitions from bus.topic where topic = :topic")
_APPEND = text(
    """
    with incoming as (
        select * from unnest(:topics, :partitions, :keys, :headers, :values)
            with ordinality as m (topic, partition, key, headers, value, ord)
    ), counted as (
        select topic, partition, count(*) as n from incoming group by topic, partition
    ), locked as (
        -- Locked in one order everywhere: two relays that meet on two partitions wait, they do not deadlock.
        select p.topic, p.partition, p.next_offset, c.n
        from bus.partition p join counted c using (topic, partition)
        order by p.topic, p.partition for update of p
    ), moved as (
        update bus.partition p set next_offset = l.next_offset + l.n
        from locked l where p.topic = l.topic and p.partition = l.partition
        returning p.topic
    )
    insert into bus.log (topic, partition, "offset", key, headers, value)
    select i.topic, i.partition,
           l.next_offset + row_number() over (partition by i.topic, i.partition order by i.ord) - 1,
           i.key, i.headers::jsonb, i.value
    from incoming i join locked l on l.topic = i.topic and l.partition = i.partition
    """
).bindparams(
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("partitions", type_=ARRAY(INTEGER)),
    bindparam("keys", type_=ARRAY(TEXT)),
    bindparam("headers", type_=ARRAY(TEXT)),
    bindparam("values", type_=ARRAY(TEXT)),
)
