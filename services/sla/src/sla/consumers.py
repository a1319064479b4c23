"""What was announced about a ticket changes its docket and deadlines."""

from typing import Final

from common.calendar import NoCalendar, OutsideCalendar
from common.events.codec import Peeked, decode
from common.events.envelope import Event, Message, TicketFact
from common.events.intake import TicketCreated
from common.messaging.room import Transaction
from common.messaging.runner import Handlers, Runner, Transient, Unusable

from .docket import Docket
from .facts import fact_of
from .life import READ
from .moves import DecisionUnknown
from .plan import NoRuleApplies
from .store import add_fact, fill_docket, load_docket
from .taking import take


async def open_docket(tx: Transaction, event: Event, partition: int) -> None:
    """TicketCreated: the ticket is known from now on. ``partition`` is its place on hotline.tickets."""
    data = event.data
    assert isinstance(data, TicketCreated)
    docket = Docket(
        ticket=data.ticket,
        number=data.number,
        jurisdiction=data.jurisdiction,
        policy=data.policy,
        type=data.type,
        channel=data.channel,
        category=data.category,
        marks=data.marks,
        legal_limit=data.legal_limit,
        round=0,
        unit=None,
        co_handlers=(),
        former=(),
        partition=partition,
        imposed_limit=data.imposed_limit,
    )
    await fill_docket(tx.connection, docket)
    await add_fact(tx.connection, data.ticket, fact_of(event))


async def take_in(tx: Transaction, event: Event) -> None:
    """Any other fact. What came too late for its place makes the ticket's clocks be told again from the first."""
    data = event.data
    assert isinstance(data, TicketFact)
    docket = await load_docket(tx.connection, data.ticket, lock=True)
    if docket is None:
        raise Unusable("a fact about a ticket whose registration never came")
    try:
        await take(tx, docket, fact_of(event))
    except NoCalendar as absent:
        raise Transient(str(absent)) from absent
    except (OutsideCalendar, NoRuleApplies, DecisionUnknown) as never:
        raise Unusable(str(never)) from never


HANDLERS: Final[Handlers] = dict.fromkeys(READ, take_in)


class Reader(Runner):
    """Also tells a new docket on which partition its ticket lives: what fires waits until that one was read."""

    async def handle(self, tx: Transaction, message: Message, head: Peeked) -> None:
        if head.type == "TicketCreated":
            await open_docket(tx, decode(message), message.partition)
        else:
            await super().handle(tx, message, head)
