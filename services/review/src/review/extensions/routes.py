"""The doors of extensions: asking, ruling, and the queue with the limit and the clauses beside the facts."""

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
from common.events.vocabulary import Limit, Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.policy.extensions import Sort
from common.security.access import Principal, admit, require, visible_unit
from common.security.bearer import Caller
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.board import Asked, CaseSeen, within
from review.clauses import basis_of
from review.docket import SHELF
from review.edge import Choice, RoundSeen, SpanWanted, Written, at_the_edge, choices, masked, require_distinct
from review.extensions import commands, store
from review.extensions.rules import Running, State, grounds_of_denial, to_be_argued


class NewExtension(ApiModel):
    """延期申请. A reason that is left out or blank counts as not given. ``sort`` special: 特殊延期, with the
    formalities that the unit declares to have been done. ``head_approval``: the account of the unit's head who approved
    it."""

    round: RoundSeen
    requested: SpanWanted
    reason: Written | None = None
    plan: Written | None = None
    papers: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()
    sort: Sort = "ordinary"
    formalities: Annotated[tuple[Slug, ...], Field(max_length=20)] = ()
    head_approval: Annotated[str, Text(100)] | None = None


class NewRuling(ApiModel):
    """审核意见. ``granted``: less than was asked for; left out, what was asked for."""

    round: RoundSeen
    decision: Literal["grant", "deny"]
    granted: SpanWanted | None = None
    ground: Slug | None = None
    note: Written | None = None


class Made(ApiModel):
    """The decision on an extension."""

    outcome: Literal["granted", "denied"]
    granted: Limit | None
    ground: str | None
    by_rule: bool
    note: str | None
    decided_at: datetime
    basis: tuple[Basis, ...]


class ExtensionSeen(CaseSeen):
    """One extension. ``window_due_at``: the first instant at which asking was, or is, too late; ``late`` null: no
    window is known. ``allowance``: the limit that is to be extended, as its rule states it. ``to_be_argued``: what
    granting it as asked would depart from; ``requester_told_at``: when the unit told the requester of the grant."""

    unit: str
    state: State
    nth: int
    requested: Limit
    reason: str | None
    plan: str | None
    papers: tuple[UUID, ...]
    sort: Sort
    formalities: tuple[str, ...]
    head_approval: str | None
    filed_at: datetime
    window_due_at: datetime | None
    late: bool | None
    closing_due_at: datetime | None
    allowance: Limit | None
    decision: Made | None
    requester_told_at: datetime | None
    lapsed_because: str | None
    to_be_argued: tuple[Basis, ...] | None
    denial_grounds: list[Choice] | None


def extension_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["延期"])

    @routes.post("/tickets/{ticket}/extensions", status_code=201, response_model=ExtensionSeen, openapi_extra=KEYED)
    async def ask_for_extension(ticket: UUID, body: NewExtension, caller: Caller, request: Request) -> Response:
        """延期申请: by the unit that leads the ticket. A denial by rule is an answer like any other: 201."""
        admit("extension.create", caller)
        require_distinct("papers", body.papers, "同一附件不得重复。")
        paper = commands.Paper(
            round=body.round,
            requested=body.requested.limit(),
            reason=masked(body.reason),
            plan=masked(body.plan),
            papers=body.papers,
            sort=body.sort,
            formalities=body.formalities,
            head_approval=body.head_approval,
        )

        async def allowed(tx: Transaction) -> None:
            await commands.may_ask(tx, caller, ticket)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                asked = await commands.ask(tx, caller, ticket, paper)
                return Answer(201, await _one(tx.connection, caller, asked.id))

        return await run.run(request, caller.account, "extensions", command, authorise=allowed)

    @routes.post("/extensions/{case}/rulings", status_code=201, response_model=ExtensionSeen, openapi_extra=KEYED)
    async def rule_on_extension(case: UUID, body: NewRuling, caller: Caller, request: Request) -> Response:
        """审核: grant or deny; a grant is effective when the dispatching service has answered."""
        admit("extension.rule", caller)
        granted = None if body.granted is None else body.granted.limit()
        ruling = commands.Ruling(body.round, body.decision, granted, body.ground, masked(body.note))

        async def allowed(tx: Transaction) -> None:
            with at_the_edge():
                await commands.may_rule(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.rule(tx, caller, case, ruling)
                return Answer(201, await _one(tx.connection, caller, case))

        return await run.run(request, caller.account, "extension-rulings", command, authorise=allowed)

    @routes.get("/extensions")
    async def list_extensions(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
    ) -> Page[ExtensionSeen]:
        """The queue and the record, in the order of asking. A unit sees its own."""
        units = within(unit, visible_unit("extension.read", caller))
        wanted = board.wanted(caller, asked, units=units, state=state)
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, caller, await store.listed(connection, wanted))
        return board.page(items, asked.size)

    @routes.get("/extensions/{case}")
    async def one_extension(case: UUID, caller: Caller) -> ExtensionSeen:
        admit("extension.read", caller)
        async with room.database.engine.connect() as connection:
            return await _one(connection, caller, case)

    return routes


async def _one(connection: AsyncConnection, caller: Principal, case: UUID) -> ExtensionSeen:
    row = await store.view(connection, case)
    require("extension.read", caller, jurisdiction=row.jurisdiction, holders=(row.unit,))
    return (await _seen(connection, caller, [row]))[0]


async def _seen(connection: AsyncConnection, caller: Principal, rows: Sequence[Any]) -> list[ExtensionSeen]:
    """The rows as ``caller`` may see them; a unit is not shown what the reviewer weighs."""
    reviews = visible_unit("extension.read", caller) is None
    return [await _one_seen(connection, row, reviews=reviews) for row in rows]


async def _one_seen(connection: AsyncConnection, row: Any, *, reviews: bool) -> ExtensionSeen:
    decided = row.outcome is not None
    late = row.late if decided else None if row.current_due_at is None else row.filed_at >= row.current_due_at
    requested = Limit(amount=row.requested_amount, unit=row.requested_unit)
    allowance = None if row.allowance is None else Limit(**row.allowance)
    argued, grounds = None, None
    if row.state == "queued" and reviews:
        argued, grounds = await _weighed(connection, row, requested, allowance)
    return ExtensionSeen(
        **{name: getattr(row, name) for name in _COPIED},
        requested=requested,
        papers=tuple(row.papers),
        formalities=tuple(row.formalities),
        window_due_at=row.window_due_at if decided else row.current_due_at,
        late=late,
        allowance=allowance,
        decision=_made(row) if decided else None,
        requester_told_at=row.told_at,
        to_be_argued=argued,
        denial_grounds=grounds,
    )


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "unit", "state", "nth", "reason", "plan", "filed_at",
    "closing_due_at", "lapsed_because", "sort", "head_approval",
)  # fmt: skip


def _made(row: Any) -> Made:
    return Made(
        outcome=row.outcome,
        granted=None if row.granted_amount is None else Limit(amount=row.granted_amount, unit=row.granted_unit),
        ground=row.decided_ground,
        by_rule=row.by_rule,
        note=row.note,
        decided_at=row.decided_at,
        basis=basis_of(row.basis),
    )


async def _weighed(
    connection: AsyncConnection, row: Any, requested: Limit, allowance: Limit | None
) -> tuple[tuple[Basis, ...] | None, list[Choice] | None]:
    """What granting departs from, and the grounds of denial; None while the ticket's pack has not come."""
    try:
        extensions = (await SHELF.version(connection, row.policy)).extensions
    except Transient:
        return None, None
    if extensions is None:
        return None, None
    argued = to_be_argued(extensions, row.type, requested, Running(row.current_due_at, 0, allowance))
    return argued, choices(grounds_of_denial(extensions))
