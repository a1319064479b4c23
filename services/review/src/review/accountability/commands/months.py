"""Satisfaction by natural months: looked at when a month is over, and again when an answer of it comes late."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from common.clock import SHANGHAI
from common.messaging.room import Room, Transaction
from common.policy.accountability import Accountability, LowSatisfaction
from common.policy.pack import Pack
from common.policy.refusals import NoPackInForce
from common.runtime.service import pause
from review.accountability import store
from review.accountability.commands.keeping import Matter, settle
from review.accountability.rules import Fact, Tally, month_of, months_back, months_found, tallied
from review.docket import SHELF, Docket

TICK_SECONDS: Final = 0.5


def beginning(month: date) -> datetime:
    """The first instant of a natural month."""
    return datetime(month.year, month.month, 1, tzinfo=SHANGHAI)


async def settle_late(tx: Transaction, docket: Docket, pack: Pack, fact: Fact) -> None:
    """An answer of a month that is over already may change what was found in the rows that the month stands in."""
    month, present = month_of(fact.at), month_of(tx.now)
    rule = _rule(pack.accountability)
    if rule is None or pack.accountability is None or month >= present:
        return
    for ahead in range(rule.months):
        last = months_back(month, -ahead)
        if last < present:
            await _settle(tx, pack, pack.accountability, docket.jurisdiction, fact.unit, last)


async def _settle(
    tx: Transaction, pack: Pack, accountability: Accountability, jurisdiction: str, unit: str, last: date
) -> None:
    """Bring what is open about the row of months that ends with ``last`` up to the answers."""
    rule = _rule(accountability)
    ground = accountability.ground_of("low_satisfaction")
    if rule is None or ground is None:
        return
    findings = await store.of_months(tx.connection, unit, ground.code)
    own = [one for one in findings if one.month == last]
    if any(one.state in ("issued", "sent", "dismissed") for one in own):
        return
    standing = next((one for one in own if one.state == "open"), None)
    taken = {
        date.fromisoformat(month["month"])
        for one in findings
        if one.state != "lapsed" and one.month != last
        for month in one.months
    }
    since, until = beginning(months_back(last, rule.months - 1)), beginning(months_back(last, -1))
    tallies = tallied(await store.asked(tx.connection, unit, since, until))
    row = months_found(ground, tallies, last, taken)
    matter = Matter(jurisdiction, pack.version, month=last)
    if row is None:
        await settle(tx, accountability, matter, ground, unit, standing, None)
    else:
        found, months = row
        await settle(tx, accountability, matter, ground, unit, standing, found, [_stored(one) for one in months])


def _rule(accountability: Accountability | None) -> LowSatisfaction | None:
    ground = accountability.ground_of("low_satisfaction") if accountability else None
    return ground.found_by if ground and isinstance(ground.found_by, LowSatisfaction) else None


def _stored(tally: Tally) -> dict[str, Any]:
    return {"month": tally.month.isoformat(), "asked": tally.asked, "satisfied": tally.good}


class Months:
    """Looks at every month once it is over. Several workers may: each month is one worker's."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._closed_until: date | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self.close()
            await pause(stopping, TICK_SECONDS)

    async def close(self) -> None:
        """Look at the months that are over and were not looked at."""
        present = month_of(self._room.clock.now())
        if self._closed_until == present:
            return
        async with self._room.database.engine.connect() as connection:
            first = await store.first_asked(connection)
            jurisdictions = await store.jurisdictions(connection)
        month = present if first is None else month_of(first)
        while month < present:
            for jurisdiction in jurisdictions:
                await self._close(jurisdiction, month)
            month = months_back(month, -1)
        self._closed_until = present

    async def _close(self, jurisdiction: str, month: date) -> None:
        try:
            pack = await SHELF.in_force(
                self._room.database, jurisdiction, beginning(months_back(month, -1)) - timedelta(days=1)
            )
        except NoPackInForce:
            return
        if pack.accountability is None:
            return
        async with self._room.transaction() as tx:
            if not await store.close_month(tx, jurisdiction, month):
                return
            since, until = beginning(month), beginning(months_back(month, -1))
            for unit in await store.units_asked_about(tx.connection, jurisdiction, since, until):
                await _settle(tx, pack, pack.accountability, jurisdiction, unit, month)

    async def next_due(self) -> datetime | None:
        """The end of the month, once there is anything to look at then."""
        async with self._room.database.engine.connect() as connection:
            anything = await store.anything_asked(connection)
        return beginning(months_back(month_of(self._room.clock.now()), -1)) if anything else None

    async def unfinished(self) -> Sequence[str]:
        """Whether a month is over and not looked at yet."""
        over = self._closed_until is not None and self._closed_until != month_of(self._room.clock.now())
        return ["months to close"] if over else []
