"""One service under test and the events of the other four: encoded, numbered and applied by its real runner."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from common.clock import Clock, new_id
from common.database import driver_url
from common.events.catalogue import CATALOGUE
from common.events.codec import decode, encode
from common.events.envelope import Event, Message, Payload, subject_of_ticket
from common.messaging.bus import PARTITIONS
from common.messaging.pglog import PgLog
from common.messaging.wakeup import Bell
from common.runtime.service import Service, Surroundings
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier

PACKS = Path("policies")


class Room(Protocol):
    """A database of a test's own (``FreshDatabase`` of the root conftest)."""

    @property
    def admin_url(self) -> str: ...

    def url(self, service: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Alone:
    """One service, the other four absent."""

    service: Service
    issuer: DevelopmentIssuer
    around: Surroundings


@asynccontextmanager
async def alone(
    build: Callable[[Surroundings], Service], database: Room, clock: Clock, folder: Path
) -> AsyncIterator[Alone]:
    """Build a service on a database of its own, with the embedded bus in it and a clock that the test holds."""
    bell = Bell()
    bus = PgLog(create_async_engine(driver_url(database.admin_url)), bell)
    await bus.ensure_topics(PARTITIONS)
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    issuer = DevelopmentIssuer(folder / "issuer.pem")
    verifier = TokenVerifier([issuer.settings()])
    around = Surroundings(clock, bus, bell, database.url, verifier, keys, PACKS, development=True, pool_size=2)
    service = build(around)
    yield Alone(service, issuer, around)
    await service.stop()
    await bus.close()


class Wire:
    """Gives a service the facts of the others, in the order they are told, and shows what it announced."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service = service
        self.clock = clock
        self._sequences: Counter[tuple[str, str]] = Counter()
        self._offsets: Counter[str] = Counter()

    def message(self, data: Payload, *, subject: str | None = None, event_id: UUID | None = None) -> Message:
        """The fact as it would lie on the bus, numbered as its owner would number it."""
        entry = CATALOGUE[type(data).__name__]
        about = subject or subject_of_ticket(data.ticket)  # type: ignore[attr-defined]
        stream = (entry.owner, about)
        self._sequences[stream] += 1
        event = Event(
            id=event_id or new_id(),
            source=entry.owner,
            type=type(data).__name__,
            subject=about,
            time=self.clock.now(),
            sequence=self._sequences[stream],
            data=data,
        )
        plain = encode(event, entry.topic)
        self._offsets[entry.topic] += 1
        return Message(plain.topic, plain.key, plain.headers, plain.value, 0, self._offsets[entry.topic])

    async def deliver(self, *facts: Payload | Message, subject: str | None = None) -> list[UUID]:
        """Apply facts through the service's runner, in one batch; returns their event ids."""
        messages = [one if isinstance(one, Message) else self.message(one, subject=subject) for one in facts]
        runner = self.service.runners[0]
        await runner.apply(messages)
        return [UUID(message.headers["ce_id"]) for message in messages]

    async def announced(self, *types: str, about: str | None = None) -> Sequence[Event]:
        """What the service has announced so far, oldest first; only these types, when some are named."""
        async with self.service.room.database.engine.connect() as connection:
            rows = (await connection.execute(_OUTBOX)).all()
        events = [
            decode(
                Message(row.topic, row.subject, row.headers | {"ce_sequence": str(row.sequence)}, row.value.encode())
            )
            for row in rows
            if row.sequence
        ]
        return [
            event
            for event in events
            if (not types or event.type in types) and (about is None or event.subject == about)
        ]


_OUTBOX = text("select topic, subject, sequence, headers, value from outbox order by id")


def at(moment: str) -> datetime:
    """``at("2025-09-26 16:00")``: an instant by the clock on the wall in Shanghai."""
    return datetime.fromisoformat(moment if "T" in moment or "+" in moment else f"{moment}+08:00")
