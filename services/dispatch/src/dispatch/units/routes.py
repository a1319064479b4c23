"""``/v1/units`` and ``/v1/officers``: the register, read by all, kept by administrators; officers also by the unit."""

import re
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Final, cast

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from common.events.envelope import Jurisdiction, UnitCode
from common.messaging.room import Room
from common.policy.refusals import NoPackInForce
from common.policy.units import UnitFunction, UnitRegister
from common.security.access import Principal, admit, require, visible_jurisdiction
from common.security.bearer import Caller
from common.web.edge import accepted_at
from common.web.inputs import ApiModel, Text
from common.web.problems import Problem, invalid, not_found
from common.web.reading import Cursor, Page, PageSize, cursor_of, position_of
from common.web.routing import router
from dispatch.docket import SHELF, acting
from dispatch.units import store
from dispatch.units.commands import appoint, register
from dispatch.units.rules import Duty, Officer, Unit

_ETAG: Final = re.compile(r'"([1-9][0-9]{0,8})"')
Code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]


Account = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", max_length=100)]
_WHO_MAY_CALL: Final = frozenset({"admin", "agent", "dispatcher", "reviewer", "supervisor"})


class UnitEntry(ApiModel):
    """What an administrator writes. Handlers and leader are accounts, not people's names.

    ``office``: the name of the responsible office. ``function``: what the unit is to the hotline. ``duty_contact``: a
    telephone number or the address of a webhook.
    """

    name: Annotated[str, Text(200)]
    kind: Annotated[str, Text(60)]
    parent: UnitCode | None = None
    leader: Annotated[str, Text(100)] | None = None
    handlers: Annotated[tuple[Annotated[str, Text(100)], ...], Field(max_length=200)] = ()
    kafka_feed: bool = False
    ended_on: date | None = None
    successor: UnitCode | None = None
    office: Annotated[str, Text(200)] | None = None
    function: UnitFunction | None = None
    duty_contact: Annotated[str, Text(200)] | None = None


class UnitShown(UnitEntry):
    """A row of the register, with what its keeper should see to (``flags``). ``duty_contact`` is shown to the hotline's
    own people and to the unit itself."""

    code: str
    jurisdiction: str
    ended: bool
    flags: tuple[str, ...]
    version: int


class OfficerEntry(ApiModel):
    """What is written about an account. No duties: it is no longer with the unit. ``absent_to``: the last day."""

    duties: Annotated[tuple[Duty, ...], Field(max_length=3)]
    substitute: Annotated[str, Text(100)] | None = None
    absent_from: date | None = None
    absent_to: date | None = None


class OfficerShown(OfficerEntry):
    unit: str
    account: str
    absent: bool
    version: int


class Officers(BaseModel):
    items: list[OfficerShown]


def shown(
    unit: Unit,
    version: int,
    on: date,
    held_to: UnitRegister | None,
    officers: Collection[Officer],
    caller: Principal,
) -> UnitShown:
    may_call = caller.role in _WHO_MAY_CALL or caller.unit == unit.code
    return UnitShown(
        code=unit.code,
        jurisdiction=unit.jurisdiction,
        name=unit.name,
        kind=unit.kind,
        parent=unit.parent,
        leader=unit.leader,
        handlers=unit.handlers,
        kafka_feed=unit.kafka_feed,
        ended_on=unit.ended_on,
        successor=unit.successor,
        office=unit.office,
        function=cast(UnitFunction | None, unit.function),
        duty_contact=unit.duty_contact if may_call else None,
        ended=unit.ended(on),
        flags=unit.flags(held_to, officers),
        version=version,
    )


def officer_shown(officer: Officer, version: int, on: date) -> OfficerShown:
    return OfficerShown(**asdict(officer), absent=officer.absent(on), version=version)


def unit_routes(room: Room, today: Callable[[], date]) -> APIRouter:
    """The register. ``today``: the local day by domain time."""
    routes = router(prefix="/v1/units", tags=["单位库"])

    @routes.get("")
    async def list_units(
        caller: Caller,
        request: Request,
        size: PageSize = 100,
        cursor: Cursor = None,
        jurisdiction: Annotated[Jurisdiction | None, Query()] = None,
    ) -> Page[UnitShown]:
        """单位列表，按代码排序。"""
        admit("units.read", caller)
        limited = visible_jurisdiction(caller)
        if limited is not None and jurisdiction not in (None, limited):
            return Page(items=[])
        after = position_of(cursor, (str,))[0] if cursor else ""
        async with room.database.engine.connect() as connection:
            rows = await store.page(connection, limited or jurisdiction, after, size)
            officers = await store.officers_of(connection, [unit.code for unit, _ in rows])
        now = accepted_at(request)
        held_to = {own: await _held_to(room, own, now) for own in {unit.jurisdiction for unit, _ in rows}}
        items = [
            shown(unit, version, today(), held_to[unit.jurisdiction], officers[unit.code].values(), caller)
            for unit, version in rows
        ]
        return Page(items=items, next=cursor_of(items[-1].code) if len(items) == size else None)

    @routes.get("/{code}", response_model=UnitShown)
    async def read_unit(code: Code, caller: Caller, request: Request) -> Response:
        """单位信息；ETag 供修改时使用。"""
        require("units.read", caller, jurisdiction=code.partition(".")[0])
        async with room.database.engine.connect() as connection:
            found = await store.find(connection, code)
            officers = (await store.officers_of(connection, [code]))[code]
        if found is None:
            raise not_found()
        held_to = await _held_to(room, found[0].jurisdiction, accepted_at(request))
        return _answer(200, shown(*found, today(), held_to, officers.values(), caller))

    @routes.put("/{code}", response_model=UnitShown)
    async def write_unit(
        code: Code,
        entry: UnitEntry,
        caller: Caller,
        request: Request,
        if_match: Annotated[list[str] | None, Header()] = None,
    ) -> Response:
        """登记单位；修改已登记的单位须带 If-Match。单位不删除，只登记终止日期和承接单位。"""
        jurisdiction = code.partition(".")[0]
        require("units.write", caller, jurisdiction=jurisdiction)
        now = accepted_at(request)
        try:
            pack = await SHELF.in_force(room.database, jurisdiction, now)
        except NoPackInForce:
            raise invalid("code", "unknown_jurisdiction", f"没有 {jurisdiction} 的现行规则。") from None
        seen = _version(if_match)
        async with room.transaction(now) as tx:
            stands, version, officers = await register(
                tx, Unit(code=code, **entry.model_dump()), seen, pack, acting(caller)
            )
        unit = shown(stands, version, today(), pack.unit_register, officers.values(), caller)
        created = seen is None and tx.anything_announced
        return _answer(201 if created else 200, unit, str(tx.last_announced) if tx.last_announced else None)

    return routes


def officer_routes(room: Room, today: Callable[[], date]) -> APIRouter:
    """The officers of a unit."""
    routes = router(prefix="/v1/officers", tags=["单位库"])

    @routes.get("/{unit}", response_model=Officers)
    async def list_officers(unit: Code, caller: Caller) -> Response:
        """本单位人员：职责、代理人、离岗。"""
        require("officers.read", caller, jurisdiction=unit.partition(".")[0], holders=(unit,))
        async with room.database.engine.connect() as connection:
            if await store.find(connection, unit) is None:
                raise not_found()
            rows = await store.officer_versions(connection, unit)
        listed = Officers(items=[officer_shown(officer, version, today()) for officer, version in rows])
        return JSONResponse(listed.model_dump(mode="json"), headers={"Cache-Control": "no-store"})

    @routes.get("/{unit}/{account}", response_model=OfficerShown)
    async def read_officer(unit: Code, account: Account, caller: Caller) -> Response:
        """一名人员；ETag 供修改时使用。"""
        require("officers.read", caller, jurisdiction=unit.partition(".")[0], holders=(unit,))
        async with room.database.engine.connect() as connection:
            rows = await store.officer_versions(connection, unit)
        for officer, version in rows:
            if officer.account == account:
                return _answer(200, officer_shown(officer, version, today()))
        raise not_found()

    @routes.put("/{unit}/{account}", response_model=OfficerShown)
    async def write_officer(
        unit: Code,
        account: Account,
        entry: OfficerEntry,
        caller: Caller,
        request: Request,
        if_match: Annotated[list[str] | None, Header()] = None,
    ) -> Response:
        """登记人员的职责、代理人和离岗；修改已登记的须带 If-Match。"""
        require("officers.write", caller, jurisdiction=unit.partition(".")[0], holders=(unit,))
        seen = _version(if_match)
        officer = Officer(unit, account, **entry.model_dump())
        async with room.transaction(accepted_at(request)) as tx:
            version = await appoint(tx, officer, seen, acting(caller))
        created = seen is None and tx.anything_announced
        event = str(tx.last_announced) if tx.last_announced else None
        return _answer(201 if created else 200, officer_shown(officer, version, today()), event)

    return routes


async def _held_to(room: Room, jurisdiction: str, at: datetime) -> UnitRegister | None:
    """What the jurisdiction's pack in force asks of its units; None: it says nothing, or there is none."""
    try:
        return (await SHELF.in_force(room.database, jurisdiction, at)).unit_register
    except NoPackInForce:
        return None


def _version(if_match: list[str] | None) -> int | None:
    """The version in ``If-Match``; None without the header, 400 for what is no ETag of ours."""
    if if_match is None:
        return None
    found = _ETAG.fullmatch(if_match[0].strip()) if len(if_match) == 1 else None
    if found is None:
        raise Problem(400, "malformed_if_match", "If-Match 有误", "If-Match 应为读取单位时得到的 ETag。")
    return int(found[1])


def _answer(status: int, row: UnitShown | OfficerShown, event: str | None = None) -> Response:
    headers = {"ETag": f'"{row.version}"', "Cache-Control": "no-store"}
    if event is not None:
        headers["Hotline-Event"] = event
    return JSONResponse(row.model_dump(mode="json"), status, headers)
