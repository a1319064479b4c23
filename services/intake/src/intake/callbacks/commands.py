"""Recording a callback."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.clock import new_id
from common.events.envelope import subject_of_ticket
from common.events.intake import CallbackRecorded
from common.messaging.room import Transaction
from common.security.access import Principal, require
from common.security.masking import mask
from common.security.refusals import NotVisible
from common.security.vaulting import KeyRing
from intake.callbacks import store
from intake.callbacks.rules import Callback, CallbackRefused, check
from intake.docket import SHELF, actor_of, facts_of, load, require_unparked
from intake.vault.store import open_fields


class StaleRound(ValueError):
    """The command names another round than the one that runs."""

    def __init__(self, current: int) -> None:
        super().__init__("stale round")
        self.current = current


class NotClosed(ValueError):
    """There is nothing to ask about yet, or the file is closed."""


class AlreadyReached(ValueError):
    """The requester has answered in this round; what follows is being decided."""


@dataclass(frozen=True, slots=True)
class Recorded:
    id: UUID
    round: int
    attempt: int
    occurred_at: datetime


async def record(
    tx: Transaction, caller: Principal, keys: KeyRing, ticket: UUID, round: int, callback: Callback
) -> Recorded:
    """Record one attempt and announce it."""
    docket = await load(tx.connection, ticket, lock=True)
    if docket is None:
        raise NotVisible("ticket.callback")
    require("ticket.callback", caller, jurisdiction=docket.jurisdiction)
    await require_unparked(tx.connection, ticket)
    if round != docket.round:
        raise StaleRound(docket.round)
    if docket.status != "closed":
        raise NotClosed
    before, reached = await store.attempts(tx.connection, ticket, round)
    if reached:
        raise AlreadyReached
    pack = await SHELF.version(tx.connection, docket.policy)
    occurred_at = check(callback, pack, closed_at=docket.closed_at, accepted_at=tx.now)
    remark = await _masked(tx, keys, ticket, callback)
    recorded = Recorded(new_id(), round, before + 1, occurred_at)
    await store.add(
        tx.connection,
        id=recorded.id,
        ticket=ticket,
        round=round,
        attempt=recorded.attempt,
        means=callback.means,
        outcome=callback.outcome,
        responded=callback.responded,
        resolved=callback.resolved,
        satisfaction=callback.satisfaction,
        occurred_at=occurred_at,
        accepted_at=tx.now,
        proof=callback.proof,
        remark=remark,
    )
    facts = facts_of(docket, tx.now, actor_of(caller)) | {"occurred_at": occurred_at}
    tx.announce(
        CallbackRecorded(
            **facts,
            callback=recorded.id,
            outcome=callback.outcome,
            responded=callback.responded,
            resolved=callback.resolved,
            satisfaction=callback.satisfaction,
            attempt=recorded.attempt,
            channel=callback.means,
            proof=callback.proof,
            remark=remark,
        ),
        subject_of_ticket(ticket),
    )
    return recorded


async def _masked(tx: Transaction, keys: KeyRing, ticket: UUID, callback: Callback) -> str | None:
    """The remark without the requester's own name and number, which only the vault knows."""
    if callback.remark is None and callback.proof is None:
        return None
    own = (await open_fields(tx.connection, keys, (ticket,), ("name", "phone"))).get(ticket, {})
    digits = "".join(filter(str.isdecimal, own.get("phone") or ""))[-11:]
    if callback.proof is not None and len(digits) >= 7 and digits in callback.proof:
        raise CallbackRefused("proof", "personal_data", "编号中不得含有诉求人的电话号码。")
    return None if callback.remark is None else mask(callback.remark, *own.values())
