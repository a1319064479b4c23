"""A service's room: where its commands run and its facts are announced, in one transaction."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from json import dumps
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BOOLEAN, TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.clock import Clock, RealClock, instant_of, new_id
from common.database import Database
from common.events.catalogue import CATALOGUE
from common.events.codec import encode
from common.events.envelope import Event, Message, Payload
from common.observability import current_traceparent

from .wakeup import Bell

_YOUNG = timedelta(seconds=1)
_MOMENT_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Room:
    """Everything a command needs that is not its input."""

    service: str
    database: Database
    clock: Clock
    bell: Bell = field(default_factory=Bell)
    heard: "Heard" = field(default_factory=lambda: Heard())

    @asynccontextmanager
    async def transaction(self, now: datetime | None = None) -> AsyncIterator["Transaction"]:
        """Open a transaction; on leaving it, write what was announced and commit.

        ``now`` is the domain instant of acceptance; without it the clock is read here.
        """
        async with self.database.engine.begin() as connection:
            tx = Transaction(self.service, connection, now or self.clock.now())
            yield tx
            await tx.write_announced()
        if tx.anything_announced:
            self.bell.ring()

    async def seen(self, event_id: UUID, retention_days: int = 42) -> bool:
        """Whether this service has consumed or announced the event; one older than the inbox counts as seen."""
        if event_id in self.heard or await self.heard.coming(event_id):
            return True
        async with self.database.single.connect() as connection:
            return bool((await connection.execute(_SEEN, {"id": event_id, "days": retention_days})).scalar())


class Heard:
    """The events that this process has consumed lately: a hint that saves asking the inbox, which is the truth."""

    def __init__(self, most: int = 5000) -> None:
        self._most = most
        self._bell = Bell()
        self._events: dict[UUID, None] = {}

    def __contains__(self, event_id: UUID) -> bool:
        return event_id in self._events

    def add(self, event_ids: Iterable[UUID]) -> None:
        """Remember events whose consumption is committed; the oldest are forgotten."""
        self._events.update(dict.fromkeys(event_ids))
        while len(self._events) > self._most:
            del self._events[next(iter(self._events))]
        self._bell.ring()

    async def coming(self, event_id: UUID) -> bool:
        """Whether an event that was made a moment ago comes here within the next one: then nobody need be asked."""
        made = instant_of(event_id)
        if made is None or RealClock().now() - made > _YOUNG:
            return False
        await self._bell.wait(self._bell.rings, _MOMENT_SECONDS)
        return event_id in self


class Transaction:
    """One unit of work: changed rows and announced facts are committed together or not at all.

    ``now`` is the domain instant at which the request was accepted, before any lock or wait.
    """

    def __init__(self, service: str, connection: AsyncConnection, now: datetime) -> None:
        self.service = service
        self.connection = connection
        self.now = now
        self.last_announced: UUID | None = None
        self._written: list[Outgoing] = []
        self._appended: dict[Executable, list[Mapping[str, Any]]] = {}

    @property
    def anything_announced(self) -> bool:
        return self.last_announced is not None

    def announce(self, data: Payload, subject: str, *, event_id: UUID | None = None) -> UUID:
        """Announce a fact; it is written with the transaction's other rows and numbered then."""
        kind = type(data).__name__
        event = Event(
            id=event_id or new_id(),
            source=self.service,
            type=kind,
            subject=subject,
            time=self.now,
            sequence=1,
            data=data,
            traceparent=current_traceparent(),
        )
        return self._keep(Outgoing(event.id, encode(event, CATALOGUE[kind].topic), numbered=True))

    def forward(self, message: Message) -> UUID:
        """Pass a message on as it is, to another topic (a unit's feed, the dead-letter topic)."""
        return self._keep(Outgoing(new_id(), message, numbered=False))

    def append(self, statement: Executable, row: Mapping[str, Any]) -> None:
        """Write a row when the transaction ends, in one go with its like: for what is only added to and read by no
        command. A batch of events costs such a table one statement."""
        self._appended.setdefault(statement, []).append(row)

    def _keep(self, outgoing: "Outgoing") -> UUID:
        self._written.append(outgoing)
        self.last_announced = outgoing.event_id
        return outgoing.event_id

    def forget_announced(self) -> None:
        """Announce and append nothing after all: the work was rolled back to a savepoint."""
        self._written = []
        self._appended = {}
        self.last_announced = None

    async def write_announced(self) -> None:
        """Number what was announced and write it to the outbox: one statement, however many facts.

        The number is drawn under the subject's row lock, which is held until commit: per subject, outbox ids,
        sequences and commits have the same order.
        """
        for statement, rows in self._appended.items():
            await self.connection.execute(statement, rows)
        self._appended = {}
        if self._written:
            await self.connection.execute(WRITE_OUTBOX, outbox_arguments(self._written))
            self._written = []


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to the outbox. ``numbered`` ones draw the subject's next sequence; forwarded ones do not."""

    event_id: UUID
    message: Message
    numbered: bool


def outbox_arguments(outgoing: Sequence[Outgoing]) -> dict[str, list[object]]:
    """The arrays of :data:`WRITE_OUTBOX`."""
    return {
        "ids": [one.event_id for one in outgoing],
        "topics": [one.message.topic for one in outgoing],
        "subjects": [one.message.key for one in outgoing],
        "numbered": [one.numbered for one in outgoing],
        "headers": [dumps(one.message.headers, ensure_ascii=False) for one in outgoing],
        "values": [one.message.value.decode() for one in outgoing],
    }


WRITE_OUTBOX = text(
    """
    with facts as (
        select * from unnest(:ids, :topics, :subjects, :numbered, :headers, :values)
            with ordinality as f (event_id, topic, subject, numbered, headers, value, ord)
    ), counted as (
        select subject, count(*) as n from facts where numbered group by subject order by subject
    ), drawn as (
        insert into subject_sequence as s (subject, last)
        select subject, n from counted
        on conflict (subject) do update set last = s.last + excluded.last
        returning subject, last
    )
    insert into outbox (event_id, topic, subject, sequence, headers, value)
    select f.event_id, f.topic, f.subject,
           case when f.numbered
                then d.last - c.n + row_number() over (partition by f.subject, f.numbered order by f.ord) else 0 end,
           f.headers::jsonb, f.value
    from facts f
    left join counted c on c.subject = f.subject and f.numbered
    left join drawn d on d.subject = f.subject and f.numbered
    order by f.ord
    """
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID)),
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("subjects", type_=ARRAY(TEXT)),
    bindparam("numbered", type_=ARRAY(BOOLEAN)),
    bindparam("headers", type_=ARRAY(TEXT)),
    bindparam("values", type_=ARRAY(TEXT)),
)

_SEEN = text(
    """
    select exists (select from inbox where event_id = :id)
        or exists (select from outbox where event_id = :id)
        or uuid_extract_timestamp(:id) < clock_timestamp() - make_interval(days => :days)
    """
).bindparams(bindparam("id", type_=PgUUID))
