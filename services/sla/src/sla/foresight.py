"""What would move if a pack applied to open tickets: looked at before it is activated. Nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.calendar import OutsideCalendar
from common.clock import local_date, new_id
from common.policy import Pack

from .applying import Version, registered_versions, successors
from .days import begins
from .deadlines import Deadline
from .docket import Docket
from .facts import Fact
from .known import Change, Known
from .life import change
from .moves import DecisionUnknown
from .plan import NoRuleApplies, Rules
from .store import CALENDARS, count_open_under, deadlines_by_ticket, open_dockets

MOST_LOOKED_AT: Final = 20_000
"""Open tickets that one preview looks at, those registered first first."""
_AT_ONCE: Final = 500

Fate = Literal["moved", "newly_owed", "lifted"]
Reason = Literal["unchanged", "past_limit", "filed", "case"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one deadline. ``old_due_at`` is None where nothing is owed now, ``due_at`` if not then."""

    ticket: UUID
    number: str
    unit: str | None
    kind: str
    round: int
    fate: Fate
    old_due_at: datetime | None
    due_at: datetime | None


@dataclass(slots=True)
class Foresight:
    """``tickets``: open ones under an earlier version; ``looked_at`` of them. ``stays``: running deadlines that keep
    their instant, and why. ``without_rule``: tickets that the pack has no rule for, which would keep theirs.
    """

    at: datetime
    tickets: int = 0
    looked_at: int = 0
    without_rule: list[str] = field(default_factory=list)
    items: list[Foreseen] = field(default_factory=list)
    stays: Counter[Reason] = field(default_factory=Counter)
    staying_of: Counter[str | None] = field(default_factory=Counter)

    def add(self, docket: Docket, rows: Sequence[Deadline], done: Change | None) -> None:
        """Count one ticket; ``done`` is None where the pack has no rule for it."""
        self.looked_at += 1
        running = {row.id: row for row in rows if row.open}
        found = list(_fates(docket, {row.id: row for row in rows}, done)) if done else []
        if done is None:
            self.without_rule.append(docket.number)
        self.items += (item for _, item in found)
        for touched, item in found:
            if item.fate != "newly_owed":
                running.pop(touched, None)
        for row in running.values():
            self.stays[_why(row, self.at)] += 1
            self.staying_of[row.unit] += 1


def _fates(docket: Docket, rows: Mapping[UUID, Deadline], done: Change) -> Iterator[tuple[UUID, Foreseen]]:
    def item(row: Deadline, fate: Fate, old: datetime | None, new: datetime | None) -> tuple[UUID, Foreseen]:
        return row.id, Foreseen(docket.ticket, docket.number, row.unit, row.kind, row.round, fate, old, new)

    for step in done.steps:
        row, before = step.deadline, rows[step.deadline.id]
        if row.state == "superseded":
            yield item(row, "lifted", before.due_at, None)
        elif not before.open:
            yield item(row, "newly_owed", None, row.due_at)
        elif row.due_at != before.due_at:
            yield item(row, "moved", before.due_at, row.due_at)
    for row in done.opened:
        yield item(row, "newly_owed", None, row.due_at)


def _why(row: Deadline, at: datetime) -> Reason:
    if row.case is not None:
        return "case"
    if row.filed_at is not None:
        return "filed"
    return "past_limit" if row.due_at <= at else "unchanged"


async def foresee(connection: AsyncConnection, pack: Pack, now: datetime) -> Foresight:
    """What the pack would change on its first day, or now where that has come, if it applied to open tickets."""
    at = max(now, begins(pack.effective_from))
    earlier = _earlier(await registered_versions(connection), pack, local_date(at), now)
    rules = Rules(pack, await CALENDARS.current(connection))
    found = Foresight(at, tickets=await count_open_under(connection, earlier))
    for policy in earlier:
        after: UUID | None = None
        while found.looked_at < MOST_LOOKED_AT:
            dockets = await open_dockets(connection, policy, after, min(_AT_ONCE, MOST_LOOKED_AT - found.looked_at))
            if not dockets:
                break
            rows = await deadlines_by_ticket(connection, [one.ticket for one in dockets])
            await asyncio.to_thread(_look, found, dockets, rows, rules)
            after = dockets[-1].ticket
    return found


def _earlier(versions: Iterable[Version], pack: Pack, on: date, now: datetime) -> list[str]:
    """The versions whose open tickets would change to the pack."""
    others = [one for one in versions if one.version != pack.version and one.jurisdiction == pack.jurisdiction]
    latest = max((one.activated_at for one in others), default=now)
    last = max(now, latest + timedelta(microseconds=1))
    candidate = Version(pack.version, pack.jurisdiction, pack.effective_from, pack.effective_to, last, applies=True)
    following = successors([*others, candidate], on)
    return [old for old, new in following.items() if new == pack.version]


def _look(found: Foresight, dockets: Sequence[Docket], rows: Mapping[UUID, list[Deadline]], rules: Rules) -> None:
    for docket in dockets:
        own = rows.get(docket.ticket, [])
        more = {"from_policy": docket.policy, "to_policy": rules.pack.version}
        fact = Fact(new_id(), "PolicyApplied", "sla", found.at, found.at, docket.round, more=more)
        try:
            found.add(docket, own, change(Known(docket, own), fact, rules))
        except (NoRuleApplies, OutsideCalendar, DecisionUnknown):
            found.add(docket, own, None)
