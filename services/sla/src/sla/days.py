"""Shanghai's days as instants."""

from datetime import date, datetime, time

from common.clock import SHANGHAI


def begins(day: date) -> datetime:
    """The first instant of a local day."""
    return datetime.combine(day, time(), SHANGHAI)
