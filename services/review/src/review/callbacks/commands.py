"""Recording a callback that intake announced, judging it, and what dispatch and the unit answered."""

from typing import Final
from uuid import UUID

from common.events.dispatch import (
    Archived,
    Dispatched,
    HandlingStopped,
    Reissued,
    RequesterContacted,
    RulingApplied,
    RulingOvertaken,
    StatementSubmitted,
)
from common.events.envelope import Actor, Event, subject_of_ticket
from common.events.intake import CallbackRecorded
from common.events.review import CallbackJudged
from common.messaging.room import Transaction
from common.observability import logger
from common.security.access import Principal
from common.web.problems import invalid
from review.callbacks import store
from review.callbacks.rules import (
    Callback,
    GroundMissing,
    GroundNotOfOutcome,
    Judgment,
    Outcome,
    answered_state,
    archived_by_rule,
    judged,
    over,
)
from review.cases import found, held
from review.docket import BY_RULE, Docket, acting, fact, pack_of, take
from review.refusals import require_round
from review.statuses import ENDED

_log = logger("review")


async def record(tx: Transaction, docket: Docket, event: Event) -> None:
    """Consumer of ``CallbackRecorded``: archived by rule, queued for a person, or waiting for another attempt."""
    data = event.data
    assert isinstance(data, CallbackRecorded)
    gone = over(data.round, docket.round, docket.status, ENDED)
    callback = Callback(
        id=data.callback,
        ticket=data.ticket,
        round=data.round,
        state="lapsed" if gone else "queued" if data.outcome == "reached" else "not_reached",
        outcome=data.outcome,
        responded=data.responded,
        resolved=data.resolved,
        satisfaction=data.satisfaction,
        attempt=data.attempt,
        occurred_at=data.occurred_at,
        remark=data.remark,
    )
    if not await store.add(tx.connection, callback) or gone:
        return
    await store.supersede(tx.connection, callback.ticket, callback.id)
    judgment = archived_by_rule((await pack_of(tx.connection, docket)).callbacks, callback)
    if judgment is not None:
        await _judge(tx, docket, callback, judgment, BY_RULE)


async def may_judge(tx: Transaction, caller: Principal, case: UUID) -> None:
    """404 for a callback that is not there or not the caller's to see; 403 for one about the own unit's work."""
    await take(tx, caller, "callback.judge", (await found(tx, store.load, case)).ticket)


async def judge(
    tx: Transaction,
    caller: Principal,
    case: UUID,
    outcome: Outcome,
    reason: str,
    *,
    ground: str | None = None,
    round: int | None = None,
) -> Callback:
    """A reviewer's judgement; it takes effect only with dispatch's answer. ``may_judge`` has been asked.

    ``round``: the round the reviewer saw; the callback itself belongs to one round only.
    """
    docket, callback = await held(tx, store.load, case)
    if round is not None and not over(callback.round, docket.round, docket.status, ENDED):
        require_round(round, docket.round)
    callbacks = (await pack_of(tx.connection, docket)).callbacks
    try:
        judgment = judged(callbacks, callback, outcome, ground, reason)
    except GroundNotOfOutcome as refusal:
        choices = f"可选：{'、'.join(refusal.allowed)}。" if refusal.allowed else "此项决定无须选择理由。"
        rule = "required" if isinstance(refusal, GroundMissing) else "choice"
        raise invalid("ground", rule, refusal.detail + choices) from None
    return await _judge(tx, docket, callback, judgment, acting(caller))


async def _judge(tx: Transaction, docket: Docket, callback: Callback, judgment: Judgment, actor: Actor) -> Callback:
    told = CallbackJudged(
        **fact(docket, callback.round, tx.now, actor, judgment.basis),
        case=callback.id,
        outcome=judgment.outcome,
        by_rule=judgment.by_rule,
        unit=docket.unit,
        ground=judgment.ground,
        note=judgment.note,
    )
    tx.announce(told, subject_of_ticket(callback.ticket))
    _log.info(
        "callback judged",
        ticket=str(callback.ticket),
        case=str(callback.id),
        outcome=judgment.outcome,
        ground=judgment.ground,
        by_rule=judgment.by_rule,
        policy=docket.policy,
    )
    return await store.keep_judgment(tx.connection, callback, judgment, tx.now)


_GOES_ON: Final = (Dispatched, Reissued, Archived, HandlingStopped, RulingApplied)


async def follow(tx: Transaction, docket: Docket, event: Event) -> None:
    """What dispatch's facts make of the ticket's callbacks; the docket is up to the event already."""
    match event.data:
        case RulingApplied(kind="callback", ruling=case):
            callback = await store.load(tx.connection, case)
            if callback is not None:
                await store.answer(tx.connection, case, answered_state(callback))
        case RulingOvertaken(kind="callback", ruling=case):
            await store.answer(tx.connection, case, "overtaken")
    if isinstance(event.data, _GOES_ON):
        await store.lapse(tx.connection, docket.ticket, round=None if docket.status in ENDED else docket.round)


async def note_deed(tx: Transaction, docket: Docket, event: Event) -> None:
    """Consumer of what the unit does after a callback: it explains itself to the requester, or makes its statement.

    It counts for the callbacks of its round that came before it; one that waited for it is judged again.
    """
    data = event.data
    match data:
        case RequesterContacted(purpose="explanation"):
            callbacks = (await pack_of(tx.connection, docket)).callbacks
            if not callbacks.explains(data.outcome):
                return
            told = {"unit": data.unit, "at": data.occurred_at.isoformat(), "outcome": data.outcome}
            for callback in await store.open_of_round(tx.connection, docket.ticket, data.round):
                if callback.occurred_at <= data.occurred_at:
                    await store.keep_deed(tx.connection, callback.id, "explained", told | {"remark": data.remark})
        case StatementSubmitted():
            told = {"unit": data.unit, "at": data.occurred_at.isoformat(), "statement": str(data.statement)}
            said = {"text": data.text, "evidence": list(data.evidence)}
            for callback in await store.open_of_round(tx.connection, docket.ticket, data.round):
                if callback.occurred_at <= data.occurred_at:
                    await store.keep_deed(tx.connection, callback.id, "stated", told | said)
