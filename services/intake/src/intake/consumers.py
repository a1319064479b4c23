"""What intake does with each event: every fact about a ticket goes into its story, some move its docket."""

from collections.abc import Mapping
from typing import Final

from common.events.catalogue import CATALOGUE
from common.events.dispatch import Dispatched, RulingApplied
from common.events.envelope import Event, ticket_of_subject
from common.events.review import ReturnRuling
from common.events.sla import PolicyApplied
from common.messaging.room import Transaction
from common.messaging.runner import Handler
from intake.clusters.commands import gather
from intake.docket import EXTENDED, OVERDUE, SHELF, add_entry, follow, mark_by_rule


async def remember(tx: Transaction, event: Event) -> None:
    """Write a fact about a ticket into its story and follow what it changes; facts about wider things are not told."""
    ticket = ticket_of_subject(event.subject)
    if ticket is not None:
        await follow(tx.connection, ticket, event)
        add_entry(tx, ticket, event)


async def heed_dispatch(tx: Transaction, event: Event) -> None:
    """A unit got the ticket: with others of its kind it may show concentrated demands (双鸭山 第八条（五）)."""
    dispatched = event.data
    assert isinstance(dispatched, Dispatched)
    await remember(tx, event)
    await gather(tx, await SHELF.version(tx.connection, dispatched.policy), dispatched)


async def heed_return(tx: Transaction, event: Event) -> None:
    """A return was decided. Filed late, it marks the ticket, whatever the decision, if the pack has rules set the mark.

    Both things a pack can do with a late return, review it or refuse it, go with the mark (``returns.late``).
    """
    ruling = event.data
    assert isinstance(ruling, ReturnRuling)
    await remember(tx, event)
    if ruling.late:
        await mark_by_rule(tx.connection, ruling.ticket, await SHELF.version(tx.connection, ruling.policy), OVERDUE)


async def heed_ruling(tx: Transaction, event: Event) -> None:
    """A decision took effect. 经同意的延期 makes it an extended ticket (双鸭山 第二十条)."""
    ruling = event.data
    assert isinstance(ruling, RulingApplied)
    await remember(tx, event)
    if (ruling.kind, ruling.outcome) == ("extension", "granted"):
        await mark_by_rule(tx.connection, ruling.ticket, await SHELF.version(tx.connection, ruling.policy), EXTENDED)


async def heed_pack(tx: Transaction, event: Event) -> None:
    """Another version of the pack applies to the ticket; it must be here first."""
    applied = event.data
    assert isinstance(applied, PolicyApplied)
    await SHELF.version(tx.connection, applied.to_policy)
    await remember(tx, event)


HANDLERS: Final[Mapping[str, Handler]] = {
    **{name: remember for name, entry in CATALOGUE.items() if "ticket" in entry.about},
    "Dispatched": heed_dispatch,
    "ReturnApproved": heed_return,
    "ReturnDenied": heed_return,
    "RulingApplied": heed_ruling,
    "PolicyApplied": heed_pack,
    "PolicyActivated": SHELF.keep,
}
