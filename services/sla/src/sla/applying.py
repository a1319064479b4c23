"""A pack that applies to open tickets is applied to them (semantics: packs at run time): oldest first, in batches.

Each ticket's ``PolicyApplied`` goes before the ``DeadlineMoved`` it causes, in one transaction under the docket's lock.
What is left to do is asked of the tables, so that a crash forgets nothing and a late registration is not passed over.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from common.calendar import OutsideCalendar
from common.clock import local_date
from common.events.sla import PolicyApplied
from common.failpoint import reach
from common.messaging.room import Room, Transaction
from common.runtime.service import pause

from .announcements import SYSTEM
from .days import begins
from .docket import Docket
from .facts import Fact
from .moves import DecisionUnknown
from .plan import NoRuleApplies
from .store import SHELF, any_open_under, current_version, lock_dockets, open_under, versions_listed
from .taking import take

log = structlog.get_logger()

MOST: Final = 100
_LOOK_SECONDS: Final = 2.0
_Under = tuple[str, str | None]
"""The version that applies, and that of the calendar."""
_Cannot = (NoRuleApplies, OutsideCalendar, DecisionUnknown)


class Version(NamedTuple):
    """A version of a pack in the registry. ``applies``: to open tickets, too."""

    version: str
    jurisdiction: str
    effective_from: date
    effective_to: date | None
    activated_at: datetime
    applies: bool


def successors(versions: Iterable[Version], on: date) -> dict[str, str]:
    """Version → the one to which its open tickets change on that day; those that keep theirs are not in it.

    Of several that applied to open tickets, the one that took effect last; a version whose period is over takes none.
    """
    ordered = sorted(versions, key=lambda one: (one.jurisdiction, one.effective_from, one.activated_at, one.version))
    found: dict[str, str] = {}
    for _, own in groupby(ordered, key=lambda one: one.jurisdiction):
        target: str | None = None
        for one in reversed([each for each in own if each.effective_from <= on]):
            if target is not None:
                found[one.version] = target
            elif one.applies and (one.effective_to is None or on <= one.effective_to):
                target = one.version
    return found


async def registered_versions(connection: AsyncConnection) -> list[Version]:
    """All versions of the registry."""
    rows = await versions_listed(connection)
    return [Version(*row, (await SHELF.version(connection, row.version)).moves_open_tickets) for row in rows]


class Applying:
    """Background work: as soon as a pack that applies to open tickets is in force."""

    def __init__(self, room: Room, *, most: int = MOST) -> None:
        self._room = room
        self._most = most
        self._after: dict[str, UUID] = {}
        # Only for the rules and the calendar under which it was tried: others may know what to do with the ticket.
        self._refused: dict[_Under, set[UUID]] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if await self.step() == 0:
                await pause(stopping, _LOOK_SECONDS)

    async def step(self) -> int:
        """Apply to one batch; how many tickets changed. A ticket that somebody works on waits for the next round."""
        async with self._room.database.engine.connect() as connection:
            following = await self._following(connection)
            calendar = await current_version(connection)
            batch: Sequence[UUID] = ()
            for old in following:
                batch = await open_under(connection, old, self._after.get(old), self._most)
                if len(batch) < self._most:
                    self._after.pop(old, None)
                else:
                    self._after[old] = batch[-1]
                if batch:
                    break
        if not batch:
            return 0
        under = (following[old], calendar)
        todo = [ticket for ticket in batch if ticket not in self._refused.get(under, ())]
        if not todo:
            return 0
        try:
            applied = await self._apply(todo, following)
        except _Cannot:
            applied = sum([await self._apply_alone(ticket, following, under) for ticket in todo])
        if applied:
            log.info("pack applied to open tickets", tickets=applied, pack=following[old])
        return applied

    async def _apply(self, tickets: Sequence[UUID], following: Mapping[str, str]) -> int:
        async with self._room.transaction() as tx:
            dockets = await lock_dockets(tx.connection, tickets)
            changing = [one for one in dockets.values() if one.policy in following and one.ended_at is None]
            for docket in changing:
                await apply(tx, docket, following[docket.policy])
            reach("applying.before_commit")
        return len(changing)

    async def _apply_alone(self, ticket: UUID, following: Mapping[str, str], under: _Under) -> int:
        try:
            return await self._apply([ticket], following)
        except _Cannot as refused:
            self._refused.setdefault(under, set()).add(ticket)
            log.error("pack cannot be applied to a ticket, which keeps its own", ticket=str(ticket), why=str(refused))
            return 0

    async def _following(self, connection: AsyncConnection) -> dict[str, str]:
        return successors(await registered_versions(connection), local_date(self._room.clock.now()))

    async def next_due(self) -> datetime | None:
        """When the next pack that applies to open tickets comes into force."""
        now = self._room.clock.now()
        async with self._room.database.engine.connect() as connection:
            ahead = [begins(one.effective_from) for one in await registered_versions(connection) if one.applies]
        return min((at for at in ahead if at > now), default=None)

    async def unfinished(self) -> bool:
        """Whether an open ticket stands under a pack that another has replaced."""
        async with self._room.database.engine.connect() as connection:
            following = await self._following(connection)
            calendar = await current_version(connection)
            for old, new in following.items():
                if await any_open_under(connection, [old], self._refused.get((new, calendar), ())):
                    return True
        return False


async def apply(tx: Transaction, docket: Docket, version: str) -> None:
    """Put one open ticket under that version. The docket is locked. ``NoRuleApplies``, ``OutsideCalendar``."""
    stated = (await SHELF.version(tx.connection, version)).applies_to_open_tickets
    data = PolicyApplied(
        jurisdiction=docket.jurisdiction,
        policy=version,
        ticket=docket.ticket,
        number=docket.number,
        round=docket.round,
        occurred_at=tx.now,
        accepted_at=tx.now,
        actor=SYSTEM,
        basis=() if stated is None else (stated.basis,),
        from_policy=docket.policy,
        to_policy=version,
    )
    event = tx.announce(data, docket.subject)
    more = {"from_policy": docket.policy, "to_policy": version}
    fact = Fact(event, "PolicyApplied", tx.service, tx.now, tx.now, docket.round, more=more)
    await take(tx, docket, fact)
