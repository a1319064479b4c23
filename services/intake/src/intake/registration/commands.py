"""Registration: what was entered becomes rows, one event and an answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from common.clock import local_date, new_id
from common.events.catalogue import TICKETS
from common.events.codec import encode
from common.events.envelope import Event, subject_of_ticket
from common.events.intake import TicketAnswered, TicketCreated, TicketDeclined, TicketTransferred
from common.events.vocabulary import ImposedLimit, LegalLimit
from common.events.vocabulary import Requester as PublicRequester
from common.messaging.room import Room, Transaction
from common.observability import current_traceparent
from common.policy import Pack
from common.security.access import Principal
from common.security.masking import mask
from common.security.vaulting import KeyRing
from intake.docket import SHELF, actor_of
from intake.registration import store
from intake.registration.rules import Acceptance, Demand, Settlement, accept, imposed_under
from intake.registration.store import DUPLICATE_WINDOW, NewTicket, Numbers, Register
from intake.restrictions.rules import counts_for
from intake.restrictions.store import refuse_restricted
from intake.vault.store import seal

Stated = TypeVar("Stated", LegalLimit, ImposedLimit)


@dataclass(frozen=True, slots=True)
class Desk:
    """What registering needs beside the demand."""

    room: Room
    keys: KeyRing
    numbers: Numbers
    register: Register


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was entered beside the demand, and by whom. Texts are as entered."""

    jurisdiction: str
    caller: Principal
    call_id: str | None = None
    legal_limit: LegalLimit | None = None


async def prepare(desk: Desk, sheet: Sheet, demand: Demand, accepted_at: datetime) -> NewTicket:
    """Everything that registering will write. ``RegistrationRefused`` or ``NoPackInForce`` when it may not be."""
    pack = await SHELF.in_force(desk.room.database, sheet.jurisdiction, accepted_at)
    acceptance = accept(demand, pack, accepted_at)
    ticket = new_id()
    number = pack.ticket.format_number(
        local_date(accepted_at), await desk.numbers.next(sheet.jurisdiction, local_date(accepted_at))
    )
    return _written(desk, sheet, demand, pack, acceptance, ticket, number, accepted_at)


def _written(
    desk: Desk,
    sheet: Sheet,
    demand: Demand,
    pack: Pack,
    acceptance: Acceptance,
    ticket: UUID,
    number: str,
    accepted_at: datetime,
) -> NewTicket:
    who = demand.requester
    shown = _masked(demand, acceptance)
    facts: dict[str, Any] = {
        "jurisdiction": sheet.jurisdiction,
        "policy": pack.version,
        "ticket": ticket,
        "number": number,
        "round": 0,
        "occurred_at": accepted_at,
        "accepted_at": accepted_at,
        "actor": actor_of(sheet.caller),
        "basis": acceptance.basis,
    }
    imposed = imposed_under(demand.imposed_limit, demand, pack)
    imposed_whole = imposed_under(demand.imposed_whole_limit, demand, pack)
    told = _event(demand, sheet, shown, imposed, imposed_whole, facts)
    event = Event(
        id=new_id(),
        source="intake",
        type=type(told).__name__,
        subject=subject_of_ticket(ticket),
        time=accepted_at,
        sequence=1,
        data=told,
        traceparent=current_traceparent(),
    )
    status = "awaiting_dispatch" if demand.outcome == "work_order" else None
    sealed = seal(desk.keys, ticket, name=who.name, phone=who.phone, statement=demand.statement, address=demand.address)
    return NewTicket(
        id=ticket,
        number=number,
        jurisdiction=sheet.jurisdiction,
        policy=pack.version,
        outcome=demand.outcome,
        type=told.type,
        channel=demand.channel,
        category=demand.category,
        marks=demand.marks,
        statement=shown.statement,
        address=shown.address,
        requester_kind=who.kind,
        anonymous=who.anonymous,
        has_contact=who.phone is not None,
        confidential=who.confidential,
        settled=shown.settlement or None,
        legal_limit=shown.dumped(sheet.legal_limit),
        imposed_limit=shown.dumped(imposed),
        imposed_whole_limit=shown.dumped(imposed_whole),
        external_ref=demand.external_ref,
        call_id=sheet.call_id,
        received_at=demand.received_at,
        accepted_at=accepted_at,
        status=status,
        sealed=sealed,
        barred_index=sealed.phone_index if _may_be_barred(demand, acceptance, pack) else None,
        event_id=event.id,
        message=encode(event, TICKETS),
        answer={
            "id": str(ticket),
            "number": number,
            "outcome": demand.outcome,
            "status": status,
            "policy": pack.version,
            "received_at": _iso(demand.received_at),
            "accepted_at": _iso(accepted_at),
            "acceptance": {
                "basis": [each.model_dump() for each in acceptance.basis],
                "tell": shown.tell,
                "right_body": shown.settlement.get("right_body"),
            },
        },
        duplicates_from=accepted_at - DUPLICATE_WINDOW,
    )


def _may_be_barred(demand: Demand, acceptance: Acceptance, pack: Pack) -> bool:
    """Whether a restriction of the number counts here (双鸭山 第三十五条); an emergency always gets through."""
    return counts_for(pack, demand.channel, emergency=acceptance.emergency)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class _Shown:
    """The demand's texts as others may read them."""

    own: tuple[str | None, ...]
    statement: str | None
    address: str | None
    settlement: dict[str, Any]
    tell: str | None

    def hide(self, text: str | None) -> str | None:
        return None if text is None else mask(text, *self.own)

    def dumped(self, stated: Stated | None) -> dict[str, Any] | None:
        masked = self.limit(stated)
        return None if masked is None else masked.model_dump(mode="json")

    def limit(self, stated: Stated | None) -> Stated | None:
        return None if stated is None else masked_limit(stated, *self.own)


def masked_limit(stated: Stated, *own: str | None) -> Stated:
    """The limit with its basis as others may read it."""
    words = {name: getattr(stated.basis, name) for name in ("document", "article", "quote")}
    hidden = {name: None if text is None else mask(text, *own) for name, text in words.items()}
    return stated.model_copy(update={"basis": stated.basis.model_copy(update=hidden)})


def _masked(demand: Demand, acceptance: Acceptance) -> _Shown:
    own = (demand.requester.name, demand.requester.phone)

    def hide(text: str | None) -> str | None:
        return None if text is None else mask(text, *own)

    stated = {name: getattr(demand.settlement, name) for name in Settlement.__dataclass_fields__}
    stated["right_body"] = acceptance.right_body
    settlement = {
        name: hide(value) if name in _FREE_TEXT else value for name, value in stated.items() if value is not None
    }
    return _Shown(own, hide(demand.statement), hide(demand.address), settlement, hide(acceptance.tell))


_FREE_TEXT: Final = frozenset({"answer", "right_body", "legal_basis", "transferred_to"})


Announced = TicketCreated | TicketAnswered | TicketDeclined | TicketTransferred


def _event(
    demand: Demand,
    sheet: Sheet,
    shown: _Shown,
    imposed: ImposedLimit | None,
    imposed_whole: ImposedLimit | None,
    facts: dict[str, Any],
) -> Announced:
    """The one event of this registration: which of the four, the outcome says."""
    common = {
        **facts,
        "type": demand.type,
        "channel": demand.channel,
        "category": demand.category,
        "received_at": demand.received_at,
        "call_id": sheet.call_id,
    }
    match demand.outcome:
        case "answered":
            return TicketAnswered(**common, **shown.settlement)
        case "declined":
            return TicketDeclined(**common, **shown.settlement)
        case "transferred":
            return TicketTransferred(**common, **shown.settlement)
        case "work_order":
            who = demand.requester
            return TicketCreated(
                **common,
                marks=demand.marks,
                address=shown.address or "",
                statement=shown.statement or "",
                requester=PublicRequester.model_validate(
                    {
                        "kind": who.kind,
                        "anonymous": who.anonymous,
                        "has_contact": who.phone is not None,
                        "confidential": who.confidential,
                    }
                ),
                legal_limit=shown.limit(sheet.legal_limit),
                imposed_limit=shown.limit(imposed),
                imposed_whole_limit=shown.limit(imposed_whole),
                external_ref=demand.external_ref,
            )


async def register_claimed(desk: Desk, tx: Transaction, sheet: Sheet, demand: Demand) -> tuple[NewTicket, str]:
    """Register under a key that the transaction holds, at the instant of the first attempt.

    ``CallerRestricted`` when the number may not use this channel now.
    """
    new = await prepare(desk, sheet, demand, tx.now)
    if new.barred_index is not None:
        await refuse_restricted(tx.connection, sheet.jurisdiction, new.barred_index, tx.now)
    return new, await store.register_claimed(tx.connection, new)
