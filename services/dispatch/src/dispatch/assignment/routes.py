"""``POST /v1/tickets/{ticket}/assignments``, ``/claims`` and ``/sign-ins``."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from common.events.envelope import UnitCode
from common.events.vocabulary import Designation, Helper
from common.messaging.room import Transaction
from common.policy.catalogue import ItemNumber
from common.policy.ruled import Code
from common.security.access import admit
from common.security.bearer import Caller
from common.security.masking import mask
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Text
from common.web.problems import invalid
from common.web.routing import router
from dispatch.assignment.commands import Order, assign, claim, sign_in
from dispatch.docket import Standing, standing_of
from dispatch.suggestion.routes import AnswerTold


class DesignatedBy(ApiModel):
    """指定: who named the unit; ``reference`` for a paper, ``case`` for a consultation or a decision that came back."""

    by: Literal["superior", "department", "designation", "coordination", "consultation", "escalation"]
    case: UUID | None = None
    reference: Annotated[str, Text(200)] | None = None


class HelperNamed(ApiModel):
    """协助、指导、执法: a unit beside lead and co-handlers, in a role that the item gives it."""

    unit: UnitCode
    role: Literal["assist", "guide", "enforce"]


class Assignment(ApiModel):
    """A dispatcher's decision. ``round``: the round the dispatcher saw, 0 before the first dispatch.

    ``territory``: 属地政府 of the matter, owed for a special one whose holders stand under none. ``item``: its number
    in the responsibility catalogue; ``answers``: to its questions; ``helpers``: as that item has them, beside lead and
    co-handlers.
    """

    round: Annotated[int, Field(ge=0)]
    unit: UnitCode
    principle: Annotated[str, Text(60)]
    co_handlers: Annotated[tuple[UnitCode, ...], Field(max_length=20)] = ()
    designated: bool = False
    designation: DesignatedBy | None = None
    remark: Annotated[str, Text(1000)] | None = None
    territory: UnitCode | None = None
    item: ItemNumber | None = None
    answers: Annotated[dict[Code, AnswerTold], Field(default_factory=dict, max_length=50)]
    helpers: Annotated[tuple[HelperNamed, ...], Field(max_length=20)] = ()


class Claim(ApiModel):
    """``unit``: for whom a dispatcher records the claim; a unit claims for itself."""

    round: Annotated[int, Field(ge=0)]
    unit: UnitCode | None = None
    territory: UnitCode | None = None


class SignIn(ApiModel):
    round: Annotated[int, Field(ge=1)]


def assignment_routes(commands: Commands[Transaction]) -> APIRouter:
    """派单、主动认领、签收."""
    routes = router(prefix="/v1/tickets/{ticket}", tags=["派单与签收"])

    @routes.post("/assignments", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def assign_ticket(ticket: UUID, wanted: Assignment, caller: Caller, request: Request) -> Response:
        """派单：一家主办，其余协办，注明派单原则。"""
        admit("assignment.create", caller)
        order = Order(
            round=wanted.round,
            unit=wanted.unit,
            principle=wanted.principle,
            co_handlers=wanted.co_handlers,
            designated=wanted.designated,
            designation=_designation(wanted.designation),
            remark=None if wanted.remark is None else mask(wanted.remark),
            territory=wanted.territory,
            item=wanted.item,
            answers=dict(wanted.answers),
            helpers=tuple(Helper(unit=one.unit, role=one.role) for one in wanted.helpers),
        )

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await assign(tx, caller, ticket, order)))

        return await commands.run(request, caller.account, "assignments", command)

    @routes.post("/claims", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def claim_ticket(ticket: UUID, wanted: Claim, caller: Caller, request: Request) -> Response:
        """主动认领尚未派出的工单；派单人员可以代为登记。"""
        admit("claim.create", caller)
        unit = wanted.unit or caller.unit
        if unit is None:
            raise invalid("unit", "required", "请填写认领的单位。")
        if caller.role == "unit" and unit != caller.unit:
            raise invalid("unit", "own_unit", "只能为本单位认领。")

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await claim(tx, caller, ticket, wanted.round, unit, wanted.territory)))

        return await commands.run(request, caller.account, "claims", command)

    @routes.post("/sign-ins", status_code=201, response_model=Standing, openapi_extra=KEYED)
    async def sign_for_ticket(ticket: UUID, wanted: SignIn, caller: Caller, request: Request) -> Response:
        """签收：主办单位签收工单，协办单位签收本单位的部分。"""
        admit("sign_in.create", caller)

        async def command(tx: Transaction) -> Answer:
            return Answer(201, standing_of(await sign_in(tx, caller, ticket, wanted.round)))

        return await commands.run(request, caller.account, "sign-ins", command)

    return routes


def _designation(named: DesignatedBy | None) -> Designation | None:
    if named is None:
        return None
    reference = None if named.reference is None else mask(named.reference)
    return Designation(by=named.by, case=named.case, reference=reference)
