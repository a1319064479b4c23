"""Supplementing, urging and withdrawing a ticket."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.clock import new_id
from common.events.envelope import subject_of_ticket
from common.events.intake import TicketSupplemented, TicketUrged, TicketWithdrawn
from common.messaging.room import Transaction
from common.security.access import Principal
from common.security.masking import mask
from common.security.vaulting import KeyRing
from common.web.problems import invalid
from intake.docket import actor_of, facts_of, load_for, not_in_this_status
from intake.vault.store import keep_words, requester_of
from intake.wishes import store
from intake.wishes.rules import NotNow, Wish, check


class WithdrawalPending(ValueError):
    """An earlier withdrawal waits for dispatch."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the requester said, in which call. ``text`` in its original words."""

    text: str | None
    call_id: str | None


async def supplement(tx: Transaction, caller: Principal, keys: KeyRing, ticket: UUID, round: int, said: Said) -> None:
    facts, masked = await _heard(tx, caller, keys, ticket, round, "supplement", "ticket.supplement", said)
    tx.announce(TicketSupplemented(**facts, text=masked or "", call_id=said.call_id), subject_of_ticket(ticket))


async def urge(tx: Transaction, caller: Principal, keys: KeyRing, ticket: UUID, round: int, said: Said) -> int:
    """Count it and announce it; how often the ticket has been urged by now."""
    facts, masked = await _heard(tx, caller, keys, ticket, round, "urging", "ticket.urge", said)
    times = await store.count_urging(tx.connection, ticket, tx.now)
    tx.announce(TicketUrged(**facts, times=times, text=masked, call_id=said.call_id), subject_of_ticket(ticket))
    return times


async def withdraw(tx: Transaction, caller: Principal, keys: KeyRing, ticket: UUID, round: int, said: Said) -> UUID:
    """Ask dispatch to end it; the case. ``WithdrawalPending`` while an earlier one waits."""
    facts, masked = await _heard(tx, caller, keys, ticket, round, "withdrawal", "ticket.withdraw", said)
    if await store.pending_withdrawal(tx.connection, ticket) is not None:
        raise WithdrawalPending
    case = new_id()
    await store.keep_withdrawal(tx.connection, ticket, case, tx.now)
    withdrawn = TicketWithdrawn(**facts, case=case, reason=masked or "", call_id=said.call_id)
    tx.announce(withdrawn, subject_of_ticket(ticket))
    return case


async def _heard(
    tx: Transaction,
    caller: Principal,
    keys: KeyRing,
    ticket: UUID,
    round: int,
    wish: Wish,
    action: str,
    said: Said,
) -> tuple[dict[str, Any], str | None]:
    """The facts of the event and the text as others may read it; the original words go into the vault."""
    docket = await load_for(tx, action, caller, ticket, round)
    try:
        check(wish, docket.status)
    except NotNow as refused:
        raise not_in_this_status(docket, refused.possible.otherwise, refused.possible.basis) from None
    name, phone = await requester_of(tx.connection, keys, ticket)
    digits = "".join(filter(str.isdecimal, phone or ""))[-11:]
    if said.call_id is not None and len(digits) >= 7 and digits in said.call_id:
        raise invalid("call_id", "personal_data", "编号中不得含有诉求人的电话号码。")
    if said.text is not None:
        await keep_words(tx.connection, keys, ticket, wish, said.text, tx.now)
    return facts_of(docket, tx.now, actor_of(caller)), None if said.text is None else mask(said.text, name, phone)
