"""Which event does what to a ticket's docket and deadlines."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from common.calendar import NoCalendar, OutsideCalendar
from common.events.codec import Peeked, decode
from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    Dispatched,
    HandlingStopped,
    Reissued,
    RulingApplied,
    SignedIn,
)
from common.events.envelope import Event, Message, TicketFact
from common.events.intake import TicketCreated
from common.events.review import Returned
from common.messaging.room import Transaction
from common.messaging.runner import Handlers, Runner, Transient, Unusable

from .announcements import set_of
from .docket import Docket
from .plan import MEETS, Cause, NoRuleApplies, opened
from .store import (
    CALENDARS,
    SHELF,
    add_deadlines,
    change_docket,
    fill_docket,
    load_docket,
    open_deadlines,
    record,
)
from .verdicts import EndReason, closing_accepted, closing_filed, closing_sent_back, judged, round_ended

_END_REASONS: Final[Mapping[str, EndReason]] = {"withdrawal": "withdrawn", "merge": "merged"}


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
    )
    await fill_docket(tx.connection, docket)


async def begin_round(tx: Transaction, event: Event) -> None:
    """Dispatched, Reissued: the round's own clocks begin to run."""
    data = event.data
    assert isinstance(data, Dispatched | Reissued)
    docket = await _locked(tx, data)
    if docket.round:
        await _end_rounds(tx, docket, data.round - 1, data.occurred_at, "superseded", event.id)
    docket = replace(_released(docket), round=data.round, unit=data.unit, co_handlers=data.co_handlers)
    await change_docket(tx.connection, docket)
    pack = await SHELF.version(tx.connection, docket.policy)
    cause = Cause(event.id, event.type, data.occurred_at, data.round, data.unit)
    try:
        deadlines = opened(docket, pack, await CALENDARS.current(tx.connection), cause)
    except NoCalendar as absent:
        raise Transient(str(absent)) from absent
    except OutsideCalendar as outside:
        raise Unusable(str(outside)) from outside
    except NoRuleApplies as silent:
        raise Unusable(str(silent)) from silent
    if deadlines:
        await add_deadlines(tx.connection, deadlines)
        tx.announce(set_of(docket, deadlines, event.id, data.occurred_at, tx.now), docket.subject)


async def meet(tx: Transaction, event: Event) -> None:
    """A fact has come that meets a duty of its unit in its round, or a filing that judges a window."""
    data = event.data
    assert isinstance(data, SignedIn | Returned)
    docket = await _locked(tx, data)
    rows = await open_deadlines(tx.connection, docket.ticket, kinds=MEETS[event.type], round_=data.round)
    await record(tx, docket, [judged(row, event.id, data.occurred_at) for row in rows if row.unit == data.unit])


async def file_closing(tx: Transaction, event: Event) -> None:
    """ClosingReported: the lamp goes off until the report is decided."""
    data = event.data
    assert isinstance(data, ClosingReported)
    docket = await _locked(tx, data)
    rows = await open_deadlines(tx.connection, docket.ticket, kinds=("closing",), round_=data.round)
    await record(tx, docket, [closing_filed(row, event.id, data.occurred_at) for row in rows])


async def send_closing_back(tx: Transaction, event: Event) -> None:
    """ClosingSentBack: the same deadline is lit again."""
    data = event.data
    assert isinstance(data, ClosingSentBack)
    docket = await _locked(tx, data)
    rows = await open_deadlines(tx.connection, docket.ticket, kinds=("closing",), round_=data.round)
    stopped = [row for row in rows if row.state == "stopped"]
    await record(tx, docket, [closing_sent_back(row, event.id, data.occurred_at) for row in stopped])


async def accept_closing(tx: Transaction, event: Event) -> None:
    """Closed: judged by when the accepted report was filed."""
    data = event.data
    assert isinstance(data, Closed)
    docket = await _locked(tx, data)
    rows = await open_deadlines(tx.connection, docket.ticket, kinds=("closing",), round_=data.round)
    await record(tx, docket, [closing_accepted(row, event.id, data.filed_at) for row in rows])


async def apply_ruling(tx: Transaction, event: Event) -> None:
    """RulingApplied: if a round ended with it, its clocks end at that instant, and the unit holds the ticket no more.

    A denied return ends nothing: the first clock runs on (双鸭山 第十八条).
    """
    data = event.data
    assert isinstance(data, RulingApplied)
    if data.ended_round is None:
        return
    docket = await _locked(tx, data)
    ended_at = data.round_ended_at or data.occurred_at
    await _end_rounds(tx, docket, data.ended_round, ended_at, _END_REASONS.get(data.kind, "superseded"), event.id)
    if data.ended_round == docket.round:
        await change_docket(tx.connection, _released(docket))


async def stop_handling(tx: Transaction, event: Event) -> None:
    """HandlingStopped (双鸭山 第二十三条): the round ends."""
    data = event.data
    assert isinstance(data, HandlingStopped)
    docket = await _locked(tx, data)
    await _end_rounds(tx, docket, data.round, data.occurred_at, "handling_stopped", event.id)


async def archive(tx: Transaction, event: Event) -> None:
    """Archived: nothing runs any more."""
    data = event.data
    assert isinstance(data, Archived)
    docket = await _locked(tx, data)
    await _end_rounds(tx, docket, data.round, data.occurred_at, "superseded", event.id)


async def _locked(tx: Transaction, data: TicketFact) -> Docket:
    docket = await load_docket(tx.connection, data.ticket, lock=True)
    if docket is None:
        raise Unusable("a fact about a ticket whose registration never came")
    return docket


async def _end_rounds(tx: Transaction, docket: Docket, last: int, at: datetime, reason: EndReason, fact: UUID) -> None:
    """End every round up to ``last`` at ``at``. A round that ended before has nothing open: its verdicts stand."""
    rows = await open_deadlines(tx.connection, docket.ticket)
    await record(tx, docket, [round_ended(row, at, reason, fact) for row in rows if row.round <= last])


def _released(docket: Docket) -> Docket:
    """Nobody holds the ticket; who held it is remembered."""
    former = tuple(dict.fromkeys((*docket.former, *sorted(docket.holders))))
    return replace(docket, unit=None, co_handlers=(), former=former)


HANDLERS: Final[Handlers] = {
    "Dispatched": begin_round,
    "Reissued": begin_round,
    "SignedIn": meet,
    "Returned": meet,
    "ClosingReported": file_closing,
    "ClosingSentBack": send_closing_back,
    "Closed": accept_closing,
    "RulingApplied": apply_ruling,
    "HandlingStopped": stop_handling,
    "Archived": archive,
}


class Reader(Runner):
    """Also tells a new docket on which partition its ticket lives: what fires waits until that one was read."""

    async def handle(self, tx: Transaction, message: Message, head: Peeked) -> None:
        if head.type == "TicketCreated":
            await open_docket(tx, decode(message), message.partition)
        else:
            await super().handle(tx, message, head)
