"""Figures over HTTP, and as they change."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from common.database import Database
from common.security.access import require
from common.security.bearer import Caller
from common.web.edge import Activity
from common.web.inputs import ApiModel, Instant
from common.web.routing import router
from reporting.indicators import By, Span, counts, deadlines, overdue, returns

_EVERY_SECONDS = 1.0


class Count(ApiModel):
    group: str
    value: str
    count: int


class OnTime(ApiModel):
    """Duties of one kind. ``on_time`` is met of judged, in hundredths of a percent; null when none was judged."""

    group: str
    kind: str
    met: int
    missed: int
    open: int
    open_late: int
    on_time: int | None


class Indicators(ApiModel):
    """Figures of a span. ``as_of``: the domain instant at which they were read."""

    as_of: Instant
    definition: dict[str, str]
    outcomes: list[Count]
    statuses: list[Count]
    deadlines: list[OnTime]
    returns: int
    overdue: int


DEFINITION = {
    "outcomes": "按登记结果统计的诉求件数（派发工单、直接答复、不予受理、转接）。",
    "statuses": "按当前状态统计的件数。",
    "deadlines": "按时限种类统计：按时＝结论为按时的件数，超时＝结论为超时的件数，在办＝尚无结论，"
    "在办超期＝已亮红灯而尚无结论；按时率＝按时÷（按时＋超时），以万分之一为单位；窗口期与因改派失效的时限不计。",
    "returns": "承办单位申请退单的次数。",
    "overdue": "超期办理件的件数：超过退单时限退回的（无论是否同意退回），或者办结结论为超时的，一件工单只计一次。",
}


async def figures(database: Database, span: Span, by: By, now: Instant) -> Indicators:
    """Read all figures of a span at once, from one snapshot."""
    async with database.engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="REPEATABLE READ")
        rows = await deadlines(connection, span, by)
        return Indicators(
            as_of=now,
            definition=DEFINITION,
            outcomes=[Count(**row) for row in await counts(connection, span, "outcome", by)],
            statuses=[Count(**row) for row in await counts(connection, span, "status", by)],
            deadlines=[
                OnTime(**{**row, "group": row["group"] or ""}, on_time=_rate(row["met"], row["missed"])) for row in rows
            ],
            returns=await returns(connection, span),
            overdue=await overdue(connection, span),
        )


def _rate(met: int, missed: int) -> int | None:
    return met * 10_000 // (met + missed) if met + missed else None


def indicator_routes(database: Database, activity: Activity) -> APIRouter:
    """``activity`` tells the streams when the process is ending."""
    routes = router(prefix="/v1", tags=["指标"])

    @routes.get("/indicators")
    async def indicators(
        request: Request,
        caller: Caller,
        jurisdiction: Annotated[str, Query(max_length=60)],
        received_from: Annotated[Instant | None, Query(alias="from")] = None,
        received_to: Annotated[Instant | None, Query(alias="to")] = None,
        by: By = "none",
    ) -> Indicators:
        """Figures of one jurisdiction, with their definitions."""
        require("indicators.read", caller, jurisdiction=jurisdiction)
        span = Span(jurisdiction, received_from, received_to)
        return await figures(database, span, by, request.app.state.clock.now())

    @routes.get("/stream")
    async def stream(request: Request) -> StreamingResponse:
        """Totals of the whole installation as they change (SSE). Figures only: no ticket, no unit, no token."""

        async def tell() -> AsyncIterator[bytes]:
            told: Indicators | None = None
            while not activity.ending and not await request.is_disconnected():
                found = await figures(database, Span(), "none", request.app.state.clock.now())
                if told is None or found != told.model_copy(update={"as_of": found.as_of}):
                    yield b"data: " + found.model_dump_json(exclude={"definition"}).encode() + b"\n\n"
                    told = found
                await asyncio.sleep(_EVERY_SECONDS)

        return StreamingResponse(tell(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return routes
