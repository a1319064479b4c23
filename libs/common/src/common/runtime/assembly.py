"""Putting a service together: the same edge, the same doors, the same consumer for all five."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import text

from common.database import Database
from common.events.catalogue import REFERENCE, TICKETS
from common.messaging.bus import Place
from common.messaging.room import Room, Transaction
from common.messaging.runner import Handlers, Runner
from common.observability import Metrics
from common.runtime.parked import parked_routes
from common.runtime.service import Service, Surroundings, Task, nothing_due, nothing_more
from common.security.refusals import AccessRefused
from common.web.app import create_app
from common.web.idempotency import Commands


def commands_of(room: Room, surroundings: Surroundings) -> Commands[Transaction]:
    """How a service's routes carry out keyed commands."""
    return Commands(room.transaction, surroundings.activity)


def assemble(
    room: Room,
    surroundings: Surroundings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    handlers: Handlers,
    topics: Sequence[str] = (TICKETS, REFERENCE),
    runner: type[Runner] = Runner,
    tasks: Sequence[Task] = (),
    metrics: Metrics | None = None,
    on_caught_up: Callable[[Collection[Place], datetime], Awaitable[None]] | None = None,
    next_due: Callable[[], Awaitable[datetime | None]] = nothing_due,
    unfinished: Callable[[], Awaitable[Sequence[str]]] = nothing_more,
) -> Service:
    """One service, built and not yet started. It is ready once a pack has come and its consumer runs."""
    consumer = runner(
        room, surroundings.bus.source(f"hotline-{room.service}", topics), handlers, on_caught_up=on_caught_up
    )

    async def consuming() -> bool:
        return not consumer.stopped_by_parkings

    async def pack_here() -> bool:
        return await _any_pack(room.database)

    ready: Mapping[str, Callable[[], Awaitable[bool]]] = {
        "database": room.database.alive,
        "pack": pack_here,
        "consumer": consuming,
    }
    app = create_app(
        room.service,
        title=title,
        routers=[*routers, parked_routes(room)],
        clock=room.clock,
        verifier=surroundings.verifier,
        refusals=(AccessRefused,),
        activity=surroundings.activity,
        metrics=metrics or Metrics(room.service),
        seen=room.seen,
        ready=ready,
        docs=surroundings.development,
    )
    return Service(
        name=room.service,
        room=room,
        app=app,
        bus=surroundings.bus,
        bus_bell=surroundings.bus_bell,
        runners=(consumer,),
        tasks=tasks,
        next_due=next_due,
        unfinished=unfinished,
    )


async def _any_pack(database: Database) -> bool:
    if not await database.alive():
        return False
    async with database.engine.connect() as connection:
        return bool((await connection.execute(text("select exists (select from policy_version)"))).scalar())
