"""Finding tickets, and reading each one's story across services in the order of the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import RowMapping, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.catalogue import FOR_THE_CENTRE
from common.events.vocabulary import Status, TicketType
from common.messaging.room import Room
from common.security.access import Principal, require, visible_jurisdiction, visible_unit
from common.security.bearer import Caller
from common.web.inputs import ApiModel, Instant, Parameters
from common.web.inputs import Text as TextInput
from common.web.problems import invalid, not_found
from common.web.reading import Page, cursor_of, position_of
from common.web.routing import router
from intake.docket import TICKET, TIMELINE


class Summary(ApiModel):
    """A ticket in a list."""

    id: UUID
    number: str
    jurisdiction: str
    policy: str
    outcome: str
    type: str
    channel: str
    category: str
    marks: list[str]
    status: str | None
    unit: str | None
    co_handlers: list[str]
    round: int
    received_at: datetime
    accepted_at: datetime


class RequesterShown(ApiModel):
    kind: str
    anonymous: bool
    has_contact: bool
    confidential: bool


class Urgings(ApiModel):
    """催单: how often, and when last."""

    times: int
    last_at: datetime | None


class PendingWithdrawal(ApiModel):
    """撤单 that was asked for and waits for dispatch's answer."""

    case: UUID
    asked_at: datetime


class Ticket(Summary):
    """One ticket; statement and address are masked. ``settled`` says how it was settled at registration.

    Its ``ETag`` is what an amendment names in ``If-Match``.
    """

    statement: str | None
    address: str | None
    requester: RequesterShown
    sub_units: list[str]
    urgings: Urgings
    withdrawal: PendingWithdrawal | None
    closed_at: datetime | None
    legal_limit: dict[str, Any] | None
    imposed_limit: dict[str, Any] | None
    settled: dict[str, Any] | None
    external_ref: str | None
    call_id: str | None


class EntryActor(ApiModel):
    role: str
    unit: str | None
    account: str | None


class Entry(ApiModel):
    """One event of the story; ``data`` is what it says beside the fields named here."""

    event: UUID
    type: str
    source: str
    sequence: int
    occurred_at: datetime
    accepted_at: datetime
    actor: EntryActor
    round: int
    basis: list[Basis]
    data: dict[str, Any]


class Position(ApiModel):
    """How far the story goes: its last event, and how many it holds."""

    event: UUID | None
    entries: int


class Timeline(ApiModel):
    ticket: UUID
    number: str
    position: Position
    entries: list[Entry]


class Wanted(Parameters):
    """What a list of tickets is narrowed to. ``received_from`` is included, ``received_to`` is not."""

    number: Annotated[str, TextInput(40)] | None = None
    status: Status | None = None
    outcome: Annotated[str, TextInput(20)] | None = None
    type: TicketType | None = None
    unit: Annotated[str, TextInput(100)] | None = None
    category: Annotated[str, TextInput(100)] | None = None
    mark: Annotated[str, TextInput(60)] | None = None
    jurisdiction: Annotated[str, TextInput(60)] | None = None
    received_from: Instant | None = None
    received_to: Instant | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, TextInput(500)] | None = None


_EQUAL: Final = ("number", "status", "outcome", "type", "category", "jurisdiction")
_SUMMARY: Final = tuple(TICKET.c[name] for name in Summary.model_fields)


def timeline_routes(room: Room) -> APIRouter:
    """Reading tickets. What is foreign answers as what is absent."""
    routes = router(prefix="/v1", tags=["工单查询"])

    @routes.get("/tickets")
    async def find(wanted: Annotated[Wanted, Query()], caller: Caller) -> Page[Summary]:
        query = _narrowed(select(*_SUMMARY), wanted, caller)
        async with room.database.engine.connect() as connection:
            rows = (await connection.execute(query.order_by(TICKET.c.id.desc()).limit(wanted.size))).mappings().all()
        items = [Summary.model_validate(dict(row)) for row in rows]
        more = cursor_of(str(items[-1].id)) if len(items) == wanted.size else None
        return Page(items=items, next=more)

    @routes.get("/tickets/{ticket}")
    async def read(ticket: UUID, caller: Caller, response: Response) -> Ticket:
        async with room.database.engine.connect() as connection:
            row = await _visible(connection, "ticket.read", caller, ticket)
        response.headers["ETag"] = f'"{row["revision"]}"'
        return _ticket(row)

    @routes.get("/tickets/{ticket}/timeline")
    async def tell(ticket: UUID, caller: Caller) -> Timeline:
        async with room.database.engine.connect() as connection:
            row = await _visible(connection, "ticket.timeline", caller, ticket)
            entries = await _entries(connection, ticket)
        to_a_unit = caller.role == "unit"
        told = [
            _entry(entry, hide_accounts=to_a_unit)
            for entry in entries
            if not (to_a_unit and entry["type"] in FOR_THE_CENTRE)
        ]
        position = Position(event=told[-1].event if told else None, entries=len(told))
        return Timeline(ticket=ticket, number=row["number"], position=position, entries=told)

    return routes


def _narrowed(query: Select[Any], wanted: Wanted, caller: Principal) -> Select[Any]:
    unit = visible_unit("ticket.list", caller)
    jurisdiction = visible_jurisdiction(caller)
    if unit is not None:
        query = query.where(_held_by(unit))
    if jurisdiction is not None:
        query = query.where(TICKET.c.jurisdiction == jurisdiction)
    for name in _EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(TICKET.c[name] == value)
    if wanted.mark is not None:
        query = query.where(TICKET.c.marks.contains([wanted.mark]))
    if wanted.unit is not None:
        query = query.where(_held_by(wanted.unit))
    if wanted.received_from is not None:
        query = query.where(TICKET.c.received_at >= wanted.received_from)
    if wanted.received_to is not None:
        query = query.where(TICKET.c.received_at < wanted.received_to)
    if wanted.cursor is not None:
        query = query.where(TICKET.c.id < _after(wanted.cursor))
    return query


def _held_by(unit: str) -> Any:
    return or_(TICKET.c.unit == unit, TICKET.c.co_handlers.contains([unit]), TICKET.c.sub_units.contains([unit]))


def _after(cursor: str) -> UUID:
    (last,) = position_of(cursor, (str,))
    try:
        return UUID(last)
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


async def _visible(connection: AsyncConnection, action: str, caller: Principal, ticket: UUID) -> RowMapping:
    row = (await connection.execute(select(TICKET).where(TICKET.c.id == ticket))).mappings().one_or_none()
    if row is None:
        require(action, caller, jurisdiction=None)
        raise not_found()
    holders = (*([row["unit"]] if row["unit"] else []), *row["co_handlers"], *row["sub_units"])
    require(action, caller, jurisdiction=row["jurisdiction"], holders=holders)
    return row


def _ticket(row: RowMapping) -> Ticket:
    made = ("requester", "urgings", "withdrawal")
    given = {name: row[name] for name in Ticket.model_fields if name not in made}
    asked = {"case": row["withdrawal"], "asked_at": row["withdrawal_at"]} if row["withdrawal"] else None
    given |= {"urgings": {"times": row["urged"], "last_at": row["urged_at"]}, "withdrawal": asked}
    requester = {
        "kind": row["requester_kind"],
        **{name: row[name] for name in ("anonymous", "has_contact", "confidential")},
    }
    return Ticket.model_validate({**given, "requester": requester})


async def _entries(connection: AsyncConnection, ticket: UUID) -> Sequence[RowMapping]:
    query = select(TIMELINE).where(TIMELINE.c.ticket == ticket).order_by(TIMELINE.c.place)
    return (await connection.execute(query)).mappings().all()


def _entry(row: RowMapping, *, hide_accounts: bool) -> Entry:
    """A unit reads roles and units, not which official's account it was."""
    actor = dict(row["actor"])
    if hide_accounts:
        actor["account"] = None
    return Entry.model_validate(
        {
            "event": row["event_id"],
            **{name: row[name] for name in ("type", "source", "sequence", "occurred_at", "accepted_at", "round")},
            "actor": actor,
            "basis": row["basis"],
            "data": row["data"],
        }
    )
