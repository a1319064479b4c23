"""``python -m <service> api | worker | migrate``: one service in its own process, as a container runs it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import uvicorn
import uvloop
from pydantic import ValidationError

from common.clock import RealClock
from common.database import Database, migrate
from common.observability import configure_logging
from common.runtime.patience import Unreachable, when_reachable
from common.runtime.service import Service, Surroundings
from common.runtime.settings import Settings
from common.runtime.surroundings import surroundings

Build = Callable[[Surroundings], Service]
_PARTS = ("api", "worker", "migrate")


def main(service: str, build: Build) -> None:
    """Run one part of one service until it is told to stop. Exit code 2: the settings or the words are off."""
    part = sys.argv[1] if len(sys.argv) == 2 else ""
    if part not in _PARTS:
        sys.exit(f"usage: python -m {service} {'|'.join(_PARTS)}")
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(f"HOTLINE_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        sys.exit(f"{service} cannot start: {wrong}")
    configure_logging(service, level=os.environ.get("HOTLINE_LOG", "INFO"))
    try:
        uvloop.run(_run(service, part, build, settings))
    except Unreachable as error:
        sys.exit(f"{service} cannot start: {error}")


async def _run(service: str, part: str, build: Build, settings: Settings) -> None:
    if part == "migrate":
        database = Database.open(settings.database_of(service), service, pool_size=1)
        try:
            await when_reachable("database", lambda: migrate(database))
        finally:
            await database.close()
        return
    around = await surroundings(settings, RealClock(), service, login_per_service=False)
    built = build(around)
    try:
        if part == "api":
            with contextlib.suppress(Unreachable):  # then it answers 503, and asks for the time again
                await when_reachable("database", built.ask_the_time, seconds=5)
            keeping = asyncio.create_task(built.keep_time(asyncio.Event()))
            await _serve(built, settings)
            keeping.cancel()
        else:
            await built.start()
            await _told_to_stop()
    finally:
        around.activity.ending = True
        await built.stop()
        await around.bus.close()


async def _serve(built: Service, settings: Settings) -> None:
    config = uvicorn.Config(
        built.app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=15,
        server_header=False,
    )
    await uvicorn.Server(config).serve()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sent in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sent, stop.set)
    await stop.wait()
