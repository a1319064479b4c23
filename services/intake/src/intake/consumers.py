"""What intake does with each event: every fact about a ticket goes into its story, some move its docket."""

from collections.abc import Mapping
from typing import Final

from common.events.catalogue import CATALOGUE
from common.events.envelope import Event, ticket_of_subject
from common.messaging.room import Transaction
from common.messaging.runner import Handler
from intake.docket import SHELF, add_entry, follow


async def remember(tx: Transaction, event: Event) -> None:
    """Write a fact about a ticket into its story and follow what it changes; facts about wider things are not told."""
    ticket = ticket_of_subject(event.subject)
    if ticket is not None:
        await follow(tx.connection, ticket, event)
        add_entry(tx, ticket, event)


HANDLERS: Final[Mapping[str, Handler]] = {
    **{name: remember for name, entry in CATALOGUE.items() if "ticket" in entry.about},
    "PolicyActivated": SHELF.keep,
}
