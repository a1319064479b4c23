"""What a bus is to the suite: topics of partitions, a sink to publish to, a source to consume from.

Two engines stand behind it: a Kafka-shaped log in PostgreSQL (:mod:`.pglog`) and Apache Kafka (:mod:`.kafka`). One
behavioural suite (``tests/messaging``) holds both to the same promises.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from common.database import is_transient
from common.events.catalogue import DEAD, REFERENCE, TICKETS, replay_topic, unit_topic
from common.events.envelope import Message

Place = tuple[str, int]
"""A partition: (topic, number)."""

_MADE_WHEN_SPOKEN_OF = (unit_topic(""), replay_topic(""))

# The number of partitions is frozen: changing it would give a ticket's later events another partition.
PARTITIONS = {TICKETS: 12, REFERENCE: 1, DEAD: 1}
RETENTION_DAYS = 30
"""How long the bus keeps ``hotline.tickets``; ``hotline.reference`` never expires."""
LEASE = timedelta(seconds=10)
"""How long a member of a group, or a relay, may be silent before others take over (machine time)."""
IDLE_SECONDS = 0.25
"""The longest pause between two looks for work of other processes; in one process a bell saves it."""


def made_when_spoken_of(topic: str) -> bool:
    """Whether the topic is one of those that are created on first use: a unit's, a replay's; one partition each."""
    return topic.startswith(_MADE_WHEN_SPOKEN_OF)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one look at the bus brought.

    ``caught_up`` names the partitions held of which, with these messages, everything is read that had been published
    when the look began.
    """

    messages: Sequence[Message]
    caught_up: frozenset[Place]


class BusUnavailable(RuntimeError):
    """The bus cannot be reached or did not answer; the same work may succeed later."""


@contextmanager
def reaching() -> Iterator[None]:
    """What may succeed a moment later is the bus being unavailable; anything else is a bug and stays what it is."""
    try:
        yield
    except Exception as error:
        if not is_transient(error):
            raise
        raise BusUnavailable(type(error).__name__) from error


class Sink(Protocol):
    async def publish(self, messages: Sequence[Message]) -> None:
        """Append in the given order per key; return when all are safe.

        On :class:`BusUnavailable` nothing is promised but their order: none of a key's messages was appended before
        an earlier one of the same call. Send them all again.
        """

    async def close(self) -> None: ...


class Source(Protocol):
    """One member of a consumer group. After :class:`BusUnavailable` from any call: ``close`` it and ``start`` anew."""

    async def start(self) -> None: ...

    async def fetch(self, limit: int, seconds: float) -> Fetched:
        """The next messages (about ``limit``) of the partitions held, oldest first per partition.

        Waits up to ``seconds`` for one; raises :class:`BusUnavailable`.
        """

    async def commit(self, positions: Mapping[Place, int]) -> None:
        """Record the next offset to read, partition by partition. A partition lost meanwhile is left out silently:
        its new holder has the say, and the inbox has kept every effect single."""

    async def behind(self) -> int:
        """How many messages the whole group has yet to commit."""

    async def close(self) -> None: ...


class Bus(Protocol):
    async def ensure_topics(self, partitions: Mapping[str, int]) -> None:
        """Create what is missing; refuse to run on a topic with another number of partitions."""

    def sink(self) -> Sink: ...

    def source(self, group: str, topics: Sequence[str]) -> Source: ...

    async def forget_old(self, rows: int = 5000) -> int:
        """Drop up to so many messages past the retention that every group has consumed; how many went. A bus that
        does so by itself answers 0."""

    async def close(self) -> None: ...


class WrongPartitions(RuntimeError):
    """A topic exists with another number of partitions than the suite's."""
