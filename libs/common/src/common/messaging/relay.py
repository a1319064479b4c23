"""One relay per service: what stands in the outbox goes to the bus, in order, at least once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import is_transient
from common.events.envelope import Message
from common.failpoint import reach

from .bus import IDLE_SECONDS, LEASE, BusUnavailable, Sink
from .room import Room
from .wakeup import Bell, told_to_end

log = structlog.get_logger()

# The relay's rows are found by "not yet published", never by a cursor: ids become visible out of commit order.
UNPUBLISHED = text(
    """
    select event_id, topic, subject, sequence, headers, value
    from outbox where published_at is null order by id limit :most
    """
)
_MARK = text("update outbox set published_at = clock_timestamp() where event_id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(PgUUID))
)
_LEAD = text("select pg_try_advisory_lock(hashtextextended('hotline relay ' || :service, 0))")


class Relay:
    """Publishes one service's outbox. Several may run; one leads, by an advisory lock on its own connection.

    The server ends a leader's session, and with it its leadership, when it was silent for the ``lease``. A relay that
    was frozen finds its connection gone when it wakes: it can mark nothing any more. What it may still send are repeats
    of rows its successor began with, which readers drop by inbox and sequence.
    """

    def __init__(
        self,
        room: Room,
        sink: Sink,
        bus_bell: Bell,
        *,
        most: int = 500,
        poll_seconds: float = 0.05,
        lease: timedelta = LEASE,
    ) -> None:
        self._room = room
        self._sink = sink
        self._bus_bell = bus_bell
        self._most = most
        self._poll_seconds = poll_seconds
        self._lease = lease

    async def run(self) -> None:
        """Relay until cancelled; database and bus may come and go."""
        try:
            while True:
                try:
                    await self._once()
                except (Exception, asyncio.CancelledError) as error:
                    if told_to_end():
                        raise
                    if is_transient(error):
                        log.warning("relay interrupted", service=self._room.service, error=type(error).__name__)
                    else:
                        log.exception("relay failed", service=self._room.service)
                    await asyncio.sleep(0.5)
        finally:
            await self._sink.close()

    async def _once(self) -> None:
        async with self._room.database.engine.connect() as pooled:
            connection = await pooled.execution_options(isolation_level="AUTOCOMMIT")
            try:
                await connection.execute(
                    text("select set_config('idle_session_timeout', :lease, false)"),
                    {"lease": f"{self._lease // timedelta(milliseconds=1)}ms"},
                )
                await self._lead(connection)
            finally:
                await connection.invalidate()  # never back into the pool: it may hold the leadership

    async def _lead(self, connection: AsyncConnection) -> None:
        # The lock may be another process's: there is nothing to wait on but time.
        while not (await connection.execute(_LEAD, {"service": self._room.service})).scalar():  # noqa: ASYNC110
            await asyncio.sleep(self._lease.total_seconds() / 10)
        pause = self._poll_seconds
        while True:
            heard = self._room.bell.rings
            try:
                published = await self.publish_some(connection)
            except BusUnavailable as error:
                # An unreachable bus delays the facts, it loses none.
                log.warning("bus unreachable", service=self._room.service, error=str(error))
                await asyncio.sleep(self._lease.total_seconds() / 10)
                continue
            if published:
                pause = self._poll_seconds
            else:
                await self._room.bell.wait(heard, pause)
                pause = min(pause * 2, max(IDLE_SECONDS, self._poll_seconds))

    async def publish_some(self, connection: AsyncConnection) -> int:
        """Publish the oldest unpublished rows and mark them; returns how many."""
        rows = (await connection.execute(UNPUBLISHED, {"most": self._most})).all()
        if not rows:
            return 0
        messages = [
            Message(
                topic=row.topic,
                key=row.subject,
                headers=row.headers | {"ce_sequence": str(row.sequence)} if row.sequence else row.headers,
                value=row.value.encode(),
            )
            for row in rows
        ]
        await self._publish(connection, messages)
        reach("relay.published")
        await connection.execute(_MARK, {"ids": [row.event_id for row in rows]})
        self._bus_bell.ring()
        return len(rows)

    async def _publish(self, connection: AsyncConnection, messages: Sequence[Message]) -> None:
        """Send, and keep the leadership alive as long as a slow bus takes."""
        sending = asyncio.create_task(self._sink.publish(messages))
        try:
            while not (await asyncio.wait({sending}, timeout=self._lease.total_seconds() / 3))[0]:
                await connection.execute(text("select 1"))
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def unpublished(room: Room) -> int:
    """How many announced facts the bus does not have yet."""
    async with room.database.single.connect() as connection:
        found = await connection.execute(text("select count(*) from outbox where published_at is null"))
        return int(found.scalar_one())
