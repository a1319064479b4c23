"""Packs that run out, and pack files that are newer than what is active: told before somebody is refused."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import text

from common.clock import local_date
from common.messaging.room import Room
from common.observability import Metrics
from common.policy import PackInvalid, load_pack, pack_directories
from common.runtime.service import pause

from .store import any_open_under, versions_listed
from .store.packs import Listed

log = structlog.get_logger()

_LOOK_SECONDS: Final = 30.0
_SOON_DAYS: Final = 30
"""So long before its last day a pack without a successor is spoken of."""
_AFTER_THE_START_SECONDS: Final = 15.0


def in_force_until(versions: Iterable[Listed], on: date) -> date | None:
    """The last day that a jurisdiction's packs reach without a gap: ``date.max`` without end, None: none holds now."""
    versions = tuple(versions)
    reached: date | None = None
    day = on
    while covering := [one for one in versions if one.effective_from <= day <= (one.effective_to or date.max)]:
        reached = max(one.effective_to or date.max for one in covering)
        if reached == date.max:
            break
        day = reached + timedelta(days=1)
    return reached


class Expiry:
    """Looks by domain time: a metric at all times, a line in the log once a day."""

    def __init__(self, room: Room, metrics: Metrics) -> None:
        self._room = room
        self._days_left = metrics.gauge("pack_days_left", "Days until no pack is in force; absent without end", "of")
        self._told_on: dict[str, date] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.look()
            await pause(stopping, _LOOK_SECONDS)

    async def look(self) -> list[str]:
        """The jurisdictions that have open tickets and no pack in force."""
        today = local_date(self._room.clock.now())
        async with self._room.database.engine.connect() as connection:
            versions = await versions_listed(connection)
            without: list[str] = []
            for jurisdiction in sorted({one.jurisdiction for one in versions}):
                own = [one for one in versions if one.jurisdiction == jurisdiction]
                until = in_force_until(own, today)
                self._show(jurisdiction, until, today)
                if until is None and await any_open_under(connection, [one.version for one in own]):
                    without.append(jurisdiction)
                    self._once_a_day(
                        jurisdiction, today, "no pack in force for open tickets; nothing can be registered"
                    )
        return without

    def _show(self, jurisdiction: str, until: date | None, today: date) -> None:
        if until == date.max:
            return
        left = -1 if until is None else (until - today).days
        self._days_left.labels(self._room.service, jurisdiction).set(left)
        if until is not None and left <= _SOON_DAYS:
            self._once_a_day(jurisdiction, today, "the pack runs out and none follows", last_day=until.isoformat())

    def _once_a_day(self, jurisdiction: str, today: date, what: str, **more: str) -> None:
        if self._told_on.get(jurisdiction) != today:
            self._told_on[jurisdiction] = today
            log.error(what, jurisdiction=jurisdiction, **more)


async def tell_of_newer_files(room: Room, packs: Path, stopping: asyncio.Event) -> None:
    """A moment after the start: which packs in the folder are not what is active, as after an upgrade. One process does
    it, and nothing is activated.
    """
    await pause(stopping, _AFTER_THE_START_SECONDS)
    if stopping.is_set():
        return
    async with room.database.engine.begin() as connection:
        if not await connection.scalar(text("select pg_try_advisory_xact_lock(hashtext('sla newer packs'))")):
            return
        for jurisdiction, version, active in await asyncio.to_thread(
            differing, packs, await versions_listed(connection)
        ):
            log.warning(
                "the pack in the folder is not the active one",
                pack=version,
                active=active,
                activate_with=f"hotline policy activate {jurisdiction}",
            )


def differing(packs: Path, versions: Sequence[Listed]) -> list[tuple[str, str, str | None]]:
    """Jurisdiction, version in the folder and version activated last, where they differ; a broken pack is logged."""
    latest = {one.jurisdiction: one.version for one in sorted(versions, key=lambda one: one.activated_at)}
    found = []
    for directory in pack_directories(packs):
        try:
            pack = load_pack(directory)
        except PackInvalid as broken:
            log.error("a pack in the folder does not hold", pack=directory.name, why=str(broken).split("\n", 1)[0])
            continue
        if latest and latest.get(pack.jurisdiction) != pack.version:
            found.append((pack.jurisdiction, pack.version, latest.get(pack.jurisdiction)))
    return found
