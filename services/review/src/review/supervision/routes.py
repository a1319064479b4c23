"""The doors of supervision: issuing, replying, and the record with the limits of the replies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.policy.supervision import Form
from common.security.access import admit, require, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.board import Asked, CaseSeen, within
from review.clauses import basis_of
from review.deadlines import of_cases
from review.edge import RoundSeen, at_the_edge, require_distinct
from review.supervision import commands, store
from review.supervision.rules import Lateness, lateness


class NewSupervision(ApiModel):
    """督办. ``unit`` left out: the lead."""

    round: RoundSeen
    form: Form
    text: Annotated[str, Text(2000)]
    ground: Slug | None = None
    unit: UnitCode | None = None


class NewReply(ApiModel):
    """书面回复. ``round`` is the supervision's."""

    round: RoundSeen
    text: Annotated[str, Text(2000)]
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()


class Near(ApiModel):
    """The deadline that came near, of a supervision by rule."""

    kind: str
    due_at: datetime


class Reply(ApiModel):
    """The unit's written reply."""

    text: str
    attachments: tuple[UUID, ...]
    replied_at: datetime


class SupervisionSeen(CaseSeen):
    """One supervision. ``reply_due_at``: the first late instant of the reply that is owed, as far as it is known;
    ``standing``: how the reply stands to it now."""

    unit: str
    form: Form
    ground: str | None
    text: str
    by_rule: bool
    near: Near | None
    issued_at: datetime
    basis: tuple[Basis, ...]
    reply_due: bool
    reply_due_at: datetime | None
    standing: Lateness | None
    reply: Reply | None


def supervision_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["督办"])

    async def one(connection: AsyncConnection, case: UUID) -> SupervisionSeen:
        return (await seen(connection, [await store.view(connection, case)]))[0]

    async def seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[SupervisionSeen]:
        limits = await of_cases(connection, "supervision_reply", (row.id for row in rows if row.reply_due))
        now = room.clock.now()
        return [_seen(row, limits[row.id].due_at if row.id in limits else None, now) for row in rows]

    @routes.post("/tickets/{ticket}/supervisions", status_code=201, response_model=SupervisionSeen, openapi_extra=KEYED)
    async def issue_supervision(ticket: UUID, body: NewSupervision, caller: Caller, request: Request) -> Response:
        """督办 of the unit that answers for the ticket; a special one is owed a written reply."""
        admit("supervision.issue", caller)
        wanted = commands.Wanted(body.round, body.form, mask(body.text), body.unit, body.ground)

        async def allowed(tx: Transaction) -> None:
            await commands.may_issue(tx, caller, ticket)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                order = await commands.issue(tx, caller, ticket, wanted)
            return Answer(201, await one(tx.connection, order.id))

        return await run.run(request, caller.account, "supervisions", command, authorise=allowed)

    @routes.post("/supervisions/{case}/replies", status_code=201, response_model=SupervisionSeen, openapi_extra=KEYED)
    async def reply_to_supervision(case: UUID, body: NewReply, caller: Caller, request: Request) -> Response:
        """书面回复: by the supervised unit, once."""
        admit("supervision.reply", caller)
        require_distinct("attachments", body.attachments, "同一附件不得重复。")
        text = mask(body.text)

        async def allowed(tx: Transaction) -> None:
            await commands.may_reply(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.reply(tx, caller, case, body.round, text, body.attachments)
            return Answer(201, await one(tx.connection, case))

        return await run.run(request, caller.account, "supervision-replies", command, authorise=allowed)

    @routes.get("/supervisions")
    async def list_supervisions(
        caller: Caller,
        asked: Asked,
        form: Annotated[Form | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
        awaiting_reply: Annotated[bool | None, Query()] = None,
    ) -> Page[SupervisionSeen]:
        """The record, in the order of issuing. A unit sees its own."""
        units = within(unit, visible_unit("supervision.read", caller))
        wanted = board.wanted(caller, asked, units=units)
        async with room.database.engine.connect() as connection:
            items = await seen(connection, await store.listed(connection, wanted, form, awaiting_reply))
        return board.page(items, asked.size)

    @routes.get("/supervisions/{case}")
    async def one_supervision(case: UUID, caller: Caller) -> SupervisionSeen:
        admit("supervision.read", caller)
        async with room.database.engine.connect() as connection:
            row = await store.view(connection, case)
            require("supervision.read", caller, jurisdiction=row.jurisdiction, holders=(row.unit,))
            return (await seen(connection, [row]))[0]

    return routes


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "unit", "form", "ground", "text", "by_rule",
    "issued_at", "reply_due",
)  # fmt: skip


def _seen(row: Any, reply_due_at: datetime | None, now: datetime) -> SupervisionSeen:
    replied = row.replied_at is not None
    return SupervisionSeen(
        **{name: getattr(row, name) for name in _COPIED},
        near=Near(kind=row.kind, due_at=row.due_at) if row.kind is not None else None,
        basis=basis_of(row.basis),
        reply_due_at=reply_due_at,
        standing=lateness(reply_due_at, row.replied_at, now),
        reply=Reply(text=row.reply, attachments=tuple(row.attachments), replied_at=row.replied_at) if replied else None,
    )
