"""The published calendar years, as far as an item of the catalogue asks for the working day."""

from datetime import date
from typing import Final

from sqlalchemy import Column, Integer, Table, Text, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.calendar import OutsideCalendar, WorkingCalendar, assemble, deserialise
from common.database import Instant
from common.events.envelope import Event
from common.events.sla import CalendarPublished
from common.messaging.room import Transaction
from dispatch.docket import METADATA

YEAR: Final = Table(
    "calendar_year",
    METADATA,
    Column("year", Integer, primary_key=True),
    Column("version", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("published_at", Instant, nullable=False),
)


async def keep_year(tx: Transaction, event: Event) -> None:
    """Consumer of ``CalendarPublished``: the latest publication of a year counts."""
    data = event.data
    assert isinstance(data, CalendarPublished)
    row = {"version": data.version, "content": data.content, "published_at": event.time}
    written = insert(YEAR).values(year=data.year, **row)
    newer = YEAR.c.published_at <= written.excluded.published_at
    await tx.connection.execute(
        written.on_conflict_do_update(index_elements=["year"], set_={k: written.excluded[k] for k in row}, where=newer)
    )


async def is_working_day(connection: AsyncConnection, on: date) -> bool | None:
    """Whether the day is a working day; None as long as its year is not published: a person then decides."""
    rows = (await connection.execute(select(YEAR.c.version).order_by(YEAR.c.year))).scalars().all()
    if not rows:
        return None
    calendar = _ASSEMBLED.get(tuple(rows))
    if calendar is None:
        contents = (await connection.execute(select(YEAR.c.content).order_by(YEAR.c.year))).scalars().all()
        calendar = assemble(deserialise(content) for content in contents)
        _ASSEMBLED.clear()
        _ASSEMBLED[tuple(rows)] = calendar
    try:
        kind = calendar.describe(on)
    except OutsideCalendar:
        return None
    return None if kind.provisional else kind.counts


_ASSEMBLED: Final[dict[tuple[str, ...], WorkingCalendar]] = {}
