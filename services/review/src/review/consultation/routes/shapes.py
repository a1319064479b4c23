"""What comes in by the doors of 会商, and what is shown of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Limit, Slug
from common.messaging.runner import Transient
from common.policy.consultation import Form
from common.security.access import Principal, require
from common.web.inputs import ApiModel, Instant, Text
from review import board, deadlines
from review.board import CaseSeen
from review.clauses import basis_of
from review.consultation import store
from review.consultation.rules import Outcome, State
from review.docket import SHELF
from review.edge import Choice, RoundSeen, SpanWanted, Written, choices


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


class ConsultationSeen(CaseSeen):
    """One consultation. ``due_at``: the limit it was concluded, or is to be concluded, by; null: none is known."""

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


async def one(connection: AsyncConnection, caller: Principal, case: UUID) -> ConsultationSeen:
    row = await store.view(connection, case)
    readers = (*row.participants, *board.readers(row))
    require("consultation.read", caller, jurisdiction=row.jurisdiction, holders=readers)
    return (await seen(connection, [row]))[0]


_COPIED = (
    "id", "ticket", "number", "jurisdiction", "policy", "round", "holder", "state", "form", "ground", "convener",
    "subject", "meets_at", "convened_at", "overtaken_because",
)  # fmt: skip


async def seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[ConsultationSeen]:
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
            basis=basis_of(row.convened_on),
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
        basis=basis_of(row.basis),
    )


async def _principles(connection: AsyncConnection, policy: str) -> list[Choice]:
    """The principles that a conclusion may name; none while the ticket's pack has not come."""
    try:
        pack = await SHELF.version(connection, policy)
    except Transient:
        return []
    named = pack.consultation.principles.value if pack.consultation is not None else ()
    return choices(pack.dispatching.principles[code] for code in named if code in pack.dispatching.principles)
