"""The doors of callbacks: the queue, and a reviewer's judgement."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import Jurisdiction, UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.policy.ruled import Entry
from common.security.access import admit, visible_jurisdiction
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import not_found
from common.web.reading import Cursor, Page, PageSize, cursor_of
from common.web.routing import router
from review.callbacks import commands, store
from review.callbacks.rules import OPEN, Outcome, State, judgements_for
from review.docket import SHELF
from review.edge import RoundSeen, after, at_the_edge, within


class NewJudgement(ApiModel):
    """回访审核. ``ground`` names why the work is to be redone; ``round`` is compared when it is given."""

    outcome: Outcome
    reason: Annotated[str, Text(2000)]
    ground: Slug | None = None
    round: RoundSeen | None = None


class Choice(ApiModel):
    """What may be chosen, with its clause."""

    code: str
    label: str
    basis: Basis


class Made(ApiModel):
    """The judgement of a callback."""

    outcome: Outcome
    by_rule: bool
    ground: str | None
    note: str | None
    judged_at: datetime
    basis: tuple[Basis, ...]


class CallbackSeen(ApiModel):
    """One callback with what may be decided of it now."""

    id: UUID
    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    round: int
    unit: str | None
    state: State
    outcome: Literal["reached", "not_reached"]
    responded: bool | None
    resolved: bool | None
    satisfaction: str | None
    attempt: int
    occurred_at: datetime
    remark: str | None
    judgement: Made | None
    judgements: list[Choice]
    redo_grounds: list[Choice]


def callback_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1/callbacks", tags=["回访审核"])

    @routes.get("")
    async def list_callbacks(
        caller: Caller,
        jurisdiction: Annotated[Jurisdiction | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
        ticket: Annotated[UUID | None, Query()] = None,
        size: PageSize = 50,
        cursor: Cursor = None,
    ) -> Page[CallbackSeen]:
        """The queue and the record, in the order of recording."""
        admit("callback.read", caller)
        wanted = store.Wanted(
            jurisdictions=within(jurisdiction, visible_jurisdiction(caller)),
            unit=unit,
            state=state,
            ticket=ticket,
            after=after(cursor),
            most=size,
        )
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, await store.listed(connection, wanted))
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == size else None)

    @routes.post("/{case}/judgements", status_code=201, response_model=CallbackSeen, openapi_extra=KEYED)
    async def judge_callback(case: UUID, body: NewJudgement, caller: Caller, request: Request) -> Response:
        """Archive or redo; effective when the dispatching service has answered."""
        admit("callback.judge", caller)
        reason = mask(body.reason)

        async def allowed(tx: Transaction) -> None:
            await commands.may_judge(tx, caller, case)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await commands.judge(tx, caller, case, body.outcome, reason, ground=body.ground, round=body.round)
            row = await store.view(tx.connection, case)
            if row is None:
                raise not_found()
            return Answer(201, (await _seen(tx.connection, [row]))[0])

        return await run.run(request, caller.account, "callback-judgements", command, authorise=allowed)

    return routes


async def _seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[CallbackSeen]:
    seen = []
    for row in rows:
        judgements, grounds = await _choices(connection, row)
        seen.append(
            CallbackSeen(
                **{name: getattr(row, name) for name in _COPIED},
                judgement=_made(row) if row.judgement is not None else None,
                judgements=judgements,
                redo_grounds=grounds,
            )
        )
    return seen


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "unit", "state", "outcome", "responded", "resolved",
    "satisfaction", "attempt", "occurred_at", "remark",
)  # fmt: skip


def _made(row: Any) -> Made:
    return Made(
        outcome=row.judgement,
        by_rule=row.by_rule,
        ground=row.ground,
        note=row.note,
        judged_at=row.judged_at,
        basis=store.basis_of(row.basis),
    )


async def _choices(connection: AsyncConnection, row: Any) -> tuple[list[Choice], list[Choice]]:
    """The outcomes and the grounds for redoing that are open; none while the ticket's pack has not come."""
    if row.state not in OPEN:
        return [], []
    try:
        callbacks = (await SHELF.version(connection, row.policy)).callbacks
    except Transient:
        return [], []
    grounds = callbacks.redo_when.values() if row.state == "queued" else ()
    return _told(judgements_for(callbacks, row.state)), _told(grounds)


def _told(entries: Iterable[Entry]) -> list[Choice]:
    return [Choice(code=one.code, label=one.label, basis=one.basis) for one in entries]
