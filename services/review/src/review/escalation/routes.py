"""The doors of 专报: the report upward, the decision that comes back, and the record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Limit, Slug
from common.messaging.room import Room, Transaction
from common.policy.escalation import DecisionOutcome
from common.security.access import Principal, admit, require, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.reading import Page
from common.web.routing import router
from review import board, deadlines
from review.board import Asked, CaseSeen
from review.clauses import basis_of
from review.edge import RoundSeen, SpanWanted, Written, at_the_edge, masked
from review.escalation import commands, store
from review.escalation.rules import Decision, State


class NewEscalation(ApiModel):
    """专报. Without ``addressee`` it goes to the body that the pack names."""

    round: RoundSeen
    ground: Slug
    addressee: Annotated[str, Text(200)] | None = None
    report: Annotated[str, Text(10000)]
    reply_line: Written | None = None


class NewDecision(ApiModel):
    """批示, as it came back."""

    round: RoundSeen
    outcome: DecisionOutcome
    instruction: Annotated[str, Text(2000)]
    unit: UnitCode | None = None
    co_handlers: Annotated[tuple[UnitCode, ...], Field(max_length=20)] = ()
    limit: SpanWanted | None = None
    reply_line: Written | None = None


class Made(ApiModel):
    """What came back."""

    outcome: DecisionOutcome
    unit: str | None
    co_handlers: tuple[str, ...]
    limit: Limit | None
    instruction: str
    reply_line: str | None
    decided_at: datetime
    basis: tuple[Basis, ...]


class EscalationSeen(CaseSeen):
    """One report upward. ``due_at``: the limit the report itself had to be sent by; null: none is known."""

    holder: str | None
    state: State
    ground: str
    addressee: str
    consultation: UUID
    report: str
    reply_line: str | None
    reported_at: datetime
    due_at: datetime | None
    basis: tuple[Basis, ...]
    decision: Made | None
    overtaken_because: str | None


def escalation_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["专报"])

    @routes.post("/tickets/{ticket}/escalations", status_code=201, response_model=EscalationSeen, openapi_extra=KEYED)
    async def escalate(ticket: UUID, body: NewEscalation, caller: Caller, request: Request) -> Response:
        """专报: what a coordination or consultation left unresolved goes to the government."""
        admit("escalation.create", caller)
        paper = commands.Paper(
            body.round, body.ground, masked(body.addressee), mask(body.report), masked(body.reply_line)
        )

        async def allowed(tx: Transaction) -> None:
            await commands.may_escalate(tx, caller, ticket)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                reported = await commands.escalate(tx, caller, ticket, paper)
                return Answer(201, await _one(tx.connection, caller, reported.id))

        return await run.run(request, caller.account, "escalations", command, authorise=allowed)

    @routes.post("/escalations/{case}/decisions", status_code=201, response_model=EscalationSeen, openapi_extra=KEYED)
    async def decide(case: UUID, body: NewDecision, caller: Caller, request: Request) -> Response:
        """批示: a unit named, an answer given, or sent back; effective when the dispatching service has answered."""
        admit("escalation.decide", caller)
        decision = Decision(
            outcome=body.outcome,
            instruction=mask(body.instruction),
            unit=body.unit,
            co_handlers=body.co_handlers,
            limit=body.limit.limit() if body.limit is not None else None,
            reply_line=masked(body.reply_line),
        )

        async def allowed(tx: Transaction) -> None:
            await commands.may_decide(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.decide(tx, caller, case, body.round, decision)
                return Answer(201, await _one(tx.connection, caller, case))

        return await run.run(request, caller.account, "escalation-decisions", command, authorise=allowed)

    @routes.get("/escalations")
    async def list_escalations(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
    ) -> Page[EscalationSeen]:
        """In the order in which they were sent up. A unit sees those of its tickets."""
        reader = visible_unit("escalation.read", caller)
        wanted = board.wanted(caller, asked, state=state)
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, await store.listed(connection, wanted, reader))
        return board.page(items, asked.size)

    @routes.get("/escalations/{case}")
    async def one_escalation(case: UUID, caller: Caller) -> EscalationSeen:
        admit("escalation.read", caller)
        async with room.database.engine.connect() as connection:
            return await _one(connection, caller, case)

    return routes


async def _one(connection: AsyncConnection, caller: Principal, case: UUID) -> EscalationSeen:
    row = await store.view(connection, case)
    require("escalation.read", caller, jurisdiction=row.jurisdiction, holders=board.readers(row))
    return (await _seen(connection, [row]))[0]


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "holder", "state", "ground", "addressee",
    "consultation", "report", "reply_line", "reported_at", "overtaken_because",
)  # fmt: skip


async def _seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[EscalationSeen]:
    """The limit of a report runs from the consultation that stayed unresolved, and is known by it."""
    limits = await deadlines.of_cases(connection, "escalation", (row.consultation for row in rows))
    return [
        EscalationSeen(
            **{name: getattr(row, name) for name in _COPIED},
            due_at=limits[row.consultation].due_at if row.consultation in limits else None,
            basis=basis_of(row.reported_on),
            decision=_made(row) if row.outcome is not None else None,
        )
        for row in rows
    ]


def _made(row: Any) -> Made:
    return Made(
        outcome=row.outcome,
        unit=row.unit,
        co_handlers=tuple(row.co_handlers),
        limit=None if row.limit_set is None else Limit(**row.limit_set),
        instruction=row.instruction,
        reply_line=row.decided_reply_line,
        decided_at=row.decided_at,
        basis=basis_of(row.basis),
    )
