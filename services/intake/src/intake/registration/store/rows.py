"""The rows of a registration, and the one statement that writes those of several at once."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from common.events.envelope import Message
from common.web.idempotency import Keyed
from intake.docket import OPEN
from intake.vault.store import Sealed

POSSIBLE_DUPLICATES: Final = 5
"""As many earlier tickets as an agent reads while the caller waits; the latest ones."""

DUPLICATE_WINDOW: Final = timedelta(days=30)
"""How far back an open ticket of the same caller and category is shown as a possible duplicate.

The packs say nothing about it. The longest limit of 双鸭山 is 15 working days, three to four weeks with a holiday in
it: an open ticket older than a month is late already, and the caller has every reason for a new one. It is a hint to
the agent and decides nothing.
"""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """All rows of one registration. ``answer`` is what is answered, but for the possible duplicates.

    ``barred_index``: the caller's number, where a restriction of it counts.
    """

    id: UUID
    number: str
    jurisdiction: str
    policy: str
    outcome: str
    type: str
    channel: str
    category: str
    marks: tuple[str, ...]
    statement: str | None
    address: str | None
    requester_kind: str
    anonymous: bool
    has_contact: bool
    confidential: bool
    settled: dict[str, Any] | None
    legal_limit: dict[str, Any] | None
    imposed_limit: dict[str, Any] | None
    imposed_whole_limit: dict[str, Any] | None
    external_ref: str | None
    call_id: str | None
    received_at: datetime
    accepted_at: datetime
    status: str | None
    sealed: Sealed
    barred_index: bytes | None
    event_id: UUID
    message: Message
    answer: dict[str, Any]
    duplicates_from: datetime

    def values(self, keyed: Keyed | None) -> tuple[Any, ...]:
        """The values of :data:`_COLUMNS`; without ``keyed`` the transaction holds the key already."""
        key: tuple[Any, ...] = (None,) * 5
        if keyed is not None:
            headers = json.dumps({"Hotline-Event": str(self.event_id)})
            key = (keyed.client, keyed.endpoint, keyed.key, keyed.body_hash, headers)
        return (
            self.id,
            self.number,
            self.jurisdiction,
            self.policy,
            self.outcome,
            self.type,
            self.channel,
            self.category,
            _json(self.marks),
            self.statement,
            self.address,
            self.requester_kind,
            self.anonymous,
            self.has_contact,
            self.confidential,
            _json(self.settled),
            _json(self.legal_limit),
            _json(self.imposed_limit),
            _json(self.imposed_whole_limit),
            self.external_ref,
            self.call_id,
            self.received_at,
            self.accepted_at,
            self.status,
            self.sealed.name,
            self.sealed.phone,
            self.sealed.phone_index,
            self.sealed.statement,
            self.sealed.address,
            self.barred_index,
            self.event_id,
            self.message.topic,
            self.message.key,
            _json(self.message.headers),
            self.message.value.decode(),
            _json(self.answer),
            self.duplicates_from,
            *key,
        )


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


_COLUMNS: Final = {
    "id": "uuid",
    "number": "text",
    "jurisdiction": "text",
    "policy": "text",
    "outcome": "text",
    "type": "text",
    "channel": "text",
    "category": "text",
    "marks": "text",
    "statement": "text",
    "address": "text",
    "requester_kind": "text",
    "anonymous": "boolean",
    "has_contact": "boolean",
    "confidential": "boolean",
    "settled": "text",
    "legal_limit": "text",
    "imposed_limit": "text",
    "imposed_whole_limit": "text",
    "external_ref": "text",
    "call_id": "text",
    "received_at": "timestamptz",
    "accepted_at": "timestamptz",
    "status": "text",
    "sealed_name": "bytea",
    "sealed_phone": "bytea",
    "phone_index": "bytea",
    "sealed_statement": "bytea",
    "sealed_address": "bytea",
    "barred_index": "bytea",
    "event_id": "uuid",
    "topic": "text",
    "subject": "text",
    "headers": "text",
    "value": "text",
    "answer": "text",
    "duplicates_from": "timestamptz",
    "client": "text",
    "endpoint": "text",
    "key": "text",
    "body_hash": "bytea",
    "answer_headers": "text",
}
_ARRAYS: Final = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_COLUMNS.values(), 1))
_ENTERED: Final = f"entered as materialized (select * from unnest({_ARRAYS}) as e ({', '.join(_COLUMNS)}))"  # noqa: S608

# The answer is completed here, so that what is kept for a repeat is what was answered the first time.
_ANSWER: Final = f"""
    e.answer::jsonb || jsonb_build_object('possible_duplicates', (
        select coalesce(jsonb_agg(jsonb_build_object('id', id, 'number', number, 'status', status)), '[]')
        from (
            -- From the caller to the tickets, whatever the planner believes: the other way round reads all tickets.
            with theirs as materialized (select ticket from vault where phone_index = e.phone_index)
            select t.id, t.number, t.status
            from theirs
            cross join lateral (select * from ticket where id = theirs.ticket offset 0) t
            where t.jurisdiction = e.jurisdiction and t.category = e.category
              and t.received_at >= e.duplicates_from and t.status in ({", ".join(f"'{status}'" for status in OPEN)})
            order by t.id desc
            limit {POSSIBLE_DUPLICATES}
        ) earlier
    ))"""  # noqa: S608 - nothing in it comes from outside

_ROWS: Final = """
registered as (
    insert into ticket (
        id, number, jurisdiction, policy, outcome, type, channel, category, marks, statement, address,
        requester_kind, anonymous, has_contact, confidential, settled, legal_limit, imposed_limit,
        imposed_whole_limit, external_ref, call_id, received_at, accepted_at, status, co_handlers, round
    )
    select id, number, jurisdiction, policy, outcome, type, channel, category,
           array(select jsonb_array_elements_text(marks::jsonb)), statement, address,
           requester_kind, anonymous, has_contact, confidential, settled::jsonb, legal_limit::jsonb,
           imposed_limit::jsonb, imposed_whole_limit::jsonb, external_ref, call_id, received_at, accepted_at,
           status, '{}', 0
    from fresh
), sealed as (
    insert into vault (ticket, name, phone, phone_index, statement, address)
    select id, sealed_name, sealed_phone, phone_index, sealed_statement, sealed_address from fresh
), numbered as (
    -- The first fact about a new subject: nobody else can be drawing from it.
    insert into subject_sequence (subject, last) select subject, 1 from fresh
), announced as (
    insert into outbox (event_id, topic, subject, sequence, headers, value)
    select event_id, topic, subject, 1, headers::jsonb, value from fresh
)
select id, told from fresh
"""

STANDING: Final = """exists (
        select from restriction r
        where r.phone_index = e.barred_index and r.jurisdiction = e.jurisdiction
          and r.starts_at <= e.accepted_at and r.ends_at > e.accepted_at
          and (r.lifted_at is null or r.lifted_at > e.accepted_at)
    )"""

REGISTER: Final = f"""
with {_ENTERED}, claimed as (
    -- A concurrent first attempt is waited for; in one order everywhere, so that batches never wait in a circle.
    insert into idempotency (client, endpoint, key, body_hash, first_at, status, headers, response)
    select client, endpoint, key, body_hash, accepted_at, 201, answer_headers::jsonb, {_ANSWER}
    from entered e
    where e.barred_index is null or not ({STANDING})
    order by client, endpoint, key
    on conflict (client, endpoint, key) do nothing
    returning client, endpoint, key, response::text as told
), fresh as (
    select e.*, c.told from entered e join claimed c using (client, endpoint, key)
), {_ROWS}"""  # noqa: S608
"""Key, ticket, vault, sequence, outbox and possible duplicates of several registrations: each once or, under a known
key or from a restricted number, not at all. A row comes back for each that was registered: its ticket and its
answer's JSON."""

REGISTER_CLAIMED: Final = f"with {_ENTERED}, fresh as (select e.*, ({_ANSWER})::text as told from entered e), {_ROWS}"  # noqa: S608
"""The same inside a transaction that holds the key already."""
