"""The embedded bus: a Kafka-shaped log in PostgreSQL.

Topic, partition, offset; consumer groups whose members hold partitions by lease and epoch. Offsets are given out under
a row lock on the partition that is held until commit, so they become visible in their own order.
"""

from asyncio import get_running_loop
from collections.abc import Mapping, Sequence
from datetime import timedelta
from json import dumps
from math import ceil
from uuid import UUID, uuid4
from zlib import crc32

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER, TEXT
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from common.database import SERVICES
from common.events.envelope import Message

from .bus import UNIT_PREFIX, BusUnavailable, Fetched, Place, WrongPartitions
from .wakeup import Bell

log = structlog.get_logger()

LEASE = timedelta(seconds=10)
"""How long a member may be silent before its partitions are given to others (machine time)."""
RENEWAL_SECONDS = 3

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
    f"grant delete on bus.member to {', '.join(SERVICES)}",
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
        self.bell = bell
        self.lease = lease
        self._partitions: dict[str, int] = {}

    async def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        async with self.engine.begin() as connection:
            for topic, wanted in sorted(partitions.items()):
                await connection.execute(_ADD_TOPIC, {"topic": topic, "partitions": wanted})
                await connection.execute(_ADD_PARTITIONS, {"topic": topic, "partitions": wanted})
        for topic, wanted in partitions.items():
            there = await self.partitions(topic)
            if there != wanted:
                raise WrongPartitions(f"topic {topic} has {there} partitions, the suite needs {wanted}")

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; a unit's topic is made when first spoken of."""
        if topic not in self._partitions:
            async with self.engine.connect() as connection:
                found = (await connection.execute(_COUNT, {"topic": topic})).scalar()
            if found is None and topic.startswith(UNIT_PREFIX):
                await self.ensure_topics({topic: 1})
                found = 1
            if found is None:
                raise LookupError(f"no such topic: {topic}")
            self._partitions[topic] = int(found)
        return self._partitions[topic]

    def sink(self) -> "PgLogSink":
        return PgLogSink(self)

    def source(self, group: str, topics: Sequence[str]) -> "PgLogSource":
        return PgLogSource(self, group, topics)

    async def close(self) -> None:
        await self.engine.dispose()


class PgLogSink:
    def __init__(self, bus: PgLog) -> None:
        self._bus = bus

    def partition_of(self, key: str, partitions: int) -> int:
        return crc32(key.encode()) % partitions

    async def publish(self, messages: Sequence[Message]) -> None:
        try:
            places = [self.partition_of(one.key, await self._bus.partitions(one.topic)) for one in messages]
            async with self._bus.engine.begin() as connection:
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
        except (DBAPIError, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error
        self._bus.bell.ring()

    async def close(self) -> None:
        return None


class PgLogSource:
    """One member of a group. Partitions are shared out evenly; a silent member's go to others after the lease."""

    def __init__(self, bus: PgLog, group: str, topics: Sequence[str]) -> None:
        self._bus = bus
        self._group = group
        self._topics = list(topics)
        self._member: UUID = uuid4()
        self._epochs: dict[Place, int] = {}
        self._positions: dict[Place, int] = {}
        self._renewed = float("-inf")

    @property
    def held(self) -> frozenset[Place]:
        return frozenset(self._epochs)

    async def start(self) -> None:
        async with self._bus.engine.begin() as connection:
            for topic in self._topics:
                await self._bus.partitions(topic)
                await connection.execute(_ADD_CLAIMS, {"group": self._group, "topic": topic})

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        heard = self._bus.bell.rings
        try:
            await self._renew()
            fetched = await self._look(limit)
            if not fetched.messages and seconds > 0:
                await self._bus.bell.wait(heard, seconds)
                fetched = await self._look(limit)
        except (DBAPIError, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error
        return fetched

    async def _look(self, limit: int) -> Fetched:
        if not self._positions:
            return Fetched((), frozenset())
        places = sorted(self._positions)
        ends: dict[Place, int] = {}
        messages = []
        async with self._bus.engine.connect() as connection:
            rows = await connection.execute(
                _READ,
                {
                    "topics": [topic for topic, _ in places],
                    "partitions": [number for _, number in places],
                    "positions": [self._positions[place] for place in places],
                    "most": max(20, limit // len(places)),
                },
            )
            for row in rows:
                place = (row.topic, row.partition)
                ends[place] = row.next_offset
                if row.offset is not None:
                    self._positions[place] = row.offset + 1
                    messages.append(
                        Message(row.topic, row.key, row.headers, row.value.encode(), row.partition, row.offset)
                    )
        return Fetched(messages, frozenset(place for place, end in ends.items() if self._positions[place] >= end))

    async def commit(self, positions: Mapping[Place, int]) -> None:
        places = [place for place in sorted(positions) if place in self._epochs]
        if not places:
            return
        try:
            async with self._bus.engine.begin() as connection:
                rows = await connection.execute(
                    _COMMIT,
                    {
                        "group": self._group,
                        "member": self._member,
                        "topics": [topic for topic, _ in places],
                        "partitions": [number for _, number in places],
                        "epochs": [self._epochs[place] for place in places],
                        "positions": [positions[place] for place in places],
                    },
                )
                kept = {(row.topic, row.partition) for row in rows}
        except (DBAPIError, OSError, TimeoutError) as error:
            raise BusUnavailable(type(error).__name__) from error
        for place in places:
            if place not in kept:
                log.warning("partition lost", group=self._group, topic=place[0], partition=place[1])
                self._epochs.pop(place, None)
                self._positions.pop(place, None)

    async def behind(self) -> int:
        async with self._bus.engine.connect() as connection:
            return int((await connection.execute(_BEHIND, {"group": self._group})).scalar_one())

    async def close(self) -> None:
        """Leave the group: the partitions are free at once."""
        try:
            async with self._bus.engine.begin() as connection:
                await connection.execute(_LEAVE, {"group": self._group, "member": self._member})
                await connection.execute(_RELEASE_ALL, {"group": self._group, "member": self._member})
        except (DBAPIError, OSError, TimeoutError):
            log.warning("left without saying so", group=self._group)

    async def _renew(self) -> None:
        """Say that this member lives, give up what is beyond its share, claim what is free within it."""
        now = get_running_loop().time()
        if now - self._renewed < min(RENEWAL_SECONDS, self._bus.lease.total_seconds() / 3):
            return
        who = {"group": self._group, "member": self._member, "lease": self._bus.lease}
        async with self._bus.engine.begin() as connection:
            members = (await connection.execute(_ALIVE, who)).scalar_one()
            mine = {(row.topic, row.partition) for row in await connection.execute(_EXTEND, who)}
            for place in set(self._epochs) - mine:
                self._epochs.pop(place)
                self._positions.pop(place)
            for topic in self._topics:
                share = ceil(await self._bus.partitions(topic) / max(members, 1))
                held = sorted(place for place in self._epochs if place[0] == topic)
                for place in held[share:]:
                    await connection.execute(_RELEASE, who | {"topic": place[0], "partition": place[1]})
                    self._epochs.pop(place)
                    self._positions.pop(place)
                if len(held) < share:
                    claimed = await connection.execute(_CLAIM, who | {"topic": topic, "most": share - len(held)})
                    for row in claimed:
                        self._epochs[(topic, row.partition)] = row.epoch
                        self._positions[(topic, row.partition)] = row.committed
        self._renewed = now


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
_ADD_CLAIMS = text(
    """
    insert into bus.claim (group_name, topic, partition)
    select :group, topic, partition from bus.partition where topic = :topic on conflict do nothing
    """
)
_READ = text(
    """
    select p.topic, p.partition, p.next_offset, l."offset", l.key, l.headers, l.value
    from unnest(:topics, :partitions, :positions) as w (topic, partition, position)
    join bus.partition p on p.topic = w.topic and p.partition = w.partition
    left join lateral (
        select "offset", key, headers, value from bus.log
        where topic = w.topic and partition = w.partition and "offset" >= w.position
        order by "offset" limit :most
    ) l on p.next_offset > w.position
    order by p.topic, p.partition, l."offset"
    """
).bindparams(
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("partitions", type_=ARRAY(INTEGER)),
    bindparam("positions", type_=ARRAY(BIGINT)),
)
_COMMIT = text(
    """
    update bus.claim c set committed = w.position
    from unnest(:topics, :partitions, :epochs, :positions) as w (topic, partition, epoch, position)
    where c.group_name = :group and c.owner = :member
      and c.topic = w.topic and c.partition = w.partition and c.epoch = w.epoch
    returning c.topic, c.partition
    """
).bindparams(
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("partitions", type_=ARRAY(INTEGER)),
    bindparam("epochs", type_=ARRAY(BIGINT)),
    bindparam("positions", type_=ARRAY(BIGINT)),
)
_BEHIND = text(
    """
    select coalesce(sum(p.next_offset - c.committed), 0)
    from bus.claim c join bus.partition p using (topic, partition) where c.group_name = :group
    """
)
_ALIVE = text(
    """
    with alive as (
        insert into bus.member as m values (:group, :member, clock_timestamp())
        on conflict (group_name, member) do update set seen_at = excluded.seen_at
        returning m.member
    ), gone as (
        delete from bus.member where group_name = :group and seen_at < clock_timestamp() - 3 * :lease
    )
    select 1 + count(*) from bus.member
    where group_name = :group and member <> :member and seen_at > clock_timestamp() - :lease
    """
)
_EXTEND = text(
    """
    update bus.claim set lease_until = clock_timestamp() + :lease
    where group_name = :group and owner = :member returning topic, partition
    """
)
_CLAIM = text(
    """
    update bus.claim c
    set owner = :member, epoch = c.epoch + 1, lease_until = clock_timestamp() + :lease
    from (
        select partition from bus.claim
        where group_name = :group and topic = :topic and (owner is null or lease_until < clock_timestamp())
        order by partition limit :most for update skip locked
    ) free
    where c.group_name = :group and c.topic = :topic and c.partition = free.partition
    returning c.partition, c.epoch, c.committed
    """
)
_RELEASE = text(
    """
    update bus.claim set owner = null, lease_until = null
    where group_name = :group and owner = :member and topic = :topic and partition = :partition
    """
)
_RELEASE_ALL = text(
    "update bus.claim set owner = null, lease_until = null where group_name = :group and owner = :member"
)
_LEAVE = text("delete from bus.member where group_name = :group and member = :member")
