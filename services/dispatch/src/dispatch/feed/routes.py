"""``/v1/units/{code}/open`` and ``/v1/units/{code}/events``: what a unit holds, and everything it was told."""

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel

from common.events.vocabulary import Status
from common.messaging.room import Room
from common.security.access import require
from common.security.bearer import Caller
from common.web.problems import invalid, not_found
from common.web.reading import Cursor, PageSize, cursor_of, position_of
from common.web.routing import router
from dispatch.docket import Docket, held_by
from dispatch.feed import store
from dispatch.feed.commands import Pulse
from dispatch.units.store import find

_LONGEST_WAIT_S: Final = 30
_POLL_SECONDS: Final = 0.5
_KEEP_ALIVE_S: Final = 15.0
_LONGEST_STREAM_S: Final = 600.0
"""A stream ends after this long; the reader comes back with the last number it saw."""

Code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]


class OpenTicket(BaseModel):
    """A ticket that the unit holds, or works on for a holder (``sub_unit``), and that nobody has closed."""

    ticket: UUID
    number: str
    status: Status
    round: int
    part: Literal["lead", "co_handler", "sub_unit"]
    lead: str


class OpenTickets(BaseModel):
    """``seq``: the last number of the unit's feed when the list was read; the list may know more than the feed."""

    items: list[OpenTicket]
    seq: int
    next: str | None = None


class FeedItem(BaseModel):
    """``event``: a CloudEvent in structured form."""

    seq: int
    event: dict[str, Any]


class Feed(BaseModel):
    """``next``: what to send as ``after`` next time."""

    items: list[FeedItem]
    next: int


def feed_routes(room: Room, pulse: Pulse) -> APIRouter:
    """对账与推送."""
    routes = router(prefix="/v1/units/{code}", tags=["单位推送"])

    async def read(code: str, after: int, most: int) -> list[FeedItem]:
        async with room.database.engine.connect() as connection:
            rows = await store.read(connection, code, after, most)
        return [FeedItem(seq=row.seq, event=structured(row)) for row in rows]

    async def require_unit(action: str, caller: Caller, code: str) -> None:
        require(action, caller, jurisdiction=code.partition(".")[0], holders=(code,))
        async with room.database.engine.connect() as connection:
            if await find(connection, code) is None:
                raise not_found()

    async def wait_for(code: str, after: int, most: int, seconds: float) -> list[FeedItem]:
        deadline = time.monotonic() + seconds
        while True:
            heard = pulse.numbered.rings
            items = await read(code, after, most)
            left = deadline - time.monotonic()
            if items or left <= 0 or pulse.stopping:
                return items
            await pulse.numbered.wait(heard, min(left, _POLL_SECONDS))

    async def stream(code: str, after: int, most: int) -> AsyncIterator[str]:
        ends = time.monotonic() + _LONGEST_STREAM_S
        yield "retry: 2000\n\n"
        while time.monotonic() < ends and not pulse.stopping:
            items = await wait_for(code, after, most, _KEEP_ALIVE_S)
            for item in items:
                after = item.seq
                told = json.dumps(item.event, ensure_ascii=False)
                yield f"id: {item.seq}\nevent: {item.event['type']}\ndata: {told}\n\n"
            if not items:
                yield ": \n\n"

    @routes.get("/open", response_model=OpenTickets)
    async def list_open(code: Code, caller: Caller, size: PageSize = 100, cursor: Cursor = None) -> Response:
        """本单位主办、协办且未办结的工单，供对账。"""
        await require_unit("unit.worklist", caller, code)
        after = _ticket_of(cursor)
        async with room.database.engine.connect() as connection:
            seq = await store.last_seq(connection, code)
            dockets = await held_by(connection, code, after, size)
        following = cursor_of(str(dockets[-1].ticket)) if len(dockets) == size else None
        listed = OpenTickets(items=[_open(docket, code) for docket in dockets], seq=seq, next=following)
        return JSONResponse(listed.model_dump(mode="json"), headers={"Cache-Control": "no-store"})

    @routes.get("/events", response_model=Feed)
    async def read_feed(
        code: Code,
        caller: Caller,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S, description="没有新事件时最多等待的秒数")] = 0,
        size: PageSize = 100,
        accept: Annotated[str, Header()] = "",
        last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$")] = None,
    ) -> Response:
        """本单位的事件，按 seq 递增；Accept 为 text/event-stream 时持续推送。"""
        await require_unit("unit.feed", caller, code)
        if "text/event-stream" in accept:
            begin = int(last_event_id) if last_event_id else after
            return StreamingResponse(
                stream(code, begin, size), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
            )
        items = await wait_for(code, after, size, wait)
        told = Feed(items=items, next=items[-1].seq if items else after)
        return JSONResponse(told.model_dump(mode="json"), headers={"Cache-Control": "no-store"})

    return routes


def structured(told: store.Told) -> dict[str, Any]:
    """The event as CloudEvents JSON."""
    attributes = {name[3:]: value for name, value in told.headers.items() if name.startswith("ce_")}
    return {**attributes, "datacontenttype": "application/json", "data": json.loads(told.value)}


def _open(docket: Docket, code: str) -> OpenTicket:
    assert docket.unit is not None
    return OpenTicket(
        ticket=docket.ticket,
        number=docket.number,
        status=docket.status,
        round=docket.round,
        part="lead" if docket.unit == code else "co_handler" if code in docket.co_handlers else "sub_unit",
        lead=docket.unit,
    )


def _ticket_of(cursor: str | None) -> UUID:
    if cursor is None:
        return UUID(int=0)
    try:
        return UUID(position_of(cursor, (str,))[0])
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None
