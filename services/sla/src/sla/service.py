"""The sla service: every deadline, and the registry of packs and calendars."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from common.observability import Metrics
from common.runtime.assembly import assemble, commands_of
from common.runtime.service import Service, Surroundings

from .applying import Applying
from .auditor import Auditor
from .consumers import HANDLERS, Reader
from .expiry import Expiry, tell_of_newer_files
from .outlook import Outlook
from .recompute import Recount
from .registry import activate_first
from .routes import board_page_routes, routes
from .timers import Knowledge, Timers
from .watching import Watching


def build(surroundings: Surroundings) -> Service:
    """The service, not yet started."""
    room = surroundings.room("sla")
    metrics = Metrics("sla")
    knowledge = Knowledge(room)
    timers, recount, auditor = Timers(room, knowledge), Recount(room), Auditor(room, metrics)
    applying, watching = Applying(room), Watching(room, surroundings.activity)
    outlook, expiry = Outlook(room, metrics), Expiry(room, metrics)
    activating = asyncio.Event()

    async def first(_: asyncio.Event) -> None:
        activating.set()  # and it stays so while the activation fails and is tried again
        await activate_first(room, surroundings.packs)
        activating.clear()

    async def newer(stopping: asyncio.Event) -> None:
        await tell_of_newer_files(room, surroundings.packs, stopping)

    async def next_due() -> datetime | None:
        ahead = [await timers.next_due(), await applying.next_due()]
        return min((at for at in ahead if at is not None), default=None)

    async def unfinished() -> Sequence[str]:
        working = {
            "packs to apply": applying.unfinished,
            "lamps to light": timers.unfinished,
            "deadlines to count again": recount.unfinished,
        }
        found = [what for what, unfinished in working.items() if await unfinished()]
        return ["first activation", *found] if activating.is_set() else found

    return assemble(
        room,
        surroundings,
        title="时限",
        routers=[routes(room, commands_of(room, surroundings), surroundings.packs, watching), board_page_routes()],
        handlers=HANDLERS,
        runner=Reader,
        tasks=(first, timers.run, recount.run, applying.run, watching.run, auditor.run, outlook.run, expiry.run, newer),
        metrics=metrics,
        on_caught_up=knowledge.learn,
        next_due=next_due,
        unfinished=unfinished,
    )
