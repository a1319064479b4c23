"""The suite's archive: every event as it lay on the bus, with its place in the log."""

from datetime import datetime
from json import dumps

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import machine_now
from common.events.codec import Peeked
from common.events.envelope import Message
from common.messaging.maintenance import first_id
from common.messaging.room import Transaction


def keep(tx: Transaction, message: Message, head: Peeked) -> None:
    """Write one event verbatim. The inbox has made sure that it comes once."""
    tx.append(
        _KEEP,
        {
            "event_id": head.id,
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "source": head.source,
            "subject": head.subject,
            "sequence": head.sequence,
            "type": head.type,
            "headers": dumps(message.headers, ensure_ascii=False),
            "value": message.value.decode(),
        },
    )


def _month(at: datetime, ahead: int) -> datetime:
    months = at.year * 12 + at.month - 1 + ahead
    return at.replace(year=months // 12, month=months % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


async def keep_months(connection: AsyncConnection) -> None:
    """Make this month's partition and the next two; nothing is ever dropped here."""
    await connection.execute(text("select pg_advisory_xact_lock(hashtext('reporting archive months'))"))
    now = await machine_now(connection)
    for ahead in range(3):
        start, end = _month(now, ahead), _month(now, ahead + 1)
        await connection.execute(
            text(
                f"create table if not exists archive_m{start:%Y%m} partition of archive "
                f"for values from ('{first_id(start)}') to ('{first_id(end)}')"
            )
        )


_KEEP = text(
    """
    insert into archive (event_id, topic, partition, "offset", source, subject, sequence, type, headers, value)
    values (:event_id, :topic, :partition, :offset, :source, :subject, :sequence, :type,
            cast(:headers as jsonb), :value)
    """
)
