"""The event layer, packs, keyed requests; dockets, deadlines, how far the bus was read, calendars."""

from alembic import op

from common.messaging.tables import CREATE_EVENT_TABLES
from common.runtime.packs import CREATE_POLICY_TABLE
from common.web.idempotency import CREATE_IDEMPOTENCY

revision = "0001"
down_revision = None

_OWN = (
    """
    create table docket (
        ticket uuid primary key,
        number text not null,
        jurisdiction text not null,
        policy text not null,
        type text not null,
        channel text not null,
        category text not null,
        marks text[] not null,
        legal_limit jsonb,
        round integer not null,
        unit text,
        co_handlers text[] not null,
        former text[] not null,
        partition integer not null
    ) with (fillfactor = 80)
    """,
    """
    create table deadline (
        id uuid primary key,
        subject text not null,
        ticket uuid not null,
        kind text not null,
        unit text,
        round integer not null,
        case_id uuid,
        is_window boolean not null,
        anchor_event uuid not null,
        anchor_type text,
        anchor_at timestamptz not null,
        allowance jsonb not null,
        warn_at timestamptz,
        due_at timestamptz not null,
        original_due_at timestamptz not null,
        next_at timestamptz,
        state text not null,
        verdict text,
        fact_at timestamptz,
        fact_event uuid,
        filed_at timestamptz,
        warned_at timestamptz,
        breached_at timestamptz,
        generation integer not null,
        policy text not null,
        calendar text not null,
        provisional boolean not null,
        basis jsonb not null,
        partition integer not null,
        constraint deadline_identity_key unique nulls not distinct (subject, kind, unit, round, case_id),
        constraint deadline_state_check
            check (state in ('armed', 'approaching', 'breached', 'stopped', 'closed', 'superseded')),
        constraint deadline_verdict_check
            check (verdict is null or (verdict in ('met', 'missed') and state = 'closed')),
        constraint deadline_fires_check check (next_at is null or state in ('armed', 'approaching'))
    ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)
    """,
    "comment on column deadline.next_at is 'what the timers look at; null when nothing more fires'",
    "create index deadline_next_idx on deadline (next_at) where next_at is not null",
    "create index deadline_ticket_idx on deadline (ticket)",
    """
    create index deadline_calendar_idx on deadline (calendar)
    where state in ('armed', 'approaching', 'stopped') and breached_at is null
    """,
    "create table caught_up (partition integer primary key, at timestamptz not null) with (fillfactor = 50)",
    "comment on column caught_up.at is 'domain instant at which all that had been published was applied'",
    """
    create table calendar_year (
        version text primary key,
        year integer not null,
        content jsonb not null,
        published_at timestamptz not null
    )
    """,
    """
    create table calendar (
        version text primary key,
        ordinal bigint generated always as identity,
        years jsonb not null,
        cause uuid,
        constraint calendar_ordinal_key unique (ordinal)
    )
    """,
    "comment on column calendar.years is 'year → version of calendar_year; the highest ordinal is in force'",
    "comment on column calendar.cause is 'the event that published it'",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in (*CREATE_EVENT_TABLES, CREATE_POLICY_TABLE, *CREATE_IDEMPOTENCY, *_OWN):
        op.execute(statement)
