"""``POST /v1/tickets/{id}/supplements``, ``…/urgings``, ``…/withdrawal``."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from common.messaging.room import Transaction
from common.security.access import admit
from common.security.bearer import Caller
from common.security.vaulting import KeyRing
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import conflict
from common.web.routing import router
from intake.registration.routes import Reference
from intake.wishes.commands import Said, WithdrawalPending, supplement, urge, withdraw

SUPPLEMENT: Final = "POST /tickets/{ticket}/supplements"
URGE: Final = "POST /tickets/{ticket}/urgings"
WITHDRAW: Final = "POST /tickets/{ticket}/withdrawal"
Round = Annotated[int, Field(strict=True, ge=0, le=10_000)]


class SupplementInput(ApiModel):
    """补充."""

    round: Round
    text: Annotated[str, Text(10_000)]
    call_id: Reference | None = None


class UrgingInput(ApiModel):
    """催单."""

    round: Round
    text: Annotated[str, Text(2000)] | None = None
    call_id: Reference | None = None


class WithdrawalInput(ApiModel):
    """撤单."""

    round: Round
    reason: Annotated[str, Text(2000)]
    call_id: Reference | None = None


class SupplementAnswer(ApiModel):
    ticket: UUID
    round: int
    accepted_at: datetime


class UrgingAnswer(ApiModel):
    ticket: UUID
    round: int
    times: int
    accepted_at: datetime


class WithdrawalAnswer(ApiModel):
    """``pending``: it takes effect when dispatch answers."""

    id: UUID
    ticket: UUID
    round: int
    state: str
    accepted_at: datetime


def wish_routes(keys: KeyRing, commands: Commands[Transaction]) -> APIRouter:
    """What the requester of a ticket wants of it after its registration."""
    routes = router(prefix="/v1", tags=["补充、催单、撤单"])

    @routes.post("/tickets/{ticket}/supplements", status_code=201, response_model=SupplementAnswer, openapi_extra=KEYED)
    async def add(ticket: UUID, entered: SupplementInput, caller: Caller, request: Request) -> Response:
        admit("ticket.supplement", caller)

        async def command(tx: Transaction) -> Answer:
            await supplement(tx, caller, keys, ticket, entered.round, Said(entered.text, entered.call_id))
            return Answer(201, SupplementAnswer(ticket=ticket, round=entered.round, accepted_at=tx.now))

        return await commands.run(request, caller.account, SUPPLEMENT, command)

    @routes.post("/tickets/{ticket}/urgings", status_code=201, response_model=UrgingAnswer, openapi_extra=KEYED)
    async def press(ticket: UUID, entered: UrgingInput, caller: Caller, request: Request) -> Response:
        admit("ticket.urge", caller)

        async def command(tx: Transaction) -> Answer:
            times = await urge(tx, caller, keys, ticket, entered.round, Said(entered.text, entered.call_id))
            return Answer(201, UrgingAnswer(ticket=ticket, round=entered.round, times=times, accepted_at=tx.now))

        return await commands.run(request, caller.account, URGE, command)

    @routes.post("/tickets/{ticket}/withdrawal", status_code=201, response_model=WithdrawalAnswer, openapi_extra=KEYED)
    async def take_back(ticket: UUID, entered: WithdrawalInput, caller: Caller, request: Request) -> Response:
        admit("ticket.withdraw", caller)

        async def command(tx: Transaction) -> Answer:
            try:
                said = Said(entered.reason, entered.call_id)
                case = await withdraw(tx, caller, keys, ticket, entered.round, said)
            except WithdrawalPending:
                raise conflict("withdrawal_pending", "撤单已经提出，等待派单环节确认。") from None
            told = {"id": case, "ticket": ticket, "round": entered.round, "state": "pending", "accepted_at": tx.now}
            return Answer(201, WithdrawalAnswer.model_validate(told))

        return await commands.run(request, caller.account, WITHDRAW, command)

    return routes
