"""Figures over HTTP, and as they change."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Database
from common.messaging.runner import Transient
from common.policy.callbacks import Indicator
from common.security.access import require
from common.security.bearer import Caller
from common.web.edge import Activity
from common.web.inputs import ApiModel, Instant
from common.web.routing import router
from reporting.indicators import (
    By,
    Scope,
    Span,
    answers,
    consultations_open,
    counts,
    deadlines,
    occurrences,
    overdue,
    rates,
    returns,
)
from reporting.store import SHELF

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


class RateSeen(ApiModel):
    """A rate of the callbacks. ``rate`` in hundredths of a percent; ``scope`` without_marked: without the tickets
    whose rate is not to be chased; ``ranks``: units are compared by this one."""

    group: str
    question: Literal["responded", "resolved", "satisfaction"]
    scope: Scope
    numerator: int
    denominator: int
    rate: int | None
    ranks: bool


class Ranking(ApiModel):
    """Which rate ranks, as the packs of the tickets say it, and which marks are told apart."""

    scope: Scope
    marks: tuple[str, ...]
    basis: Basis


class Indicators(ApiModel):
    """Figures of a span. ``as_of``: the domain instant at which they were read."""

    as_of: Instant
    definition: dict[str, str]
    outcomes: list[Count]
    statuses: list[Count]
    deadlines: list[OnTime]
    returns: int
    overdue: int
    occurrences: list[Count]
    rates: list[RateSeen]
    ranking: list[Ranking]


DEFINITION = {
    "outcomes": "按登记结果统计的诉求件数（派发工单、直接答复、不予受理、转接）。",
    "statuses": "按当前状态统计的件数。",
    "deadlines": "按时限种类统计：按时＝结论为按时的件数，超时＝结论为超时的件数，在办＝尚无结论，"
    "在办超期＝已亮红灯而尚无结论；按时率＝按时÷（按时＋超时），以万分之一为单位；窗口期与因改派失效的时限不计。",
    "returns": "承办单位申请退单的次数。",
    "overdue": "超期办理件的件数：超过退单时限退回的（无论是否同意退回），或者办结结论为超时的，一件工单只计一次。",
    "occurrences": "各类事项发生的次数：退单（申请、同意、不同意、超期）、延期（申请、同意、不同意）、协调会商（召集、"
    "形成结论、未能解决、尚未结束）、专报、督办、催单、通报、工作提示、约谈提醒、移交；按工单的诉求时间归入统计期，不涉及具体工单的按发生时间。",
    "rates": "回访的响应率、解决率、满意率：分子＝回答为肯定的件数，分母＝对该问题作答的件数，以万分之一为单位；"
    "一件工单以最后一次有效回访为准，未接通、未作答的不计。全部（all）与不含行政调解类、执法办案类（without_marked）并列，"
    "参加排名的一项以规则为准（ranks、ranking）。",
}


async def figures(database: Database, span: Span, by: By, now: Instant) -> Indicators:
    """Read all figures of a span at once, from one snapshot."""
    async with database.engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="REPEATABLE READ")
        rows = await deadlines(connection, span, by)
        answered = await answers(connection, span, by)
        indicators = await _indicators(connection, answered)
        happened = [Count(**row) for row in await occurrences(connection, span, by)]
        if by == "none" and (pending := await consultations_open(connection, span)):
            happened.append(Count(group="", value="consultation_open", count=pending))
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
            occurrences=happened,
            rates=[
                RateSeen(**asdict(one), rate=_rate(one.numerator, one.denominator - one.numerator))
                for one in rates(answered, indicators.get)
            ],
            ranking=_rankings(indicators.values()),
        )


async def _indicators(
    connection: AsyncConnection, answered: Sequence[Mapping[str, Any]]
) -> dict[str, Indicator | None]:
    """What the packs of these tickets count. A ticket whose pack has not come yet is counted when it has."""
    found: dict[str, Indicator | None] = {}
    for policy in {row["policy"] for row in answered}:
        with suppress(Transient):
            found[policy] = (await SHELF.version(connection, policy)).callbacks.indicator
    return found


def _rankings(indicators: Iterable[Indicator | None]) -> list[Ranking]:
    told = dict.fromkeys((one.ranks, one.marks, one.basis) for one in indicators if one is not None)
    return [Ranking(scope=scope, marks=marks, basis=basis) for scope, marks, basis in told]


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
