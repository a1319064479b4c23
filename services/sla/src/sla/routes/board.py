"""``/v1/board`` and ``/v1/board/stream``: what is due, for a unit, a jurisdiction, an officer; ``/board``: the page."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import Jurisdiction, UnitCode, subject_of_ticket
from common.events.wording import DEADLINE_WORDS
from common.messaging.room import Room
from common.messaging.runner import Transient
from common.security.access import Principal, admit, jurisdiction_of, require
from common.security.bearer import Caller
from common.web.inputs import ApiModel
from common.web.problems import invalid
from common.web.reading import Cursor, PageSize, cursor_of, position_of
from common.web.routing import router
from sla.board import Counts, Lamp, Row, Scope, Span, ends
from sla.registry import last_activated
from sla.store import SHELF, board_counts, board_page
from sla.watching import Told, Watched, Watching

_HEARTBEAT_SECONDS: Final = 15.0
_LONGEST_STREAM_S: Final = 600.0
"""A stream ends after this long; who watches comes back, with a token that still holds."""
_CENTRE: Final = "受理中心"
_LABELS: Final[Mapping[str, str]] = dict(DEADLINE_WORDS.items())


class BoardRow(ApiModel):
    """A running duty. ``unit``: who owes it now, null: the centre. ``unconfirmed``: overdue, but the red lamp still
    waits until everything that happened before is known.
    """

    id: UUID
    subject: str
    number: str
    kind: str
    label: str
    unit: str | None
    unit_name: str
    round: int
    case: UUID | None
    due_at: datetime
    state: str
    lamp: Lamp
    provisional: bool
    basis: Basis


class Board(ApiModel):
    """What is due by ``until``; every span begins with what is overdue and holds whatever has a yellow lamp, however
    far off its limit. ``counts``: per span and lamp, of all.
    """

    as_of: datetime
    span: Span
    until: datetime
    counts: Counts
    items: list[BoardRow]
    next: str | None


UnitAsked = Annotated[UnitCode | None, Query(description="承办单位")]
JurisdictionAsked = Annotated[Jurisdiction | None, Query(description="地区")]
OfficerAsked = Annotated[
    str | None, Query(max_length=200, description="单位内部转办给的经办人账号，须指明单位；me 为本人")
]


def add_board(api: APIRouter, room: Room, watching: Watching) -> None:
    @api.get("/board")
    async def read_board(
        caller: Caller,
        unit: UnitAsked = None,
        jurisdiction: JurisdictionAsked = None,
        officer: OfficerAsked = None,
        span: Span = "today",
        size: PageSize = 100,
        cursor: Cursor = None,
    ) -> Board:
        """在办时限一览：现在、今天、本周应当办理的，先到期的在前."""
        scope = _scope(caller, unit, jurisdiction, officer)
        now = room.clock.now()
        until = ends(now)
        async with room.database.engine.connect() as connection:
            await _known(connection, scope)
            rows = await board_page(connection, scope, now, until.of(span), size, _position(cursor))
            counts = await board_counts(connection, scope, now, until)
            items = await _shown(connection, rows)
        following = cursor_of(rows[-1].due_at.isoformat(), str(rows[-1].id)) if len(rows) == size else None
        return Board(as_of=now, span=span, until=until.of(span), counts=counts, items=items, next=following)

    @api.get("/board/stream")
    async def watch_board(
        caller: Caller,
        unit: UnitAsked = None,
        jurisdiction: JurisdictionAsked = None,
        officer: OfficerAsked = None,
        span: Span = "today",
    ) -> StreamingResponse:
        """持续推送（SSE）：先是全表（board），然后是变化（change：新的和变了的行、已不在表上的行）；无变化时报最近一次读取的时刻（as_of）."""
        board = Watched(_scope(caller, unit, jurisdiction, officer), span)
        async with room.database.engine.connect() as connection:
            await _known(connection, board.scope)
        return StreamingResponse(
            _stream(room, watching, board), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


async def _stream(room: Room, watching: Watching, board: Watched) -> AsyncIterator[str]:
    ends_when = time.monotonic() + _LONGEST_STREAM_S
    with watching.watch(board) as watcher:
        yield "retry: 2000\n\n"
        while time.monotonic() < ends_when:
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    told = await watcher.waiting.get()
            except TimeoutError:
                yield f"event: as_of\ndata: {json.dumps({'as_of': watching.looked_at})}\n\n"
                continue
            if told is None:
                return
            async with room.database.engine.connect() as connection:
                items = await _shown(connection, told.rows)
            yield f"event: {told.what}\ndata: {json.dumps(_said(told, board, items), ensure_ascii=False)}\n\n"


def _said(told: Told, board: Watched, items: Iterable[BoardRow]) -> dict[str, Any]:
    said: dict[str, Any] = {"as_of": told.at, "span": board.span, "counts": told.counts}
    said["items"] = [item.model_dump(mode="json") for item in items]
    return said | ({"gone": [str(one) for one in told.gone]} if told.what == "change" else {})


def _scope(caller: Principal, unit: str | None, jurisdiction: str | None, officer: str | None) -> Scope:
    """Whose board is asked for, if the caller may see it; a unit's own is meant when it names none."""
    admit("board.read", caller)
    if caller.role == "unit" and unit is None and jurisdiction is None:
        unit = caller.unit
    if (unit is None) == (jurisdiction is None):
        raise invalid("unit", "one_of", "请指明承办单位或者地区之一。")
    if officer is not None and unit is None:
        raise invalid("officer", "with_unit", "查询经办人须同时指明承办单位。")
    area, holders = (jurisdiction, ()) if unit is None else (jurisdiction_of(unit), (unit,))
    require("board.read", caller, jurisdiction=area, holders=holders)
    return Scope(unit, jurisdiction, caller.account if officer == "me" else officer)


async def _known(connection: AsyncConnection, scope: Scope) -> None:
    """An empty board of a jurisdiction that has no pack would reassure."""
    area = scope.jurisdiction if scope.unit is None else jurisdiction_of(scope.unit)
    if area is None or await last_activated(connection, area) is None:
        named = "jurisdiction" if scope.unit is None else "unit"
        raise invalid(named, "unknown", "没有启用该地区的规则，请核对代码。")


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, row = position_of(cursor, (str, str))
    try:
        return datetime.fromisoformat(at), UUID(row)
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


async def _shown(connection: AsyncConnection, rows: Iterable[Row]) -> list[BoardRow]:
    """The rows in officials' words; units are named as in the pack's register."""
    rows = tuple(rows)
    names: dict[str, str] = {}
    for policy in {row.policy for row in rows}:
        with suppress(Transient):
            names |= {unit.code: unit.name for unit in (await SHELF.version(connection, policy)).units}
    return [_row(row, names) for row in rows]


def _row(row: Row, names: Mapping[str, str]) -> BoardRow:
    return BoardRow(
        id=row.id,
        subject=subject_of_ticket(row.ticket) if row.about == "ticket" else f"{row.about}/{row.ticket}",
        number=row.number,
        kind=row.kind,
        label=_LABELS.get(row.kind, row.kind),
        unit=row.held_by,
        unit_name=_CENTRE if row.held_by is None else names.get(row.held_by, row.held_by),
        round=row.round,
        case=row.case,
        due_at=row.due_at,
        state=row.state,
        lamp=row.lamp,
        provisional=row.provisional,
        basis=row.basis,
    )


_PAGE: Final = files("sla.routes").joinpath("board.html").read_text(encoding="utf-8")
_POLICY: Final = "; ".join(
    ("default-src 'none'", "style-src 'unsafe-inline'", "script-src 'unsafe-inline'", "connect-src 'self'")
)


def board_page_routes() -> APIRouter:
    """The page for a duty officer. It holds nothing: whoever opens it gives a token, kept in its tab only."""
    routes = router(include_in_schema=False)

    @routes.get("/board")
    async def board_page_shown() -> HTMLResponse:
        headers = {"Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
        return HTMLResponse(_PAGE, headers=headers | {"Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"})

    return routes
