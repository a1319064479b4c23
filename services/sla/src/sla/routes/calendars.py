"""The calendar: the years in force and those that are awaited, and publishing or correcting one."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from sqlalchemy import RowMapping

from common.calendar import CalendarRefused, CalendarsContradict, Fault, deserialise
from common.calendar.shape import CalendarYearShape
from common.clock import local_date
from common.messaging.room import Room
from common.security.access import require
from common.security.bearer import Caller
from common.web.edge import accepted_at
from common.web.inputs import ApiModel
from common.web.problems import Problem, conflict, invalid, not_found, of_validation
from sla.outlook import YearState, states
from sla.registry import acting, one_at_a_time, publish_years
from sla.store import contents_in_force, current_version, year_in_force
from sla.store.stale import another_calendar

from .wording import of_fault

Year = Annotated[int, InPath(ge=2008, le=2100)]


class YearShown(ApiModel):
    """A year. ``awaited``: its arrangement has not been published and need not have been yet; ``missing``: it should.

    ``published_on`` is the notice's day, ``published_at`` when it was published here.
    """

    year: int
    state: YearState
    version: str | None = None
    title: str | None = None
    number: str | None = None
    published_on: date | None = None
    corrections: int = 0
    published_at: datetime | None = None


class CalendarShown(ApiModel):
    """All years. ``counting_again``: open deadlines are still being held against this version."""

    version: str | None
    counting_again: bool
    items: list[YearShown]


def add_calendars(api: APIRouter, room: Room) -> None:
    @api.get("/calendars")
    async def list_calendars(caller: Caller) -> CalendarShown:
        """各年放假安排是否已公布；尚未公布的，注明是否应当已经公布."""
        require("calendars.read", caller)
        async with room.database.engine.connect() as connection:
            version = await current_version(connection)
            found = {row["year"]: row for row in await contents_in_force(connection)}
            counting_again = version is not None and await another_calendar(connection, version) is not None
        return CalendarShown(
            version=version,
            counting_again=counting_again,
            items=[_year(year, state, found.get(year)) for year, state in _states(found, room).items()],
        )

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
            CalendarYearShape.model_validate(content)
            arranged = deserialise(content)
        except ValidationError as malformed:
            raise of_validation(malformed.errors()) from malformed
        except CalendarRefused as refused:
            raise _calendar_problem(refused.faults) from refused
        if arranged.year != year:
            raise invalid("year", "year", "年份与路径不符。")
        async with room.transaction(accepted_at(request)) as tx:
            await one_at_a_time(tx.connection)
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


def _states(found: dict[int, RowMapping], room: Room) -> dict[int, YearState]:
    return states(found, local_date(room.clock.now()))


def _year(year: int, state: YearState, row: RowMapping | None) -> YearShown:
    if row is None:
        return YearShown(year=year, state=state)
    arranged = deserialise(row["content"])
    return YearShown(
        year=year,
        state=state,
        version=row["version"],
        title=arranged.notice.title,
        number=arranged.notice.number,
        published_on=arranged.notice.published_on,
        corrections=len(arranged.corrections),
        published_at=row["published_at"],
    )


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
    fields = [of_fault(one) for one in faults]
    return Problem(422, "invalid_input", "输入有误", "放假安排有误。", fields=fields[:20])
