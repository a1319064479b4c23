"""sla's tables."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from common.database import Instant, metadata
from common.messaging.tables import add_event_tables
from common.runtime.packs import PackShelf
from common.web.idempotency import idempotency_table

METADATA = metadata()
EVENTS = add_event_tables(METADATA)
SHELF = PackShelf(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

DOCKET = Table(
    "docket",
    METADATA,
    Column("ticket", PgUUID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("marks", ARRAY(Text), nullable=False),
    Column("legal_limit", JSONB(none_as_null=True)),
    Column("round", Integer, nullable=False),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text), nullable=False),
    Column("former", ARRAY(Text), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("imposed_limit", JSONB(none_as_null=True)),
    Column("concluded", JSONB(none_as_null=True)),
    Column("readers", ARRAY(Text), nullable=False, server_default="{}"),
    Column("begun", JSONB(none_as_null=True)),
    Column("handling", Boolean, nullable=False, server_default="false"),
    Column("ended_at", Instant),
    Column("heirs", JSONB, nullable=False, server_default="{}"),
    Column("registration", JSONB(none_as_null=True)),
    Column("about", Text, nullable=False, server_default="ticket"),
    Column("officers", JSONB, nullable=False, server_default="{}"),
)
Index("docket_policy_idx", DOCKET.c.policy, DOCKET.c.ticket, postgresql_where=text("ended_at is null"))
Index("docket_readers_idx", DOCKET.c.readers, postgresql_using="gin", postgresql_where=text("ended_at is null"))
Index("docket_heirs_idx", DOCKET.c.ticket, postgresql_where=text("heirs <> '{}' and ended_at is null"))
Index("docket_officers_idx", DOCKET.c.officers, postgresql_using="gin", postgresql_ops={"officers": "jsonb_path_ops"})

FACT = Table(
    "fact",
    METADATA,
    Column("event", PgUUID, primary_key=True),
    Column("ticket", PgUUID, nullable=False),
    Column("ordinal", BigInteger, Identity(always=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("order_at", Instant, nullable=False, comment="at, but not before an earlier fact of the same service"),
    Column("round", Integer, nullable=False),
    Column("unit", Text),
    Column("case_id", PgUUID),
    Column("more", JSONB, nullable=False),
)
Index("fact_ticket_idx", FACT.c.ticket, FACT.c.order_at)

DEADLINE = Table(
    "deadline",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("ticket", PgUUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Text),
    Column("round", Integer, nullable=False),
    Column("case_id", PgUUID),
    Column("is_window", Boolean, nullable=False),
    Column("anchor_event", PgUUID, nullable=False),
    Column("anchor_type", Text),
    Column("anchor_at", Instant, nullable=False),
    Column("allowance", JSONB, nullable=False),
    Column("warn_at", Instant),
    Column("due_at", Instant, nullable=False),
    Column("original_due_at", Instant, nullable=False),
    Column("next_at", Instant, comment="what the timers look at; null when nothing more fires"),
    Column("state", Text, nullable=False),
    Column("verdict", Text),
    Column("fact_at", Instant),
    Column("fact_event", PgUUID),
    Column("filed_at", Instant),
    Column("warned_at", Instant),
    Column("breached_at", Instant),
    Column("generation", Integer, nullable=False),
    Column("policy", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("held_against", Text, comment="a later calendar that did not move it; null: it was counted with the last"),
    Column("provisional", Boolean, nullable=False),
    Column("basis", JSONB, nullable=False),
    Column("partition", Integer, nullable=False),
    UniqueConstraint(
        "subject", "kind", "unit", "round", "case_id", name="deadline_identity_key", postgresql_nulls_not_distinct=True
    ),
)
Index("deadline_next_idx", DEADLINE.c.next_at, postgresql_where=text("next_at is not null"))
Index("deadline_ticket_idx", DEADLINE.c.ticket)
Index(
    "deadline_held_against_idx",
    text("coalesce(held_against, calendar)"),
    DEADLINE.c.due_at,
    DEADLINE.c.id,
    postgresql_where=text("state in ('armed', 'approaching', 'breached', 'stopped')"),
)
# The auditor's own way to what is due, by limit and warning: never by what the timers look at.
Index(
    "deadline_red_due_idx",
    DEADLINE.c.due_at,
    postgresql_where=text("state in ('armed', 'approaching') and not is_window"),
)
Index("deadline_yellow_due_idx", DEADLINE.c.warn_at, postgresql_where=text("state = 'armed' and not is_window"))

_RUNS = text("state in ('armed', 'approaching', 'breached') and not is_window")
Index("deadline_board_idx", DEADLINE.c.due_at, DEADLINE.c.id, postgresql_where=_RUNS)
Index("deadline_unit_board_idx", DEADLINE.c.unit, DEADLINE.c.due_at, DEADLINE.c.id, postgresql_where=_RUNS)
_LIT = text("state = 'approaching' and not is_window")
Index("deadline_lit_idx", DEADLINE.c.due_at, DEADLINE.c.id, postgresql_where=_LIT)

CAUGHT_UP = Table(
    "caught_up",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, comment="domain instant at which all that had been published was applied"),
)

CALENDAR_YEAR = Table(
    "calendar_year",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("published_at", Instant, nullable=False),
)

CALENDAR = Table(
    "calendar",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("ordinal", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("years", JSONB, nullable=False, comment="year → version of calendar_year; the highest ordinal is in force"),
    Column("cause", PgUUID, comment="the event that published it"),
)
