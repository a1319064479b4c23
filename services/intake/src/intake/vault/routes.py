"""``POST /v1/contact-reveals``: never kept for a repeat; whoever asks again is looked at again."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from common.messaging.room import Room
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.security.vaulting import KeyRing
from common.web.edge import accepted_at
from common.web.inputs import ApiModel, Text
from common.web.problems import Problem
from common.web.routing import router
from intake.vault import rules
from intake.vault.commands import Revealed, reveal


class RevealInput(ApiModel):
    """查看. ``purpose`` says why, in the official's own words."""

    tickets: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    purpose: Annotated[str, Text(200)]
    field: rules.Field


class FurtherWords(ApiModel):
    """What was said after the registration: a supplement, an urging, a withdrawal, or an address before a change."""

    kind: str
    text: str
    accepted_at: datetime


class RevealAnswer(ApiModel):
    """One requester: ``name`` and ``phone`` for a contact, ``statement`` and ``address`` for the original words.

    ``further``: the original words that came after the registration.
    """

    ticket: UUID
    number: str
    name: str | None = None
    phone: str | None = None
    statement: str | None = None
    address: str | None = None
    further: list[FurtherWords] | None = None


class Reveals(ApiModel):
    reveals: list[RevealAnswer]


def reveal_routes(room: Room, keys: KeyRing) -> APIRouter:
    """The only door of the vault."""
    routes = router(prefix="/v1", tags=["诉求人信息"])

    @routes.post("/contact-reveals", response_model=Reveals)
    async def look(asked: RevealInput, caller: Caller, request: Request) -> Response:
        admit("contact.reveal", caller)
        tickets = tuple(sorted(set(asked.tickets)))
        try:
            seen = await reveal(room, keys, caller, tickets, asked.field, mask(asked.purpose), accepted_at(request))
        except rules.Confidential as refused:
            raise Problem(
                403, "confidential", "信息保密", "诉求人要求信息保密，请经热线中心联系。", basis=[refused.basis]
            ) from None
        answers = [_answer(one) for one in seen]
        content = Reveals(reveals=answers).model_dump_json(exclude_unset=True)
        return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")

    return routes


def _answer(one: Revealed) -> RevealAnswer:
    told: dict[str, object] = {"ticket": one.ticket, "number": one.number, **one.fields}
    if one.further:
        told["further"] = [asdict(words) for words in one.further]
    return RevealAnswer.model_validate(told)
