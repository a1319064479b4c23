"""Amending a ticket: the row says the new content at once, and the event carries all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.envelope import subject_of_ticket
from common.events.intake import AmendedField, TicketAmended
from common.events.vocabulary import LegalLimit
from common.messaging.room import Transaction
from common.security.access import Principal
from common.security.masking import mask
from common.security.vaulting import KeyRing
from common.web.problems import Problem, invalid
from intake.amendments import store
from intake.amendments.rules import UNTIL_CLOSING, Content, amend
from intake.docket import BEFORE_CLOSING, SHELF, actor_of, facts_of, load_for, not_in_this_status
from intake.registration.commands import masked_limit
from intake.vault.store import keep_words, open_fields, replace_address


@dataclass(frozen=True, slots=True)
class Amended:
    """What the ticket says now; ``shown`` has its address as others may read it."""

    round: int
    revision: int
    shown: Content
    changed: tuple[AmendedField, ...]


async def amend_ticket(
    tx: Transaction,
    caller: Principal,
    keys: KeyRing,
    ticket: UUID,
    *,
    round: int,
    revision: int | None,
    given: Mapping[str, Any],
    reason: str,
) -> Amended:
    """Amend it and announce what it says now.

    428 without the ``revision`` that was read, 412 when it has passed; ``RegistrationRefused`` for what cannot stand.
    """
    docket = await load_for(tx, "ticket.amend", caller, ticket, round)
    row = await store.content(tx.connection, ticket)
    if revision is None:
        raise Problem(428, "if_match_required", "缺少版本", "更正工单须带 If-Match 请求头。")
    if revision != row["revision"]:
        raise Problem(412, "version_passed", "内容已变动", "工单内容已经变动，请重新读取后再改。")
    if docket.status not in BEFORE_CLOSING:
        raise not_in_this_status(docket, "工单已经办结或者终结，不再更正。", UNTIL_CLOSING)
    sealed = (await open_fields(tx.connection, keys, (ticket,), ("name", "phone", "address"))).get(ticket, {})
    own = (sealed.get("name"), sealed.get("phone"))
    if "category" in given and mask(given["category"], *own) != given["category"]:
        raise invalid("category", "personal_data", "类别中不得含有个人信息。")
    if given.get("legal_limit") is not None:
        given = {**given, "legal_limit": masked_limit(given["legal_limit"], *own)}
    standing = Content(
        type=row["type"],
        category=row["category"],
        address=sealed.get("address"),
        marks=tuple(row["marks"]),
        legal_limit=None if row["legal_limit"] is None else LegalLimit.model_validate(row["legal_limit"]),
    )
    pack = await SHELF.version(tx.connection, docket.policy)
    amended, changed = amend(standing, given, pack)
    shown = replace(amended, address=None if amended.address is None else mask(amended.address, *own))
    await _write(tx.connection, ticket, shown, row["revision"] + 1)
    if "address" in changed and amended.address is not None:
        if standing.address is not None:
            await keep_words(tx.connection, keys, ticket, "address", standing.address, tx.now)
        await replace_address(tx.connection, keys, ticket, amended.address)
    tx.announce(
        TicketAmended.model_validate(
            {
                **facts_of(docket, tx.now, actor_of(caller)),
                "type": shown.type,
                "category": shown.category,
                "address": shown.address or "",
                "marks": shown.marks,
                "legal_limit": shown.legal_limit,
                "changed": changed,
                "reason": mask(reason, *own),
            }
        ),
        subject_of_ticket(ticket),
    )
    return Amended(round, row["revision"] + 1, shown, changed)


async def _write(connection: AsyncConnection, ticket: UUID, shown: Content, revision: int) -> None:
    await store.write(
        connection,
        ticket,
        type=shown.type,
        category=shown.category,
        address=shown.address,
        marks=shown.marks,
        legal_limit=None if shown.legal_limit is None else shown.legal_limit.model_dump(mode="json"),
        revision=revision,
    )
