"""The calendar: the years in force, and publishing or correcting one."""

from typing import Annotated, Any

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
from common.messaging.room import Room
from common.security.access import require
from common.security.bearer import Caller
from common.web.edge import accepted_at
from common.web.problems import FieldError, Problem, conflict, invalid, not_found
from sla.registry import acting, publish_years
from sla.store import year_in_force

Year = Annotated[int, InPath(ge=2008, le=2100)]


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
                [published] = await publish_years(tx, [arranged], acting(caller))
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
