"""The event layer's tables, the packs, the archive, what is counted."""

from alembic import op

from common.messaging.tables import CREATE_EVENT_TABLES
from common.runtime.packs import CREATE_POLICY_TABLE
from common.web.idempotency import CREATE_IDEMPOTENCY

revision = "0001"
down_revision = None

_OWN = (
    """
    create table archive (
        event_id uuid primary key,
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        source text not null,
        subject text not null,
        sequence bigint not null,
        type text not null,
        headers jsonb not null,
        value text not null
    ) partition by range (event_id)
    """,
    "create index archive_subject_idx on archive (subject)",
    "create table archive_rest partition of archive default",
    """
    create table ticket (
        ticket uuid primary key,
        number text not null,
        jurisdiction text not null,
        type text not null,
        outcome text not null,
        status text not null,
        unit text,
        round integer not null,
        received_at timestamptz not null,
        returns integer not null default 0,
        overdue boolean not null default false
    ) with (fillfactor = 80)
    """,
    "comment on column ticket.overdue is 'returned late or closed late'",
    "create index ticket_jurisdiction_idx on ticket (jurisdiction, received_at)",
    """
    create table deadline (
        identity text primary key,
        ticket uuid,
        jurisdiction text not null,
        kind text not null,
        unit text,
        round integer not null,
        "window" boolean not null,
        due_at timestamptz not null,
        state text not null,
        verdict text
    ) with (fillfactor = 80)
    """,
    "comment on column deadline.identity is 'subject, kind, unit, round and case'",
    "comment on column deadline.state is 'armed approaching breached stopped closed superseded'",
    "comment on column deadline.verdict is 'met or missed'",
    "create index deadline_ticket_idx on deadline (ticket)",
    "create index deadline_open_idx on deadline (kind) where verdict is null",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in (*CREATE_EVENT_TABLES, CREATE_POLICY_TABLE, *CREATE_IDEMPOTENCY, *_OWN):
        op.execute(statement)
