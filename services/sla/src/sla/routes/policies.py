"""Packs: what is in force, and putting a version in force."""

import asyncio
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from common.calendar import NoCalendar
from common.messaging.room import Room, Transaction
from common.policy import NoPackInForce, Pack, PackInvalid, load_pack, parse_pack
from common.security.access import require
from common.security.bearer import Caller
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel
from common.web.problems import Problem, conflict, invalid, not_found
from common.web.reading import Page
from sla.foresight import foresee
from sla.registry import acting, activate, activated, count_open_tickets, last_activated
from sla.store import SHELF

from .wording import of_finding


class PolicyShown(ApiModel):
    version: str
    jurisdiction: str
    name: str
    effective_from: date
    effective_to: date | None
    activated_at: datetime
    in_force: bool


class Activation(ApiModel):
    """``content``: the whole pack; without it, the files of the server. ``preview``: only say what would happen;
    ``offset`` and ``size`` choose which of the deadlines that would move are listed.
    """

    preview: bool = False
    content: dict[str, Any] | None = None
    offset: Annotated[int, Field(ge=0)] = 0
    size: Annotated[int, Field(ge=1, le=1000)] = 200


class Fate(ApiModel):
    """One deadline. ``old_due_at`` is null where nothing is owed now, ``due_at`` where nothing would be then."""

    model_config = ConfigDict(from_attributes=True)

    ticket: UUID
    number: str
    unit: str | None
    kind: str
    round: int
    fate: Literal["moved", "newly_owed", "lifted"]
    old_due_at: datetime | None
    due_at: datetime | None


class UnitFates(ApiModel):
    """Of one unit, null: the centre."""

    unit: str | None
    moved: int
    newly_owed: int
    lifted: int
    stays: int


class WouldMove(ApiModel):
    """What the pack would change if it applied to open tickets, on its first day or now.

    ``tickets``: open ones under an earlier version; ``looked_at``: how many of them this preview looked at, those
    registered first. ``stays``: running deadlines that keep their instant: unchanged, past their limit, their report
    filed, or of a case. ``without_rule``: tickets the pack has no rule for, which would keep theirs.
    """

    at: datetime
    tickets: int
    looked_at: int
    moved: int
    newly_owed: int
    lifted: int
    stays: dict[str, int]
    without_rule: int
    without_rule_numbers: list[str]
    units: list[UnitFates]
    total: int
    items: list[Fate]
    next_offset: int | None


class ActivationAnswered(ApiModel):
    """``open_tickets``: tickets with running deadlines. ``applies_to_open_tickets``: they change to this pack as soon
    as it is in force; else they keep the one they were registered under. ``would_move``: of a preview.
    """

    version: str
    jurisdiction: str
    effective_from: date
    effective_to: date | None
    preview: bool
    active_already: bool
    open_tickets: int
    applies_to_open_tickets: bool
    would_move: WouldMove | None = None
    event: UUID | None = None


PackName = Annotated[str, InPath(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]


def add_policies(api: APIRouter, room: Room, commands: Commands[Transaction], packs: Path) -> None:
    @api.get("/policies")
    async def list_policies(caller: Caller) -> Page[PolicyShown]:
        """各地规则的全部版本，注明现行版本."""
        require("policies.read", caller)
        now = room.clock.now()
        async with room.database.engine.connect() as connection:
            versions = await activated(connection)
        current = {await _in_force(room, name, now) for name in {one.jurisdiction for one in versions}}
        return Page(items=[PolicyShown(**one._asdict(), in_force=one.version in current) for one in versions])

    @api.post("/policies/{pack}/activations", response_model=ActivationAnswered, openapi_extra=KEYED)
    async def activate_policy(pack: PackName, wanted: Activation, caller: Caller, request: Request) -> Response:
        """启用一个规则版本；preview 为真时只说明在办工单的时限将如何变化，不启用."""
        require("policies.activate", caller, jurisdiction=pack)
        found = await asyncio.to_thread(_pack, packs, pack, wanted.content)

        async def command(tx: Transaction) -> Answer:
            if wanted.preview:
                event, active_already = None, await last_activated(tx.connection, pack) == found.version
            else:
                event = await activate(tx, found, acting(caller))
                active_already = event is None
            told = ActivationAnswered(
                version=found.version,
                jurisdiction=found.jurisdiction,
                effective_from=found.effective_from,
                effective_to=found.effective_to,
                preview=wanted.preview,
                active_already=active_already,
                open_tickets=await count_open_tickets(tx.connection, pack),
                applies_to_open_tickets=found.moves_open_tickets,
                would_move=await _would_move(tx, found, wanted) if wanted.preview else None,
                event=event,
            )
            return Answer(200 if event is None else 201, told)

        return await commands.run(request, caller.account, "activations", command)


async def _would_move(tx: Transaction, pack: Pack, wanted: Activation) -> WouldMove:
    try:
        found = await foresee(tx.connection, pack, tx.now)
    except NoCalendar as absent:
        raise conflict("no_calendar", "尚未公布放假安排，无法推算。") from absent
    fates = Counter((item.unit, item.fate) for item in found.items)
    units = sorted({unit for unit, _ in fates} | set(found.staying_of), key=lambda unit: unit or "")
    end = wanted.offset + wanted.size
    return WouldMove(
        at=found.at,
        tickets=found.tickets,
        looked_at=found.looked_at,
        moved=sum(item.fate == "moved" for item in found.items),
        newly_owed=sum(item.fate == "newly_owed" for item in found.items),
        lifted=sum(item.fate == "lifted" for item in found.items),
        stays=dict(found.stays.items()),
        without_rule=len(found.without_rule),
        without_rule_numbers=found.without_rule[:20],
        units=[
            UnitFates(
                unit=unit,
                moved=fates[unit, "moved"],
                newly_owed=fates[unit, "newly_owed"],
                lifted=fates[unit, "lifted"],
                stays=found.staying_of[unit],
            )
            for unit in units
        ],
        total=len(found.items),
        items=[Fate.model_validate(item) for item in found.items[wanted.offset : end]],
        next_offset=end if end < len(found.items) else None,
    )


async def _in_force(room: Room, jurisdiction: str, now: datetime) -> str | None:
    try:
        return (await SHELF.in_force(room.database, jurisdiction, now)).version
    except NoPackInForce:
        return None


def _pack(packs: Path, name: str, content: dict[str, Any] | None) -> Pack:
    """The pack that was sent, or that lies on the server; 422 with everything that is wrong with it."""
    if content is None and not (packs / name).is_dir():
        raise not_found()
    try:
        pack = load_pack(packs / name) if content is None else parse_pack(content)
    except PackInvalid as refused:
        wrong = [of_finding(finding) for finding in refused.findings]
        raise Problem(422, "pack_invalid", "规则包有误", "规则包不能启用。", fields=wrong[:50]) from refused
    if pack.jurisdiction != name:
        raise invalid("content.jurisdiction", "jurisdiction", "规则包的地区与路径不符。")
    return pack
