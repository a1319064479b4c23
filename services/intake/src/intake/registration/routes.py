"""``POST /v1/tickets``: register a demand, with one of four outcomes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from common.basis import Basis
from common.calendar.reckon import Unit
from common.clock import SHANGHAI
from common.events.envelope import UnitCode
from common.events.vocabulary import ImposedLimit, LegalLimit, Limit, TicketType
from common.failpoint import reach
from common.messaging.room import Transaction
from common.observability import logger
from common.policy import NoPackInForce
from common.security.access import Principal, require
from common.security.bearer import Caller
from common.security.masking import NotAPhone, mask, normalise_phone
from common.web.idempotency import KEYED, Answer, Commands, Keyed
from common.web.inputs import ApiModel, Instant, Text
from common.web.problems import FieldError, Problem, invalid
from common.web.routing import router
from intake.registration.commands import Desk, Sheet, prepare, register_claimed
from intake.registration.rules import Demand, Outcome, RegistrationRefused, Requester, Settlement
from intake.registration.store import NewTicket
from intake.restrictions.rules import CallerRestricted

_log = logger("registration")

ENDPOINT: Final = "POST /tickets"
LONGEST_STATEMENT: Final = 10_000
"""Characters: a call of half an hour, written down word by word."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=100)]


class RequesterInput(ApiModel):
    name: Annotated[str, Text(100)] | None = None
    phone: Annotated[str, Text(60)] | None = None
    kind: Code = "natural_person"
    anonymous: bool = False
    confidential: bool = False


class PaperInput(ApiModel):
    """The paper that sets a limit; under which rule it may, the pack says."""

    document: Annotated[str, Text(200)]
    article: Annotated[str, Text(100)]
    quote: Annotated[str, Text(200)] | None = None


class LegalBasisInput(PaperInput):
    rule: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-]+$", max_length=60)] = "LAW"


class LegalLimitInput(ApiModel):
    amount: Annotated[int, Field(strict=True, ge=1, le=3650)]
    unit: Unit
    basis: LegalBasisInput

    def limit(self) -> LegalLimit:
        return LegalLimit(amount=self.amount, unit=self.unit, basis=Basis(**self.basis.model_dump()))


_OF_PACK: Final = "PACK"
"""In the place of the rule until the pack has named it."""


class ImposedSpanInput(ApiModel):
    amount: Annotated[int, Field(strict=True, ge=1, le=3650)]
    unit: Unit


class ImposedLimitInput(ApiModel):
    """交办时限: a span or the first late instant, with the paper that sets it."""

    limit: ImposedSpanInput | None = None
    due_at: Instant | None = None
    basis: PaperInput

    def imposed(self) -> ImposedLimit:
        span = Limit(amount=self.limit.amount, unit=self.limit.unit) if self.limit else None
        return ImposedLimit(limit=span, due_at=self.due_at, basis=Basis(rule=_OF_PACK, **self.basis.model_dump()))


class Registration(ApiModel):
    """登记. Which fields are owed, the jurisdiction's pack says."""

    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
    channel: Code
    category: Annotated[str, Text(100)]
    type: TicketType | None = None
    statement: Annotated[str, Text(LONGEST_STATEMENT)] | None = None
    address: Annotated[str, Text(500)] | None = None
    marks: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    requester: RequesterInput = RequesterInput()
    received_at: Instant | None = None
    call_id: Reference | None = None
    external_ref: Reference | None = None
    legal_limit: LegalLimitInput | None = None
    imposed_limit: ImposedLimitInput | None = None
    imposed_whole_limit: ImposedLimitInput | None = None
    outcome: Outcome = "work_order"
    answer: Annotated[str, Text(5000)] | None = None
    ground: Code | None = None
    told: bool | None = None
    right_body: Annotated[str, Text(200)] | None = None
    legal_basis: Annotated[str, Text(200)] | None = None
    unit_told: UnitCode | None = None
    transferred_to: Annotated[str, Text(200)] | None = None
    consent: bool | None = None
    mode: Literal["three_way", "transfer"] | None = None

    def demand(self, accepted_at: datetime) -> Demand:
        return Demand(
            outcome=self.outcome,
            type=self.type,
            channel=self.channel,
            category=self.category,
            marks=tuple(dict.fromkeys(self.marks)),
            statement=self.statement,
            address=self.address,
            requester=Requester(**self.requester.model_dump()),
            received_at=self.received_at or accepted_at,
            settlement=Settlement(
                answer=self.answer,
                ground=self.ground,
                told=self.told,
                right_body=self.right_body,
                legal_basis=self.legal_basis,
                unit_told=self.unit_told,
                transferred_to=self.transferred_to,
                consent=self.consent,
                mode=self.mode,
            ),
            external_ref=self.external_ref,
            imposed_limit=self.imposed_limit.imposed() if self.imposed_limit else None,
            imposed_whole_limit=self.imposed_whole_limit.imposed() if self.imposed_whole_limit else None,
        )

    def sheet(self, caller: Principal) -> Sheet:
        return Sheet(
            jurisdiction=self.jurisdiction,
            caller=caller,
            call_id=self.call_id,
            legal_limit=self.legal_limit.limit() if self.legal_limit else None,
        )


class AcceptanceAnswer(ApiModel):
    """The clauses that decided; when the demand is not accepted, what the caller is told and who is in charge."""

    basis: list[Basis]
    tell: str | None
    right_body: str | None = None


class PossibleDuplicate(ApiModel):
    id: UUID
    number: str
    status: str


class Registered(ApiModel):
    id: UUID
    number: str
    outcome: Outcome
    status: str | None
    policy: str
    received_at: datetime
    accepted_at: datetime
    acceptance: AcceptanceAnswer
    possible_duplicates: list[PossibleDuplicate]


def registration_routes(desk: Desk, commands: Commands[Transaction]) -> APIRouter:
    """The door through which every demand comes in."""
    routes = router(prefix="/v1", tags=["登记"])

    @routes.post("/tickets", status_code=201, response_model=Registered, openapi_extra=KEYED)
    async def register(entered: Registration, caller: Caller, request: Request) -> Response:
        require("ticket.register", caller, jurisdiction=entered.jurisdiction)
        _check_texts(entered)
        keyed = await commands.keyed(request, caller.account, ENDPOINT)
        async with commands.keeping_refusals(request, keyed):
            return await _register(desk, commands, entered, caller, keyed)

    return routes


async def _register(
    desk: Desk, commands: Commands[Transaction], entered: Registration, caller: Principal, keyed: Keyed
) -> Response:
    """One statement; the longer way when the key is known, was refused for a moment, or the demand is refused."""
    sheet = entered.sheet(caller)
    try:
        new = await prepare(desk, sheet, entered.demand(keyed.accepted_at), keyed.accepted_at)
    except (RegistrationRefused, NoPackInForce):
        # A repeat of what was registered is answered all the same: the pack may have changed since.
        new = None
    if new is not None:
        content = await desk.register.enter(new, keyed)
        reach("intake.committed")
        if content is not None:
            _tell(desk, new)
            headers = {"Cache-Control": "no-store", "Hotline-Event": str(new.event_id)}
            return Response(content, 201, headers, "application/json")
    written: list[NewTicket] = []
    answer = await commands.carry_out(
        keyed, _again(desk, sheet, entered, written), authorise=_authorise(entered, caller)
    )
    for late in written:
        _tell(desk, late)
    return answer


def _again(
    desk: Desk, sheet: Sheet, entered: Registration, written: list[NewTicket]
) -> Callable[[Transaction], Awaitable[Answer]]:
    """Register inside the transaction that holds the key; ``written`` says afterwards whether it came to that."""

    async def command(tx: Transaction) -> Answer:
        try:
            new, content = await register_claimed(desk, tx, sheet, entered.demand(tx.now))
        except RegistrationRefused as refused:
            raise _refused(refused) from None
        except NoPackInForce as absent:
            raise _no_pack(absent) from None
        except CallerRestricted as barred:
            raise _restricted(barred) from None
        written.append(new)
        return Answer(201, Registered.model_validate_json(content), event=new.event_id)

    return command


def _authorise(entered: Registration, caller: Principal) -> Callable[[Transaction], Awaitable[None]]:
    async def authorise(_: Transaction) -> None:
        require("ticket.register", caller, jurisdiction=entered.jurisdiction)

    return authorise


def _tell(desk: Desk, new: NewTicket) -> None:
    desk.room.bell.ring()
    _log.info("registered", ticket=str(new.id), outcome=new.outcome, policy=new.policy)


def _check_texts(entered: Registration) -> None:
    """What stays readable outside the vault holds nothing personal; a telephone number is one."""
    for field, imposed in (
        ("imposed_limit", entered.imposed_limit),
        ("imposed_whole_limit", entered.imposed_whole_limit),
    ):
        if imposed is not None and (imposed.limit is None) == (imposed.due_at is None):
            raise invalid(field, "one_of", "交办时限应当填写时长或者截止时间之一。")
    phone = entered.requester.phone
    if phone is not None:
        try:
            normalise_phone(phone)
        except NotAPhone:
            raise invalid("requester.phone", "phone", "不是电话号码。") from None
    if mask(entered.category, entered.requester.name, phone) != entered.category:
        raise invalid("category", "personal_data", "类别中不得含有个人信息。")
    digits = "".join(filter(str.isdecimal, phone or ""))[-11:]
    for field, reference in (("call_id", entered.call_id), ("external_ref", entered.external_ref)):
        if reference is not None and len(digits) >= 7 and digits in reference:
            raise invalid(field, "personal_data", "编号中不得含有诉求人的电话号码。")


def _refused(refused: RegistrationRefused) -> Problem:
    fields = [FieldError(fault.field, fault.rule, fault.message) for fault in refused.faults]
    detail = "".join(fault.message for fault in refused.faults)
    return Problem(422, refused.code, refused.title, detail, fields=fields, basis=refused.basis)


def _restricted(barred: CallerRestricted) -> Problem:
    until = barred.ends_at.astimezone(SHANGHAI)
    detail = f"该号码限制使用12345电话至{until:%Y年%-m月%-d日%H时%M分}；其他渠道不受限制，紧急事项可以转接。"
    told = FieldError("requester.phone", "restricted_until", until.isoformat())
    return Problem(403, "caller_restricted", "限制使用电话", detail, fields=[told], basis=barred.basis)


def _no_pack(absent: NoPackInForce) -> Problem:
    if absent.known:
        over = absent.ended_on
        why = f"该地区的办法有效期至{over:%Y年%-m月%-d日}，已经届满，无法登记。" if over else None
        return Problem(409, "no_pack_in_force", "没有生效的办法", why or "该地区在登记之时没有生效的办法，无法登记。")
    message = "没有这个地区的办法。"
    return Problem(
        422, "unknown_jurisdiction", "地区不明", message, fields=[FieldError("jurisdiction", "unknown", message)]
    )
