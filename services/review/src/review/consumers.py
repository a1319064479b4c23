"""Event → command."""

from typing import Final

from common.events.dispatch import Dispatched, UnitSucceeded
from common.events.envelope import Event, ticket_of_subject
from common.events.sla import PolicyApplied
from common.messaging.room import Transaction
from common.messaging.runner import Handlers
from review import deadlines, register
from review import docket as dockets
from review.accountability.commands import finding as accountability
from review.callbacks import commands as callbacks
from review.consultation import commands as consultations
from review.docket import SHELF
from review.escalation import commands as escalations
from review.extensions import commands as extensions
from review.returns import commands as returns
from review.supervision import commands as supervision


async def note(tx: Transaction, event: Event) -> None:
    """A fact that changes what is known of the ticket, and nothing else."""
    await dockets.follow(tx, event)


async def change_pack(tx: Transaction, event: Event) -> None:
    """Another version of the pack applies to the ticket; it must be here first."""
    applied = event.data
    assert isinstance(applied, PolicyApplied)
    await SHELF.version(tx.connection, applied.to_policy)
    await dockets.follow(tx, event)


async def follow(tx: Transaction, event: Event) -> None:
    """A fact of dispatch after which filings and callbacks may stand otherwise."""
    docket = await dockets.follow(tx, event)
    await accountability.follow(tx, docket, event)
    if isinstance(event.data, Dispatched) and docket.round == 1:
        return  # most tickets: nothing can have been filed before there was a round
    # First whose case it was: it says by which form the unit was designated, and that denies what the unit returned.
    docket = await consultations.follow(tx, docket, event)
    await escalations.follow(tx, docket, event)
    await returns.follow(tx, docket, event)
    await extensions.follow(tx, docket, event)
    await callbacks.follow(tx, docket, event)


async def note_deadlines(tx: Transaction, event: Event) -> None:
    """What sla tells of the ticket's deadlines; filings that waited for theirs are examined now."""
    docket = await deadlines.note(tx, event)
    if docket is None:
        return
    await extensions.note_move(tx, event)
    await returns.examine_waiting(tx, docket)
    await extensions.examine_waiting(tx, docket)


async def pass_on(tx: Transaction, event: Event) -> None:
    """The successor of a unit has its tickets, with the same deadlines."""
    succeeded = event.data
    assert isinstance(succeeded, UnitSucceeded)
    await deadlines.pass_on(tx.connection, succeeded.ticket, succeeded.unit, succeeded.successor)
    await supervision.pass_on(tx, succeeded.ticket, succeeded.unit, succeeded.successor)
    await follow(tx, event)


async def note_contact(tx: Transaction, event: Event) -> None:
    """The unit spoke with the requester."""
    await extensions.note_contact(tx, event)
    await _note_deed(tx, event)


async def note_statement(tx: Transaction, event: Event) -> None:
    """The unit stated why the demand cannot be satisfied."""
    await _note_deed(tx, event)
    await hold_to_account(tx, event)


async def _note_deed(tx: Transaction, event: Event) -> None:
    ticket = ticket_of_subject(event.subject)
    docket = None if ticket is None else await dockets.load(tx.connection, ticket, lock=True)
    if docket is not None:
        await callbacks.note_deed(tx, docket, event)


async def record_callback(tx: Transaction, event: Event) -> None:
    docket = await dockets.follow(tx, event)
    await callbacks.record(tx, docket, event)
    await accountability.follow(tx, docket, event)


async def hold_to_account(tx: Transaction, event: Event) -> None:
    """A fact that only accountability asks about; some are review's own, and come back over the bus."""
    ticket = ticket_of_subject(event.subject)
    docket = None if ticket is None else await dockets.load(tx.connection, ticket, lock=True)
    if docket is not None:
        await accountability.follow(tx, docket, event)


HANDLERS: Final[Handlers] = {
    "TicketCreated": note,
    "TicketAmended": note,
    "CallbackRecorded": record_callback,
    "Dispatched": follow,
    "Reissued": follow,
    "SignedIn": note,
    "RequesterContacted": note_contact,
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
    "DeadlineApproaching": supervision.note_approaching,
    "DeadlineMissed": hold_to_account,
    "ExtensionRequested": hold_to_account,
    "ExtensionGranted": hold_to_account,
    "ReturnDenied": hold_to_account,
    "StatementSubmitted": note_statement,
    "PolicyApplied": change_pack,
    "PolicyActivated": SHELF.keep,
    "UnitChanged": register.keep,
}
