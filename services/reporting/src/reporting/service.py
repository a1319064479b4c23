"""Reporting: composition."""

import asyncio

from common.runtime.assembly import assemble
from common.runtime.service import Service, Surroundings, pause
from reporting.archive import keep_months
from reporting.consumers import HANDLERS, ArchivingRunner
from reporting.dashboard import dashboard_routes
from reporting.recorded import record_routes
from reporting.routes import indicator_routes


def build(surroundings: Surroundings) -> Service:
    """The service, not yet running."""
    room = surroundings.room("reporting")

    async def months(stopping: asyncio.Event) -> None:
        """Keep the archive's monthly partitions ahead of time."""
        while not stopping.is_set():
            async with room.database.engine.begin() as connection:
                await keep_months(connection)
            await pause(stopping, 24 * 3600)

    return assemble(
        room,
        surroundings,
        title="统计报告 reporting",
        routers=[
            indicator_routes(room.database, surroundings.activity),
            record_routes(room.database),
            dashboard_routes(),
        ],
        handlers=HANDLERS,
        runner=ArchivingRunner,
        tasks=(months,),
    )
