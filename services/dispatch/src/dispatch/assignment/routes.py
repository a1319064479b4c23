"""``POST /v1/tickets/{ticket}/assignments`` and ``/sign-ins``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from common.events.envelope import UnitCode
from common.messaging.room import Transaction
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.routing import router
from dispatch.assignment.commands import Order, assign, sign_in
from dispatch.docket import Standing, standing_of


class Assignment(ApiModel):
    """A dispatcher's decision. ``round``: the round the dispatcher saw, 0 before the first dispatch."""

    round: Annotated[int, Field(ge=0)]
    unit: UnitCode
    principle: Annotated[str, Text(60)]
    co_handlers: Annotated[tuple[UnitCode, ...], Field(max_length=20)] = ()
    designated: bool = False
    remark: Annotated[str, Text(1000)] | None = None


class SignIn(ApiModel):
    round: Annotated[int, Field(ge=1)]


def assignment_routes(commands: Commands[Transaction]) -> APIRouter:
    """派单、签收."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["派单与签收"])

    @routes.post("/assignments", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def assign_ticket(ticket: UUID, wanted: Assignment, caller: Caller, request: Request) -> Response:
        """派单：一家主办，其余协办，注明派单原则。"""
        admit("assignment.create", caller)
        order = Order(
            round=wanted.round,
            unit=wanted.unit,
            principle=wanted.principle,
            co_handlers=wanted.co_handlers,
            designated=wanted.designated,
            remark=None if wanted.remark is None else mask(wanted.remark),
        )

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await assign(tx, caller, ticket, order)))

        return await commands.run(request, caller.account, "assignments", command)

    @routes.post("/sign-ins", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def sign_for_ticket(ticket: UUID, wanted: SignIn, caller: Caller, request: Request) -> Response:
        """签收：由主办单位进行。"""
        admit("sign_in.create", caller)

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await sign_in(tx, caller, ticket, wanted.round)))

        return await commands.run(request, caller.account, "sign-ins", command)

    return routes
