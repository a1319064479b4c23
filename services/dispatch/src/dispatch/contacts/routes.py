"""``POST /v1/tickets/{ticket}/contacts`` and ``/progress-reports``."""

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
from common.web.inputs import ApiModel, Instant, Text
from common.web.routing import router
from dispatch.contacts.commands import Contact, record_contact, report_progress
from dispatch.docket import Standing, standing_of


class ContactMade(ApiModel):
    """A contact. ``level`` 1: by the centre, also before the dispatch (round 0); 2: by the unit.

    ``occurred_at`` may be earlier than now, with its ``proof`` (call or recording id).

    ``purpose`` explanation: after the closing, what the requester is told about an unsatisfactory result.
    legal_explanation: the demand is against law, policy or morals; ``provisions``: which rules, in their words, the
    requester was told to keep; ``consequences``: what the requester was told follows in law.
    """

    round: Annotated[int, Field(ge=0)]
    outcome: Literal["reached", "attempts_exhausted"]
    level: Literal[1, 2] = 2
    occurred_at: Instant | None = None
    proof: Annotated[str, Text(200)] | None = None
    attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    purpose: Literal["contact", "explanation", "legal_explanation"] = "contact"
    remark: Annotated[str, Text(1000)] | None = None
    provisions: Annotated[str, Text(5000)] | None = None
    consequences: Annotated[str, Text(5000)] | None = None


class Progress(ApiModel):
    round: Annotated[int, Field(ge=1)]
    text: Annotated[str, Text(5000)]
    concludes_part: bool = False
    promised_at: Instant | None = None


def contact_routes(commands: Commands[Transaction]) -> APIRouter:
    """先行联系、进展."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["联系与进展"])

    @routes.post("/contacts", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def contact_requester(ticket: UUID, made: ContactMade, caller: Caller, request: Request) -> Response:
        """联系诉求人；诉求违法的，做好普法宣传；回访不满意的，办结后向诉求人说明情况。"""
        admit("contact.create_centre" if made.level == 1 else "contact.create", caller)
        contact = Contact(
            round=made.round,
            outcome=made.outcome,
            level=made.level,
            occurred_at=made.occurred_at,
            proof=None if made.proof is None else mask(made.proof),
            attempts=made.attempts,
            purpose=made.purpose,
            remark=None if made.remark is None else mask(made.remark),
            provisions=None if made.provisions is None else mask(made.provisions),
            consequences=None if made.consequences is None else mask(made.consequences),
        )

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await record_contact(tx, caller, ticket, contact)))

        return await commands.run(request, caller.account, "contacts", command)

    @routes.post("/progress-reports", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def tell_progress(ticket: UUID, progress: Progress, caller: Caller, request: Request) -> Response:
        """报告进展；协办单位可以同时结束本单位的部分。"""
        admit("progress.create", caller)
        words = mask(progress.text)

        async def command(tx: Transaction) -> Answer:
            docket = await report_progress(
                tx,
                caller,
                ticket,
                progress.round,
                words,
                concludes_part=progress.concludes_part,
                promised_at=progress.promised_at,
            )
            return Answer(201, standing_of(docket))

        return await commands.run(request, caller.account, "progress-reports", command)

    return routes
