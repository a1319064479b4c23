"""Asking for an extension, ruling on it, and what the facts of other services make of it."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from common.clock import new_id
from common.events.dispatch import (
    RequesterContacted,
    RulingApplied,
    RulingOvertaken,
    UnitSucceeded,
)
from common.events.envelope import Actor, Event, subject_of_ticket
from common.events.review import ExtensionDenied, ExtensionGranted, ExtensionLapsed, ExtensionRequested
from common.events.sla import DeadlineMoved
from common.events.vocabulary import Limit
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.extensions import Extensions, Sort
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.problems import invalid
from review import filings
from review.cases import found, held
from review.deadlines import of_round
from review.docket import BY_RULE, Docket, acting, fact, pack_of, take
from review.extensions import store
from review.extensions.rules import (
    Decision,
    NotExtendable,
    Request,
    Running,
    counted_with,
    decided_by_rule,
    require_extendable,
    require_same_counting,
    ruled,
    waits_for_move,
)
from review.refusals import require_round

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Paper:
    """What a unit asks for. Text is masked already; blank text counts as none."""

    round: int
    requested: Limit
    reason: str | None = None
    plan: str | None = None
    papers: tuple[UUID, ...] = ()
    sort: Sort = "ordinary"
    formalities: tuple[str, ...] = ()
    head_approval: str | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer decides; the note is masked already. ``granted`` None: what was asked for."""

    round: int
    decision: Literal["grant", "deny"]
    granted: Limit | None = None
    ground: str | None = None
    note: str | None = None


def _section(pack: Pack) -> Extensions:
    if pack.extensions is None:
        raise NotExtendable("本地区的规定没有延期。")
    return pack.extensions


async def may_ask(tx: Transaction, caller: Principal, ticket: UUID) -> None:
    await filings.may_file(tx, caller, "extension.create", ticket, store.EXTENSION)


async def ask(tx: Transaction, caller: Principal, ticket: UUID, paper: Paper) -> Request:
    """延期申请: stored and announced; a rule denies it at once, or it waits for the limit or for a reviewer."""
    docket = await take(tx, caller, "extension.create", ticket)
    pack = await pack_of(tx.connection, docket)
    extensions = _section(pack)
    require_round(paper.round, docket.round)
    unsettled = await store.unsettled(tx.connection, ticket, docket.round)
    require_extendable(docket.status, round_ended=docket.round_ended, unsettled=unsettled)
    unit = filings.lead_of(docket, pack, caller, "延期由主办单位申请。")
    _require_sense(extensions, paper)
    running = await _running(tx, docket, docket.round, unit, pack, paper.sort)
    if running == NOTHING:
        raise NotExtendable("本轮没有办结时限，无须延期。")
    if paper.sort == "ordinary":
        await _require_room(tx, docket, unit, pack)
    if isinstance(running, Running) and paper.sort == "ordinary":
        require_same_counting(running.allowance, paper.requested, "requested")
    counted = counted_with(extensions, unit)
    request = Request(
        id=new_id(),
        ticket=ticket,
        round=docket.round,
        unit=unit,
        state="pending",
        nth=await store.asked(tx.connection, ticket, counted) + 1,
        requested=paper.requested,
        reason=paper.reason,
        plan=paper.plan,
        papers=paper.papers,
        filed_at=tx.now,
        sort=paper.sort,
        formalities=paper.formalities,
        head_approval=paper.head_approval,
    )
    await store.add(tx.connection, request)
    told = ExtensionRequested(
        **fact(docket, request.round, tx.now, acting(caller)),
        case=request.id,
        unit=request.unit,
        kind=request.sort,
        requested=request.requested,
        reason=request.reason,
        plan=request.plan,
        papers=request.papers,
        nth=request.nth,
        formalities=request.formalities,
        head_approval=request.head_approval,
    )
    tx.announce(told, subject_of_ticket(ticket))
    return await _examine(tx, docket, request, pack, running)


def _require_sense(extensions: Extensions, paper: Paper) -> None:
    """422 for a sort that the pack does not have, or a formality that it does not list."""
    special = extensions.special
    if paper.sort == "special" and special is None:
        raise invalid("sort", "not_in_pack", "本地区的规定没有特殊延期。")
    listed = tuple(special.formalities) if special is not None and paper.sort == "special" else ()
    if unknown := [code for code in paper.formalities if code not in listed]:
        raise invalid("formalities", "not_in_pack", f"本地区的规定没有列明：{'、'.join(unknown)}。")


async def _require_room(tx: Transaction, docket: Docket, unit: str, pack: Pack) -> None:
    """409 where the closing has reached the latest day that ordinary extensions reach to (真如 三（二）2（1）)."""
    latest = pack.limits.latest
    if latest is None:
        return
    units = tuple(dict.fromkeys((unit, docket.unit or unit)))
    closing = await of_round(tx.connection, docket.ticket, "closing", docket.round, units)
    last = await of_round(tx.connection, docket.ticket, latest.value, docket.round, units)
    if closing is None or last is None or closing.due_at is None or last.due_at is None:
        return
    if closing.due_at >= last.due_at:
        raise NotExtendable("办理时限已至可以延期的最后一日，不能再延期。", basis=(latest.basis,))


NOTHING: Final = "nothing_runs"
"""Sla has told that the round has no limit of its own."""


async def _running(
    tx: Transaction, docket: Docket, round: int, unit: str, pack: Pack, sort: Sort
) -> Running | Literal["nothing_runs"] | None:
    """The limit that would be extended; None while it is not known.

    It is the asking unit's own, or that of the successor which took the ticket over before it was announced.
    """
    kinds, units = pack.limits.kinds(), tuple(dict.fromkeys((unit, docket.unit or unit)))
    closing = await of_round(tx.connection, docket.ticket, "closing", round, units)
    if "closing" not in kinds or (closing is not None and closing.due_at is None):
        return "nothing_runs"
    if closing is None:
        return None
    kind = "special_extension_window" if sort == "special" else "extension_window"
    if kind not in kinds:
        return Running(None, 0, closing.allowance)
    window = await of_round(tx.connection, docket.ticket, kind, round, units)
    return None if window is None else Running(window.due_at, window.generation, closing.allowance)


async def _examine(
    tx: Transaction, docket: Docket, request: Request, pack: Pack, running: Running | Literal["nothing_runs"] | None
) -> Request:
    """Let the rules look at a request whose limit is known: denied at once, or queued for a reviewer."""
    if running is None:
        return request
    if not isinstance(running, Running):
        return await _lapse(tx, docket, request, "本轮没有办结时限，无须延期。")
    settled = await store.settled_at_generation(tx.connection, request.ticket, request.round)
    if waits_for_move(running, request.filed_at, settled):
        return request
    decision = decided_by_rule(
        _section(pack),
        request,
        running,
        situation=docket.situation,
        granted_before=await store.granted_before(tx.connection, request.ticket, request.round),
    )
    if decision is None:
        return await store.set_state(tx.connection, request, "queued")
    return await _decide(tx, docket, request, decision, BY_RULE)


async def _decide(tx: Transaction, docket: Docket, request: Request, decision: Decision, actor: Actor) -> Request:
    told = fact(docket, request.round, tx.now, actor, decision.basis)
    common = {
        "case": request.id,
        "unit": request.unit,
        "kind": request.sort,
        "filed_at": request.filed_at,
        "by_rule": decision.by_rule,
        "window_due_at": decision.window_due_at,
        "late": decision.late,
        "note": decision.note,
    }
    if decision.outcome == "granted":
        tx.announce(
            ExtensionGranted.model_validate({**told, **common, "granted": decision.granted}),
            subject_of_ticket(request.ticket),
        )
    else:
        tx.announce(
            ExtensionDenied.model_validate({**told, **common, "ground": decision.ground}),
            subject_of_ticket(request.ticket),
        )
    _log.info(
        "extension decided",
        ticket=str(request.ticket),
        case=str(request.id),
        outcome=decision.outcome,
        ground=decision.ground,
        by_rule=decision.by_rule,
        late=decision.late,
        policy=docket.policy,
    )
    return await store.keep_decision(tx.connection, request, decision, tx.now)


async def may_rule(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for an extension that is not there or not the caller's to see; 403 for one of the own unit."""
    request = await found(tx, store.load, case)
    await take(tx, caller, "extension.rule", request.ticket, (request.unit,))


async def rule(tx: Transaction, caller: Principal, case: UUID, ruling: Ruling) -> Request:
    """A reviewer's decision; a grant takes effect only with dispatch's answer. ``may_rule`` has been asked."""
    docket, request = await held(tx, store.load, case)
    pack = await pack_of(tx.connection, docket)
    running = await _running(tx, docket, request.round, request.unit, pack, request.sort)
    if docket.lives(request.round):
        require_round(ruling.round, docket.round)
    decision = ruled(
        _section(pack),
        request,
        running if isinstance(running, Running) else None,
        ruling.decision,
        type=docket.type,
        granted=ruling.granted,
        ground=ruling.ground,
        note=ruling.note,
    )
    return await _decide(tx, docket, request, decision, acting(caller))


async def examine_waiting(tx: Transaction, docket: Docket) -> None:
    """After sla has told deadlines of the ticket: what waited for its limit is examined now."""
    for request in await store.undecided(tx.connection, docket.ticket, ("pending",)):
        if request.round == docket.round:
            pack = await pack_of(tx.connection, docket)
            running = await _running(tx, docket, request.round, request.unit, pack, request.sort)
            await _examine(tx, docket, request, pack, running)


async def note_move(tx: Transaction, event: Event) -> None:
    """What moves the window for a reason of its own is not the move that a granted extension waits for."""
    moved = event.data
    if isinstance(moved, DeadlineMoved) and moved.kind == "extension_window" and moved.reason != "extension":
        assert moved.ticket is not None
        await store.pass_by(tx.connection, moved.ticket, moved.round, moved.generation)


async def follow(tx: Transaction, docket: Docket, event: Event) -> None:
    """What dispatch's facts make of the ticket's extensions; the docket is up to the event already."""
    data = event.data
    match data:
        case RulingApplied(kind="extension", ruling=case):
            await _answered(tx, docket, case, applied=True)
        case RulingOvertaken(kind="extension", ruling=case):
            await _answered(tx, docket, case, applied=False)
        case UnitSucceeded(unit=unit, successor=successor):
            await store.pass_on(tx.connection, docket.ticket, unit, successor)
    because = filings.ending(event)
    if because is not None:
        for request in await store.undecided(tx.connection, docket.ticket):
            if not docket.lives(request.round):
                await _lapse(tx, docket, request, because)


async def note_contact(tx: Transaction, event: Event) -> None:
    """The unit spoke with the requester: after a grant, that is how the requester was told (双鸭山 第二十条)."""
    contact = event.data
    assert isinstance(contact, RequesterContacted)
    if contact.unit is not None and contact.outcome == "reached":
        await store.keep_told(tx.connection, contact.ticket, contact.unit, contact.occurred_at)


async def _answered(tx: Transaction, docket: Docket, case: UUID, *, applied: bool) -> None:
    """Dispatch's answer to a grant, once."""
    request = await store.load(tx.connection, case)
    if request is None or request.state != "granted":
        return
    if applied:
        await store.set_state(tx.connection, request, "applied")
    else:
        await _lapse(tx, docket, request, filings.TOO_LATE)


async def _lapse(tx: Transaction, docket: Docket, request: Request, because: str) -> Request:
    told = ExtensionLapsed(
        **fact(docket, request.round, tx.now, BY_RULE), case=request.id, reason=because, unit=request.unit
    )
    tx.announce(told, subject_of_ticket(request.ticket))
    return await store.set_state(
        tx.connection, request, "overtaken" if request.state == "granted" else "lapsed", because
    )
