"""Filing a return, ruling on it, and what the facts of other services make of it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from common.clock import new_id
from common.events.dispatch import (
    RulingApplied,
    RulingOvertaken,
)
from common.events.envelope import Actor, Event, subject_of_ticket
from common.events.review import ReturnApproved, ReturnDenied, Returned, ReturnLapsed
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.returns import Returns
from common.security.access import Principal
from common.security.refusals import OwnUnit
from common.web.problems import invalid
from review import docket as dockets
from review import filings
from review.cases import found, held
from review.docket import BY_RULE, Docket, acting, fact, pack_of, take
from review.refusals import require_round
from review.register import require_standing
from review.returns import store
from review.returns.rules import (
    Decision,
    Filing,
    GroundNotOfDecision,
    Window,
    denied_by_rule,
    require_returnable,
    ruled,
)

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Paper:
    """What a unit files. Text is masked already; blank text counts as none."""

    round: int
    ground: str | None = None
    reason: str | None = None
    legal_basis: str | None = None
    suggested_unit: str | None = None
    explanation: str | None = None
    papers: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer decides; the note is masked already."""

    round: int
    decision: Literal["approve", "deny"]
    ground: str
    note: str | None = None


async def may_file(tx: Transaction, caller: Principal, ticket: UUID) -> None:
    await filings.may_file(tx, caller, "return.create", ticket, store.RETURN)


async def file(tx: Transaction, caller: Principal, ticket: UUID, paper: Paper) -> Filing:
    """退单: stored and announced; a rule denies it at once, or it waits for the window or for a reviewer."""
    docket = await take(tx, caller, "return.create", ticket)
    pack = await pack_of(tx.connection, docket)
    returns = pack.returns
    require_round(paper.round, docket.round)
    unsettled = await store.unsettled(tx.connection, ticket, docket.round)
    require_returnable(returns, docket.status, round_ended=docket.round_ended, unsettled=unsettled)
    unit = filings.lead_of(docket, pack, caller, "退单由主办单位提出。")
    await _require_sense(tx, returns, docket, paper)
    filing = Filing(
        id=new_id(),
        ticket=ticket,
        round=docket.round,
        unit=unit,
        state="pending",
        ground=paper.ground,
        reason=paper.reason,
        legal_basis=paper.legal_basis,
        suggested_unit=paper.suggested_unit,
        papers=paper.papers,
        filed_at=tx.now,
        explanation=paper.explanation,
    )
    await store.add(tx.connection, filing)
    told = Returned(
        **fact(docket, filing.round, tx.now, acting(caller)),
        case=filing.id,
        unit=filing.unit,
        ground=filing.ground,
        reason=filing.reason,
        legal_basis=filing.legal_basis,
        suggested_unit=filing.suggested_unit,
        papers=filing.papers,
        explanation=filing.explanation,
    )
    tx.announce(told, subject_of_ticket(ticket))
    window = await _window(tx, docket, filing, returns)
    return filing if window is None else await _examine(tx, docket, filing, window, returns)


async def _require_sense(tx: Transaction, returns: Returns, docket: Docket, paper: Paper) -> None:
    """422 for a ground that the pack does not list, and for a suggestion that names nobody else who is there."""
    if paper.ground is not None and paper.ground not in returns.grounds_for_return:
        raise invalid("ground", "choice", f"退单理由应为：{'、'.join(returns.grounds_for_return)}。")
    if paper.suggested_unit is not None:
        if paper.suggested_unit == docket.unit:
            raise invalid("suggested_unit", "other_unit", "转送建议应为本单位以外的单位。")
        await require_standing(tx, docket.jurisdiction, "suggested_unit", (paper.suggested_unit,))


async def _window(tx: Transaction, docket: Docket, filing: Filing, returns: Returns) -> Window | None:
    """The window the filing is measured by; None while it is not known."""
    if "return_window" not in (await pack_of(tx.connection, docket)).limits.kinds():
        return Window(None)
    return await store.window_of(tx.connection, filing, docket)


async def _examine(tx: Transaction, docket: Docket, filing: Filing, window: Window, returns: Returns) -> Filing:
    """Let the rules look at a filing whose window is known: denied at once, or queued for a reviewer."""
    decision = denied_by_rule(
        returns,
        filing,
        window,
        designated=docket.designated,
        redo=docket.redo,
        designation=docket.designation,
        situation=docket.situation,
    )
    if decision is None:
        return await store.set_state(tx.connection, filing, "queued")
    return await _decide(tx, docket, filing, decision, BY_RULE)


async def _decide(tx: Transaction, docket: Docket, filing: Filing, decision: Decision, actor: Actor) -> Filing:
    kind = ReturnApproved if decision.outcome == "approved" else ReturnDenied
    told = kind(
        **fact(docket, filing.round, tx.now, actor, decision.basis),
        case=filing.id,
        unit=filing.unit,
        filed_at=filing.filed_at,
        ground=decision.ground,
        by_rule=decision.by_rule,
        window_due_at=decision.window_due_at,
        late=decision.late,
        note=decision.note,
        **({"designation": decision.designation} if decision.designation else {}),
    )
    tx.announce(told, subject_of_ticket(filing.ticket))
    _log.info(
        "return decided",
        ticket=str(filing.ticket),
        case=str(filing.id),
        outcome=decision.outcome,
        ground=decision.ground,
        by_rule=decision.by_rule,
        late=decision.late,
        policy=docket.policy,
    )
    return await store.keep_decision(tx.connection, filing, decision, tx.now)


async def may_rule(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for a return that is not there or not the caller's to see; 403 with its basis for one of the own unit."""
    filing = await found(tx, store.load, case)
    try:
        await take(tx, caller, "return.rule", filing.ticket, (filing.unit,))
    except OwnUnit as recused:
        docket = await dockets.load(tx.connection, filing.ticket)
        assert docket is not None
        stated = (await pack_of(tx.connection, docket)).returns.reviewer_recused_for_own_unit
        raise OwnUnit(str(recused), basis=(stated.basis,) if stated.value else recused.basis) from None


async def rule(tx: Transaction, caller: Principal, case: UUID, ruling: Ruling) -> Filing:
    """A reviewer's decision; approval takes effect only with dispatch's answer. ``may_rule`` has been asked."""
    docket, filing = await held(tx, store.load, case)
    returns = (await pack_of(tx.connection, docket)).returns
    window = await _window(tx, docket, filing, returns)
    if docket.lives(filing.round):
        require_round(ruling.round, docket.round)
    try:
        decision = ruled(returns, filing, window, ruling.decision, ruling.ground, ruling.note)
    except GroundNotOfDecision as refusal:
        raise invalid("ground", "choice", f"{refusal.detail}可选：{'、'.join(refusal.allowed)}。") from None
    return await _decide(tx, docket, filing, decision, acting(caller))


async def examine_waiting(tx: Transaction, docket: Docket) -> None:
    """After sla has told deadlines of the ticket: what waited for its window is examined now."""
    for filing in await store.undecided(tx.connection, docket.ticket, ("pending",)):
        window = await store.window_of(tx.connection, filing, docket)
        if window is not None and filing.round == docket.round:
            returns = (await pack_of(tx.connection, docket)).returns
            await _examine(tx, docket, filing, window, returns)


async def _deny_designated(tx: Transaction, docket: Docket) -> None:
    """The unit was designated while its return waited for a reviewer: the rule decides now (双鸭山 第十九条（四）)."""
    docket = await dockets.load(tx.connection, docket.ticket) or docket  # whose case it was may have said more
    for filing in await store.undecided(tx.connection, docket.ticket, ("queued",)):
        window = await store.window_of(tx.connection, filing, docket)
        if window is not None and filing.round == docket.round and filing.unit == docket.unit:
            returns = (await pack_of(tx.connection, docket)).returns
            await _examine(tx, docket, filing, window, returns)


async def follow(tx: Transaction, docket: Docket, event: Event) -> None:
    """What dispatch's facts make of the ticket's returns; the docket is up to the event already."""
    data = event.data
    match data:
        case RulingApplied(kind="return", ruling=case):
            await _answered(tx, docket, case, applied=True)
        case RulingOvertaken(kind="return", ruling=case):
            await _answered(tx, docket, case, applied=False)
        case RulingApplied(designated=str()):
            await _deny_designated(tx, docket)
    because = filings.ending(event)
    if because is not None:
        for filing in await store.undecided(tx.connection, docket.ticket):
            if not docket.lives(filing.round):
                await _lapse(tx, docket, filing, because)


async def _answered(tx: Transaction, docket: Docket, case: UUID, *, applied: bool) -> None:
    """Dispatch's answer. A return that is settled already stays as it is: its filing and its approval are answered
    apart, and the first answer counted."""
    filing = await store.load(tx.connection, case)
    if filing is None:
        return
    if applied:
        if filing.state == "approved":
            await store.set_state(tx.connection, filing, "applied")
    elif filing.state in ("approved", "pending", "queued"):
        await _lapse(tx, docket, filing, filings.TOO_LATE)


async def _lapse(tx: Transaction, docket: Docket, filing: Filing, because: str) -> None:
    overtaken = filing.state == "approved"
    await store.set_state(tx.connection, filing, "overtaken" if overtaken else "lapsed", because)
    told = ReturnLapsed(**fact(docket, filing.round, tx.now, BY_RULE), case=filing.id, reason=because, unit=filing.unit)
    tx.announce(told, subject_of_ticket(filing.ticket))
