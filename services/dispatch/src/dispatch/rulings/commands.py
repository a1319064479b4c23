"""What other services' facts do to a ticket's life, as the table of the life cycle says.

Every ruling gets exactly one answer, ``RulingApplied`` or ``RulingOvertaken``, and nobody acts on it before. Whether an
event is a ruling, and what it comes to, is read from its type alone; where it takes effect, from the table alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID

from common.events.dispatch import Archived, Dispatched, Reissued, RulingApplied, RulingKind, RulingOvertaken
from common.events.envelope import Event, TicketFact
from common.events.intake import TicketCreated
from common.events.review import ConsultationConcluded, EscalationDecided
from common.events.sla import PolicyApplied
from common.events.vocabulary import Status
from common.messaging.room import Transaction
from common.messaging.runner import Transient, Unusable
from dispatch import lifecycle
from dispatch.docket import SHELF, SYSTEM, Docket, fact, fill, keep, load
from dispatch.units.store import standing

HowArchived = Literal["callback", "registered_repeat"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A fact that dispatch must answer. ``ended_at``: when the round ends, should the ruling end it."""

    kind: RulingKind
    outcome: Callable[[Any], str]
    ended_at: Callable[[Any], datetime] = lambda data: data.occurred_at
    archived_how: HowArchived = "callback"


RULINGS: Final[Mapping[str, Ruling]] = MappingProxyType(
    {
        "Returned": Ruling("return", lambda data: "filed"),
        "ReturnApproved": Ruling("return", lambda data: "approved", lambda data: data.filed_at),
        "ExtensionGranted": Ruling("extension", lambda data: "granted"),
        "ConsultationConcluded": Ruling("consultation", lambda data: data.outcome),
        "EscalationDecided": Ruling("escalation", lambda data: data.outcome),
        "CallbackJudged": Ruling("callback", lambda data: data.outcome),
        "RepeatRegistered": Ruling("repeat", lambda data: "registered", archived_how="registered_repeat"),
        "TicketMerged": Ruling("merge", lambda data: "merged"),
        "TicketWithdrawn": Ruling("withdrawal", lambda data: "withdrawn"),
    }
)


async def begin_life(tx: Transaction, event: Event) -> None:
    """Consumer of ``TicketCreated``: the ticket waits for its dispatch. Its pack must be here first."""
    data = event.data
    assert isinstance(data, TicketCreated)
    await SHELF.version(tx.connection, data.policy)
    await fill(tx.connection, data)


async def meet(tx: Transaction, event: Event) -> None:
    """Consumer of every other foreign fact about a ticket that has a life here."""
    data = event.data
    assert isinstance(data, TicketFact)
    docket = await load(tx.connection, data.ticket, lock=True)
    if docket is None:
        return
    found = lifecycle.reply(
        docket.status,
        lifecycle.trigger(event.type, getattr(data, "outcome", None), confirms_unit=_names_lead(data, docket)),
        current_round=data.round == docket.round,
    )
    if found.answer == "note":
        await keep(tx.connection, await _noted(tx, docket, event.type, data))
    elif found.answer == "apply":
        await _apply(tx, docket, RULINGS[event.type], data, found.becomes)
    elif found.answer == "overtaken":
        ruling = RULINGS[event.type]
        tx.announce(
            RulingOvertaken(
                **fact(tx, docket, SYSTEM),
                ruling=_case(data),
                kind=ruling.kind,
                reason=_why_overtaken(docket, data),
                status=docket.status,
            ),
            docket.subject,
        )


async def _noted(tx: Transaction, docket: Docket, kind: str, data: Any) -> Docket:
    if isinstance(data, PolicyApplied):
        await SHELF.version(tx.connection, data.to_policy)
        return replace(docket, policy=data.to_policy)
    if kind == "Returned":
        return replace(docket, pending_return=_case(data))
    if docket.pending_return == _case(data):  # denied or lapsed
        return replace(docket, pending_return=None)
    return docket


async def _apply(tx: Transaction, docket: Docket, ruling: Ruling, data: Any, becomes: Status | None) -> None:
    """Announce that the ruling took effect, then what it brings: an end, a file, a new round.

    ``becomes`` None leaves status and round as they are; 待签收 is always the beginning of a new round.
    """
    ends_round = docket.status in lifecycle.HELD and becomes is not None
    after = docket
    if becomes is not None:
        after = replace(docket, status=becomes, report=None, pending_return=None)
    tx.announce(
        RulingApplied(
            **fact(tx, docket, SYSTEM),
            ruling=_case(data),
            kind=ruling.kind,
            outcome=ruling.outcome(data),
            ended_round=docket.round if ends_round else None,
            round_ended_at=ruling.ended_at(data) if ends_round else None,
            new_status=after.status,
        ),
        docket.subject,
    )
    if becomes == "awaiting_dispatch":
        after = replace(after, unit=None, co_handlers=(), designated=False, round_began_at=None)
    elif becomes == "archived":
        tx.announce(Archived(**fact(tx, after, SYSTEM), how=ruling.archived_how), docket.subject)
    elif becomes == "dispatched" and isinstance(data, ConsultationConcluded | EscalationDecided):
        after = await _designate(tx, after, data)
    elif becomes == "dispatched":
        after = _reissue(tx, after)
    elif _names_lead(data, docket):
        after = replace(after, designated=True)  # 指定: from now on it may not return the ticket
    await keep(tx.connection, after)


def _reissue(tx: Transaction, docket: Docket) -> Docket:
    """重新交办: the unit that had the ticket gets it again, for a round of its own."""
    assert docket.unit is not None
    again = replace(docket, round=docket.round + 1, round_began_at=tx.now)
    tx.announce(
        Reissued(
            **fact(tx, again, SYSTEM),
            unit=docket.unit,
            co_handlers=again.co_handlers,
            reason="回访后退回承办单位再次办理",
            previous_round=docket.round,
            designated=again.designated,
        ),
        again.subject,
    )
    return again


async def _designate(tx: Transaction, docket: Docket, data: ConsultationConcluded | EscalationDecided) -> Docket:
    """指定: another unit than the present lead begins a round, and may not return the ticket."""
    if data.unit is None:
        raise Unusable("a conclusion that names a unit names none")
    if data.unit not in await standing(tx.connection, [data.unit]):
        raise Transient(f"unit {data.unit} is not here yet")
    named = replace(
        docket,
        round=docket.round + 1,
        unit=data.unit,
        co_handlers=data.co_handlers,
        designated=True,
        round_began_at=tx.now,
    )
    tx.announce(
        Dispatched(
            **{**fact(tx, named, SYSTEM), "basis": data.basis},
            unit=data.unit,
            co_handlers=data.co_handlers,
            designated=True,
        ),
        named.subject,
    )
    return named


def _names_lead(data: TicketFact, docket: Docket) -> bool:
    return (
        isinstance(data, ConsultationConcluded | EscalationDecided)
        and docket.status in lifecycle.HELD
        and data.unit == docket.unit
    )


def _case(data: Any) -> UUID:
    case = data.case
    assert isinstance(case, UUID)
    return case


def _why_overtaken(docket: Docket, data: TicketFact) -> str:
    """For people, in the words of the register of statuses."""
    if data.round != docket.round:
        return f"所指第 {data.round} 轮已经结束，现为第 {docket.round} 轮"
    return f"工单已处于“{lifecycle.LABELS[docket.status]}”"
