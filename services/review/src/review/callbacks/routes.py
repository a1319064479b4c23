"""The doors of callbacks: the queue, and a reviewer's judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.board import Asked, CaseSeen
from review.callbacks import commands, store
from review.callbacks.rules import Outcome, State, judgements_for, open_outcomes
from review.clauses import basis_of
from review.docket import SHELF
from review.edge import Choice, RoundSeen, at_the_edge, choices


class NewJudgement(ApiModel):
    """回访审核. ``ground`` names why the work is to be redone; ``round`` is compared when it is given."""

    outcome: Outcome
    reason: Annotated[str, Text(2000)]
    ground: Slug | None = None
    round: RoundSeen | None = None


class Made(ApiModel):
    """The judgement of a callback."""

    outcome: Outcome
    by_rule: bool
    ground: str | None
    note: str | None
    judged_at: datetime
    basis: tuple[Basis, ...]


class Explained(ApiModel):
    """How the unit explained itself to the requester."""

    unit: str | None
    at: datetime
    outcome: str
    remark: str | None


class Stated(ApiModel):
    """The unit's 情况说明及有效依据."""

    statement: UUID
    unit: str
    at: datetime
    text: str
    evidence: tuple[str, ...]


class CallbackSeen(CaseSeen):
    """One callback with what may be decided of it now.

    ``not_chased``: the ticket's marks for which the rate of satisfaction is not to be chased, with the clause.
    """

    unit: str | None
    state: State
    outcome: Literal["reached", "not_reached"]
    responded: bool | None
    resolved: bool | None
    satisfaction: str | None
    attempt: int
    occurred_at: datetime
    remark: str | None
    explained: Explained | None
    stated: Stated | None
    judgement: Made | None
    earlier: list[Made]
    judgements: list[Choice]
    redo_grounds: list[Choice]
    statement_grounds: list[Choice]
    not_chased: list[Choice]


def callback_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1/callbacks", tags=["回访审核"])

    @routes.get("")
    async def list_callbacks(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
    ) -> Page[CallbackSeen]:
        """The queue and the record, in the order of recording."""
        admit("callback.read", caller)
        wanted = board.wanted(caller, asked, state=state)
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, await store.listed(connection, wanted, unit))
        return board.page(items, asked.size)

    @routes.post("/{case}/judgements", status_code=201, response_model=CallbackSeen, openapi_extra=KEYED)
    async def judge_callback(case: UUID, body: NewJudgement, caller: Caller, request: Request) -> Response:
        """Archive, redo, or ask the unit to explain or state; effective when the dispatching service has answered."""
        admit("callback.judge", caller)
        reason = mask(body.reason)

        async def allowed(tx: Transaction) -> None:
            await commands.may_judge(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.judge(tx, caller, case, body.outcome, reason, ground=body.ground, round=body.round)
            return Answer(201, (await _seen(tx.connection, [await store.view(tx.connection, case)]))[0])

        return await run.run(request, caller.account, "callback-judgements", command, authorise=allowed)

    return routes


async def _seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[CallbackSeen]:
    seen = []
    for row in rows:
        open_now = await _choices(connection, row)
        seen.append(
            CallbackSeen(
                **{name: getattr(row, name) for name in _COPIED},
                explained=None if row.explained is None else Explained(**row.explained),
                stated=None if row.stated is None else Stated(**row.stated),
                judgement=_made(row._mapping) if row.judgement is not None else None,
                earlier=[_made(one) for one in row.earlier],
                judgements=open_now.judgements,
                redo_grounds=open_now.redo_grounds,
                statement_grounds=open_now.statement_grounds,
                not_chased=open_now.not_chased,
            )
        )
    return seen


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "unit", "state", "outcome", "responded", "resolved",
    "satisfaction", "attempt", "occurred_at", "remark",
)  # fmt: skip


def _made(judged: Mapping[str, Any]) -> Made:
    return Made(
        outcome=judged["judgement"],
        by_rule=judged["by_rule"],
        ground=judged["ground"],
        note=judged["note"],
        judged_at=judged["judged_at"],
        basis=basis_of(judged["basis"]),
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """What a person may pick, and what to bear in mind."""

    judgements: list[Choice]
    redo_grounds: list[Choice]
    statement_grounds: list[Choice]
    not_chased: list[Choice]


async def _choices(connection: AsyncConnection, row: Any) -> _Choices:
    """Nothing while the ticket's pack has not come, and no outcomes once it is judged."""
    try:
        pack = await SHELF.version(connection, row.policy)
    except Transient:
        return _Choices([], [], [], [])
    callbacks, apart = pack.callbacks, pack.callbacks.indicator
    marked = [pack.ticket.marks[mark] for mark in row.marks if mark in pack.ticket.marks]
    not_chased = [
        Choice(code=one.code, label=one.label, basis=apart.basis) for one in marked if apart and one.code in apart.marks
    ]
    callback = store.callback_of(row)
    may = open_outcomes(callbacks, callback)
    statements = callbacks.statement_when or {}
    return _Choices(
        judgements=choices(judgements_for(callbacks, callback)),
        redo_grounds=choices(callbacks.redo_when.values() if "redo" in may else ()),
        statement_grounds=choices(statements.values() if "statement" in may else ()),
        not_chased=not_chased,
    )
