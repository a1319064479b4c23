"""``/v1/clusters``: what came in numbers, and what the unit does about it for good."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import ColumnElement, RowMapping, and_, select

from common.basis import Basis
from common.events.envelope import UnitCode
from common.events.vocabulary import Slug
from common.messaging.room import Room, Transaction
from common.security.access import admit, require, visible_jurisdiction, visible_unit
from common.security.bearer import Caller
from common.security.masking import mask
from common.security.refusals import NotVisible
from common.web.idempotency import KEYED, Answer, Commands
from common.web.inputs import ApiModel, Parameters, Text
from common.web.problems import conflict, invalid
from common.web.reading import Page, cursor_of, position_of
from common.web.routing import router
from intake.clusters import store
from intake.clusters.commands import AlreadyAnswered, NoPushes, NotOfPack, Push, answer, push
from intake.clusters.rules import State, state
from intake.clusters.store import CLUSTER, COUNT

PUSH_OUT: Final = "POST /clusters/{cluster}/pushes"
FEEDBACK: Final = "POST /clusters/{cluster}/feedback"


class FeedbackInput(ApiModel):
    """反馈. ``text``: what the unit's study found; ``measure``: 长效解决机制."""

    text: Annotated[str, Text(2000)]
    measure: Annotated[str, Text(2000)]


class PushInput(ApiModel):
    """预警信息推送单 (真如 附件8). ``reason`` and ``level``: the pack's codes."""

    reason: Slug
    level: Slug
    content: Annotated[str, Text(5000)]
    co_handlers: Annotated[tuple[UnitCode, ...], Field(max_length=20)] = ()


class PushAnswerShown(ApiModel):
    id: UUID
    number: str
    times_pushed: int


class PushShown(PushAnswerShown):
    reason: str
    level: str
    content: str
    pushed_at: datetime
    answered_at: datetime | None


class FeedbackAnswer(ApiModel):
    id: UUID
    unit: str
    answered_at: datetime


class ClusterShown(ApiModel):
    """集中诉求. Tickets received from ``starts_at`` on join until ``ends_at``, or until the unit has answered."""

    id: UUID
    jurisdiction: str
    policy: str
    unit: str
    category: str
    count: int
    starts_at: datetime
    ends_at: datetime
    state: State
    basis: list[Basis]
    detected_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    text: str | None
    measure: str | None


class TicketNamed(ApiModel):
    id: UUID
    number: str


class ClusterWhole(ClusterShown):
    tickets: list[TicketNamed]
    pushes: list[PushShown]


class Wanted(Parameters):
    unit: Annotated[str, Text(100)] | None = None
    state: State | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Text(500)] | None = None


def cluster_routes(room: Room, commands: Commands[Transaction]) -> APIRouter:
    """Showing concentrated demands, and taking in the unit's measure."""
    routes = router(prefix="/v1", tags=["集中诉求"])

    @routes.get("/clusters")
    async def find(wanted: Annotated[Wanted, Query()], caller: Caller) -> Page[ClusterShown]:
        own, jurisdiction, now = visible_unit("cluster.read", caller), visible_jurisdiction(caller), room.clock.now()
        query = select(*CLUSTER.c, COUNT.label("count")).order_by(CLUSTER.c.id.desc()).limit(wanted.size)
        if jurisdiction is not None:
            query = query.where(CLUSTER.c.jurisdiction == jurisdiction)
        for unit in (own, wanted.unit):
            if unit is not None:
                query = query.where(CLUSTER.c.unit == unit)
        if wanted.state is not None:
            query = query.where(_in_state(wanted.state, now))
        if wanted.cursor is not None:
            query = query.where(CLUSTER.c.id < _after(wanted.cursor))
        async with room.database.engine.connect() as connection:
            items = [ClusterShown(**_shown(row, now)) for row in (await connection.execute(query)).mappings()]
        return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == wanted.size else None)

    @routes.get("/clusters/{cluster}")
    async def read(cluster: UUID, caller: Caller) -> ClusterWhole:
        admit("cluster.read", caller)
        async with room.database.engine.connect() as connection:
            row = await store.load(connection, cluster)
            if row is None:
                raise NotVisible("cluster.read")
            require("cluster.read", caller, jurisdiction=row["jurisdiction"], holders=(row["unit"],))
            tickets = [TicketNamed.model_validate(dict(each)) for each in await store.tickets_of(connection, cluster)]
            pushed = await store.pushes_of(connection, cluster)
        pushes = [PushShown(**{name: each[name] for name in PushShown.model_fields}) for each in pushed]
        return ClusterWhole(**_shown(row, room.clock.now()), tickets=tickets, pushes=pushes)

    @routes.post("/clusters/{cluster}/pushes", status_code=201, response_model=PushAnswerShown, openapi_extra=KEYED)
    async def push_cluster(cluster: UUID, entered: PushInput, caller: Caller, request: Request) -> Response:
        """预警信息推送：承办单位应当在规定时限内反馈。"""
        admit("cluster.push", caller)
        wanted = Push(entered.reason, entered.level, mask(entered.content), entered.co_handlers)

        async def command(tx: Transaction) -> Answer:
            try:
                issued, number, times = await push(tx, caller, cluster, wanted)
            except NoPushes:
                raise conflict("not_provided", "本地规则没有预警信息推送。") from None
            except NotOfPack as refused:
                raise invalid(refused.field, "choice", f"可选：{'、'.join(refused.known)}。") from None
            return Answer(201, PushAnswerShown(id=issued, number=number, times_pushed=times))

        return await commands.run(request, caller.account, PUSH_OUT, command)

    @routes.post("/clusters/{cluster}/feedback", status_code=201, response_model=FeedbackAnswer, openapi_extra=KEYED)
    async def feed_back(cluster: UUID, entered: FeedbackInput, caller: Caller, request: Request) -> Response:
        admit("cluster.answer", caller)

        async def command(tx: Transaction) -> Answer:
            try:
                unit = await answer(tx, caller, cluster, entered.text, entered.measure)
            except AlreadyAnswered as refused:
                raise conflict("cluster_answered", "该集中诉求已经反馈。", basis=refused.basis) from None
            return Answer(201, FeedbackAnswer(id=cluster, unit=unit, answered_at=tx.now))

        return await commands.run(request, caller.account, FEEDBACK, command)

    return routes


def _in_state(wanted: State, now: datetime) -> ColumnElement[bool]:
    if wanted == "answered":
        return CLUSTER.c.answered_at.is_not(None)
    passed = CLUSTER.c.ends_at <= now
    return and_(CLUSTER.c.answered_at.is_(None), passed if wanted == "waiting" else ~passed)


def _shown(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {**row, "state": state(row["ends_at"], row["answered_at"], now)}


def _after(cursor: str) -> UUID:
    (last,) = position_of(cursor, (str,))
    try:
        return UUID(last)
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None
