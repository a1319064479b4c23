"""Who holds a ticket after an event of dispatch's, read in the order of the log."""

from common.events.dispatch import Dispatched, Reissued, RulingApplied
from common.events.envelope import Payload


def holders_after(data: Payload) -> tuple[str, ...] | None:
    """The units that hold the ticket from this event on; None when it changes nothing about that.

    A unit that the event takes the ticket from is still told the event itself.
    """
    match data:
        case Dispatched() | Reissued():
            return (data.unit, *data.co_handlers)
        case RulingApplied(new_status="awaiting_dispatch"):
            return ()
    return None
