"""The doors of accountability: what was found or brought forward, with its evidence, and a person's decision."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from common.events.envelope import Jurisdiction, UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.policy.pack import Pack
from common.policy.refusals import NoPackInForce
from common.security.access import Principal, admit, require, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import invalid
from common.web.reading import Page
from common.web.routing import router
from review import board
from review.accountability import store
from review.accountability.commands import deciding
from review.accountability.routes.shapes import FindingSeen, one_seen, seen
from review.accountability.rules import Follows, State
from review.board import Asked, within
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


class NewNotice(NewFinding):
    """由人员提出的通报、工作提示或者约谈提醒。``kind``: one of the pack's."""

    kind: Slug | None = None


class NoticeDecision(ApiModel):
    """通报，或者不予通报。``text``: the notice's words, or why there is none. ``kind``: one of the pack's; null: as it
    was brought forward, else the pack's default.
    """

    decision: Literal["issue", "dismiss"]
    text: Said
    kind: Slug | None = None


class ReferralDecision(ApiModel):
    """移交，或者不予移交。``addressee``: the competent authority, where another than the pack's default."""

    decision: Literal["send", "dismiss"]
    text: Said
    addressee: Annotated[str, Text(200)] | None = None


_READS: Final = {"notice": "accountability.read_notice", "referral": "accountability.read"}


def _wanted_of(follows: Follows) -> Callable[..., board.Wanted]:
    def wanted(
        caller: Caller,
        asked: Asked,
        state: Annotated[State | None, Query()] = None,
        unit: Annotated[UnitCode | None, Query()] = None,
    ) -> board.Wanted:
        units = within(unit, visible_unit(_READS[follows], caller))
        return board.wanted(caller, asked, units=units, state=state)

    return wanted


Notices = Annotated[board.Wanted, Depends(_wanted_of("notice"))]
Referrals = Annotated[board.Wanted, Depends(_wanted_of("referral"))]


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
            kind=body.kind if isinstance(body, NewNotice) else None,
        )

        async def command(tx: Transaction) -> Answer:
            with at_the_edge():
                finding = await deciding.propose(tx, caller, pack, proposal)
                return Answer(201, await one_seen(tx.connection, follows, finding))

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
                return Answer(201, await one_seen(tx.connection, follows, finding))

        return await run.run(request, caller.account, f"{follows}-decisions", command, authorise=allowed)

    @routes.post("/notices", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def propose_notice(body: NewNotice, caller: Caller, request: Request) -> Response:
        """提出通报、工作提示或者约谈提醒：由人员判断的情形，例如工作人员服务态度、未开展轮值。"""
        return await propose("notice", body, caller, request)

    @routes.post("/referrals", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def propose_referral(body: NewFinding, caller: Caller, request: Request) -> Response:
        """提出移交：由人员判断的情形，例如弄虚作假、激化矛盾。"""
        return await propose("referral", body, caller, request)

    @routes.post("/notices/{finding}/decisions", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def decide_notice(finding: UUID, body: NoticeDecision, caller: Caller, request: Request) -> Response:
        """通报、工作提示、约谈提醒，或者不予通报；涉及本单位、本人的须回避。"""
        choice = deciding.Choice(body.decision, mask(body.text), kind=body.kind)
        return await decide("notice", finding, choice, caller, request)

    @routes.post("/referrals/{finding}/decisions", status_code=201, response_model=FindingSeen, openapi_extra=KEYED)
    async def decide_referral(finding: UUID, body: ReferralDecision, caller: Caller, request: Request) -> Response:
        """移交有权机关或者不予移交；涉及本单位的须回避。"""
        choice = deciding.Choice(body.decision, mask(body.text), body.addressee and mask(body.addressee))
        return await decide("referral", finding, choice, caller, request)

    async def page(follows: Follows, caller: Principal, wanted: board.Wanted) -> Page[FindingSeen]:
        by_unit = visible_unit(_READS[follows], caller) is not None
        async with room.database.engine.connect() as connection:
            rows = await store.listed(connection, wanted, follows, only_issued=by_unit)
            items = await seen(connection, rows, by_unit=by_unit)
        return board.page(items, wanted.most)

    async def one(follows: Follows, finding: UUID, caller: Principal) -> FindingSeen:
        by_unit = visible_unit(_READS[follows], caller) is not None
        async with room.database.engine.connect() as connection:
            shown = await one_seen(connection, follows, finding, by_unit=by_unit)
        told = (shown.unit,) if shown.unit is not None and shown.state == "issued" else ()
        require(_READS[follows], caller, jurisdiction=shown.jurisdiction, holders=told)
        return shown

    @routes.get("/notices")
    async def list_notices(caller: Caller, wanted: Notices) -> Page[FindingSeen]:
        """The notices to decide, and those decided, in the order in which they were found. A unit sees those issued to
        it."""
        return await page("notice", caller, wanted)

    @routes.get("/referrals")
    async def list_referrals(caller: Caller, wanted: Referrals) -> Page[FindingSeen]:
        """The referrals to decide, and those decided, in the order in which they were found."""
        return await page("referral", caller, wanted)

    @routes.get("/notices/{finding}")
    async def one_notice(finding: UUID, caller: Caller) -> FindingSeen:
        return await one("notice", finding, caller)

    @routes.get("/referrals/{finding}")
    async def one_referral(finding: UUID, caller: Caller) -> FindingSeen:
        return await one("referral", finding, caller)

    return routes
