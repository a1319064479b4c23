"""Packs and calendars: what is in force, and putting something in force."""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response
from sqlalchemy import RowMapping

from common.calendar import (
    CalendarRefused,
    CalendarsContradict,
    Fault,
    deserialise,
)
from common.events.envelope import Actor
from common.messaging.room import Room, Transaction
from common.policy import NoPackInForce, Pack, PackInvalid, load_pack, parse_pack
from common.security.access import Principal, require
from common.security.bearer import Caller
from common.web.edge import accepted_at
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel
from common.web.problems import FieldError, Problem, conflict, invalid, not_found
from common.web.reading import Page
from sla.registry import activate, activated, count_open_tickets, last_activated, publish_years
from sla.store import SHELF, year_in_force


class PolicyShown(ApiModel):
    version: str
    jurisdiction: str
    name: str
    effective_from: date
    effective_to: date | None
    activated_at: datetime
    in_force: bool


class Activation(ApiModel):
    """``content``: the whole pack; without it, the files of the server. ``preview``: only say what would happen."""

    preview: bool = False
    content: dict[str, Any] | None = None


class ActivationAnswered(ApiModel):
    """``open_tickets``: tickets with running deadlines; they keep the pack they were registered under."""

    version: str
    jurisdiction: str
    effective_from: date
    effective_to: date | None
    preview: bool
    active_already: bool
    open_tickets: int
    event: UUID | None = None


PackName = Annotated[str, InPath(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Year = Annotated[int, InPath(ge=2008, le=2100)]


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
        """启用一个规则版本；已登记的工单仍按登记时的版本办理."""
        require("policies.activate", caller, jurisdiction=pack)
        found = await asyncio.to_thread(_pack, packs, pack, wanted.content)

        async def command(tx: Transaction) -> Answer:
            active_already = await last_activated(tx.connection, pack) == found.version
            event = None if wanted.preview else await activate(tx, found, _actor(caller))
            told = ActivationAnswered(
                version=found.version,
                jurisdiction=found.jurisdiction,
                effective_from=found.effective_from,
                effective_to=found.effective_to,
                preview=wanted.preview,
                active_already=active_already,
                open_tickets=await count_open_tickets(tx.connection, pack),
                event=event,
            )
            return Answer(200 if event is None else 201, told)

        return await commands.run(request, caller.account, "activations", command)


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
        wrong = [FieldError("content", "pack", str(finding).replace(f"{packs}/", "")) for finding in refused.findings]
        raise Problem(422, "pack_invalid", "规则包有误", "规则包不能启用。", fields=wrong[:50]) from refused
    if pack.jurisdiction != name:
        raise invalid("content.jurisdiction", "jurisdiction", "规则包的地区与路径不符。")
    return pack


def add_calendars(api: APIRouter, room: Room) -> None:
    @api.get("/calendars/{year}")
    async def read_calendar(year: Year, caller: Caller) -> Response:
        """一年的放假调休安排."""
        require("calendars.read", caller)
        async with room.database.engine.connect() as connection:
            return _calendar(await year_in_force(connection, year), 200)

    @api.put("/calendars/{year}", openapi_extra={"requestBody": {"required": True}})
    async def publish_calendar(
        year: Year,
        content: dict[str, Any],
        caller: Caller,
        request: Request,
        if_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """公布或者更正一年的放假调休安排；更正的，须带 If-Match."""
        require("calendars.write", caller)
        try:
            arranged = deserialise(content)
        except CalendarRefused as refused:
            raise _calendar_problem(refused.faults) from refused
        if arranged.year != year:
            raise invalid("year", "year", "年份与路径不符。")
        async with room.transaction(accepted_at(request)) as tx:
            standing = await year_in_force(tx.connection, year)
            _match(if_match, standing["version"] if standing else None)
            try:
                [published] = await publish_years(tx, [arranged], _actor(caller))
            except CalendarsContradict as contradicting:
                raise conflict("calendars_contradict", "与其他年份的安排相矛盾。") from contradicting
            kept = await year_in_force(tx.connection, year)
        answer = _calendar(kept, 200 if standing else 201)
        if published.event is not None:
            answer.headers["Hotline-Event"] = str(published.event)
        return answer


def _calendar(found: RowMapping | None, status: int) -> Response:
    if found is None:
        raise not_found()
    told = {"version": found["version"], "published_at": found["published_at"].isoformat(), **found["content"]}
    return JSONResponse(told, status, {"ETag": f'"{found["version"]}"', "Cache-Control": "no-store"})


def _match(sent: str | None, version: str | None) -> None:
    """A year that stands is only changed by somebody who has seen it."""
    if version is None:
        return
    if sent is None:
        raise Problem(428, "precondition_required", "缺少 If-Match", "更正已公布的年份须带 If-Match。")
    if sent.strip() != f'"{version}"':
        raise Problem(412, "stale_version", "版本已变更", "该年份已被更改，请重新读取后再改。")


def _calendar_problem(faults: tuple[Fault, ...]) -> Problem:
    fields = [
        FieldError(".".join(str(part) for part in one.path) or "body", "calendar", one.sentence) for one in faults
    ]
    return Problem(422, "invalid_input", "输入有误", "放假安排有误。", fields=fields[:20])


def _actor(caller: Principal) -> Actor:
    return Actor(role=caller.role, unit=caller.unit, account=caller.account)
