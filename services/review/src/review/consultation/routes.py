"""The doors of 明确承办单位、协调、会商: convening, opinions, minutes, the conclusion, and the record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import Jurisdiction, UnitCode
from common.events.vocabulary import Limit, Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.policy.consultation import Form
from common.security.access import Principal, admit, require, visible_jurisdiction, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Instant, Text
from common.web.problems import invalid, not_found
from common.web.reading import Cursor, Page, PageSize, cursor_of
from common.web.routing import router
from review import deadlines
from review.consultation import commands, store
from review.consultation.rules import Conclusion, Outcome, State
from review.docket import SHELF
from review.edge import RoundSeen, SpanWanted, Written, after, at_the_edge, masked, within


class NewConsultation(ApiModel):
    """召集. Whom the rule wants at the table is invited without being named."""

    round: RoundSeen
    form: Form
    ground: Slug | None = None
    participants: Annotated[tuple[UnitCode, ...], Field(max_length=30)] = ()
    subject: Annotated[str, Text(2000)]
    meets_at: Instant | None = None


class NewOpinion(ApiModel):
    """参加单位意见. ``unit`` is for those who write for a unit and have none themselves."""

    round: RoundSeen
    opinion: Annotated[str, Text(2000)]
    legal_basis: Written | None = None
    unit: UnitCode | None = None


class NewMinutes(ApiModel):
    """会商纪要."""

    round: RoundSeen
    text: Annotated[str, Text(10000)]


class NewConclusion(ApiModel):
    """结论: a unit named by a principle, or unresolved."""

    round: RoundSeen
    outcome: Outcome
    unit: UnitCode | None = None
    co_handlers: Annotated[tuple[UnitCode, ...], Field(max_length=20)] = ()
    principle: Slug | None = None
    limit: SpanWanted | None = None
    solution: Written | None = None
    reply_wording: Written | None = None


class Opinion(ApiModel):
    unit: str
    opinion: str
    legal_basis: str | None
    given_at: datetime


class Minutes(ApiModel):
    text: str
    recorded_at: datetime


class Made(ApiModel):
    """What it came to."""

    outcome: Outcome
    unit: str | None
    co_handlers: tuple[str, ...]
    principle: str | None
    limit: Limit | None
    solution: str | None
    reply_wording: str | None
    concluded_at: datetime
    basis: tuple[Basis, ...]


class Choice(ApiModel):
    """A principle that may be named, with its clause."""

    code: str
    label: str
    basis: Basis


class ConsultationSeen(ApiModel):
    """One consultation. ``due_at``: the limit it was concluded, or is to be concluded, by; null: none is known."""

    id: UUID
    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    round: int
    holder: str | None
    state: State
    form: Form
    ground: str | None
    convener: str | None
    participants: tuple[str, ...]
    invited_by_rule: tuple[str, ...]
    disputants: tuple[str, ...]
    subject: str
    meets_at: datetime | None
    convened_at: datetime
    due_at: datetime | None
    basis: tuple[Basis, ...]
    opinions: list[Opinion]
    minutes: Minutes | None
    conclusion: Made | None
    overtaken_because: str | None
    principles: list[Choice]


def consultation_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["协调、会商"])

    @routes.post(
        "/tickets/{ticket}/consultations", status_code=201, response_model=ConsultationSeen, openapi_extra=KEYED
    )
    async def convene(ticket: UUID, body: NewConsultation, caller: Caller, request: Request) -> Response:
        """召集: designation, coordination or consultation; invited by rule are those the form wants."""
        admit("consultation.convene", caller)
        if len(set(body.participants)) != len(body.participants):
            raise invalid("participants", "duplicate", "同一单位不得重复。")
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
                return Answer(201, await _one(tx.connection, caller, convened.id))

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
                return Answer(201, await _one(tx.connection, caller, case))

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
                return Answer(201, await _one(tx.connection, caller, case))

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
                return Answer(201, await _one(tx.connection, caller, case))

        return await run.run(request, caller.account, "consultation-conclusions", command, authorise=allowed)

    @routes.get("/consultations")
    async def list_consultations(
        caller: Caller,
        jurisdiction: Annotated[Jurisdiction | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        form: Annotated[Literal["designation", "coordination", "consultation"] | None, Query()] = None,
        ticket: Annotated[UUID | None, Query()] = None,
        size: PageSize = 50,
        cursor: Cursor = None,
    ) -> Page[ConsultationSeen]:
        """In the order of convening. A unit sees those it takes part in, and those of its tickets."""
        wanted = store.Wanted(
            jurisdictions=within(jurisdiction, visible_jurisdiction(caller)),
            reader=visible_unit("consultation.read", caller),
            state=state,
            form=form,
            ticket=ticket,
            after=after(cursor),
            most=size,
        )
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, await store.listed(connection, wanted))
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == size else None)

    @routes.get("/consultations/{case}")
    async def one_consultation(case: UUID, caller: Caller) -> ConsultationSeen:
        admit("consultation.read", caller)
        async with room.database.engine.connect() as connection:
            return await _one(connection, caller, case)

    return routes


async def _one(connection: AsyncConnection, caller: Principal, case: UUID) -> ConsultationSeen:
    row = await store.view(connection, case)
    if row is None:
        raise not_found()
    holder = (row.holder,) if row.holder is not None else ()
    readers = (*row.participants, *holder, *row.helpers, *row.sub_units)
    require("consultation.read", caller, jurisdiction=row.jurisdiction, holders=readers)
    return (await _seen(connection, [row]))[0]


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "holder", "state", "form", "ground", "convener",
    "subject", "meets_at", "convened_at", "overtaken_because",
)  # fmt: skip


async def _seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[ConsultationSeen]:
    said = await store.opinions(connection, (row.id for row in rows))
    limits = {
        case: known
        for form in {row.form for row in rows}
        for case, known in (await deadlines.of_cases(connection, form, (row.id for row in rows))).items()
    }
    return [
        ConsultationSeen(
            **{name: getattr(row, name) for name in _COPIED},
            participants=tuple(row.participants),
            invited_by_rule=tuple(row.by_rule),
            disputants=tuple(row.disputants),
            due_at=limits[row.id].due_at if row.id in limits else None,
            basis=store.basis_of(row.convened_on),
            opinions=[_opinion(one) for one in said if one.consultation == row.id],
            minutes=Minutes(text=row.minutes, recorded_at=row.minutes_at) if row.minutes is not None else None,
            conclusion=_made(row) if row.outcome is not None else None,
            principles=await _principles(connection, row.policy) if row.state == "convened" else [],
        )
        for row in rows
    ]


def _opinion(row: Any) -> Opinion:
    return Opinion(unit=row.unit, opinion=row.opinion, legal_basis=row.legal_basis, given_at=row.given_at)


def _made(row: Any) -> Made:
    return Made(
        outcome=row.outcome,
        unit=row.unit,
        co_handlers=tuple(row.co_handlers),
        principle=row.principle,
        limit=None if row.limit_set is None else Limit(**row.limit_set),
        solution=row.solution,
        reply_wording=row.reply_wording,
        concluded_at=row.concluded_at,
        basis=store.basis_of(row.basis),
    )


async def _principles(connection: AsyncConnection, policy: str) -> list[Choice]:
    """The principles that a conclusion may name; none while the ticket's pack has not come."""
    try:
        pack = await SHELF.version(connection, policy)
    except Transient:
        return []
    named = pack.consultation.principles.value if pack.consultation is not None else ()
    entries = [pack.dispatching.principles[code] for code in named if code in pack.dispatching.principles]
    return [Choice(code=one.code, label=one.label, basis=one.basis) for one in entries]
