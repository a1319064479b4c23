"""What the facts of a ticket come to: noted from the events of all services, review's own among them."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from common.events.dispatch import (
    Dispatched,
    HandlingStopped,
    Reissued,
    RulingApplied,
    StatementSubmitted,
    UnitSucceeded,
)
from common.events.envelope import Event, Payload
from common.events.intake import CallbackRecorded
from common.events.review import ExtensionGranted, ExtensionRequested, ReturnDenied
from common.events.sla import DeadlineMissed
from common.messaging.room import Transaction
from common.policy.accountability import Accountability
from common.policy.pack import Pack
from review.accountability import store
from review.accountability.commands.keeping import Matter, settle
from review.accountability.commands.months import settle_late
from review.accountability.rules import Fact, found
from review.docket import Docket, pack_of


async def follow(tx: Transaction, docket: Docket, event: Event) -> None:
    """Note what the event says about accountability, and look again at whom it concerns.

    The docket is up to the event and its row is held.
    """
    data = event.data
    if isinstance(data, UnitSucceeded):
        await store.pass_designations_on(tx.connection, docket.ticket, data.unit, data.successor)
        return
    if not _tells(data):
        return
    pack = await pack_of(tx.connection, docket)
    if pack.accountability is None:
        return
    facts = _facts(pack, pack.accountability, docket, event)
    if not facts:
        return
    await store.keep_facts(tx.connection, facts)
    for fact in facts:
        if fact.kind == "asked":
            await settle_late(tx, docket, pack, fact)
        else:
            await _settle(tx, docket, pack.accountability, fact.unit)


async def _settle(tx: Transaction, docket: Docket, accountability: Accountability, unit: str) -> None:
    """Bring what is open about the unit and the ticket up to the facts."""
    facts = await store.facts_of(tx.connection, docket.ticket, unit)
    findings = await store.of_ticket(tx.connection, docket.ticket, unit)
    for ground in accountability.found():
        own = [one for one in findings if one.ground == ground.code]
        standing = next((one for one in own if one.state == "open"), None)
        spent = frozenset[UUID]().union(*(one.events for one in own if one.state in _DECIDED))
        now = found(ground, facts, spent)
        round = now.facts[-1].round if now is not None else docket.round
        matter = Matter(docket.jurisdiction, docket.policy, docket.ticket, docket.number, round)
        await settle(tx, accountability, matter, ground, unit, standing, now)


_DECIDED: Final = ("issued", "sent", "dismissed")


def _tells(data: Payload) -> bool:
    """Whether the event can say anything here; most do not, and cost nothing more."""
    match data:
        case Dispatched() | Reissued():
            return data.designated
        case RulingApplied():
            return data.designated is not None
        case ExtensionRequested():
            return data.reason is not None
        case CallbackRecorded():
            return data.satisfaction is not None
        case DeadlineMissed():
            return data.unit is not None
        case _:
            return isinstance(data, ExtensionGranted | ReturnDenied | StatementSubmitted | HandlingStopped)


def _facts(pack: Pack, accountability: Accountability, docket: Docket, event: Event) -> list[Fact]:
    """What the event says, of each unit that it concerns."""
    data = event.data
    ticket = docket.ticket
    match data:
        case DeadlineMissed(unit=str(unit), kind=duty) if duty in accountability.duties():
            late = Fact(event.id, "missed", unit, ticket, data.round, data.occurred_at, duty)
            return [replace(late, due_at=data.due_at, done_at=data.fact_at, case=data.case)]
        case ExtensionRequested():
            asked = Fact(event.id, "extension_asked", data.unit, ticket, data.round, data.occurred_at)
            return [replace(asked, case=data.case)]
        case ExtensionGranted():
            granted = Fact(event.id, "extension_granted", data.unit, ticket, data.round, data.occurred_at)
            return [replace(granted, case=data.case)]
        case StatementSubmitted() | HandlingStopped():
            return [Fact(event.id, "statement", data.unit, ticket, data.round, data.occurred_at)]
        case Dispatched() | Reissued():
            units = dict.fromkeys((data.unit, *data.co_handlers))
            return [Fact(event.id, "designated", unit, ticket, data.round, data.occurred_at) for unit in units]
        case RulingApplied(designated=str(unit)):
            return [Fact(event.id, "designated", unit, ticket, docket.round, data.occurred_at)]
        case ReturnDenied():
            bound = pack.returns.denial_ground("designated")
            denied = Fact(event.id, "denied", data.unit, ticket, data.round, data.filed_at)
            because = bound is not None and data.ground == bound.code
            return [replace(denied, case=data.case, ground=data.ground, because_designated=because)]
        case CallbackRecorded():
            return _asked(pack, docket, event, data)
        case _:
            return []


def _asked(pack: Pack, docket: Docket, event: Event, data: CallbackRecorded) -> list[Fact]:
    """An answer about the present lead's work, where it counts in the rate that ranks."""
    indicator = pack.callbacks.indicator
    if indicator is None or docket.unit is None or data.satisfaction is None or data.round != docket.round:
        return []
    if not indicator.ranked(docket.marks):
        return []
    asked = Fact(event.id, "asked", docket.unit, docket.ticket, data.round, data.occurred_at)
    return [replace(asked, good=indicator.good("satisfaction", data.satisfaction))]
