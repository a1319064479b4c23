"""The tables of the event layer that every service's schema has.

``outbox`` and ``inbox`` are partitioned by week on the event id: a UUIDv7 begins with its instant, so old weeks are
dropped whole. Deleting rows one by one gives no space back.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, MetaData, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.database import Instant


@dataclass(frozen=True, slots=True)
class EventTables:
    outbox: Table
    inbox: Table
    subject_sequence: Table
    subject_guard: Table
    parked: Table


def add_event_tables(metadata: MetaData) -> EventTables:
    """Declare the event layer's tables on a service's MetaData."""
    outbox = Table(
        "outbox",
        metadata,
        Column("event_id", UUID, primary_key=True),
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False, comment="0: a forwarded message that is numbered elsewhere"),
        Column("headers", JSONB, nullable=False),
        Column("value", Text, nullable=False),
        Column("published_at", Instant),
        postgresql_partition_by="RANGE (event_id)",
    )
    Index("outbox_unpublished_idx", outbox.c.id, postgresql_where=text("published_at is null"))
    inbox = Table(
        "inbox",
        metadata,
        Column("event_id", UUID, primary_key=True),
        postgresql_partition_by="RANGE (event_id)",
    )
    subject_sequence = Table(
        "subject_sequence",
        metadata,
        Column("subject", Text, primary_key=True),
        Column("last", BigInteger, nullable=False),
    )
    subject_guard = Table(
        "subject_guard",
        metadata,
        Column("source", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("last", BigInteger, nullable=False),
    )
    parked = Table(
        "parked",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", UUID),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("subject", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("value", Text, nullable=False),
        Column("kind", Text, nullable=False, comment="unusable, bug, behind, released"),
        Column("reason", Text, nullable=False),
        Column("parked_at", Instant, nullable=False, server_default=func.clock_timestamp()),
        Column("ended_at", Instant),
        Column("ended_how", Text, comment="replayed or discarded"),
        Column("discard_reason", Text),
    )
    Index(
        "parked_place_idx",
        parked.c.topic,
        parked.c.partition,
        parked.c.offset,
        unique=True,
        postgresql_where=text("event_id is null and ended_at is null"),
    )
    Index("parked_open_idx", parked.c.subject, parked.c.id, postgresql_where=text("ended_at is null"))
    return EventTables(outbox, inbox, subject_sequence, subject_guard, parked)


# What migration 0001 of every service executes, in its own schema.
CREATE_EVENT_TABLES = (
    """
    create table outbox (
        event_id uuid primary key,
        id bigint generated always as identity,
        topic text not null,
        subject text not null,
        sequence bigint not null,
        headers jsonb not null,
        value text not null,
        published_at timestamptz
    ) partition by range (event_id)
    """,
    "comment on column outbox.sequence is '0: a forwarded message that is numbered elsewhere'",
    "create index outbox_unpublished_idx on outbox (id) where published_at is null",
    "create table outbox_rest partition of outbox default",
    "create table inbox (event_id uuid primary key) partition by range (event_id)",
    "create table inbox_rest partition of inbox default",
    "create table subject_sequence (subject text primary key, last bigint not null) with (fillfactor = 70)",
    """
    create table subject_guard (
        source text, subject text, last bigint not null, primary key (source, subject)
    ) with (fillfactor = 70)
    """,
    """
    create table parked (
        id bigint generated always as identity primary key,
        event_id uuid,
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        subject text not null,
        headers jsonb not null,
        value text not null,
        kind text not null,
        reason text not null,
        parked_at timestamptz not null default clock_timestamp(),
        ended_at timestamptz,
        ended_how text,
        discard_reason text
    )
    """,
    """
    create unique index parked_place_idx on parked (topic, partition, "offset")
    where event_id is null and ended_at is null
    """,
    "comment on column parked.kind is 'unusable, bug, behind, released'",
    "comment on column parked.ended_how is 'replayed or discarded'",
    "create index parked_open_idx on parked (subject, id) where ended_at is null",
)
