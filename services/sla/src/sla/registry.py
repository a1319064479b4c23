"""The registry of packs and calendars: what is in force, announced to everybody on hotline.reference."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.ext.asyncio import AsyncConnection

from common.calendar import CalendarRefused, CalendarYear, assemble, read_years, serialise
from common.clock import new_id
from common.events.envelope import Actor
from common.events.sla import CalendarPublished, PolicyActivated
from common.messaging.room import Room, Transaction
from common.policy import Pack, PackInvalid, load_pack, pack_directories
from common.security.access import Principal

from .store import SHELF, put_calendar, put_year, year_contents, years_in_force

log = structlog.get_logger()

CALENDAR_FOLDER: Final = "calendar"
SYSTEM: Final = Actor(role="system")


def acting(caller: Principal) -> Actor:
    """Who publishes or activates."""
    return Actor(role=caller.role, unit=caller.unit, account=caller.account)


class Activated(NamedTuple):
    """One version of a pack in the registry."""

    version: str
    jurisdiction: str
    name: str
    effective_from: date
    effective_to: date | None
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """A year that was published: ``event`` is None when the same content was in force already."""

    version: str
    event: UUID | None


async def activate_first(room: Room, packs: Path) -> None:
    """At the first start: publish the years of ``packs``/calendar and activate the packs, all or nothing.

    ``PackInvalid`` and ``CalendarRefused`` name file and line. Several processes may start at once: one does it.
    """
    async with room.transaction() as tx:
        await one_at_a_time(tx.connection)
        if await tx.connection.scalar(text("select exists (select from policy_version)")):
            return
        try:
            years, found = await asyncio.to_thread(_read, packs)
        except (PackInvalid, CalendarRefused) as refused:
            log.error("packs cannot be activated", why=str(refused))
            raise
        await publish_years(tx, years, SYSTEM)
        for pack in found:
            await activate(tx, pack, SYSTEM)
    log.info("first activation", packs=[pack.version for pack in found], years=len(years))


def _read(packs: Path) -> tuple[list[CalendarYear], list[Pack]]:
    return read_years(packs / CALENDAR_FOLDER), [load_pack(directory) for directory in pack_directories(packs)]


async def activate(tx: Transaction, pack: Pack, actor: Actor) -> UUID | None:
    """Put a pack's version in force from its first day; None when it is the one activated last already.

    Open tickets change to it where it says so (``applying``); the others keep theirs.
    """
    await one_at_a_time(tx.connection)
    standing = next(iter(await activated(tx.connection, pack.jurisdiction)), None)
    if standing is not None and standing.version == pack.version:
        return None
    # What is activated last is in force, also while simulated time stands still.
    at = tx.now if standing is None else max(tx.now, standing.activated_at + timedelta(microseconds=1))
    data = PolicyActivated(
        jurisdiction=pack.jurisdiction,
        version=pack.version,
        effective_from=pack.effective_from,
        effective_to=pack.effective_to,
        pack=pack.dump(),
        occurred_at=at,
        accepted_at=tx.now,
        actor=actor,
    )
    # Its own services need it at once: the events of tickets under it may come before this one comes back.
    await SHELF.put(tx.connection, data)
    return tx.announce(data, f"policy/{pack.jurisdiction}")


async def publish_years(tx: Transaction, years: Sequence[CalendarYear], actor: Actor) -> list[Published]:
    """Put years in force, together with those published before; ``CalendarsContradict`` when they do not agree."""
    await one_at_a_time(tx.connection)
    standing = await years_in_force(tx.connection)
    fresh = {year.year: year for year in years}
    kept = await year_contents(tx.connection, [version for year, version in standing.items() if year not in fresh])
    calendar = assemble([*kept, *years])
    versions = {year.year: year_version(year) for year in years}
    events = {year: new_id() for year, version in versions.items() if standing.get(year) != version}
    for year in years:
        await put_year(tx.connection, year, versions[year.year], serialise(year), tx.now)
        if year.year in events:
            data = CalendarPublished(
                year=year.year,
                version=versions[year.year],
                content=serialise(year),
                occurred_at=tx.now,
                accepted_at=tx.now,
                actor=actor,
            )
            tx.announce(data, f"calendar/{year.year}", event_id=events[year.year])
    if events:
        await put_calendar(tx.connection, calendar.version, standing | versions, list(events.values())[-1])
    return [Published(versions[year.year], events.get(year.year)) for year in years]


def year_version(year: CalendarYear) -> str:
    """``2026@<12 hex digits of the content's SHA-256>``."""
    content = json.dumps(serialise(year), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{year.year}@{hashlib.sha256(content.encode()).hexdigest()[:12]}"


async def activated(connection: AsyncConnection, jurisdiction: str | None = None) -> list[Activated]:
    """All versions, by jurisdiction, the one activated last first."""
    table = SHELF.table
    query = select(
        table.c.version,
        table.c.jurisdiction,
        table.c.pack["name"].as_string(),
        table.c.effective_from,
        table.c.effective_to,
        table.c.activated_at,
    ).order_by(table.c.jurisdiction, table.c.activated_at.desc(), table.c.version.desc())
    if jurisdiction is not None:
        query = query.where(table.c.jurisdiction == jurisdiction)
    return [Activated(*row) for row in await connection.execute(query)]


async def last_activated(connection: AsyncConnection, jurisdiction: str) -> str | None:
    """The version activated last."""
    versions = await activated(connection, jurisdiction)
    return versions[0].version if versions else None


async def count_open_tickets(connection: AsyncConnection, jurisdiction: str) -> int:
    """Tickets of the jurisdiction with deadlines that still run: they keep the pack they have."""
    return int((await connection.execute(_OPEN_TICKETS, {"jurisdiction": jurisdiction})).scalar_one())


async def one_at_a_time(connection: AsyncConnection) -> None:
    """Whoever changes the registry holds this until the end of the transaction, from before its first look at it.

    Closes the races of two publications that each assemble a calendar without the other's year, or that both answer
    to the version that both have read.
    """
    await connection.execute(text("select pg_advisory_xact_lock(hashtext('sla registry'))"))


_OPEN_TICKETS = text(
    """
    select count(*) from docket d
    where d.jurisdiction = :jurisdiction and exists (
        select from deadline l where l.ticket = d.ticket and l.state in ('armed', 'approaching', 'breached', 'stopped')
    )
    """
).bindparams(bindparam("jurisdiction", type_=TEXT))
