"""Registering in one statement, and the numbers of tickets.

This is the suite's one hot path (P1): one round trip, one commit, asyncpg without the layers above it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Column, Date, Integer, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Database
from common.events.envelope import Message
from common.web.idempotency import Keyed
from common.web.problems import Problem, unavailable
from intake.docket import METADATA, OPEN
from intake.vault.store import Sealed

Table(
    "number_block",
    METADATA,
    Column("jurisdiction", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("last", Integer, nullable=False),
)

POSSIBLE_DUPLICATES: Final = 5
"""As many earlier tickets as an agent reads while the caller waits; the latest ones."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """All rows of one registration. ``answer`` is what is answered, but for the possible duplicates."""

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
    external_ref: str | None
    call_id: str | None
    received_at: datetime
    accepted_at: datetime
    status: str | None
    sealed: Sealed
    event_id: UUID
    message: Message
    answer: dict[str, Any]
    duplicates_from: datetime

    def parameters(self) -> tuple[Any, ...]:
        return (
            self.id,
            self.number,
            self.jurisdiction,
            self.policy,
            self.outcome,
            self.type,
            self.channel,
            self.category,
            self.marks,
            self.statement,
            self.address,
            self.requester_kind,
            self.anonymous,
            self.has_contact,
            self.confidential,
            _json(self.settled),
            _json(self.legal_limit),
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
            self.event_id,
            self.message.topic,
            self.message.key,
            _json(self.message.headers),
            self.message.value.decode(),
            _json(self.answer),
            self.duplicates_from,
        )


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


# The answer is completed here, so that what is kept for a repeat is what was answered the first time.
_ANSWER: Final = f"""
    $33::jsonb || jsonb_build_object('possible_duplicates', (
        select coalesce(jsonb_agg(jsonb_build_object('id', id, 'number', number, 'status', status)), '[]')
        from (
            -- From the caller to the tickets, whatever the planner believes: the other way round reads all tickets.
            with theirs as materialized (select ticket from vault where phone_index = $25)
            select t.id, t.number, t.status
            from theirs
            join ticket t on t.id = theirs.ticket
            where t.jurisdiction = $3 and t.category = $8
              and t.received_at >= $34 and t.status in ({", ".join(f"'{status}'" for status in OPEN)})
            order by t.id desc
            limit {POSSIBLE_DUPLICATES}
        ) earlier
    ))"""  # noqa: S608 - nothing in it comes from outside

# A concurrent first attempt is waited for. No row comes back when the key is known: nothing was written then.
_CLAIMED: Final = f"""
    insert into idempotency (client, endpoint, key, body_hash, first_at, status, headers, response)
    select $35::text, $36::text, $37::text, $38::bytea, $21::timestamptz, 201, $39::jsonb, {_ANSWER}
    on conflict (client, endpoint, key) do nothing
    returning response::text as answer"""

_ROWS: Final = """,
registered as (
    insert into ticket (
        id, number, jurisdiction, policy, outcome, type, channel, category, marks, statement, address,
        requester_kind, anonymous, has_contact, confidential, settled, legal_limit, external_ref, call_id,
        received_at, accepted_at, status, co_handlers, round
    )
    select $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text[], $10::text,
           $11::text, $12::text, $13::boolean, $14::boolean, $15::boolean, $16::jsonb, $17::jsonb, $18::text, $19::text,
           $20::timestamptz, $21::timestamptz, $22::text, '{}', 0
    from claimed
), sealed as (
    insert into vault (ticket, name, phone, phone_index, statement, address)
    select $1::uuid, $23::bytea, $24::bytea, $25::bytea, $26::bytea, $27::bytea from claimed
), numbered as (
    -- The first fact about a new subject: nobody else can be drawing from it.
    insert into subject_sequence (subject, last) select $30::text, 1 from claimed
), announced as (
    insert into outbox (event_id, topic, subject, sequence, headers, value)
    select $28::uuid, $29::text, $30::text, 1, $31::jsonb, $32::text from claimed
)
select answer from claimed
"""

REGISTER: Final = f"with claimed as ({_CLAIMED}\n){_ROWS}"
"""Key, ticket, vault, sequence, outbox and possible duplicates: registered once or, under a known key, not at all."""

REGISTER_CLAIMED: Final = f"with claimed as (select ({_ANSWER})::text as answer\n){_ROWS}"
"""The same inside a transaction that holds the key already."""


async def register(database: Database, new: NewTicket, keyed: Keyed) -> str | None:
    """Register and commit; the answer's JSON, or None when the key is known.

    Raises 503 when the database cannot take it now; whether it was written is then unknown, and a repeat tells.
    """
    headers = json.dumps({"Hotline-Event": str(new.event_id)})
    key = (keyed.client, keyed.endpoint, keyed.key, keyed.body_hash, headers)
    async with _direct(database) as direct:
        answer: str | None = await direct.fetchval(REGISTER, *new.parameters(), *key)
    return answer


async def register_claimed(connection: AsyncConnection, new: NewTicket) -> str:
    """Register within the caller's transaction, which has claimed the key; the answer's JSON."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    with _told_apart():
        answer: str = await raw.fetchval(REGISTER_CLAIMED, *new.parameters())
    return answer


@asynccontextmanager
async def _direct(database: Database) -> AsyncIterator[Any]:
    """A pooled connection without its transaction: asyncpg commits each statement by itself."""
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        if raw.is_closed():  # the server went away while it lay in the pool
            await connection.invalidate()
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
        try:
            with _told_apart():
                yield raw
        except Problem as refused:
            if isinstance(refused.__cause__, _LOST):
                await connection.invalidate()
            raise


@contextmanager
def _told_apart() -> Iterator[None]:
    """What may succeed a moment later is a 503 that is kept with its instant; asyncpg's own errors do not say so."""
    try:
        yield
    except _LOST as lost:
        raise unavailable() from lost
    except asyncpg.PostgresError as refused:
        if refused.sqlstate in _TRANSIENT:
            raise unavailable() from refused
        raise


_LOST: Final = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    # The server's farewell came while the connection lay idle: its protocol state fits nothing any more.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_TRANSIENT: Final = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "25P03"})
"""Deadlock, a lock not got, the server stopping: worth another try, unchanged."""


@dataclass(slots=True)
class Numbers:
    """Hands out the running numbers of a local day, from blocks taken out of the table.

    Unique across processes; a process that ends leaves a gap.
    """

    database: Database
    size: int = 50
    _blocks: dict[str, tuple[date, int, int]] = field(default_factory=dict)
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def next(self, jurisdiction: str, day: date) -> int:
        """The next number of that jurisdiction's day, from 1."""
        drawn = self._draw(jurisdiction, day)
        if drawn is None:
            async with self._taking:
                drawn = self._draw(jurisdiction, day)  # somebody else may have taken a block meanwhile
                if drawn is None:
                    last = await self._take(jurisdiction, day)
                    self._blocks[jurisdiction] = (day, last - self.size + 2, last)
                    drawn = last - self.size + 1
        return drawn

    def _draw(self, jurisdiction: str, day: date) -> int | None:
        block_day, following, last = self._blocks.get(jurisdiction, (day, 1, 0))
        if block_day != day or following > last:
            return None
        self._blocks[jurisdiction] = (day, following + 1, last)
        return following

    async def _take(self, jurisdiction: str, day: date) -> int:
        async with self.database.engine.begin() as connection:
            taken = await connection.execute(_TAKE_BLOCK, {"jurisdiction": jurisdiction, "day": day, "size": self.size})
            return int(taken.scalar_one())


_TAKE_BLOCK: Final = text(
    """
    insert into number_block as b (jurisdiction, day, last) values (:jurisdiction, :day, :size)
    on conflict (jurisdiction, day) do update set last = b.last + excluded.last
    returning last
    """
)

DUPLICATE_WINDOW: Final = timedelta(days=30)
"""How far back an open ticket of the same caller and category is shown as a possible duplicate.

The packs say nothing about it. The longest limit of 双鸭山 is 15 working days, three to four weeks with a holiday in
it: an open ticket older than a month is late already, and the caller has every reason for a new one. It is a hint to
the agent and decides nothing.
"""
