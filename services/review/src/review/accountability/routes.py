"""The doors of accountability: what was found or brought forward, with its evidence, and a person's decision."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.envelope import Jurisdiction, UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.messaging.runner import Transient
from common.policy.pack import Pack
from common.policy.refusals import NoPackInForce
from common.security.access import Principal, admit, require
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import invalid, not_found
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.accountability import store
from review.accountability.commands import deciding
from review.accountability.rules import CARRIED_OUT, Follows, State
from review.board import Asked, Shown, within
from review.clauses import basis_of
from review.docket import SHELF
from review.edge import at_the_edge

Said = Annotated[str, Text(2000)]


class NewFinding(ApiModel):
    """由人员提出的通报或移交。``events``: the events it rests on; ``month``: any day of the month it is about."""

    jurisdiction: Jurisdiction
    ground: Slug
    said: Said
    unit: UnitCode | None = None
    account: Annotated[str, Text(200)] | None = None
    ticket: UUID | None = None
    month: date | None = None
    events: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()


class NoticeDecision(ApiModel):
    """通报，或者不予通报。``text``: the notice's words, or why there is none."""

    decision: Literal["issue", "dismiss"]
    text: Said


class ReferralDecision(ApiModel):
    """移交，或者不予移交。``addressee``: the competent authority, where another than the pack's default."""

    decision: Literal["send", "dismiss"]
    text: Said
    addressee: Annotated[str, Text(200)] | None = None


class Evidence(ApiModel):
    """One event that the finding rests on, as far as it is known what it says."""

    event: UUID
    kind: str | None = None
    ticket: UUID | None = None
    round: int | None = None
    at: datetime | None = None
    duty: str | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    case: UUID | None = None
    ground: str | None = None


class MonthSeen(ApiModel):
    """A month of the row: how many tickets were asked about, how many requesters were satisfied."""

    month: date
    asked: int
    satisfied: int


class DecisionSeen(ApiModel):
    """``by`` null: later facts took the ground away before anybody decided."""

    state: State
    text: str
    addressee: str | None
    by: str | None
    at: datetime


class FindingSeen(Shown):
    """A notice or referral with what it rests on. ``label``: the ground in words; null while its pack has not come."""

    follows: Follows
    state: State
    jurisdiction: str
    policy: str
    ground: str
    label: str | None
    unit: str | None
    account: str | None
    ticket: UUID | None
    number: str | None
    month: date | None
    months: list[MonthSeen]
    by_rule: bool
    proposed_by: str | None
    said: str
    evidence: list[Evidence]
    basis: tuple[Basis, ...]
    found_at: datetime
    allowed: list[str]
    decision: DecisionSeen | None


def _wanted(
    caller: Caller,
    asked: Asked,
    state: Annotated[State | None, Query()] = None,
    unit: Annotated[UnitCode | None, Query()] = None,
) -> board.Wanted:
    admit("accountability.read", caller)
    return board.wanted(caller, asked, units=within(unit, None), state=state)


Wanted = Annotated[board.Wanted, Depends(_wanted)]


def accountability_routes(room: Room, run: Commands[Transaction]) -> APIRouter:
    routes = router(prefix="/v1", tags=["责任追究"])

    async def in_force(jurisdiction: str) -> Pack:
        try:
            return await SHELF.in_force(room.database, jurisdiction, room.clock.now())
        except NoPackInForce:
            raise invalid("jurisdiction", "no_pack", "该地区没有生效的规则。") from None

    async def propose(follows: Follows, body: NewFinding, caller: Principal, request: Request) -> Response:
        admit("accountability.propose", caller)
        require("accountability.propose", caller, jurisdiction=body.jurisdiction)
        pack = await in_force(body.jurisdiction)
        proposal = deciding.Proposal(
            follows=follows,
            jurisdiction=body.jurisdiction,
            ground=body.ground,
            said=mask(body.said),
            unit=body.unit,
            account=body.account,
            ticket=body.ticket,
            month=body.month,
            events=body.events,
        )

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                finding = await deciding.propose(tx, caller, pack, proposal)
                return Answer(201, await _one(tx.connection, follows, finding))

        return await run.run(request, caller.account, f"{follows}s", command)

    async def decide(
        follows: Follows, finding: UUID, choice: deciding.Choice, caller: Principal, request: Request
    ) -> Response:
        admit("accountability.decide", caller)

        async def allowed(tx: Transaction) -> None:
            await deciding.may_decide(tx, caller, finding, follows)

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                await deciding.decide(tx, caller, finding, choice)
                return Answer(201, await _one(tx.connection, follows, finding))

        return await run.run(request, caller.account, f"{follows}-decisions", command, authorise=allowed)

    @routes.post("/notices", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def propose_notice(body: NewFinding, caller: Caller, request: Request) -> Response:
        """提出通报：由人员判断的情形，例如工作人员服务态度、未开展轮值。"""
        return await propose("notice", body, caller, request)

    @routes.post("/referrals", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def propose_referral(body: NewFinding, caller: Caller, request: Request) -> Response:
        """提出移交：由人员判断的情形，例如弄虚作假、激化矛盾。"""
        return await propose("referral", body, caller, request)

    @routes.post("/notices/{finding}/decisions", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def decide_notice(finding: UUID, body: NoticeDecision, caller: Caller, request: Request) -> Response:
        """通报或者不予通报；涉及本单位、本人的须回避。"""
        return await decide("notice", finding, deciding.Choice(body.decision, mask(body.text)), caller, request)

    @routes.post("/referrals/{finding}/decisions", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def decide_referral(finding: UUID, body: ReferralDecision, caller: Caller, request: Request) -> Response:
        """移交有权机关或者不予移交；涉及本单位的须回避。"""
        choice = deciding.Choice(body.decision, mask(body.text), body.addressee and mask(body.addressee))
        return await decide("referral", finding, choice, caller, request)

    async def page(follows: Follows, wanted: Wanted) -> Page[FindingSeen]:
        async with room.database.engine.connect() as connection:
            items = await _seen(connection, await store.listed(connection, wanted, follows))
        return board.page(items, wanted.most)

    async def one(follows: Follows, finding: UUID, caller: Principal) -> FindingSeen:
        admit("accountability.read", caller)
        async with room.database.engine.connect() as connection:
            seen = await _one(connection, follows, finding)
        require("accountability.read", caller, jurisdiction=seen.jurisdiction)
        return seen

    @routes.get("/notices")
    async def list_notices(wanted: Wanted) -> Page[FindingSeen]:
        """The notices to decide, and those decided, in the order in which they were found."""
        return await page("notice", wanted)

    @routes.get("/referrals")
    async def list_referrals(wanted: Wanted) -> Page[FindingSeen]:
        """The referrals to decide, and those decided, in the order in which they were found."""
        return await page("referral", wanted)

    @routes.get("/notices/{finding}")
    async def one_notice(finding: UUID, caller: Caller) -> FindingSeen:
        return await one("notice", finding, caller)

    @routes.get("/referrals/{finding}")
    async def one_referral(finding: UUID, caller: Caller) -> FindingSeen:
        return await one("referral", finding, caller)

    return routes


async def _one(connection: AsyncConnection, follows: Follows, finding: UUID) -> FindingSeen:
    row = await store.view(connection, finding)
    if row.follows != follows:
        raise not_found()
    return (await _seen(connection, [row]))[0]


_COPIED = (
    "id", "follows", "state", "jurisdiction", "policy", "ground", "unit", "ticket", "number", "month", "by_rule",
    "proposed_by", "said", "found_at",
)  # fmt: skip


async def _seen(connection: AsyncConnection, rows: Sequence[Any]) -> list[FindingSeen]:
    return [
        FindingSeen(
            **{name: getattr(row, name) for name in _COPIED},
            label=await _label(connection, row),
            account=row.concerned if row.unit is None else None,
            months=[MonthSeen(**one) for one in row.months],
            evidence=[Evidence(**one) for one in row.evidence],
            basis=basis_of(row.basis),
            allowed=[CARRIED_OUT[row.follows], "dismiss"] if row.state == "open" else [],
            decision=_decision(row),
        )
        for row in rows
    ]


def _decision(row: Any) -> DecisionSeen | None:
    if row.state == "open":
        return None
    return DecisionSeen(state=row.state, text=row.text, addressee=row.addressee, by=row.decided_by, at=row.decided_at)


async def _label(connection: AsyncConnection, row: Any) -> str | None:
    try:
        accountability = (await SHELF.version(connection, row.policy)).accountability
    except Transient:
        return None
    ground = accountability.grounds.get(row.ground) if accountability else None
    return None if ground is None else ground.label
