"""``POST /v1/tickets/{ticket}/closing-reports`` and ``/v1/closing-reports/{report}/decisions``."""

from typing import Annotated, Literal
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
from common.web.problems import invalid
from common.web.routing import router
from dispatch.closing.commands import decide, file
from dispatch.docket import Standing, standing_of


class ClosingReport(ApiModel):
    round: Annotated[int, Field(ge=1)]
    result: Annotated[str, Text(10_000)]


class Filed(Standing):
    """Where the ticket stands after the filing; ``report`` is the report's id."""

    report: UUID


class Decision(ApiModel):
    """A person's decision; what is sent back needs its reasons."""

    round: Annotated[int, Field(ge=1)]
    decision: Literal["accept", "send_back"]
    reasons: Annotated[tuple[Annotated[str, Text(500)], ...], Field(max_length=20)] = ()


def closing_routes(commands: Commands[Transaction]) -> APIRouter:
    """办结报告与审核."""
    routes = router(prefix="/v1", tags=["办结"])

    @routes.post("/tickets/{ticket}/closing-reports", status_code=201, response_model=Filed, openapi_extra=KEYED)
    async def file_report(ticket: UUID, wanted: ClosingReport, caller: Caller, request: Request) -> Response:
        """提交办结报告：由主办单位进行。"""
        admit("closing.create", caller)
        result = mask(wanted.result)

        async def command(tx: Transaction) -> Answer:
            docket, report = await file(tx, caller, ticket, wanted.round, result)
            return Answer(201, Filed(**standing_of(docket).model_dump(), report=report))

        return await commands.run(request, caller.account, "closing-reports", command)

    @routes.post("/closing-reports/{report}/decisions", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def decide_report(report: UUID, wanted: Decision, caller: Caller, request: Request) -> Response:
        """审核办结报告：通过，或者退回并说明理由。"""
        admit("closing.decide", caller)
        if (wanted.decision == "send_back") != bool(wanted.reasons):
            told = "退回须说明理由。" if wanted.decision == "send_back" else "通过时不填退回理由。"
            raise invalid("reasons", "with_send_back", told)
        reasons = tuple(mask(reason) for reason in wanted.reasons) or None

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await decide(tx, caller, report, wanted.round, reasons)))

        return await commands.run(request, caller.account, "closing-decisions", command)

    return routes
