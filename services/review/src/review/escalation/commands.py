"""Reporting upward, the decision that comes back, and what dispatch answered."""

from dataclasses import dataclass
from uuid import UUID

from common.clock import new_id
from common.events.dispatch import RulingApplied, RulingOvertaken
from common.events.envelope import Event, subject_of_ticket
from common.events.review import Escalated, EscalationDecided
from common.messaging.room import Transaction
from common.observability import logger
from common.security.access import Principal
from review import unresolved
from review.cases import found, held
from review.docket import Docket, acting, fact, pack_of, take
from review.escalation import store
from review.escalation.rules import (
    Decision,
    Escalation,
    decision_basis,
    escalation_basis,
    require_open,
    require_section,
)
from review.refusals import require_round
from review.register import require_standing
from review.statuses import ENDED

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Paper:
    """专报. Text is masked already. ``addressee`` None: whom the pack names."""

    round: int
    ground: str
    addressee: str | None
    report: str
    reply_line: str | None


async def may_escalate(tx: Transaction, caller: Principal, ticket: UUID) -> None:
    """Before the command and before its stored answer is told again."""
    await take(tx, caller, "escalation.create", ticket)


async def escalate(tx: Transaction, caller: Principal, ticket: UUID, paper: Paper) -> Escalation:
    """呈报: only what a coordination or consultation left unresolved."""
    docket = await take(tx, caller, "escalation.create", ticket)
    section = require_section((await pack_of(tx.connection, docket)).escalation)
    require_round(paper.round, docket.round)
    left = await unresolved.of(tx.connection, ticket)
    basis = escalation_basis(
        section,
        docket.status,
        paper.ground,
        unresolved_form=None if left is None else left[1],
        unsettled=await store.unsettled(tx.connection, ticket),
    )
    assert left is not None, "the rule has seen what stayed unresolved"
    escalation = Escalation(
        id=new_id(),
        ticket=ticket,
        round=docket.round,
        state="reported",
        ground=paper.ground,
        addressee=paper.addressee or section.addressee.value,
        consultation=left[0],
        report=paper.report,
        reply_line=paper.reply_line,
    )
    await store.add(tx.connection, escalation, basis, tx.now)
    told = Escalated(
        **fact(docket, docket.round, tx.now, acting(caller), basis),
        case=escalation.id,
        ground=escalation.ground,
        addressee=escalation.addressee,
        consultation=escalation.consultation,
        report=escalation.report,
        reply_line=escalation.reply_line,
    )
    tx.announce(told, subject_of_ticket(ticket))
    return escalation


async def may_decide(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for a report that is not there or not the caller's to see."""
    await take(tx, caller, "escalation.decide", (await found(tx, store.load, case)).ticket)


async def decide(tx: Transaction, caller: Principal, case: UUID, round: int, decision: Decision) -> None:
    """批示, as it came back, entered once; it takes effect only with dispatch's answer."""
    docket, escalation = await held(tx, store.load, case)
    section = require_section((await pack_of(tx.connection, docket)).escalation)
    basis = decision_basis(section, escalation.state, decision)
    require_round(round, docket.round)
    require_open(docket.status)
    if decision.unit is not None:
        await require_standing(tx, docket.jurisdiction, "unit", (decision.unit,))
    await require_standing(tx, docket.jurisdiction, "co_handlers", decision.co_handlers)
    await store.keep_decision(tx.connection, case, decision, basis, tx.now)
    told = EscalationDecided(
        **fact(docket, docket.round, tx.now, acting(caller), basis),
        case=case,
        outcome=decision.outcome,
        unit=decision.unit,
        co_handlers=decision.co_handlers,
        limit=decision.limit,
        instruction=decision.instruction,
        reply_line=decision.reply_line,
    )
    tx.announce(told, subject_of_ticket(docket.ticket))
    _log.info(
        "escalation decided",
        ticket=str(docket.ticket),
        case=str(case),
        outcome=decision.outcome,
        policy=docket.policy,
    )


async def follow(tx: Transaction, docket: Docket, event: Event) -> None:
    """What dispatch's facts make of the ticket's reports; the docket is up to the event already."""
    match event.data:
        case RulingApplied(kind="escalation", ruling=case):
            answered = await store.answer(tx.connection, case, "applied")
            if answered is not None and answered.outcome != "sent_back":
                await unresolved.settle(tx.connection, docket.ticket)
        case RulingOvertaken(kind="escalation", ruling=case, reason=reason):
            await store.answer(tx.connection, case, "overtaken", reason)
    if docket.status in ENDED:
        await store.lapse(tx.connection, docket.ticket)
