"""Packs: what is in force, and putting a version in force."""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from common.messaging.room import Room, Transaction
from common.policy import NoPackInForce, Pack, PackInvalid, load_pack, parse_pack
from common.security.access import require
from common.security.bearer import Caller
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel
from common.web.problems import FieldError, Problem, invalid, not_found
from common.web.reading import Page
from sla.registry import acting, activate, activated, count_open_tickets, last_activated
from sla.store import SHELF


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
            event = None if wanted.preview else await activate(tx, found, acting(caller))
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
