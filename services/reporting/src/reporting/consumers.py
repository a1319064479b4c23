"""Reporting reads everything: each event is archived as it lay on the bus, then counted."""

from common.events.codec import Peeked
from common.events.envelope import Message
from common.messaging.room import Transaction
from common.messaging.runner import Handler, Runner
from reporting.archive import keep
from reporting.projection import HANDLERS as COUNTED
from reporting.store import SHELF

HANDLERS: dict[str, Handler] = {**COUNTED, "PolicyActivated": SHELF.keep}


class ArchivingRunner(Runner):
    """A runner that archives every event, those that are not counted too."""

    async def handle(self, tx: Transaction, message: Message, head: Peeked) -> None:
        keep(tx, message, head)
        await super().handle(tx, message, head)
