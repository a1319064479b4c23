"""An audited look at requesters of tickets one holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.envelope import subject_of_ticket
from common.messaging.room import Room
from common.security.access import Principal, require
from common.security.audit import Look, record
from common.security.refusals import AccessRefused, NotVisible
from common.security.vaulting import KeyRing
from intake.docket import AUDIT, Docket, load_several, require_unparked
from intake.vault.rules import FIELDS_OF, Asked, Confidential, Field, NotHeldNow, check
from intake.vault.store import Words, further_words, open_fields


@dataclass(frozen=True, slots=True)
class Revealed:
    ticket: UUID
    number: str
    fields: dict[str, str | None]
    further: tuple[Words, ...] = ()


async def reveal(
    room: Room,
    keys: KeyRing,
    caller: Principal,
    tickets: tuple[UUID, ...],
    field: Field,
    purpose: str,
    accepted_at: datetime,
) -> list[Revealed]:
    """Show that field of all those tickets, or of none; each look, and each refused one, is in the audit.

    Raises ``NotVisible`` for a ticket that is absent, foreign or no longer held, ``Confidential``. The audit of a
    refusal is committed before it is raised.
    """
    async with room.transaction(accepted_at) as tx:
        dockets = await load_several(tx.connection, tickets)
        shown: dict[UUID, dict[str, str | None]] = {}
        further: Mapping[UUID, list[Words]] = {}
        refusal: Exception | None = None
        try:
            for ticket in tickets:
                await _allow(tx.connection, caller, ticket, dockets.get(ticket))
            shown = await open_fields(tx.connection, keys, tickets, FIELDS_OF[field])
            if field == "original":
                further = await further_words(tx.connection, keys, tickets)
        except (AccessRefused, Confidential) as refused:
            refusal = refused
        looks = [
            Look(
                at=accepted_at,
                action=f"contact.reveal.{field}",
                object=subject_of_ticket(ticket),
                purpose=purpose,
                outcome="shown" if refusal is None else "refused",
            )
            for ticket in tickets
        ]
        await record(tx.connection, AUDIT, caller, *looks)
    if refusal is not None:
        raise refusal
    nothing: dict[str, str | None] = dict.fromkeys(FIELDS_OF[field])
    return [
        Revealed(ticket, dockets[ticket].number, shown.get(ticket, nothing), tuple(further.get(ticket, ())))
        for ticket in tickets
    ]


async def _allow(connection: AsyncConnection, caller: Principal, ticket: UUID, docket: Docket | None) -> None:
    if docket is None:
        raise NotVisible("contact.reveal")
    require("contact.reveal", caller, jurisdiction=docket.jurisdiction, holders=docket.holders)
    await require_unparked(connection, ticket)
    try:
        check(Asked(docket.is_open, docket.confidential, by_unit=caller.role == "unit"))
    except NotHeldNow:
        raise NotVisible("contact.reveal") from None
