"""Dockets, returns with their windows, callbacks."""

from alembic import op

from common.messaging.tables import CREATE_EVENT_TABLES
from common.runtime.packs import CREATE_POLICY_TABLE
from common.web.idempotency import CREATE_IDEMPOTENCY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_OWN = (
    """
    create table docket (
        ticket uuid primary key,
        number text not null,
        jurisdiction text not null,
        policy text not null,
        type text,
        status text not null,
        round integer not null,
        redo boolean not null,
        round_event uuid,
        round_ended boolean not null,
        unit text,
        co_handlers text[] not null,
        designated boolean not null,
        dispatched_at timestamptz
    ) with (fillfactor = 80)
    """,
    "comment on column docket.redo is 'the round began with Reissued'",
    "comment on column docket.round_event is 'the event with which the round began'",
    """
    create table return_case (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        unit text not null,
        state text not null,
        ground text,
        reason text,
        legal_basis text,
        suggested_unit text,
        papers uuid[] not null,
        filed_at timestamptz not null,
        outcome text,
        decided_ground text,
        by_rule boolean,
        note text,
        window_due_at timestamptz,
        late boolean,
        basis jsonb,
        decided_at timestamptz,
        lapsed_because text
    )
    """,
    # One return of a round at a time, whatever races.
    """
    create unique index return_case_unsettled_key on return_case (ticket, round)
        where state in ('pending', 'queued', 'approved')
    """,
    "create index return_case_ticket_idx on return_case (ticket, id)",
    "create index return_case_state_idx on return_case (state, id)",
    "create index return_case_unit_idx on return_case (unit, id)",
    """
    create table return_window (
        ticket uuid,
        round integer,
        unit text,
        due_at timestamptz,
        generation integer not null,
        basis jsonb not null,
        primary key (ticket, round, unit)
    )
    """,
    "comment on column return_window.due_at is 'null: no window applies to this round'",
    """
    create table callback (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        state text not null,
        outcome text not null,
        responded boolean,
        resolved boolean,
        satisfaction text,
        attempt integer not null,
        occurred_at timestamptz not null,
        remark text,
        judgement text,
        by_rule boolean,
        ground text,
        note text,
        basis jsonb,
        judged_at timestamptz
    )
    """,
    "create index callback_ticket_idx on callback (ticket, id)",
    "create index callback_state_idx on callback (state, id)",
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES, CREATE_POLICY_TABLE, *CREATE_IDEMPOTENCY, *_OWN):
        op.execute(statement)
