"""The doors of 明确承办单位、协调、会商: convening, opinions, minutes, the conclusion, and the record."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from common.messaging.room import Room, Transaction
from common.policy.consultation import Form
from common.security.access import admit, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.problems import invalid
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.board import Asked
from review.consultation import commands, store
from review.consultation.routes.shapes import (
    ConsultationSeen,
    NewConclusion,
    NewConsultation,
    NewMinutes,
    NewOpinion,
    one,
    seen,
)
from review.consultation.rules import Conclusion, State
from review.edge import at_the_edge, masked, require_distinct


def consultation_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["协调、会商"])

    @routes.post(
        "/tickets/{ticket}/consultations", status_code=201, response_model=ConsultationSeen, openapi_extra=KEYED
    )
    async def convene(ticket: UUID, body: NewConsultation, caller: Caller, request: Request) -> Response:
        """召集: designation, coordination or consultation; invited by rule are those the form wants."""
        admit("consultation.convene", caller)
        require_distinct("participants", body.participants, "同一单位不得重复。")
        summons = commands.Summons(
            body.round, body.form, body.ground, body.participants, mask(body.subject), body.meets_at
        )

        async def allowed(tx: Transaction) -> None:
            await commands.may_convene(tx, caller, ticket)

        async def command(tx: Transaction) -> Answer:
            if summons.meets_at is not None and summons.meets_at < tx.now:
                raise invalid("meets_at", "too_early", "会议时间不得早于召集时间。")
            with at_the_edge():
                convened = await commands.convene(tx, caller, ticket, summons)
                return Answer(201, await one(tx.connection, caller, convened.id))

        return await run.run(request, caller.account, "consultations", command, authorise=allowed)

    @routes.post(
        "/consultations/{case}/opinions", status_code=201, response_model=ConsultationSeen, openapi_extra=KEYED
    )
    async def give_opinion(case: UUID, body: NewOpinion, caller: Caller, request: Request) -> Response:
        """意见: one standing opinion of each participant; a new one takes its place."""
        admit("consultation.opinion", caller)
        opinion, legal_basis = mask(body.opinion), masked(body.legal_basis)

        async def allowed(tx: Transaction) -> None:
            await commands.may_speak(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.speak(tx, caller, case, body.round, opinion, legal_basis, body.unit)
                return Answer(201, await one(tx.connection, caller, case))

        return await run.run(request, caller.account, "consultation-opinions", command, authorise=allowed)

    @routes.post("/consultations/{case}/minutes", status_code=201, response_model=ConsultationSeen, openapi_extra=KEYED)
    async def keep_minutes(case: UUID, body: NewMinutes, caller: Caller, request: Request) -> Response:
        admit("consultation.convene", caller)
        text = mask(body.text)

        async def allowed(tx: Transaction) -> None:
            await commands.may_keep_minutes(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.keep_minutes(tx, caller, case, body.round, text)
                return Answer(201, await one(tx.connection, caller, case))

        return await run.run(request, caller.account, "consultation-minutes", command, authorise=allowed)

    @routes.post(
        "/consultations/{case}/conclusions", status_code=201, response_model=ConsultationSeen, openapi_extra=KEYED
    )
    async def conclude(case: UUID, body: NewConclusion, caller: Caller, request: Request) -> Response:
        """结论, drawn once, not by a person of a unit in dispute; effective when the dispatching service answered."""
        admit("consultation.conclude", caller)
        conclusion = Conclusion(
            outcome=body.outcome,
            unit=body.unit,
            co_handlers=body.co_handlers,
            principle=body.principle,
            limit=body.limit.limit() if body.limit is not None else None,
            solution=masked(body.solution),
            reply_wording=masked(body.reply_wording),
        )

        async def allowed(tx: Transaction) -> None:
            with at_the_edge():
                await commands.may_conclude(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.conclude(tx, caller, case, body.round, conclusion)
                return Answer(201, await one(tx.connection, caller, case))

        return await run.run(request, caller.account, "consultation-conclusions", command, authorise=allowed)

    @routes.get("/consultations")
    async def list_consultations(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
        form: Annotated[Form | None, Query()] = None,
    ) -> Page[ConsultationSeen]:
        """In the order of convening. A unit sees those it takes part in, and those of its tickets."""
        reader = visible_unit("consultation.read", caller)
        wanted = board.wanted(caller, asked, state=state)
        async with room.database.engine.connect() as connection:
            items = await seen(connection, await store.listed(connection, wanted, reader, form))
        return board.page(items, asked.size)

    @routes.get("/consultations/{case}")
    async def one_consultation(case: UUID, caller: Caller) -> ConsultationSeen:
        admit("consultation.read", caller)
        async with room.database.engine.connect() as connection:
            return await one(connection, caller, case)

    return routes
