"""``/v1/knowledge/duties``: policies that units have to enter in the knowledge base."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from common.events.envelope import UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.policy import NoPackInForce
from common.security.access import admit, require, visible_jurisdiction, visible_unit
from common.security.bearer import Caller
from common.web.edge import accepted_at
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Parameters, Text
from common.web.problems import invalid
from common.web.reading import Page, cursor_of, position_of
from common.web.routing import router
from intake.docket import SHELF
from intake.knowledge import store
from intake.knowledge.commands import Wanted, enter, impose

IMPOSE: Final = "POST /knowledge/duties"
ENTER: Final = "POST /knowledge/duties/{duty}/entries"


class DutyInput(ApiModel):
    """新发布的法规政策. ``unit``: the one that leads its carrying out; ``level``: the pack's code."""

    jurisdiction: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
    unit: UnitCode
    title: Annotated[str, Text(300)]
    level: Slug
    effective_on: date


class DutyAnswer(ApiModel):
    id: UUID


class DutyShown(ApiModel):
    """One duty. Until when it is owed, the board and the feed of its deadline say."""

    id: UUID
    jurisdiction: str
    unit: str
    title: str
    level: str
    effective_on: date
    imposed_at: datetime
    entered_at: datetime | None


class Asked(Parameters):
    unit: Annotated[str, Text(100)] | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Text(500)] | None = None


def knowledge_routes(room: Room, commands: Commands[Transaction]) -> APIRouter:
    """知识库."""
    routes = router(prefix="/v1/knowledge", tags=["知识库"])

    @routes.get("/duties")
    async def list_duties(asked: Annotated[Asked, Query()], caller: Caller) -> Page[DutyShown]:
        """应当录入知识库的法规政策。"""
        own = visible_unit("knowledge.read", caller)
        if own is not None and asked.unit not in (None, own):
            return Page(items=[])
        after = None
        if asked.cursor is not None:
            (after,) = position_of(asked.cursor, (UUID,))
        async with room.database.engine.connect() as connection:
            rows = await store.listed(connection, visible_jurisdiction(caller), own or asked.unit, after, asked.size)
        items = [DutyShown(**{name: row[name] for name in DutyShown.model_fields}) for row in rows]
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == asked.size else None)

    @routes.post("/duties", status_code=201, response_model=DutyAnswer, openapi_extra=KEYED)
    async def impose_duty(entered: DutyInput, caller: Caller, request: Request) -> Response:
        """登记新发布的法规政策，由牵头组织实施的单位在规定时限内录入知识库。"""
        require("knowledge.impose", caller, jurisdiction=entered.jurisdiction)
        try:
            pack = await SHELF.in_force(room.database, entered.jurisdiction, accepted_at(request))
        except NoPackInForce:
            raise invalid("jurisdiction", "no_policy", "该地区没有施行的规则。") from None
        wanted = Wanted(entered.unit, entered.title, entered.level, entered.effective_on)

        async def command(tx: Transaction) -> Answer:
            return Answer(201, DutyAnswer(id=await impose(tx, caller, pack, wanted)))

        return await commands.run(request, caller.account, IMPOSE, command)

    @routes.post("/duties/{duty}/entries", status_code=201, response_model=DutyAnswer, openapi_extra=KEYED)
    async def enter_policy(duty: UUID, caller: Caller, request: Request) -> Response:
        """已录入知识库。"""
        admit("knowledge.enter", caller)

        async def command(tx: Transaction) -> Answer:
            await enter(tx, caller, duty)
            return Answer(201, DutyAnswer(id=duty))

        return await commands.run(request, caller.account, ENTER, command)

    return routes
