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


async def keep_partitions(connection: AsyncConnection) -> None:
    """Make this week's and the next three weeks' partitions; drop those past the retention."""
    await connection.execute(text("select pg_advisory_xact_lock(hashtext(current_schema() || ' partitions'))"))
    now = await machine_now(connection)
    this_week = _monday(now)
    for table in TABLES:
        for weeks in range(4):
            start = this_week + weeks * _WEEK
            await connection.execute(
                text(
                    f"create table if not exists {table}_w{start:%Y%m%d} partition of {table} "
                    f"for values from ('{first_id(start)}') to ('{first_id(start + _WEEK)}')"
                )
            )
        oldest = f"{table}_w{_monday(now - RETENTION):%Y%m%d}"
        rows = await connection.execute(
            text(
                "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
                "where i.inhparent = to_regclass(:table) and c.relname like :names and c.relname < :oldest"
            ),
            {"table": table, "names": f"{table}\\_w%", "oldest": oldest},
        )
        for name in rows.scalars().all():
            await connection.execute(text(f"drop table {name}"))
