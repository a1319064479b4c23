"""``POST /v1/tickets/{ticket}/clock-stops`` and ``/clock-resumptions``."""

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
from dispatch.clock_stops.commands import resume, stop
from dispatch.docket import Standing, standing_of


class ClockStop(ApiModel):
    """``ground``: one of the pack's. ``text``: what is waited for."""

    round: Annotated[int, Field(ge=1)]
    ground: Annotated[str, Text(60)]
    text: Annotated[str, Text(2000)]


class ClockResumption(ApiModel):
    round: Annotated[int, Field(ge=1)]
    text: Annotated[str, Text(2000)] | None = None


class StoppedStanding(Standing):
    stop: UUID


def clock_stop_routes(commands: Commands[Transaction]) -> APIRouter:
    """中止计时、恢复计时."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["中止计时"])

    @routes.post("/clock-stops", status_code=201, response_model=StoppedStanding, openapi_extra=KEYED)
    async def stop_clock(ticket: UUID, wanted: ClockStop, caller: Caller, request: Request) -> Response:
        """中止计时：规则包列明的情形；须经同意的，由审核人员登记。"""
        admit("clock.stop", caller)
        words = mask(wanted.text)

        async def command(tx: Transaction) -> Answer:
            docket, case = await stop(tx, caller, ticket, wanted.round, wanted.ground, words)
            return Answer(201, StoppedStanding(**standing_of(docket).model_dump(), stop=case))

        return await commands.run(request, caller.account, "clock-stops", command)

    @routes.post("/clock-resumptions", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def resume_clock(ticket: UUID, wanted: ClockResumption, caller: Caller, request: Request) -> Response:
        """恢复计时：剩余的时限继续计算。"""
        admit("clock.stop", caller)
        words = None if wanted.text is None else mask(wanted.text)

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await resume(tx, caller, ticket, wanted.round, words)))

        return await commands.run(request, caller.account, "clock-resumptions", command)

    return routes
