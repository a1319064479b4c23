"""The archive over HTTP: what was announced about tickets, verbatim, for whoever judges it once more."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from sqlalchemy import RowMapping

from common.database import Database
from common.security.access import require
from common.security.bearer import Caller
from common.web.inputs import ApiModel, Instant
from common.web.problems import invalid
from common.web.reading import Cursor, Page, cursor_of, position_of
from common.web.routing import router
from reporting.archive import count_recorded, events_of, reference_events, tickets_recorded

PACKS_AT_ONCE = 5
"""A pack may have nearly a megabyte."""


class RecordedEvent(ApiModel):
    """One event as it lay on the bus: ``value`` is its JSON text, with whatever was masked in it."""

    topic: str
    partition: int
    offset: int
    subject: str
    headers: dict[str, str]
    value: str


class RecordedTicket(ApiModel):
    """Everything that was announced about a ticket so far, in the order of the bus."""

    ticket: UUID
    events: list[RecordedEvent]


class RecordedTickets(Page[RecordedTicket]):
    """``as_of``: the domain instant of reading; ``tickets``: how many the span has on all pages."""

    as_of: datetime
    tickets: int


JurisdictionAsked = Annotated[str, Query(max_length=60)]


def record_routes(database: Database) -> APIRouter:
    routes = router(prefix="/v1", tags=["事件存档"])

    @routes.get("/archive")
    async def archived_tickets(
        request: Request,
        caller: Caller,
        jurisdiction: JurisdictionAsked,
        received_from: Annotated[Instant | None, Query(alias="from")] = None,
        received_to: Annotated[Instant | None, Query(alias="to")] = None,
        size: Annotated[int, Query(ge=1, le=100, description="每页工单数")] = 20,
        cursor: Cursor = None,
    ) -> RecordedTickets:
        """诉求时间在所述期间的工单及其全部事件，按诉求时间排列."""
        require("archive.read", caller, jurisdiction=jurisdiction)
        after = _after(cursor)
        async with database.engine.connect() as opened:
            connection = await opened.execution_options(isolation_level="REPEATABLE READ")
            total = await count_recorded(connection, jurisdiction, received_from, received_to)
            found = await tickets_recorded(connection, jurisdiction, received_from, received_to, after, size)
            by_subject: dict[str, list[RecordedEvent]] = {}
            for row in await events_of(connection, [ticket for _, ticket in found]):
                by_subject.setdefault(row["subject"], []).append(_event(row))
        items = [RecordedTicket(ticket=ticket, events=by_subject[f"ticket/{ticket}"]) for _, ticket in found]
        following = cursor_of(found[-1][0].isoformat(), str(found[-1][1])) if len(found) == size else None
        return RecordedTickets(items=items, next=following, as_of=request.app.state.clock.now(), tickets=total)

    @routes.get("/archive/reference")
    async def archived_reference(
        caller: Caller, jurisdiction: JurisdictionAsked, cursor: Cursor = None
    ) -> Page[RecordedEvent]:
        """该地区启用过的规则和公布过的日历，按先后排列."""
        require("archive.read", caller, jurisdiction=jurisdiction)
        after = _event_of(cursor)
        async with database.engine.connect() as connection:
            rows = await reference_events(connection, jurisdiction, after, PACKS_AT_ONCE)
        following = cursor_of(str(rows[-1]["event_id"])) if len(rows) == PACKS_AT_ONCE else None
        return Page(items=[_event(row) for row in rows], next=following)

    return routes


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, ticket = position_of(cursor, (str, str))
    try:
        return datetime.fromisoformat(at), UUID(ticket)
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


def _event_of(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(position_of(cursor, (str,))[0])
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


def _event(row: RowMapping) -> RecordedEvent:
    return RecordedEvent(**{name: row[name] for name in RecordedEvent.model_fields})
