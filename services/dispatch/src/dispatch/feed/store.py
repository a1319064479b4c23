"""The tickets' stories and the units' feeds, in the order of the log.

``story`` keeps every event about a ticket as units are told it. ``feed_holder`` says who held the ticket at the
point of the log that has been consumed; the docket may be ahead of it. ``unit_feed`` lists what each unit is told: a
row is entered without ``seq`` by the consumer, and numbered by the one writer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.envelope import Message
from dispatch.docket import METADATA

STORY: Final = Table(
    "story",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("headers", JSONB, nullable=False),
    Column("value", Text, nullable=False),
)
Index("story_ticket_id_idx", STORY.c.ticket, STORY.c.id)

HOLDER: Final = Table(
    "feed_holder",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("unit", Text, primary_key=True),
)

FEED: Final = Table(
    "unit_feed",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("unit", Text, nullable=False),
    Column("story", BigInteger, ForeignKey("story.id"), nullable=False),
    Column("seq", BigInteger, comment="null: not numbered yet"),
    UniqueConstraint("unit", "story"),
    UniqueConstraint("unit", "seq"),
)
Index("unit_feed_unnumbered_idx", FEED.c.id, postgresql_where=text("seq is null"))


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a unit's feed."""

    unit: str
    seq: int
    headers: dict[str, str]
    value: str


async def tell(connection: AsyncConnection, ticket: UUID, message: Message) -> bool:
    """Add an event to the ticket's story and tell it to the units that hold the ticket at this point of the log.

    False when the ticket had no story before.
    """
    told = await connection.execute(
        _TELL,
        {
            "ticket": ticket,
            "event": UUID(message.headers["ce_id"]),
            "headers": message.headers,
            "value": message.value.decode(),
        },
    )
    return bool(told.scalar())


async def hand_over(connection: AsyncConnection, ticket: UUID, holders: Sequence[str]) -> None:
    """From here on these units hold the ticket. Who is new is told the story so far, less what it knows already."""
    await connection.execute(_LET_GO, {"ticket": ticket, "holders": list(holders)})
    if holders:
        await connection.execute(_CATCH_UP, {"ticket": ticket, "holders": list(holders)})


async def join(connection: AsyncConnection, ticket: UUID, unit: str, instead_of: str | None) -> None:
    """From here on this unit is told too, beginning with the story so far; ``instead_of`` no longer."""
    await connection.execute(_CATCH_UP, {"ticket": ticket, "holders": [unit]})
    if instead_of is not None:
        await connection.execute(_LEAVE, {"ticket": ticket, "unit": instead_of})


async def lead_writer(connection: AsyncConnection) -> bool:
    """Whether this transaction is the one writer of feeds; the right ends with it, also when its process freezes."""
    return bool((await connection.execute(_WRITER)).scalar())


async def give_numbers(connection: AsyncConnection, most: int) -> tuple[int, Sequence[Told]]:
    """Number the oldest rows. Answers how many, and those whose unit asked for a topic of its own, in order."""
    rows = (await connection.execute(_NUMBER, {"most": most})).all()
    ids = [row.id for row in rows if row.kafka_feed]
    told = await connection.execute(_BY_ID, {"ids": ids}) if ids else ()
    return len(rows), [Told(row.unit, row.seq, row.headers, row.value) for row in told]


async def unnumbered(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(_UNNUMBERED)).scalar())


async def read(connection: AsyncConnection, unit: str, after: int, most: int) -> Sequence[Told]:
    """The unit's feed after that number."""
    rows = await connection.execute(_READ, {"unit": unit, "after": after, "most": most})
    return [Told(row.unit, row.seq, row.headers, row.value) for row in rows]


async def last_seq(connection: AsyncConnection, unit: str) -> int:
    """The last number given out in the unit's feed, 0 before the first."""
    return int((await connection.execute(_LAST, {"unit": unit})).scalar_one())


def _named(statement: str, **types: Any) -> Any:
    return text(statement).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items()))


_TELL: Final = _named(
    """
    with told as (
        insert into story (ticket, event_id, headers, value) values (:ticket, :event, :headers, :value)
        on conflict (event_id) do nothing
        returning id, ticket
    ), fed as (
        insert into unit_feed (unit, story)
        select h.unit, t.id from told t join feed_holder h on h.ticket = t.ticket
    )
    select exists (select from story where ticket = :ticket)
    """,
    ticket=PgUUID,
    event=PgUUID,
    headers=JSONB,
    value=TEXT,
)
_LET_GO: Final = _named(
    "delete from feed_holder where ticket = :ticket and unit <> all (:holders)", ticket=PgUUID, holders=ARRAY(TEXT)
)
_LEAVE: Final = _named("delete from feed_holder where ticket = :ticket and unit = :unit", ticket=PgUUID, unit=TEXT)
_CATCH_UP: Final = _named(
    """
    with holding as (
        insert into feed_holder (ticket, unit) select :ticket, unnest(:holders) on conflict do nothing
        returning unit
    )
    insert into unit_feed (unit, story)
    select h.unit, s.id from holding h cross join story s where s.ticket = :ticket order by h.unit, s.id
    -- A unit that had the ticket before is not told again what it was told then.
    on conflict (unit, story) do nothing
    """,
    ticket=PgUUID,
    holders=ARRAY(TEXT),
)
_WRITER: Final = text("select pg_try_advisory_xact_lock(hashtextextended('unit feed writer', 0))")
# Found by "no number yet", never by a cursor. A ticket's rows were entered by transactions that followed one another,
# so that per ticket the order of ids is the order of the log.
_NUMBER: Final = text(
    """
    with pending as (
        select id, unit from unit_feed where seq is null order by id limit :most
    ), numbered as (
        select p.id, p.unit,
               coalesce((select max(seq) from unit_feed f where f.unit = p.unit), 0)
                   + row_number() over (partition by p.unit order by p.id) as seq
        from pending p
    )
    update unit_feed f set seq = n.seq
    from numbered n left join unit u on u.code = n.unit
    where f.id = n.id
    returning f.id, coalesce(u.kafka_feed, false) as kafka_feed
    """
)
_BY_ID: Final = _named(
    """
    select f.unit, f.seq, s.headers, s.value
    from unit_feed f join story s on s.id = f.story where f.id = any(:ids) order by f.id
    """,
    ids=ARRAY(BigInteger),
)
_UNNUMBERED: Final = text("select exists (select from unit_feed where seq is null)")
_READ: Final = text(
    """
    select f.unit, f.seq, s.headers, s.value
    from unit_feed f join story s on s.id = f.story
    where f.unit = :unit and f.seq > :after order by f.seq limit :most
    """
)
_LAST: Final = text("select coalesce(max(seq), 0) from unit_feed where unit = :unit")
