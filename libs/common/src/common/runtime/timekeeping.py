"""With the real clock, time is the database's: asked before anything works, and again every few seconds."""

import asyncio
import contextlib
import time
from typing import Final

import structlog
from sqlalchemy import text

from common.clock import DatabaseClock
from common.database import Database, is_transient

log = structlog.get_logger()

LOOK_SECONDS: Final = 10.0
JUMP_SECONDS: Final = 2.0
"""From here on a difference is an alarm: of the host's clock, or of the database's own."""


async def ask_the_time(database: Database, clock: DatabaseClock) -> None:
    """Set the clock by the database. What it was off beyond two seconds is told."""
    first = not clock.is_set
    async with database.single.connect() as connection:
        asked = time.monotonic()
        at = (await connection.execute(text("select clock_timestamp()"))).scalar_one()
        answered = time.monotonic()
    off = clock.look(at, asked, answered)
    if abs(off) > JUMP_SECONDS:
        what = "host's clock is wrong" if first else "database's clock jumped"
        log.error(what, service=database.service, seconds=round(off, 1))


async def keep_time(database: Database, clock: DatabaseClock, stopping: asyncio.Event) -> None:
    """Ask again and again until told to stop; while the database does not answer, time is carried on."""
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
            return
        try:
            await ask_the_time(database, clock)
        except Exception as error:
            if not is_transient(error):
                raise
