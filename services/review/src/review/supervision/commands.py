"""Issuing a supervision by hand or by rule, and the unit's written reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.clock import new_id
from common.events.envelope import Actor, Event, subject_of_ticket, ticket_of_subject
from common.events.review import SupervisionIssued, SupervisionReplied
from common.events.sla import DeadlineApproaching
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.pack import Pack
from common.policy.supervision import Form, Supervision
from common.security.access import Principal
from review import docket as dockets
from review.cases import found, held
from review.docket import BY_RULE, Docket, acting, fact, pack_of, take
from review.refusals import require_round
from review.supervision import store
from review.supervision.rules import (
    Near,
    NotSupervisable,
    Order,
    by_hand,
    by_phone,
    require_supervisable,
    require_unanswered,
)

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a supervisor issues; the text is masked already. ``unit`` None: the lead."""

    round: int
    form: Form
    text: str
    unit: str | None = None
    ground: str | None = None


async def may_issue(tx: Transaction, caller: Principal, ticket: UUID) -> None:
    await take(tx, caller, "supervision.issue", ticket)


async def issue(tx: Transaction, caller: Principal, ticket: UUID, wanted: Wanted) -> Order:
    """督办, by a person of the authority, to a unit that answers for the ticket."""
    docket = await take(tx, caller, "supervision.issue", ticket)
    supervision = _section(await pack_of(tx.connection, docket))
    require_round(wanted.round, docket.round)
    unit = wanted.unit or docket.unit
    if unit is None:
        raise NotSupervisable("工单没有承办单位，不能督办。")
    require_supervisable(wanted.form, docket.status, unit, docket.holders)
    issued = by_hand(supervision, wanted.form, wanted.ground)
    order = Order(
        id=new_id(),
        ticket=ticket,
        round=docket.round,
        unit=unit,
        form=wanted.form,
        ground=wanted.ground,
        text=wanted.text,
        reply_due=issued.reply_due,
        by_rule=False,
        basis=issued.basis,
        issued_at=tx.now,
    )
    await store.add(tx.connection, order)
    _tell(tx, docket, order, acting(caller))
    return order


def _section(pack: Pack) -> Supervision:
    if pack.supervision is None:
        raise NotSupervisable("本地区的规定没有督办。")
    return pack.supervision


async def note_approaching(tx: Transaction, event: Event) -> None:
    """Consumer of ``DeadlineApproaching``: phone supervision by rule, once for each instant of a deadline."""
    ticket, data = ticket_of_subject(event.subject), event.data
    assert isinstance(data, DeadlineApproaching)
    docket = None if ticket is None else await dockets.load(tx.connection, ticket, lock=True)
    if docket is None or data.unit is None:
        return
    supervision = (await pack_of(tx.connection, docket)).supervision
    if supervision is None:
        return
    told = by_phone(
        supervision,
        Near(data.kind, data.unit, data.due_at, data.generation),
        number=docket.number,
        status=docket.status,
        lead=docket.unit,
        current_round=docket.round,
        round=data.round,
        round_ended=docket.round_ended,
    )
    if told is None:
        return
    text, issued = told
    order = Order(
        id=new_id(),
        ticket=docket.ticket,
        round=data.round,
        unit=data.unit,
        form="phone",
        ground=None,
        text=text,
        reply_due=issued.reply_due,
        by_rule=True,
        basis=issued.basis,
        issued_at=tx.now,
        kind=data.kind,
        generation=data.generation,
        due_at=data.due_at,
    )
    if await store.add(tx.connection, order):
        _tell(tx, docket, order, BY_RULE)


async def pass_on(tx: Transaction, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit owes its replies."""
    await store.pass_on(tx.connection, ticket, unit, successor)


def _tell(tx: Transaction, docket: Docket, order: Order, actor: Actor) -> None:
    told = SupervisionIssued(
        **fact(docket, order.round, tx.now, actor, order.basis),
        case=order.id,
        unit=order.unit,
        form=order.form,
        text=order.text,
        reply_due=order.reply_due,
        ground=order.ground,
        by_rule=order.by_rule,
    )
    tx.announce(told, subject_of_ticket(order.ticket))
    _log.info(
        "supervision issued",
        ticket=str(order.ticket),
        case=str(order.id),
        form=order.form,
        ground=order.ground,
        by_rule=order.by_rule,
        policy=docket.policy,
    )


async def may_reply(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for a supervision that is not there or of another unit; it stays the unit's whoever holds the ticket now."""
    owed = await found(tx, store.standing, case)
    await take(tx, caller, "supervision.reply", owed.ticket, (owed.unit,))


async def reply(
    tx: Transaction, caller: Principal, case: UUID, round: int, text: str, attachments: Sequence[UUID]
) -> None:
    """The written reply, once; a late one is a reply too. ``may_reply`` has been asked; ``text`` is masked already."""
    docket, owed = await held(tx, store.standing, case)
    require_round(round, owed.round)
    require_unanswered(owed.replied_at)
    await store.keep_reply(tx.connection, case, text, attachments, tx.now)
    told = SupervisionReplied(
        **fact(docket, owed.round, tx.now, acting(caller)),
        case=case,
        unit=owed.unit,
        text=text,
        attachments=tuple(attachments),
    )
    tx.announce(told, subject_of_ticket(owed.ticket))
