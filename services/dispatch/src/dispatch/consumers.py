"""The consumer table: event → command.

Every event about a ticket goes into its story and its holders' feeds, dispatch's own ones included; what the other
services announce is then met as the life cycle says. A pack brings its version and its base register; a published
calendar brings its year.
"""

from common.events.catalogue import CATALOGUE
from common.events.envelope import Event
from common.messaging.room import Transaction
from common.messaging.runner import Handlers
from dispatch import lifecycle
from dispatch.docket import SHELF
from dispatch.feed.commands import Pulse, follow
from dispatch.notices.commands import notify
from dispatch.rulings.commands import begin_life, meet
from dispatch.suggestion.store import keep_year
from dispatch.units.commands import enter_base_register


def handlers(pulse: Pulse, *, reachable: bool) -> Handlers:
    """The table for this process's pulse. ``reachable``: there is a gateway for notices to units."""

    async def own(tx: Transaction, event: Event) -> None:
        await follow(tx, event, pulse)
        await notify(tx, event, reachable=reachable)

    async def registered(tx: Transaction, event: Event) -> None:
        await follow(tx, event, pulse)
        await begin_life(tx, event)
        await notify(tx, event, reachable=reachable)

    async def foreign(tx: Transaction, event: Event) -> None:
        if await follow(tx, event, pulse):
            if lifecycle.matters(event.type):
                await meet(tx, event)
            await notify(tx, event, reachable=reachable)

    async def pack_activated(tx: Transaction, event: Event) -> None:
        await SHELF.keep(tx, event)
        await enter_base_register(tx, event)

    about_tickets = {
        name: own if entry.owner == "dispatch" else foreign
        for name, entry in CATALOGUE.items()
        if "ticket" in entry.about
    }
    return {
        **about_tickets,
        "TicketCreated": registered,
        "PolicyActivated": pack_activated,
        "CalendarPublished": keep_year,
    }
