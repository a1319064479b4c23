"""``POST /v1/tickets/{ticket}/look-backs``."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from common.events.envelope import UnitCode
from common.messaging.room import Transaction
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.routing import router
from review.edge import at_the_edge
from review.look_backs.commands import Wanted, record


class NewLookBack(ApiModel):
    """回头看. ``unit``: who had handled the ticket; ``result``: whether the handling has held."""

    unit: UnitCode
    result: Literal["good", "poor"]
    text: Annotated[str, Text(2000)]


class LookBackMade(ApiModel):
    id: UUID


def look_back_routes(run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["回头看"])

    @routes.post("/tickets/{ticket}/look-backs", status_code=201, response_model=LookBackMade, openapi_extra=KEYED)
    async def look_back(ticket: UUID, body: NewLookBack, caller: Caller, request: Request) -> Response:
        """回头看：登记对已办结工单办理情况的复查结果。"""
        admit("look_back.record", caller)
        wanted = Wanted(body.unit, body.result, mask(body.text))

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                return Answer(201, LookBackMade(id=await record(tx, caller, ticket, wanted)))

        return await run.run(request, caller.account, "look-backs", command)

    return routes
