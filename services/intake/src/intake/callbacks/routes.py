"""``POST /v1/tickets/{id}/callbacks``."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from common.messaging.room import Transaction
from common.messaging.runner import Transient
from common.security.access import admit
from common.security.bearer import Caller
from common.security.vaulting import KeyRing
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Instant, Text
from common.web.problems import FieldError, Problem, conflict, stale_round, unavailable
from common.web.routing import router
from intake.callbacks.commands import AlreadyReached, NotClosed, StaleRound, record
from intake.callbacks.rules import Callback, CallbackOutcome, CallbackRefused

ENDPOINT: Final = "POST /tickets/{ticket}/callbacks"
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Proof = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=100)]


class CallbackInput(ApiModel):
    """回访记录. ``round`` is the one the caller saw."""

    round: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    means: Code = "phone"
    outcome: CallbackOutcome
    responded: bool | None = None
    resolved: bool | None = None
    satisfaction: Code | None = None
    occurred_at: Instant | None = None
    proof: Proof | None = None
    remark: Annotated[str, Text(2000)] | None = None

    def callback(self) -> Callback:
        return Callback(**self.model_dump(exclude={"round"}))


class CallbackAnswer(ApiModel):
    id: UUID
    ticket: UUID
    round: int
    attempt: int
    outcome: CallbackOutcome
    occurred_at: datetime
    accepted_at: datetime


def callback_routes(keys: KeyRing, commands: Commands[Transaction]) -> APIRouter:
    """Calling requesters back."""
    routes = router(prefix="/v1", tags=["回访"])

    @routes.post("/tickets/{ticket}/callbacks", status_code=201, response_model=CallbackAnswer, openapi_extra=KEYED)
    async def call_back(ticket: UUID, entered: CallbackInput, caller: Caller, request: Request) -> Response:
        admit("ticket.callback", caller)

        async def command(tx: Transaction) -> Answer:
            try:
                recorded = await record(tx, caller, keys, ticket, entered.round, entered.callback())
            except (CallbackRefused, StaleRound, NotClosed, AlreadyReached, Transient) as refused:
                raise _problem(refused) from None
            return Answer(
                201,
                CallbackAnswer(
                    id=recorded.id,
                    ticket=ticket,
                    round=recorded.round,
                    attempt=recorded.attempt,
                    outcome=entered.outcome,
                    occurred_at=recorded.occurred_at,
                    accepted_at=tx.now,
                ),
            )

        return await commands.run(request, caller.account, ENDPOINT, command)

    return routes


def _problem(refused: Exception) -> Problem:
    match refused:
        case CallbackRefused():
            field = FieldError(refused.field, refused.rule, refused.message)
            return Problem(422, refused.code, "输入有误", refused.message, fields=[field], basis=refused.basis)
        case StaleRound():
            return stale_round(refused.current)
        case NotClosed():
            return conflict("not_closed", "只有已办结、待回访的工单可以登记回访。")
        case AlreadyReached():
            return conflict("already_reached", "本轮已经回访到诉求人，不再重复登记。")
        case _:
            return unavailable()
