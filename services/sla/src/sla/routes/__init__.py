"""``/sla/v1``: deadlines with their explanation, previews, packs in force, calendars, the board."""

from pathlib import Path

from fastapi import APIRouter

from common.messaging.room import Room, Transaction
from common.web.idempotency import Commands
from common.web.routing import router
from sla.watching import Watching

from .board import add_board, board_page_routes
from .calendars import add_calendars
from .clocks import add_deadlines
from .policies import add_policies
from .previews import add_previews

__all__ = ["board_page_routes", "routes"]


def routes(room: Room, commands: Commands[Transaction], packs: Path, watching: Watching) -> APIRouter:
    """All routes of sla but the parked events'."""
    api = router(prefix="/v1", tags=["时限"])
    add_deadlines(api, room)
    add_previews(api, room)
    add_policies(api, room, commands, packs)
    add_calendars(api, room)
    add_board(api, room, watching)
    return api
