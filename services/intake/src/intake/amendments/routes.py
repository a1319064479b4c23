"""``POST /v1/tickets/{id}/amendments``."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from common.events.intake import AmendedField
from common.events.vocabulary import TicketType
from common.messaging.room import Transaction
from common.messaging.runner import Transient
from common.security.access import admit
from common.security.bearer import Caller
from common.security.vaulting import KeyRing
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import FieldError, Problem, unavailable
from common.web.routing import router
from intake.amendments.commands import Amended, amend_ticket
from intake.amendments.rules import FIELDS
from intake.registration.routes import Code, LegalLimitInput
from intake.registration.rules import RegistrationRefused

PATH: Final = "/tickets/{ticket}/amendments"
ENDPOINT: Final = f"POST {PATH}"
_ETAG: Final = re.compile(r'"([1-9][0-9]{0,8})"')
_IF_MATCH: Final[dict[str, Any]] = {
    "parameters": [
        *KEYED["parameters"],
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "读取工单时得到的 ETag",
            "schema": {"type": "string"},
        },
    ]
}


class AmendmentInput(ApiModel):
    """更正. What is not given stays; ``marks`` are all marks from now on; ``legal_limit`` null takes it away."""

    round: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    reason: Annotated[str, Text(1000)]
    type: TicketType | None = None
    category: Annotated[str, Text(100)] | None = None
    address: Annotated[str, Text(500)] | None = None
    marks: Annotated[tuple[Code, ...], Field(max_length=20)] | None = None
    legal_limit: LegalLimitInput | None = None

    def given(self) -> dict[str, Any]:
        stated: dict[str, Any] = {name: getattr(self, name) for name in FIELDS if getattr(self, name) is not None}
        if self.marks is not None:
            stated["marks"] = tuple(dict.fromkeys(self.marks))
        if "legal_limit" in self.model_fields_set:
            stated["legal_limit"] = self.legal_limit.limit() if self.legal_limit else None
        return stated


class AmendmentAnswer(ApiModel):
    """What the ticket says now."""

    ticket: UUID
    round: int
    type: str
    category: str
    address: str | None
    marks: list[str]
    legal_limit: dict[str, Any] | None
    changed: list[AmendedField]


def amendment_routes(keys: KeyRing, commands: Commands[Transaction]) -> APIRouter:
    """Correcting tickets."""
    routes = router(prefix="/v1", tags=["更正"])

    @routes.post(
        "/tickets/{ticket}/amendments", status_code=201, response_model=AmendmentAnswer, openapi_extra=_IF_MATCH
    )
    async def correct(ticket: UUID, entered: AmendmentInput, caller: Caller, request: Request) -> Response:
        admit("ticket.amend", caller)
        revision = _revision(request)

        async def command(tx: Transaction) -> Answer:
            try:
                amended = await amend_ticket(
                    tx,
                    caller,
                    keys,
                    ticket,
                    round=entered.round,
                    revision=revision,
                    given=entered.given(),
                    reason=entered.reason,
                )
            except RegistrationRefused as refused:
                fields = [FieldError(fault.field, fault.rule, fault.message) for fault in refused.faults]
                detail = "".join(fault.message for fault in refused.faults)
                raise Problem(422, refused.code, refused.title, detail, fields=fields, basis=refused.basis) from None
            except Transient:
                raise unavailable() from None
            return Answer(201, _answer(ticket, amended), headers={"ETag": f'"{amended.revision}"'})

        return await commands.run(request, caller.account, ENDPOINT, command)

    return routes


def _revision(request: Request) -> int | None:
    """The version in ``If-Match``; None without the header, 400 for what is no ETag of ours."""
    if_match = request.headers.getlist("if-match")
    if not if_match:
        return None
    found = _ETAG.fullmatch(if_match[0].strip()) if len(if_match) == 1 else None
    if found is None:
        raise Problem(400, "malformed_if_match", "If-Match 有误", "If-Match 应为读取工单时得到的 ETag。")
    return int(found.group(1))


def _answer(ticket: UUID, amended: Amended) -> AmendmentAnswer:
    shown = amended.shown
    limit = None if shown.legal_limit is None else shown.legal_limit.model_dump(mode="json")
    return AmendmentAnswer(
        ticket=ticket,
        round=amended.round,
        type=shown.type,
        category=shown.category,
        address=shown.address,
        marks=list(shown.marks),
        legal_limit=limit,
        changed=list(amended.changed),
    )
