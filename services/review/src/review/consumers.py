"""Event → command."""

from typing import Final

from common.events.dispatch import Dispatched, UnitSucceeded
from common.events.envelope import Event
from common.messaging.room import Transaction
from common.messaging.runner import Handlers
from review import deadlines, register
from review import docket as dockets
from review.callbacks import commands as callbacks
from review.docket import SHELF
from review.returns import commands as returns


async def note(tx: Transaction, event: Event) -> None:
    """A fact that changes what is known of the ticket, and nothing else."""
    await dockets.follow(tx, event)


async def follow(tx: Transaction, event: Event) -> None:
    """A fact of dispatch after which filings and callbacks may stand otherwise."""
    docket = await dockets.follow(tx, event)
    if isinstance(event.data, Dispatched) and docket.round == 1:
        return  # most tickets: nothing can have been filed before there was a round
    await returns.follow(tx, docket, event)
    await callbacks.follow(tx, docket, event)


async def note_deadlines(tx: Transaction, event: Event) -> None:
    """What sla tells of the ticket's deadlines; filings that waited for theirs are examined now."""
    docket = await deadlines.note(tx, event)
    if docket is None:
        return
    await returns.examine_waiting(tx, docket)


async def pass_on(tx: Transaction, event: Event) -> None:
    """The successor of a unit has its tickets, with the same deadlines."""
    succeeded = event.data
    assert isinstance(succeeded, UnitSucceeded)
    await deadlines.pass_on(tx.connection, succeeded.ticket, succeeded.unit, succeeded.successor)
    await follow(tx, event)


async def record_callback(tx: Transaction, event: Event) -> None:
    await callbacks.record(tx, await dockets.follow(tx, event), event)


HANDLERS: Final[Handlers] = {
    "TicketCreated": note,
    "TicketAmended": note,
    "CallbackRecorded": record_callback,
    "Dispatched": follow,
    "Reissued": follow,
    "SignedIn": note,
    "ClosingReported": note,
    "ClosingSentBack": note,
    "Closed": follow,
    "HandlingStopped": follow,
    "Archived": follow,
    "SubAssigned": note,
    "UnitSucceeded": pass_on,
    "RulingApplied": follow,
    "RulingOvertaken": follow,
    "DeadlineSet": note_deadlines,
    "DeadlineMoved": note_deadlines,
    "PolicyApplied": note,
    "PolicyActivated": SHELF.keep,
    "UnitChanged": register.keep,
}
