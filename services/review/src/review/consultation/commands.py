"""Convening, giving an opinion, keeping the minutes, concluding, and what dispatch answered."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.clock import local_date, new_id
from common.events.dispatch import RulingApplied, RulingOvertaken, UnitSucceeded
from common.events.envelope import Event, subject_of_ticket
from common.events.review import ConsultationConcluded, ConsultationConvened, MinutesRecorded, OpinionGiven
from common.events.vocabulary import Designation
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.consultation import Form
from common.security.access import Principal
from common.security.refusals import Forbidden, OwnUnit
from common.web.problems import invalid
from review import docket as dockets
from review import register, unresolved
from review.cases import found, held
from review.consultation import store
from review.consultation.rules import (
    Conclusion,
    Consultation,
    conclusion_basis,
    convening,
    recusal,
    require_consultable,
    require_not_lapsed,
    require_open,
    require_section,
    require_unsettled,
)
from review.docket import Docket, acting, fact, pack_of, take
from review.refusals import FieldRefused, require_round
from review.register import require_standing
from review.statuses import ENDED

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Summons:
    """What a convener files. Text is masked already."""

    round: int
    form: Form
    ground: str | None
    participants: tuple[str, ...]
    subject: str
    meets_at: datetime | None


async def may_convene(tx: Transaction, caller: Principal, ticket: UUID) -> None:
    """Before the command and before its stored answer is told again.

    A unit convenes the ticket that it leads, where the pack has a form that is its own (同江 三（二）).
    """
    docket = await take(tx, caller, "consultation.convene", ticket)
    if caller.role == "unit":
        section = (await pack_of(tx.connection, docket)).consultation
        if caller.unit != docket.unit or section is None or not section.led_by_lead():
            raise Forbidden("a unit convenes only what the pack has the lead convene")


async def convene(tx: Transaction, caller: Principal, ticket: UUID, summons: Summons) -> Consultation:
    """召集: those whom the rule wants are invited with those whom the convener names."""
    docket = await take(tx, caller, "consultation.convene", ticket)
    section = require_section((await pack_of(tx.connection, docket)).consultation)
    if caller.role == "unit" and summons.form not in section.led_by_lead():
        raise FieldRefused("form", "not_own", f"承办单位召集的形式应为：{'、'.join(section.led_by_lead())}。")
    require_round(summons.round, docket.round)
    require_consultable(docket.status, await store.unsettled(tx.connection, ticket))
    await require_standing(tx, docket.jurisdiction, "participants", summons.participants)
    players: defaultdict[str, list[str]] = defaultdict(list)
    for unit in await register.with_function(tx.connection, docket.jurisdiction, section.functions):
        if unit.function is not None and unit.stands(local_date(tx.now)):
            players[unit.function].append(unit.code)
    who = convening(section, summons.form, summons.ground, summons.participants, docket.holders, players)
    consultation = Consultation(
        id=new_id(),
        ticket=ticket,
        round=docket.round,
        state="convened",
        form=summons.form,
        ground=summons.ground,
        convener=who.convener,
        participants=who.participants,
        by_rule=who.by_rule,
        disputants=who.disputants,
        subject=summons.subject,
        meets_at=summons.meets_at,
        convened_at=tx.now,
    )
    await store.add(tx.connection, consultation, who.basis)
    told = ConsultationConvened(
        **fact(docket, docket.round, tx.now, acting(caller), who.basis),
        case=consultation.id,
        form=summons.form,
        convener=who.convener,
        participants=who.participants,
        subject=summons.subject,
        ground=summons.ground,
        meets_at=summons.meets_at,
    )
    tx.announce(told, subject_of_ticket(ticket))
    return consultation


async def may_speak(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for a consultation that is not there, and the same for a unit that does not take part."""
    consultation = await found(tx, store.load, case)
    await take(tx, caller, "consultation.opinion", consultation.ticket, consultation.participants)


async def speak(
    tx: Transaction, caller: Principal, case: UUID, round: int, opinion: str, legal_basis: str | None, unit: str | None
) -> None:
    """A participant's opinion; the last one stands. ``unit``: for whom somebody without a unit of his own writes."""
    docket, consultation = await held(tx, store.load, case)
    speaker = caller.unit or unit
    if speaker is None:
        raise invalid("unit", "required", "应当写明发表意见的单位。")
    if unit not in (None, speaker):
        raise invalid("unit", "own_unit", "只能代表本单位发表意见。")
    if speaker not in consultation.participants:
        raise invalid("unit", "participant", f"应为参加单位：{'、'.join(consultation.participants)}。")
    require_unsettled(consultation.state)
    require_round(round, docket.round)
    await store.keep_opinion(tx.connection, case, speaker, opinion, legal_basis, tx.now)
    told = OpinionGiven(
        **fact(docket, docket.round, tx.now, acting(caller)),
        case=case,
        unit=speaker,
        opinion=opinion,
        legal_basis=legal_basis,
    )
    tx.announce(told, subject_of_ticket(docket.ticket))


async def may_keep_minutes(tx: Transaction, caller: Principal, case: UUID) -> None:
    """Of a unit, only the one that convened it."""
    consultation = await found(tx, store.load, case)
    own = _convening_unit(caller, consultation)
    await take(tx, caller, "consultation.convene", consultation.ticket, own)


async def keep_minutes(tx: Transaction, caller: Principal, case: UUID, round: int, text: str) -> None:
    """会商纪要, before or after the conclusion; what is recorded again takes the place of what stood."""
    docket, consultation = await held(tx, store.load, case)
    require_not_lapsed(consultation.state)
    require_round(round, docket.round)
    await store.keep_minutes(tx.connection, case, text, tx.now)
    told = MinutesRecorded(**fact(docket, docket.round, tx.now, acting(caller)), case=case, text=text)
    tx.announce(told, subject_of_ticket(docket.ticket))


def _convening_unit(caller: Principal, consultation: Consultation) -> tuple[str, ...] | None:
    """Whose matter it is where a unit asks: the convener's; None: whoever holds the ticket."""
    if caller.role != "unit":
        return None
    return (consultation.convener,) if consultation.convener is not None else ()


async def may_conclude(tx: Transaction, caller: Principal, case: UUID) -> None:
    """403 with its basis for a person of a unit in dispute: one of those it began with, or one that holds it now.

    Of a unit, only the one that convened it.
    """
    consultation = await found(tx, store.load, case)
    own = _convening_unit(caller, consultation)
    docket = await take(tx, caller, "consultation.conclude", consultation.ticket, own or ())
    section = require_section((await pack_of(tx.connection, docket)).consultation)
    because = recusal(section, {*consultation.disputants, *docket.holders}, caller.unit)
    if because is not None:
        raise OwnUnit("a unit in dispute does not conclude", basis=because)


async def conclude(tx: Transaction, caller: Principal, case: UUID, round: int, conclusion: Conclusion) -> Consultation:
    """The conclusion, drawn once; it takes effect only with dispatch's answer. ``may_conclude`` has been asked."""
    docket, consultation = await held(tx, store.load, case)
    require_unsettled(consultation.state)
    require_round(round, docket.round)
    require_open(docket.status)
    pack = await pack_of(tx.connection, docket)
    named = (conclusion.unit,) if conclusion.unit is not None else ()
    units = await register.standing(tx.connection, named)
    kind = units[conclusion.unit].kind if conclusion.unit in units else None
    await require_standing(tx, docket.jurisdiction, "unit", named)
    await require_standing(tx, docket.jurisdiction, "co_handlers", conclusion.co_handlers)
    section = require_section(pack.consultation)
    basis = conclusion_basis(section, pack.dispatching.principles, consultation.form, conclusion, kind)
    told = ConsultationConcluded(
        **fact(docket, docket.round, tx.now, acting(caller), basis),
        case=case,
        form=consultation.form,
        outcome=conclusion.outcome,
        unit=conclusion.unit,
        co_handlers=conclusion.co_handlers,
        principle=conclusion.principle,
        limit=conclusion.limit,
        solution=conclusion.solution,
        reply_wording=conclusion.reply_wording,
    )
    tx.announce(told, subject_of_ticket(docket.ticket))
    if conclusion.outcome == "unresolved":
        await unresolved.note(tx.connection, docket.ticket, case, consultation.form, tx.now)
    _log.info(
        "consultation concluded",
        ticket=str(docket.ticket),
        case=str(case),
        form=consultation.form,
        outcome=conclusion.outcome,
        principle=conclusion.principle,
        policy=docket.policy,
    )
    return await store.keep_conclusion(tx.connection, consultation, conclusion, basis, tx.now)


async def follow(tx: Transaction, docket: Docket, event: Event) -> Docket:
    """What dispatch's facts make of the ticket's consultations; the docket is up to the event already.

    The docket that comes back says by which form the unit that holds the ticket was named: no dispatch will say so.
    """
    match event.data:
        case RulingApplied(kind="consultation", ruling=case, designated=bound):
            answered = await store.answer(tx.connection, case, "applied")
            if answered is not None and answered.outcome == "unit_named":
                await unresolved.settle(tx.connection, docket.ticket)
                if bound is not None and bound == docket.unit:
                    named = Designation(by=answered.form, case=case)
                    docket = await dockets.designate(tx.connection, docket, named)
        case RulingOvertaken(kind="consultation", ruling=case, reason=reason):
            await store.answer(tx.connection, case, "overtaken", reason)
            await unresolved.take_back(tx.connection, case)
        case UnitSucceeded(unit=unit, successor=successor):
            await store.pass_on(tx.connection, docket.ticket, unit, successor)
    if docket.status in ENDED:
        await store.lapse(tx.connection, docket.ticket)
    return docket
