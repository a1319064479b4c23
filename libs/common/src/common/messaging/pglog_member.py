"""Reading the embedded bus: one member of a consumer group.

Partitions are shared out evenly among the members. Each is held by a lease, which a member renews as long as its
process lives, and an epoch, which goes up with every change of hands: what a silent member tries to commit after its
lease is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from uuid import UUID, uuid4

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER, TEXT
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.database import one_by_one
from common.events.envelope import Message

from .bus import BusUnavailable, Fetched, Place, reaching
from .wakeup import Bell

log = structlog.get_logger()


class PgLogSource:
    """One member of a group. Partitions are shared out evenly; a silent member's go to others after the lease."""

    def __init__(
        self,
        engine: AsyncEngine,
        bell: Bell,
        partitions_of: Callable[[str], Awaitable[int]],
        group: str,
        topics: Sequence[str],
        *,
        lease: timedelta,
    ) -> None:
        self._engine = engine
        self._single = one_by_one(engine)
        self._bell = bell
        self._partitions_of = partitions_of
        self._group = group
        self._topics = list(topics)
        self._lease = lease
        self._member: UUID = uuid4()
        self._epochs: dict[Place, int] = {}
        self._positions: dict[Place, int] = {}
        self._renewed = float("-inf")
        self._heart: asyncio.Task[None] | None = None
        # Renewal and commit update the same rows: in one process they take turns, so that they cannot deadlock.
        self._turn = asyncio.Lock()

    @property
    def held(self) -> frozenset[Place]:
        return frozenset(self._epochs)

    async def start(self) -> None:
        with reaching():
            for topic in self._topics:
                await self._partitions_of(topic)
            async with self._engine.begin() as connection:
                # What could not be given back when it closed: its own lease, renewed, would keep it from claiming that.
                await connection.execute(_RELEASE_ALL, self._who())
                for topic in sorted(self._topics):
                    await connection.execute(_ADD_CLAIMS, {"group": self._group, "topic": topic})
        self._heart = asyncio.create_task(self._beat())

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        heard = self._bell.rings
        with reaching():
            if self._due():
                async with self._turn:
                    await self._share()
            fetched = await self._look(limit)
            if not fetched.messages and seconds > 0:
                await self._bell.wait(heard, seconds)
                fetched = await self._look(limit)
        return fetched

    async def commit(self, positions: Mapping[Place, int]) -> None:
        places = [place for place in sorted(positions) if place in self._epochs]
        if not places:
            return
        arguments = {
            "group": self._group,
            "member": self._member,
            "topics": [topic for topic, _ in places],
            "partitions": [number for _, number in places],
            "epochs": [self._epochs[place] for place in places],
            "positions": [positions[place] for place in places],
        }
        with reaching():
            async with self._turn, self._single.connect() as connection:
                kept = {(row.topic, row.partition) for row in await connection.execute(_COMMIT, arguments)}
        for place in places:
            if place not in kept:
                log.warning("partition lost", group=self._group, topic=place[0], partition=place[1])
                self._forget(place)

    async def behind(self) -> int:
        with reaching():
            async with self._single.connect() as connection:
                return int((await connection.execute(_BEHIND, {"group": self._group})).scalar_one())

    async def close(self) -> None:
        """Leave the group: the partitions are free at once."""
        heart, self._heart = self._heart, None
        if heart is not None:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)
        self._epochs.clear()
        self._positions.clear()
        self._renewed = float("-inf")
        try:
            with reaching():
                async with self._engine.begin() as connection:
                    await connection.execute(_LEAVE, self._who())
                    await connection.execute(_RELEASE_ALL, self._who())
        except BusUnavailable:
            log.warning("left without saying so", group=self._group)

    async def _look(self, limit: int) -> Fetched:
        places = sorted(self._positions)
        if not places:
            return Fetched((), frozenset())
        ends: dict[Place, int] = {}
        messages = []
        arguments = {
            "topics": [topic for topic, _ in places],
            "partitions": [number for _, number in places],
            "positions": [self._positions[place] for place in places],
            "most": max(20, limit // len(places)),
        }
        async with self._single.connect() as connection:
            rows = (await connection.execute(_READ, arguments)).all()
        for topic, partition, end, offset, key, headers, value in rows:
            place = (topic, partition)
            ends[place] = end
            if offset is not None:
                self._positions[place] = offset + 1
                messages.append(Message(topic, key, headers, value.encode(), partition, offset))
        return Fetched(messages, frozenset(place for place, end in ends.items() if self._positions[place] >= end))

    def _who(self) -> dict[str, object]:
        return {"group": self._group, "member": self._member, "lease": self._lease}

    def _due(self) -> bool:
        return asyncio.get_running_loop().time() - self._renewed >= self._lease.total_seconds() / 3

    async def _beat(self) -> None:
        """Renew while a long command keeps :meth:`fetch` from doing it: slow is not dead."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            if not self._due():
                continue
            try:
                async with self._turn, self._engine.begin() as connection:
                    await connection.execute(_ALIVE, self._who())
                    await connection.execute(_EXTEND, self._who())
            except Exception as error:
                log.warning("lease not renewed", group=self._group, error=type(error).__name__)

    async def _share(self) -> None:
        """Say that this member lives, give up what is beyond its share, claim what is free within it."""
        sizes = {topic: await self._partitions_of(topic) for topic in self._topics}
        async with self._engine.begin() as connection:
            members = (await connection.execute(_ALIVE, self._who())).scalar_one()
            mine = {(row.topic, row.partition) for row in await connection.execute(_EXTEND, self._who())}
            for place in set(self._epochs) - mine:
                self._forget(place)
            for topic, size in sizes.items():
                await self._take_share(connection, topic, ceil(size / members))
        self._renewed = asyncio.get_running_loop().time()

    async def _take_share(self, connection: AsyncConnection, topic: str, share: int) -> None:
        held = sorted(place for place in self._epochs if place[0] == topic)
        for place in held[share:]:
            await connection.execute(_RELEASE, self._who() | {"topic": topic, "partition": place[1]})
            self._forget(place)
        if len(held) < share:
            arguments = self._who() | {"topic": topic, "most": share - len(held)}
            for row in await connection.execute(_CLAIM, arguments):
                self._epochs[topic, row.partition] = row.epoch
                self._positions[topic, row.partition] = row.committed

    def _forget(self, place: Place) -> None:
        self._epochs.pop(place, None)
        self._positions.pop(place, None)


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
        delete from bus.member where group_name = :group and seen_at < clock_timestamp() - 3 * cast(:lease as interval)
    )
    select 1 + count(*) from bus.member
    where group_name = :group and member <> :member and seen_at > clock_timestamp() - cast(:lease as interval)
    """
)
_EXTEND = text(
    """
    update bus.claim set lease_until = clock_timestamp() + cast(:lease as interval)
    where group_name = :group and owner = :member returning topic, partition
    """
)
_CLAIM = text(
    """
    update bus.claim c
    set owner = :member, epoch = c.epoch + 1, lease_until = clock_timestamp() + cast(:lease as interval)
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
