"""sla's tables: dockets, deadlines, how far the bus was read, calendars, packs; and the named queries on them."""

from .board import board_counts, board_ordinal, board_page
from .calendars import (
    CALENDARS,
    calendar_cause,
    contents_in_force,
    current_version,
    put_calendar,
    put_year,
    year_contents,
    year_in_force,
    years_in_force,
)
from .dockets import change_docket, fill_docket, load_docket, lock_dockets, open_dockets
from .due import Ripe, anything_to_fire, light, lock_due, next_instant, save_caught_up
from .facts import add_fact, facts_of
from .packs import any_open_under, count_open_under, open_under, versions_listed
from .rows import add_deadlines, deadlines_by_ticket, deadlines_of, lock_deadlines, locked_deadlines, record, write
from .tables import EVENTS, IDEMPOTENCY, METADATA, SHELF

__all__ = [
    "CALENDARS",
    "EVENTS",
    "IDEMPOTENCY",
    "METADATA",
    "SHELF",
    "Ripe",
    "add_deadlines",
    "add_fact",
    "any_open_under",
    "anything_to_fire",
    "board_counts",
    "board_ordinal",
    "board_page",
    "calendar_cause",
    "change_docket",
    "contents_in_force",
    "count_open_under",
    "current_version",
    "deadlines_by_ticket",
    "deadlines_of",
    "facts_of",
    "fill_docket",
    "light",
    "load_docket",
    "lock_deadlines",
    "lock_dockets",
    "lock_due",
    "locked_deadlines",
    "next_instant",
    "open_dockets",
    "open_under",
    "put_calendar",
    "put_year",
    "record",
    "save_caught_up",
    "versions_listed",
    "write",
    "year_contents",
    "year_in_force",
    "years_in_force",
]
