"""``/v1/notices``: what units were told and whether it reached them; the gateway's receipts."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from common.clock import RealClock
from common.events.envelope import UnitCode
from common.messaging.room import Room
from common.runtime.service import NoticeGateway
from common.security.access import require, visible_jurisdiction, visible_unit
from common.security.bearer import Caller
from common.security.refusals import Unauthenticated
from common.security.signatures import NotSigned, check_signed
from common.web.edge import accepted_at
from common.web.inputs import ApiModel, Text
from common.web.problems import invalid, not_found, of_validation
from common.web.reading import Cursor, Page, PageSize, cursor_of, position_of
from common.web.routing import read_json, router
from dispatch.notices import store
from dispatch.notices.commands import receive
from dispatch.notices.rules import Receipt, State

_LARGEST_RECEIPT: Final = 10_000


class NoticeShown(BaseModel):
    """A notice. ``held_until``: quiet hours hold it so long. No telephone number is shown: it is the register's.

    ``unit`` null: the pack asks that the territorial government be told, and nobody knows which one it is.
    """

    id: UUID
    unit: str | None
    ticket: UUID
    number: str
    round: int
    occasion: str
    text: str
    state: State
    reason: str | None
    attempts: int
    made_at: datetime
    held_until: datetime | None
    settled_at: datetime | None


class ReceiptSent(ApiModel):
    """What the gateway says of one notice. ``reason``: the gateway's own code for it."""

    notice: UUID
    outcome: Receipt
    reason: Annotated[str, Text(100)] | None = None


_SIGNED: Final[dict[str, Any]] = {
    "security": [],
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": said}
        for name, said in (
            ("webhook-id", "回执编号"),
            ("webhook-timestamp", "发出时刻，Unix 秒"),
            ("webhook-signature", "v1,<HMAC-SHA256 的 base64>，签名内容为 编号.时刻.正文"),
        )
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": ReceiptSent.model_json_schema()}}},
}


def notice_routes(room: Room, gateway: NoticeGateway | None) -> APIRouter:
    """提醒与通报。"""
    routes = router(prefix="/v1/notices", tags=["提醒与通报"])

    @routes.get("")
    async def list_notices(
        caller: Caller,
        size: PageSize = 100,
        cursor: Cursor = None,
        unit: Annotated[UnitCode | None, Query()] = None,
        ticket: Annotated[UUID | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
    ) -> Page[NoticeShown]:
        """对单位的提醒和通报，后发的在前；承办单位只见发给本单位的。"""
        own = visible_unit("unit_notices.read", caller)
        if own is not None or unit is not None:
            named = unit or own or ""
            require("unit_notices.read", caller, jurisdiction=named.partition(".")[0], holders=(named,))
        async with room.database.engine.connect() as connection:
            found = await store.page(
                connection,
                jurisdiction=visible_jurisdiction(caller),
                unit=own or unit,
                ticket=ticket,
                state=state,
                before=_id_of(cursor),
                most=size,
            )
        items = [_shown(one) for one in found]
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == size else None)

    @routes.post("/receipts", status_code=204, openapi_extra=_SIGNED)
    async def take_receipt(request: Request) -> Response:
        """网关的回执：以与网关共用的密钥签名，同一回执可以重发。"""
        if gateway is None:
            raise not_found()
        body = await request.body()
        try:
            check_signed(gateway.key, request.headers, body, int(RealClock().now().timestamp()))
        except NotSigned:
            raise Unauthenticated("a receipt that nobody signed") from None
        if len(body) > _LARGEST_RECEIPT:
            raise invalid("body", "too_long", "回执过长。")
        try:
            sent = ReceiptSent.model_validate(read_json(body))
        except ValidationError as error:
            raise of_validation(error.errors(include_url=False)) from None
        async with room.transaction(accepted_at(request)) as tx:
            await receive(tx, sent.notice, sent.outcome, sent.reason)
        return Response(status_code=204)

    return routes


def _shown(notice: store.Notice) -> NoticeShown:
    held = notice.not_before if notice.not_before > notice.made_at else None
    return NoticeShown.model_validate({**{name: getattr(notice, name) for name in _SAME}, "held_until": held})


_SAME: Final = tuple(name for name in NoticeShown.model_fields if name != "held_until")


def _id_of(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(position_of(cursor, (str,))[0])
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None
