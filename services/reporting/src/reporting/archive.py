"""The suite's archive: every event as it lay on the bus, with its place in the log."""

from collections.abc import Sequence
from datetime import datetime
from json import dumps
from uuid import UUID

from sqlalchemy import RowMapping, text
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


async def tickets_recorded(
    connection: AsyncConnection,
    jurisdiction: str,
    received_from: datetime | None,
    received_to: datetime | None,
    after: tuple[datetime, UUID] | None,
    most: int,
) -> Sequence[tuple[datetime, UUID]]:
    """Work orders of the jurisdiction received in [from, to), by the instant they were received; ``after`` that one."""
    found = await connection.execute(
        _TICKETS,
        {
            "jurisdiction": jurisdiction,
            "received_from": received_from,
            "received_to": received_to,
            "after_at": after[0] if after else None,
            "after": after[1] if after else None,
            "most": most,
        },
    )
    return [(row.received_at, row.ticket) for row in found]


async def count_recorded(
    connection: AsyncConnection, jurisdiction: str, received_from: datetime | None, received_to: datetime | None
) -> int:
    """How many there are in all."""
    span = {"jurisdiction": jurisdiction, "received_from": received_from, "received_to": received_to}
    return int((await connection.execute(_COUNT, span)).scalar_one())


async def events_of(connection: AsyncConnection, tickets: Sequence[UUID]) -> Sequence[RowMapping]:
    """Every event of these tickets, ticket by ticket, in the order in which they lay on the bus."""
    subjects = [f"ticket/{ticket}" for ticket in tickets]
    return (await connection.execute(_EVENTS, {"subjects": subjects})).mappings().all()


async def reference_events(
    connection: AsyncConnection, jurisdiction: str, after: UUID | None, most: int
) -> Sequence[RowMapping]:
    """The packs that were activated for the jurisdiction, and the years of the calendar that were published."""
    subjects = [f"policy/{jurisdiction}", *(f"calendar/{year}" for year in range(2000, 2101))]
    wanted = {"subjects": subjects, "after": after, "most": most}
    return (await connection.execute(_REFERENCE, wanted)).mappings().all()


_OF_SPAN = """
    from ticket
    where jurisdiction = :jurisdiction and outcome = 'work_order'
      and (cast(:received_from as timestamptz) is null or received_at >= :received_from)
      and (cast(:received_to as timestamptz) is null or received_at < :received_to)
"""
_COUNT = text(f"select count(*) {_OF_SPAN}")
_TICKETS = text(
    f"""
    select received_at, ticket {_OF_SPAN}
      and (cast(:after_at as timestamptz) is null
           or (received_at, ticket) > (cast(:after_at as timestamptz), cast(:after as uuid)))
    order by received_at, ticket
    limit :most
    """
)
_EVENTS = text(
    """
    select event_id, topic, partition, "offset", subject, headers, value
    from archive
    where subject = any(:subjects)
    order by subject, topic, partition, "offset"
    """
)
_REFERENCE = text(
    """
    select event_id, topic, partition, "offset", subject, headers, value
    from archive
    where subject = any(:subjects)
      and (cast(:after as uuid) is null or event_id > cast(:after as uuid))
    order by event_id
    limit :most
    """
)
_KEEP = text(
    """
    insert into archive (event_id, topic, partition, "offset", source, subject, sequence, type, headers, value)
    values (:event_id, :topic, :partition, :offset, :source, :subject, :sequence, :type,
            cast(:headers as jsonb), :value)
    """
)
