"""Weekly partitions of outbox and inbox: made ahead, dropped whole when they are older than the retention."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import machine_now

_WEEK = timedelta(days=7)
_EPOCH_MONDAY = datetime.fromisoformat("1970-01-05T00:00:00+00:00")
TABLES = ("outbox", "inbox")
RETENTION = timedelta(days=42)
"""Longer than the bus keeps its messages, plus an outage: whatever may come again is still known."""


def _monday(at: datetime) -> datetime:
    return _EPOCH_MONDAY + (at - _EPOCH_MONDAY) // _WEEK * _WEEK


def first_id(at: datetime) -> str:
    """The smallest UUIDv7 of an instant: its first 48 bits are milliseconds since 1970."""
    milliseconds = (at - _EPOCH_MONDAY) // timedelta(milliseconds=1) + 4 * 86_400_000
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


async def keep_partitions(connection: AsyncConnection, now: datetime | None = None) -> None:
    """Make this week's and the next three weeks' partitions; drop those past the retention.

    ``now`` is machine time, asked of the database if not given. What lies unpublished in the outbox is never dropped.
    """
    await connection.execute(text("select pg_advisory_xact_lock(hashtext(current_schema() || ' partitions'))"))
    # Dropping waits for whoever uses the table, and everybody else waits behind it: rather try again another time.
    await connection.execute(text("set local lock_timeout = '2s'"))
    this_week = _monday(now or await machine_now(connection))
    for table in TABLES:
        for weeks in range(4):
            await _make(connection, table, this_week + weeks * _WEEK)
        for name in await _beyond(connection, table, _monday(this_week - RETENTION)):
            if table == "inbox" or not await _unpublished(connection, name):
                await connection.execute(text(f"drop table {name}"))


async def _make(connection: AsyncConnection, table: str, start: datetime) -> None:
    """One week's partition, with what fell into the rest while there was none.

    Attached rather than created in place: that does not wait for the readers and writers of the whole table.
    """
    name, first, end = f"{table}_w{start:%Y%m%d}", first_id(start), first_id(start + _WEEK)
    if (await connection.execute(text("select to_regclass(:name)"), {"name": name})).scalar():
        return
    await connection.execute(text(f"create table {name} (like {table} including defaults including storage)"))
    moved = f"delete from {table}_rest where event_id >= '{first}' and event_id < '{end}' returning *"  # noqa: S608 - names made here
    await connection.execute(text(f"with moved as ({moved}) insert into {name} select * from moved"))  # noqa: S608
    await connection.execute(
        text(f"alter table {table} attach partition {name} for values from ('{first}') to ('{end}')")
    )


async def _beyond(connection: AsyncConnection, table: str, oldest: datetime) -> list[str]:
    rows = await connection.execute(
        text(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
            "where i.inhparent = to_regclass(:table) and c.relname like :names and c.relname < :oldest order by 1"
        ),
        {"table": table, "names": f"{table}\\_w%", "oldest": f"{table}_w{oldest:%Y%m%d}"},
    )
    return list(rows.scalars())


async def _unpublished(connection: AsyncConnection, name: str) -> bool:
    look = f"select exists (select from {name} where published_at is null)"  # noqa: S608 - a name made here
    return bool((await connection.execute(text(look))).scalar())
