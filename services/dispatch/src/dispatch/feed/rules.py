"""Who is told of a ticket after an event of dispatch's, read in the order of the log."""

from dataclasses import dataclass

from common.events.dispatch import Dispatched, Reissued, RulingApplied, SubAssigned, UnitSucceeded
from common.events.envelope import Payload


@dataclass(frozen=True, slots=True)
class HandedTo:
    """These units and no others hold the ticket from here on."""

    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """One more unit is told from here on, beginning with the story so far; ``instead_of``: which no longer is."""

    unit: str
    instead_of: str | None = None


def change_of(data: Payload) -> HandedTo | Joined | None:
    """Who is told from this event on; None when it changes nothing about that.

    A unit that the event takes the ticket from is still told the event itself.
    """
    match data:
        case Dispatched() | Reissued():
            return HandedTo((data.unit, *data.co_handlers))
        case RulingApplied(new_status="awaiting_dispatch"):
            return HandedTo(())
        case SubAssigned(to_unit=str() as unit):
            return Joined(unit)
        case UnitSucceeded():
            return Joined(data.successor, instead_of=data.unit)
    return None
