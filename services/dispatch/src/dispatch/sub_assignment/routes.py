"""``POST /v1/tickets/{ticket}/sub-assignments``."""

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
from common.web.problems import invalid
from common.web.routing import router
from dispatch.docket import Standing, standing_of
from dispatch.sub_assignment.commands import Passing, pass_on


class SubAssignment(ApiModel):
    """Exactly one of ``to_unit`` and ``to_account``."""

    round: Annotated[int, Field(ge=1)]
    to_unit: UnitCode | None = None
    to_account: Annotated[str, Text(100)] | None = None
    remark: Annotated[str, Text(1000)] | None = None


class PassedOn(Standing):
    """``to_account``: who has the work, the substitute where the officer named is absent."""

    to_unit: str | None
    to_account: str | None


def sub_assignment_routes(commands: Commands[Transaction]) -> APIRouter:
    """内部转办."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["内部转办"])

    @routes.post("/sub-assignments", status_code=201, response_model=PassedOn, openapi_extra=KEYED)
    async def pass_ticket_on(ticket: UUID, wanted: SubAssignment, caller: Caller, request: Request) -> Response:
        """转由下属单位或者本单位人员承办；签收、退单、延期、办结仍由承办单位负责。"""
        admit("sub_assignment.create", caller)
        if (wanted.to_unit is None) == (wanted.to_account is None):
            raise invalid("to_unit", "one_of", "转办对象为下属单位或者本单位人员，填且只填一项。")
        remark = None if wanted.remark is None else mask(wanted.remark)
        passing = Passing(wanted.round, wanted.to_unit, wanted.to_account, remark)

        async def command(tx: Transaction) -> Answer:
            docket, account = await pass_on(tx, caller, ticket, passing)
            return Answer(
                201, PassedOn(**standing_of(docket).model_dump(), to_unit=passing.to_unit, to_account=account)
            )

        return await commands.run(request, caller.account, "sub-assignments", command)

    return routes
