"""The life cycle's docket, units, closing reports, stories and feeds; the event layer's tables."""

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
        status text not null,
        round integer not null,
        unit text,
        co_handlers text[] not null,
        designated boolean not null,
        has_contact boolean not null,
        round_began_at timestamptz,
        pending_return uuid,
        report uuid
    ) with (fillfactor = 80)
    """,
    "comment on column docket.report is 'the closing report that waits for a decision'",
    """
    create index docket_held_idx on docket (unit, ticket)
    where status in ('dispatched', 'signed_in', 'closing_filed')
    """,
    """
    create index docket_co_handlers_idx on docket using gin (co_handlers)
    where status in ('dispatched', 'signed_in', 'closing_filed')
    """,
    """
    create table unit (
        code text primary key,
        name text not null,
        kind text not null,
        parent text,
        leader text,
        handlers text[] not null,
        kafka_feed boolean not null,
        ended_on date,
        successor text,
        version integer not null
    )
    """,
    "comment on column unit.leader is 'account of the leader in charge'",
    "comment on column unit.handlers is 'accounts of the named handlers'",
    """
    create table closing_report (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        unit text not null,
        filed_at timestamptz not null,
        decision text,
        decided_at timestamptz
    )
    """,
    "comment on column closing_report.decision is 'accepted or sent_back'",
    "create index closing_report_ticket_idx on closing_report (ticket)",
    """
    create table story (
        id bigint generated always as identity primary key,
        ticket uuid not null,
        event_id uuid not null constraint story_event_id_key unique,
        headers jsonb not null,
        value text not null
    )
    """,
    "create index story_ticket_id_idx on story (ticket, id)",
    "create table feed_holder (ticket uuid, unit text, primary key (ticket, unit))",
    """
    create table unit_feed (
        id bigint generated always as identity primary key,
        unit text not null,
        story bigint not null constraint unit_feed_story_fkey references story (id),
        seq bigint,
        constraint unit_feed_unit_story_key unique (unit, story),
        constraint unit_feed_unit_seq_key unique (unit, seq)
    ) with (fillfactor = 80)
    """,
    "comment on column unit_feed.seq is 'null: not numbered yet'",
    "create index unit_feed_unnumbered_idx on unit_feed (id) where seq is null",
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES, CREATE_POLICY_TABLE, *CREATE_IDEMPOTENCY, *_OWN):
        op.execute(statement)
