"""Reporting's tables: the archive of every event, and what is counted."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from common.database import Instant, metadata
from common.messaging.tables import add_event_tables
from common.runtime.packs import PackShelf
from common.web.idempotency import idempotency_table

METADATA = metadata()
EVENTS = add_event_tables(METADATA)
SHELF = PackShelf(METADATA)
idempotency_table(METADATA)

archive = Table(
    "archive",
    METADATA,
    Column("event_id", UUID, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", Text, nullable=False),
    postgresql_partition_by="RANGE (event_id)",
)
Index("archive_subject_idx", archive.c.subject)

ticket = Table(
    "ticket",
    METADATA,
    Column("ticket", UUID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("unit", Text),
    Column("round", Integer, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("overdue", Boolean, nullable=False, server_default=text("false"), comment="returned late or closed late"),
    Column("policy", Text),
    Column("marks", ARRAY(Text), nullable=False, server_default="{}"),
    Column("responded", Boolean),
    Column("resolved", Boolean),
    Column("satisfaction", Text),
    Column("answered_at", Instant, comment="when the answers that stand here were given, the last ones"),
)
Index("ticket_jurisdiction_idx", ticket.c.jurisdiction, ticket.c.received_at)

deadline = Table(
    "deadline",
    METADATA,
    Column("identity", Text, primary_key=True, comment="subject, kind, unit, round and case"),
    Column("ticket", UUID),
    Column("jurisdiction", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Text),
    Column("round", Integer, nullable=False),
    Column("window", Boolean, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", Text, nullable=False, comment="armed approaching breached stopped closed superseded"),
    Column("verdict", Text, comment="met or missed"),
)
Index("deadline_ticket_idx", deadline.c.ticket)
Index("deadline_open_idx", deadline.c.kind, postgresql_where=text("verdict is null"))

occurrence = Table(
    "occurrence",
    METADATA,
    Column("event", UUID, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Column("ticket", UUID, comment="null: about something wider than a ticket"),
    Column("unit", Text),
    Column("matter", UUID, comment="the case it belongs to"),
    Column("at", Instant, nullable=False),
)
Index("occurrence_ticket_idx", occurrence.c.ticket)
Index("occurrence_matter_idx", occurrence.c.matter)
