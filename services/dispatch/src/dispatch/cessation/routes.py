"""``POST /v1/tickets/{ticket}/cessations``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from common.messaging.room import Transaction
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.routing import router
from dispatch.cessation.commands import stop
from dispatch.docket import Standing, standing_of


class Cessation(ApiModel):
    """``ground``: one of the pack's. ``explained``: the requester was told why. ``statement``: to the hotline."""

    round: Annotated[int, Field(ge=1)]
    ground: Annotated[str, Text(60)]
    explained: bool
    statement: Annotated[str, Text(5000)]


def cessation_routes(commands: Commands[Transaction]) -> APIRouter:
    """停止办理."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["停止办理"])

    @routes.post("/cessations", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def stop_handling(ticket: UUID, wanted: Cessation, caller: Caller, request: Request) -> Response:
        """停止办理：由主办单位进行，须已向诉求人解释，并向12345热线说明理由。"""
        admit("cessation.create", caller)
        statement = mask(wanted.statement)

        async def command(tx: Transaction) -> Answer:
            docket = await stop(tx, caller, ticket, wanted.round, wanted.ground, statement, explained=wanted.explained)
            return Answer(201, standing_of(docket))

        return await commands.run(request, caller.account, "cessations", command)

    return routes
