"""``POST /v1/tickets/{ticket}/statements``."""

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
from dispatch.docket import Standing, standing_of
from dispatch.statements.commands import submit


class Statement(ApiModel):
    """``evidence``: the papers that the statement rests on, as the unit names them."""

    round: Annotated[int, Field(ge=1)]
    text: Annotated[str, Text(5000)]
    evidence: Annotated[tuple[Annotated[str, Text(500)], ...], Field(min_length=1, max_length=20)]


class Submitted(Standing):
    """Where the ticket stands; ``statement`` is the statement's id."""

    statement: UUID


def statement_routes(commands: Commands[Transaction]) -> APIRouter:
    """情况说明."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["情况说明"])

    @routes.post("/statements", status_code=201, response_model=Submitted, openapi_extra=KEYED)
    async def submit_statement(ticket: UUID, wanted: Statement, caller: Caller, request: Request) -> Response:
        """提交情况说明及有效依据：回访后由主办单位进行。"""
        admit("statement.create", caller)
        words = mask(wanted.text)
        evidence = tuple(mask(paper) for paper in wanted.evidence)

        async def command(tx: Transaction) -> Answer:
            docket, statement = await submit(tx, caller, ticket, wanted.round, words, evidence)
            return Answer(201, Submitted(**standing_of(docket).model_dump(), statement=statement))

        return await commands.run(request, caller.account, "statements", command)

    return routes
