"""Published calendar years, and the calendars assembled of them: every version that a deadline was counted with."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, RowMapping, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.calendar import CalendarYear, NoCalendar, WorkingCalendar, assemble, deserialise

from .tables import CALENDAR, CALENDAR_YEAR


class Calendars:
    """The assembled calendars, by version; the tables are asked which one is in force, never a cache."""

    def __init__(self) -> None:
        self._assembled: dict[str, WorkingCalendar] = {}

    async def current(self, connection: AsyncConnection) -> WorkingCalendar:
        """The calendar in force; ``NoCalendar`` before the first publication."""
        version = await current_version(connection)
        if version is None:
            raise NoCalendar("no calendar year has been published")
        return await self.version(connection, version)

    async def version(self, connection: AsyncConnection, version: str) -> WorkingCalendar:
        """The calendar that a deadline was counted with."""
        calendar = self._assembled.get(version)
        if calendar is None:
            years = (await connection.execute(_YEARS_OF, {"version": version})).scalars().all()
            calendar = self._assembled[version] = assemble(deserialise(content) for content in years)
        return calendar


CALENDARS = Calendars()


async def current_version(connection: AsyncConnection) -> str | None:
    """Which assembled calendar is in force."""
    found = (await connection.execute(_CURRENT)).scalar()
    return None if found is None else str(found)


async def calendar_cause(connection: AsyncConnection, version: str) -> UUID | None:
    """The event that put that calendar in force."""
    return (await connection.execute(select(CALENDAR.c.cause).where(CALENDAR.c.version == version))).scalar()


async def year_in_force(connection: AsyncConnection, year: int) -> RowMapping | None:
    """``version``, ``content`` and ``published_at`` of a published year."""
    return (await connection.execute(_YEAR_IN_FORCE, {"year": year})).mappings().first()


async def contents_in_force(connection: AsyncConnection) -> list[RowMapping]:
    """``year``, ``version``, ``content`` and ``published_at`` of each published year, in order."""
    return list((await connection.execute(_CONTENTS_IN_FORCE)).mappings())


async def years_in_force(connection: AsyncConnection) -> dict[int, str]:
    """Year → version of what is published now. Publishers hold the advisory lock: one assembles at a time."""
    years = (await connection.execute(_YEARS_IN_FORCE)).scalar() or {}
    return {int(year): str(version) for year, version in years.items()}


async def year_contents(connection: AsyncConnection, versions: Collection[str]) -> list[CalendarYear]:
    """Published years by their versions."""
    query = select(CALENDAR_YEAR.c.content).where(CALENDAR_YEAR.c.version.in_(versions))
    return [deserialise(content) for content in (await connection.execute(query)).scalars()]


async def put_year(connection: AsyncConnection, year: CalendarYear, version: str, content: Any, at: datetime) -> None:
    """Keep one published year; its content's version names it for ever."""
    values = {"version": version, "year": year.year, "content": content, "published_at": at}
    await connection.execute(insert(CALENDAR_YEAR).values(**values).on_conflict_do_nothing())


async def put_calendar(connection: AsyncConnection, version: str, years: Mapping[int, str], cause: UUID | None) -> None:
    """Put a calendar in force, also one that had been before."""
    kept = {str(year): years[year] for year in sorted(years)}
    await connection.execute(
        _PUT_CALENDAR.bindparams(bindparam("years", type_=JSONB)), {"version": version, "years": kept, "cause": cause}
    )


_CURRENT = text("select version from calendar order by ordinal desc limit 1")
_YEARS_IN_FORCE = text("select years from calendar order by ordinal desc limit 1")
_YEAR_IN_FORCE = text(
    """
    select y.version, y.content, y.published_at
    from (select years from calendar order by ordinal desc limit 1) c
    join calendar_year y on y.version = c.years ->> cast(:year as text)
    """
).bindparams(bindparam("year", type_=Integer))
_CONTENTS_IN_FORCE = text(
    """
    select y.year, y.version, y.content, y.published_at
    from (select years from calendar order by ordinal desc limit 1) c, jsonb_each_text(c.years) e
    join calendar_year y on y.version = e.value
    order by y.year
    """
)
_YEARS_OF = text(
    """
    select y.content from calendar c, jsonb_each_text(c.years) e join calendar_year y on y.version = e.value
    where c.version = :version order by y.year
    """
)
_PUT_CALENDAR = text(
    """
    insert into calendar (version, years, cause) values (:version, :years, :cause)
    on conflict (version) do update set ordinal = default, cause = excluded.cause
    """
).bindparams(bindparam("cause", type_=PgUUID))
