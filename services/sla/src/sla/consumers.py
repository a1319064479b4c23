"""What was announced about a ticket changes its docket and deadlines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from common.calendar import NoCalendar, OutsideCalendar
from common.events.codec import Peeked, decode
from common.events.envelope import Event, Message, TicketFact
from common.events.intake import KnowledgeDue, PushIssued, TicketCreated
from common.events.vocabulary import Anchor
from common.messaging.room import Transaction
from common.messaging.runner import Handlers, Runner, Transient, Unusable

from .announcements import set_of
from .docket import Docket, Registration
from .facts import fact_of
from .life import READ
from .moves import DecisionUnknown
from .plan import NoRuleApplies, Rules, opened
from .store import CALENDARS, SHELF, add_deadlines, add_fact, fill_docket, load_docket
from .taking import take


def docket_of(event: Event, partition: int = 0) -> Docket:
    """The ticket as its registration tells it. ``partition`` is its place on hotline.tickets."""
    data = event.data
    assert isinstance(data, TicketCreated)
    return Docket(
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
        registration=Registration(
            anchor=Anchor(event=event.id, at=data.occurred_at, type=event.type),
            received_at=data.received_at,
            anonymous=data.requester.anonymous,
            contact=data.requester.has_contact,
            confidential=data.requester.confidential,
            imposed_whole=data.imposed_whole_limit,
        ),
    )


async def open_docket(tx: Transaction, event: Event, partition: int) -> None:
    """TicketCreated: the ticket is known from now on. ``partition`` is its place on hotline.tickets."""
    data, docket = event.data, docket_of(event, partition)
    assert isinstance(data, TicketCreated)
    await fill_docket(tx.connection, docket)
    fact, _ = await add_fact(tx.connection, data.ticket, fact_of(event))
    with _rules_needed():
        pack = await SHELF.version(tx.connection, docket.policy)
        if not pack.limits.runs_from("registered"):
            return
        found = opened(docket, Rules(pack, await CALENDARS.current(tx.connection)), fact)
    if found:
        await add_deadlines(tx.connection, found)
        tx.announce(set_of(docket, found, event.id, data.occurred_at, tx.now), docket.subject)


async def open_wider(tx: Transaction, event: Event, partition: int) -> None:
    """PushIssued, KnowledgeDue: a unit owes something that is not about one ticket."""
    data = event.data
    assert isinstance(data, PushIssued | KnowledgeDue)
    about, key = event.subject.split("/", 1)
    docket = await load_docket(tx.connection, UUID(key), lock=True)
    if docket is None:
        docket = Docket(
            ticket=UUID(key),
            number="",
            jurisdiction=data.jurisdiction,
            policy=data.policy,
            type="",
            channel="",
            category="",
            marks=(),
            legal_limit=None,
            round=0,
            unit=data.unit,
            co_handlers=(),
            former=(),
            partition=partition,
            about="cluster" if about == "cluster" else "entry",
        )
        await fill_docket(tx.connection, docket)
    with _rules_needed():
        await take(tx, docket, fact_of(event))


async def answer_wider(tx: Transaction, event: Event) -> None:
    """PushAnswered, KnowledgeEntered; what was never owed is nobody's deadline."""
    docket = await load_docket(tx.connection, UUID(event.subject.split("/", 1)[1]), lock=True)
    if docket is not None:
        with _rules_needed():
            await take(tx, docket, fact_of(event))


@contextmanager
def _rules_needed() -> Iterator[None]:
    """A calendar that is not here yet is waited for; what no rule and no calendar can say is parked."""
    try:
        yield
    except NoCalendar as absent:
        raise Transient(str(absent)) from absent
    except (OutsideCalendar, NoRuleApplies, DecisionUnknown) as never:
        raise Unusable(str(never)) from never


async def take_in(tx: Transaction, event: Event) -> None:
    """Any other fact. What came too late for its place makes the ticket's clocks be told again from the first."""
    data = event.data
    assert isinstance(data, TicketFact)
    docket = await load_docket(tx.connection, data.ticket, lock=True)
    if docket is None:
        raise Unusable("a fact about a ticket whose registration never came")
    with _rules_needed():
        await take(tx, docket, fact_of(event))


_WIDER: Final = ("PushAnswered", "KnowledgeEntered")
_BEGINS: Final = {"TicketCreated": open_docket, "PushIssued": open_wider, "KnowledgeDue": open_wider}
HANDLERS: Final[Handlers] = dict.fromkeys(READ, take_in) | dict.fromkeys(_WIDER, answer_wider)


class Reader(Runner):
    """Also tells a new docket on which partition its ticket lives: what fires waits until that one was read."""

    async def handle(self, tx: Transaction, message: Message, head: Peeked) -> None:
        if head.type in _BEGINS:
            await _BEGINS[head.type](tx, decode(message), message.partition)
        else:
            await super().handle(tx, message, head)
