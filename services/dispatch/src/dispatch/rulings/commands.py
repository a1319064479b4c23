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

from common.clock import local_date
from common.events.dispatch import Archived, Dispatched, Reissued, RulingApplied, RulingKind, RulingOvertaken
from common.events.envelope import Event, TicketFact
from common.events.intake import TicketCreated
from common.events.review import ConsultationConcluded, EscalationDecided
from common.events.sla import PolicyApplied
from common.events.vocabulary import Designation, Status
from common.messaging.room import Transaction
from dispatch import lifecycle
from dispatch.docket import SHELF, SYSTEM, Docket, fact, fill, keep, load, round_begun
from dispatch.rulings.rules import Named, naming, whose_case
from dispatch.units.store import standing_or_heirs

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
    named = await _named(tx, data)
    holds = docket.unit if docket.status in lifecycle.HELD else None
    found = lifecycle.reply(
        docket.status,
        lifecycle.trigger(event.type, getattr(data, "outcome", None), naming(named, holds, docket.co_handlers)),
        current_round=data.round == docket.round,
    )
    if found.answer == "note":
        await keep(tx.connection, await _noted(tx, docket, event.type, data))
    elif found.answer == "apply":
        await _apply(tx, docket, RULINGS[event.type], data, found.becomes, named)
    elif found.answer == "overtaken":
        ruling = RULINGS[event.type]
        tx.announce(
            RulingOvertaken(
                **fact(tx, docket, SYSTEM),
                ruling=_case(data),
                kind=ruling.kind,
                reason=_why_overtaken(docket, data, named),
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


async def _apply(
    tx: Transaction, docket: Docket, ruling: Ruling, data: Any, becomes: Status | None, named: Named | None
) -> None:
    """Announce that the ruling took effect, then what it brings: an end, a file, a new round.

    ``becomes`` None leaves status and round as they are; 待签收 is always the beginning of a new round.
    """
    ends_round = docket.status in lifecycle.HELD and becomes is not None
    after = docket
    if becomes is not None:
        after = replace(docket, status=becomes, report=None, pending_return=None)
    elif named is not None:  # 指定: from now on the unit that holds the ticket may not return it
        after = replace(docket, designated=True, designation=whose_case(data))
    tx.announce(
        RulingApplied(
            **fact(tx, docket, SYSTEM),
            ruling=_case(data),
            kind=ruling.kind,
            outcome=ruling.outcome(data),
            ended_round=docket.round if ends_round else None,
            round_ended_at=ruling.ended_at(data) if ends_round else None,
            new_status=after.status,
            designated=docket.unit if becomes is None and named is not None else None,
        ),
        docket.subject,
    )
    if becomes == "awaiting_dispatch":
        after = replace(
            after,
            unit=None,
            co_handlers=(),
            designated=False,
            designation=None,
            round_began_at=None,
            signed_parts=(),
            sub_units={},
        )
    elif becomes == "archived":
        tx.announce(Archived(**fact(tx, after, SYSTEM), how=ruling.archived_how), docket.subject)
    elif becomes == "dispatched" and named is not None:
        after = _designate(tx, after, data, named)
    elif becomes == "dispatched":
        after = _reissue(tx, after)
    await keep(tx.connection, after)


def _reissue(tx: Transaction, docket: Docket) -> Docket:
    """重新交办: the unit that had the ticket gets it again, for a round of its own. A designation still binds it."""
    assert docket.unit is not None
    again = round_begun(docket, tx)
    tx.announce(
        Reissued(
            **fact(tx, again, SYSTEM),
            unit=docket.unit,
            co_handlers=again.co_handlers,
            reason="回访后退回承办单位再次办理",
            previous_round=docket.round,
            designated=again.designated,
            designation=again.designation,
            item=again.item,
            helpers=again.helpers,
        ),
        again.subject,
    )
    return again


def _designate(tx: Transaction, docket: Docket, data: Any, named: Named) -> Docket:
    """指定: the units named begin a round, and the lead may not return the ticket."""
    assert named.lead is not None
    designation: Designation = whose_case(data)
    begun = round_begun(
        docket,
        tx,
        unit=named.lead,
        co_handlers=named.co_handlers,
        designated=True,
        designation=designation,
        item=None,
        helpers=(),
    )
    tx.announce(
        Dispatched(
            **{**fact(tx, begun, SYSTEM), "basis": data.basis},
            unit=named.lead,
            co_handlers=named.co_handlers,
            principle=getattr(data, "principle", None),
            designated=True,
            designation=designation,
            territory=begun.territory,
        ),
        begun.subject,
    )
    return begun


async def _named(tx: Transaction, data: TicketFact) -> Named | None:
    """The units that a ruling names, those that have ended replaced by their heirs; None: it names none.

    Read under a lock that keeps them from ending meanwhile. The register is dispatch's own, so that whoever names a
    unit has heard of it from here: one that is missing will not come by waiting.
    """
    if not isinstance(data, ConsultationConcluded | EscalationDecided) or data.outcome != "unit_named":
        return None
    wanted = [code for code in (data.unit, *data.co_handlers) if code is not None]
    found = await standing_or_heirs(tx.connection, wanted, local_date(tx.now))
    co_handlers = [found.get(code) for code in data.co_handlers]
    lead = None if data.unit is None else found.get(data.unit)
    return Named(
        lead=lead,
        co_handlers=tuple(dict.fromkeys(code for code in co_handlers if code is not None and code != lead)),
        absent=tuple(code for code in wanted if code not in found),
    )


def _case(data: Any) -> UUID:
    case = data.case
    assert isinstance(case, UUID)
    return case


def _why_overtaken(docket: Docket, data: TicketFact, named: Named | None) -> str:
    """For people, in the words of the register of statuses."""
    if named is not None and not named.can_be_sent:
        return f"指定的单位不在单位库或者已经终止：{'、'.join(named.absent) or '未写明主办单位'}"
    if data.round != docket.round:
        return f"所指第 {data.round} 轮已经结束，现为第 {docket.round} 轮"
    return f"工单已处于“{lifecycle.LABELS[docket.status]}”"
