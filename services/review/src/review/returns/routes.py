"""The doors of returns: filing, ruling, and the queue with the grounds beside the facts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Designation, Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.security.access import Principal, admit, require, visible_unit
from common.security.bearer import Caller
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.board import Asked, CaseSeen, within
from review.clauses import basis_of
from review.deadlines import of_cases
from review.docket import SHELF
from review.edge import Choice, RoundSeen, Written, at_the_edge, choices, masked, require_distinct
from review.returns import commands, store
from review.returns.rules import State, Window, grounds_for


class NewReturn(ApiModel):
    """退单. What is left out or blank counts as not given: 双鸭山 第十九条（二）."""

    round: RoundSeen
    ground: Slug | None = None
    reason: Written | None = None
    legal_basis: Written | None = None
    suggested_unit: UnitCode | None = None
    explanation: Written | None = None
    papers: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()


class NewRuling(ApiModel):
    """审核意见."""

    round: RoundSeen
    decision: Literal["approve", "deny"]
    ground: Slug
    note: Written | None = None


class Choices(ApiModel):
    approve: list[Choice]
    deny: list[Choice]


class Made(ApiModel):
    """The decision on a return."""

    outcome: Literal["approved", "denied"]
    ground: str | None
    by_rule: bool
    note: str | None
    designation: Designation | None
    decided_at: datetime
    basis: tuple[Basis, ...]


class Earlier(ApiModel):
    """An earlier return of the same ticket."""

    id: UUID
    round: int
    unit: str
    state: State
    ground: str | None
    filed_at: datetime


class ReturnSeen(CaseSeen):
    """One return. ``window_due_at``: the window it was, or will be, compared with; ``late`` null: none is known. Where
    the pack has a second window, only what comes after that one is late.

    ``ruling_due_at``: the first late instant of the ruling, as far as it is known.
    """

    unit: str
    state: State
    ground: str | None
    reason: str | None
    legal_basis: str | None
    suggested_unit: str | None
    explanation: str | None
    papers: tuple[UUID, ...]
    filed_at: datetime
    window_due_at: datetime | None
    late: bool | None
    ruling_due_at: datetime | None
    decision: Made | None
    lapsed_because: str | None
    grounds: Choices | None
    history: list[Earlier]


def return_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["退单"])

    @routes.post("/tickets/{ticket}/returns", status_code=201, response_model=ReturnSeen, openapi_extra=KEYED)
    async def file_return(ticket: UUID, body: NewReturn, caller: Caller, request: Request) -> Response:
        """退单: by the unit that leads the ticket. A denial by rule is an answer like any other: 201."""
        admit("return.create", caller)
        require_distinct("papers", body.papers, "同一附件不得重复。")
        paper = commands.Paper(
            round=body.round,
            ground=body.ground,
            reason=masked(body.reason),
            legal_basis=masked(body.legal_basis),
            suggested_unit=body.suggested_unit,
            explanation=masked(body.explanation),
            papers=body.papers,
        )

        async def allowed(tx: Transaction) -> None:
            await commands.may_file(tx, caller, ticket)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                filing = await commands.file(tx, caller, ticket, paper)
                return Answer(201, await _one(tx.connection, caller, filing.id))

        return await run.run(request, caller.account, "returns", command, authorise=allowed)

    @routes.post("/returns/{case}/rulings", status_code=201, response_model=ReturnSeen, openapi_extra=KEYED)
    async def rule_on_return(case: UUID, body: NewRuling, caller: Caller, request: Request) -> Response:
        """审核: approve or deny with the ground; effective when the dispatching service has answered."""
        admit("return.rule", caller)
        ruling = commands.Ruling(body.round, body.decision, body.ground, masked(body.note))

        async def allowed(tx: Transaction) -> None:
            with at_the_edge():
                await commands.may_rule(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.rule(tx, caller, case, ruling)
                return Answer(201, await _one(tx.connection, caller, case))

        return await run.run(request, caller.account, "return-rulings", command, authorise=allowed)

    @routes.get("/returns")
    async def list_returns(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
    ) -> Page[ReturnSeen]:
        """The queue and the record, in the order of filing. A unit sees its own."""
        units = within(unit, visible_unit("return.read", caller))
        wanted = board.wanted(caller, asked, units=units, state=state)
        async with room.database.engine.connect() as connection:
            rows = await store.listed(connection, wanted)
            items = await _seen(connection, caller, rows)
        return board.page(items, asked.size)

    @routes.get("/returns/{case}")
    async def one_return(case: UUID, caller: Caller) -> ReturnSeen:
        admit("return.read", caller)
        async with room.database.engine.connect() as connection:
            return await _one(connection, caller, case)

    return routes


async def _one(connection: AsyncConnection, caller: Principal, case: UUID) -> ReturnSeen:
    row = await store.view(connection, case)
    require("return.read", caller, jurisdiction=row.jurisdiction, holders=(row.unit,))
    return (await _seen(connection, caller, [row]))[0]


async def _seen(connection: AsyncConnection, caller: Principal, rows: Sequence[Any]) -> list[ReturnSeen]:
    """The rows as ``caller`` may see them, each with the earlier returns of its ticket."""
    own = visible_unit("return.read", caller)
    earlier = [row for row in await store.history(connection, (row.ticket for row in rows)) if own in (None, row.unit)]
    rulings = await of_cases(connection, "ruling", (row.id for row in rows))
    seen = []
    for row in rows:
        decided = row.outcome is not None
        late = row.late if decided else Window(row.current_due_at, last_due_at=row.last_due_at).late(row.filed_at)
        seen.append(
            ReturnSeen(
                **{name: getattr(row, name) for name in _COPIED},
                papers=tuple(row.papers),
                window_due_at=row.window_due_at if decided else row.current_due_at,
                late=late,
                ruling_due_at=rulings[row.id].due_at if row.id in rulings else None,
                decision=_made(row) if decided else None,
                grounds=await _choices(connection, row.policy) if row.state == "queued" and own is None else None,
                history=[
                    Earlier(**{name: getattr(one, name) for name in Earlier.model_fields})
                    for one in earlier
                    if one.ticket == row.ticket and one.id < row.id
                ],
            )
        )
    return seen


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "unit", "state", "ground", "reason", "legal_basis",
    "suggested_unit", "explanation", "filed_at", "lapsed_because",
)  # fmt: skip


def _made(row: Any) -> Made:
    return Made(
        outcome=row.outcome,
        ground=row.decided_ground,
        by_rule=row.by_rule,
        note=row.note,
        designation=None if row.designation is None else Designation(**row.designation),
        decided_at=row.decided_at,
        basis=basis_of(row.basis),
    )


async def _choices(connection: AsyncConnection, policy: str) -> Choices | None:
    """The grounds of the ticket's pack; None while the pack has not come."""
    try:
        returns = (await SHELF.version(connection, policy)).returns
    except Transient:
        return None
    approve, deny = (grounds_for(returns, decision) for decision in ("approve", "deny"))
    return Choices(approve=choices(approve), deny=choices(deny))
