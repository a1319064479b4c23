"""Deadlines of a ticket, why they are what they are, and previews of such that do not exist."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Anchor, DeadlineKind, Limit
from common.messaging.room import Room
from common.security.access import Principal, admit, require
from common.security.bearer import Caller
from common.web.inputs import ApiModel
from common.web.problems import Problem, not_found
from common.web.reading import Page
from sla.deadlines import Deadline
from sla.docket import Docket
from sla.plan import NoRuleApplies, ruling
from sla.store import CALENDARS, SHELF, deadlines_of, load_docket

from .explaining import Explained, exempt, explained_row


class DeadlineShown(ApiModel):
    """A deadline. ``overdue``: the limit has passed and nothing that meets it is known; ``unconfirmed``: the red lamp
    still waits until everything that happened before is known here. ``allowance``: the limit as its rule states it,
    without extensions; null for a given instant.
    """

    kind: DeadlineKind
    subject: str
    unit: str | None
    round: int
    case: UUID | None
    window: bool
    anchor: Anchor
    allowance: Limit | None
    warn_at: datetime | None
    due_at: datetime
    original_due_at: datetime
    state: str
    verdict: str | None
    fact_at: datetime | None
    overdue: bool
    unconfirmed: bool
    generation: int
    provisional: bool
    policy: str
    calendar: str
    basis: Basis


def add_deadlines(api: APIRouter, room: Room) -> None:
    @api.get("/tickets/{ticket}/deadlines")
    async def list_deadlines(ticket: UUID, caller: Caller) -> Page[DeadlineShown]:
        """工单的全部时限."""
        now = room.clock.now()
        _, rows = await _visible(room, caller, ticket)
        return Page(items=[_shown(row, now) for row in rows])

    @api.get("/tickets/{ticket}/deadlines/{kind}/explanation")
    async def explain_deadline(
        ticket: UUID,
        kind: DeadlineKind,
        caller: Caller,
        unit: UnitCode | None = None,
        round_: Annotated[int | None, Query(alias="round", ge=1, le=1000)] = None,
        case: UUID | None = None,
    ) -> Explained:
        """逐日说明时限如何计算；不指明单位、轮次的，为主办单位当前轮次；不指明事项的，为最近一件."""
        docket, rows = await _visible(room, caller, ticket)
        wanted = round_ or max(docket.round, 1)
        found = _meant([row for row in rows if row.kind == kind], docket, unit, round_, case)
        async with room.database.engine.connect() as connection:
            if found is not None:
                counted_with = await CALENDARS.version(connection, found.calendar)
                return explained_row(found, counted_with, await CALENDARS.current(connection))
            pack = await SHELF.version(connection, docket.policy)
        not_set = Problem(404, "deadline_not_set", "时限尚未起算", "该项时限尚未起算，或者不属于所查单位、轮次。")
        try:
            rule = ruling(
                pack,
                kind,
                docket.situation(wanted),
                room.clock.now(),
                docket.legal_limit,
                concluded=docket.concluded,
                imposed=docket.imposed_limit,
            )
        except NoRuleApplies as silent:
            raise not_set from silent
        if rule is not None and rule.counting is not None:
            raise not_set
        return exempt(kind, pack, rule)


async def _visible(room: Room, caller: Principal, ticket: UUID) -> tuple[Docket, list[Deadline]]:
    """The ticket's docket and deadlines; a unit that held it once sees its own, as of its rounds."""
    admit("deadlines.read", caller)
    async with room.database.engine.connect() as connection:
        docket = await load_docket(connection, ticket)
        if docket is None or docket.about != "ticket":
            raise not_found()
        holders = docket.holders | set(docket.former)
        require("deadlines.read", caller, jurisdiction=docket.jurisdiction, holders=holders)
        rows = await deadlines_of(connection, ticket)
    if caller.role == "unit" and caller.unit not in docket.holders:
        rows = [row for row in rows if row.unit == caller.unit]
    return docket, rows


def _meant(
    rows: list[Deadline], docket: Docket, unit: str | None, round_: int | None, case: UUID | None
) -> Deadline | None:
    """The deadline that is asked for: of the lead before a co-handler, of what is decided last before earlier cases."""
    known_as = docket.known_as(unit)
    rows = [
        row for row in rows if (unit is None or row.unit in (unit, known_as)) and (case is None or row.case == case)
    ]
    wanted = round_ if round_ is not None or any(row.case for row in rows) else max(docket.round, 1)
    rows = [row for row in rows if wanted is None or row.round == wanted]
    lead = [row for row in rows if row.case is None and row.unit == docket.unit]
    return next(iter(lead or sorted(rows, key=lambda row: row.anchor.at, reverse=True)), None)


def _shown(row: Deadline, now: datetime) -> DeadlineShown:
    overdue = row.open and not row.window and row.state != "stopped" and row.due_at <= now
    return DeadlineShown(
        kind=row.kind,
        subject=row.subject,
        unit=row.unit,
        round=row.round,
        case=row.case,
        window=row.window,
        anchor=row.anchor,
        allowance=row.stated,
        warn_at=row.warn_at,
        due_at=row.due_at,
        original_due_at=row.original_due_at,
        state=row.state,
        verdict=row.verdict,
        fact_at=row.fact_at,
        overdue=overdue,
        unconfirmed=overdue and row.state != "breached",
        generation=row.generation,
        provisional=row.provisional,
        policy=row.policy,
        calendar=row.calendar,
        basis=row.basis[0],
    )
