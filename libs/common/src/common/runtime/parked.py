"""``/v1/parked`` of every service: what could not be consumed, why, and the two ways on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from common.messaging.parking import discard, list_parked, release
from common.messaging.room import Room
from common.security.access import require
from common.security.bearer import Caller
from common.web.inputs import ApiModel, Text
from common.web.problems import not_found
from common.web.reading import Page, PageSize, cursor_of, position_of
from common.web.routing import router


class ParkedEvent(ApiModel):
    """A parked event without its content, which may hold anything. ``behind``: it only waits for an earlier one."""

    id: int
    event: UUID | None
    topic: str
    subject: str
    type: str
    kind: str
    reason: str
    parked_at: datetime


class Discarding(ApiModel):
    reason: Annotated[str, Text(500)]


def parked_routes(room: Room) -> APIRouter:
    """Listed, released for another try, or discarded with a reason. All three are the administrator's."""
    routes = router(prefix="/v1/parked", tags=["搁置事件"])

    @routes.get("")
    async def list_waiting(
        caller: Caller, size: PageSize = 100, cursor: Annotated[str | None, Query(max_length=500)] = None
    ) -> Page[ParkedEvent]:
        require("parked.read", caller)
        after = position_of(cursor, (int,))[0] if cursor else 0
        async with room.database.engine.connect() as connection:
            rows = await list_parked(connection, after, size)
        items = [
            ParkedEvent(
                id=row.id,
                event=row.event_id,
                topic=row.topic,
                subject=row.subject,
                type=row.type,
                kind=row.kind,
                reason=row.reason,
                parked_at=row.parked_at,
            )
            for row in rows
        ]
        return Page(items=items, next=cursor_of(items[-1].id) if len(items) == size else None)

    @routes.post("/{parked}/replay", status_code=202)
    async def replay(parked: int, caller: Caller) -> Response:
        """Try again; the worker does, at once."""
        require("parked.replay", caller)
        async with room.database.engine.begin() as connection:
            if not await release(connection, parked):
                raise not_found()
        return Response(status_code=202)

    @routes.post("/{parked}/discard", status_code=204)
    async def give_up(parked: int, why: Discarding, caller: Caller) -> Response:
        """Give it up for good; the reason is kept, and what waited behind it goes on."""
        require("parked.discard", caller)
        async with room.database.engine.begin() as connection:
            if not await discard(connection, parked, why.reason):
                raise not_found()
        return Response(status_code=204)

    return routes
