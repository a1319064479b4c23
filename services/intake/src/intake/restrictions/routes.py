"""``/v1/restrictions``: imposing, listing, lifting."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy import RowMapping, select

from common.basis import Basis
from common.clock import SHANGHAI
from common.messaging.room import Room, Transaction
from common.policy import NoPackInForce, Pack
from common.security.access import require, visible_jurisdiction
from common.security.bearer import Caller
from common.security.masking import NotAPhone, normalise_phone
from common.security.vaulting import KeyRing
from common.web.edge import accepted_at
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Instant, Parameters, Text
from common.web.problems import FieldError, Problem, conflict, invalid
from common.web.reading import Page, cursor_of, position_of
from common.web.routing import router
from intake.docket import SHELF
from intake.restrictions.commands import AlreadyRestricted, OverAlready, impose, lift
from intake.restrictions.rules import Restriction, RestrictionRefused
from intake.restrictions.store import RESTRICTION, SHOWN

IMPOSE: Final = "POST /restrictions"
LIFT: Final = "POST /restrictions/{restriction}/lift"
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$", max_length=100)]


class RestrictionInput(ApiModel):
    """限制使用. ``approver`` is the account of the official who approved; without ``starts_at`` it begins at once."""

    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
    phone: Annotated[str, Text(60)]
    ground: Code
    starts_at: Instant | None = None
    ends_at: Instant
    approver: Account
    reason: Annotated[str, Text(1000)]
    referred_to_police: bool = False

    def wanted(self, accepted_at: datetime) -> Restriction:
        starts_at = self.starts_at or accepted_at
        return Restriction(self.ground, starts_at, self.ends_at, self.referred_to_police)


class LiftInput(ApiModel):
    reason: Annotated[str, Text(1000)]


class ImposedAnswer(ApiModel):
    id: UUID
    jurisdiction: str
    ground: str
    starts_at: datetime
    ends_at: datetime
    basis: list[Basis]


class LiftedAnswer(ApiModel):
    id: UUID
    lifted_at: datetime


State = Literal["ahead", "standing", "ended", "lifted"]


class RestrictionShown(ApiModel):
    """One restriction; ``phone`` has its middle hidden."""

    id: UUID
    jurisdiction: str
    policy: str
    phone: str
    ground: str
    starts_at: datetime
    ends_at: datetime
    state: State
    approver: str
    reason: str
    referred_to_police: bool
    basis: list[Basis]
    imposed_at: datetime
    imposed_by: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


class Wanted(Parameters):
    size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Text(500)] | None = None


def restriction_routes(room: Room, keys: KeyRing, commands: Commands[Transaction]) -> APIRouter:
    """Limiting callers who abuse the line."""
    routes = router(prefix="/v1", tags=["限制使用"])

    @routes.post("/restrictions", status_code=201, response_model=ImposedAnswer, openapi_extra=KEYED)
    async def enter(entered: RestrictionInput, caller: Caller, request: Request) -> Response:
        require("restriction.impose", caller, jurisdiction=entered.jurisdiction)
        _check_texts(entered)
        # Asked for before the transaction: a command that holds a connection waits for no second one.
        pack = await _pack(room, entered.jurisdiction, accepted_at(request))

        async def command(tx: Transaction) -> Answer:
            wanted = entered.wanted(tx.now)
            if pack is None:
                raise invalid("jurisdiction", "no_pack", "该地区没有生效的办法。")
            try:
                case, basis = await impose(
                    tx,
                    caller,
                    keys,
                    pack,
                    phone=entered.phone,
                    wanted=wanted,
                    approver=entered.approver,
                    reason=entered.reason,
                )
            except (RestrictionRefused, AlreadyRestricted) as refused:
                raise _problem(refused) from None
            told = {"id": case, "jurisdiction": entered.jurisdiction, "basis": [each.model_dump() for each in basis]}
            times = {"ground": wanted.ground, "starts_at": wanted.starts_at, "ends_at": wanted.ends_at}
            return Answer(201, ImposedAnswer.model_validate(told | times))

        return await commands.run(request, caller.account, IMPOSE, command)

    @routes.post("/restrictions/{restriction}/lift", response_model=LiftedAnswer, openapi_extra=KEYED)
    async def end(restriction: UUID, entered: LiftInput, caller: Caller, request: Request) -> Response:
        async def command(tx: Transaction) -> Answer:
            try:
                await lift(tx, caller, restriction, entered.reason)
            except OverAlready:
                raise conflict("restriction_over", "该限制已经解除或者到期。") from None
            return Answer(200, LiftedAnswer(id=restriction, lifted_at=tx.now))

        return await commands.run(request, caller.account, LIFT, command)

    @routes.get("/restrictions")
    async def find(wanted: Annotated[Wanted, Query()], caller: Caller) -> Page[RestrictionShown]:
        jurisdiction = visible_jurisdiction(caller)
        require("restriction.read", caller, jurisdiction=jurisdiction)
        query = select(*SHOWN).order_by(RESTRICTION.c.id.desc()).limit(wanted.size)
        if jurisdiction is not None:
            query = query.where(RESTRICTION.c.jurisdiction == jurisdiction)
        if wanted.cursor is not None:
            query = query.where(RESTRICTION.c.id < _after(wanted.cursor))
        now = room.clock.now()
        async with room.database.engine.connect() as connection:
            items = [_shown(row, now) for row in (await connection.execute(query)).mappings()]
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == wanted.size else None)

    return routes


async def _pack(room: Room, jurisdiction: str, at: datetime) -> Pack | None:
    try:
        return await SHELF.in_force(room.database, jurisdiction, at)
    except NoPackInForce:
        return None


def _check_texts(entered: RestrictionInput) -> None:
    try:
        number = normalise_phone(entered.phone)
    except NotAPhone:
        raise invalid("phone", "phone", "不是电话号码。") from None
    digits = "".join(filter(str.isdecimal, number))[-11:]
    if len(digits) >= 7 and digits in entered.approver:
        raise invalid("approver", "personal_data", "应为批准人的账号，不得含有被限制的电话号码。")


def _after(cursor: str) -> UUID:
    (last,) = position_of(cursor, (str,))
    try:
        return UUID(last)
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


def _shown(row: RowMapping, now: datetime) -> RestrictionShown:
    told = {name: row[name] for name in RestrictionShown.model_fields if name not in ("phone", "state")}
    return RestrictionShown.model_validate(told | {"phone": row["phone_shown"], "state": _state(row, now)})


def _state(row: RowMapping, now: datetime) -> State:
    if row["lifted_at"] is not None:
        return "lifted"
    if now < row["starts_at"]:
        return "ahead"
    return "standing" if now < row["ends_at"] else "ended"


def _problem(refused: RestrictionRefused | AlreadyRestricted) -> Problem:
    if isinstance(refused, AlreadyRestricted):
        until = refused.ends_at.astimezone(SHANGHAI)
        return conflict("already_restricted", f"该号码已限制使用至{until:%Y年%-m月%-d日%H时%M分}。")
    field = FieldError(refused.field, refused.rule, refused.message)
    return Problem(422, "invalid_input", "输入有误", refused.message, fields=[field], basis=refused.basis)
