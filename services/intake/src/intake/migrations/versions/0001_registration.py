"""The event layer, tickets and their vault, the timeline, callbacks."""

from alembic import op

from common.messaging.tables import CREATE_EVENT_TABLES
from common.runtime.packs import CREATE_POLICY_TABLE
from common.web.idempotency import CREATE_IDEMPOTENCY

revision = "0001"
down_revision = None

OWN_TABLES = (
    """
    create table ticket (
        id uuid primary key,
        number text not null constraint ticket_number_key unique,
        jurisdiction text not null,
        policy text not null,
        outcome text not null,
        type text not null,
        channel text not null,
        category text not null,
        marks text[] not null,
        statement text,
        address text,
        requester_kind text not null,
        anonymous boolean not null,
        has_contact boolean not null,
        confidential boolean not null,
        settled jsonb,
        legal_limit jsonb,
        external_ref text,
        call_id text,
        received_at timestamptz not null,
        accepted_at timestamptz not null,
        status text,
        unit text,
        co_handlers text[] not null,
        round integer not null,
        closed_at timestamptz
    ) with (fillfactor = 85)
    """,
    "comment on column ticket.outcome is 'work_order, answered, declined, transferred'",
    "comment on column ticket.statement is 'masked'",
    "comment on column ticket.address is 'masked'",
    "comment on column ticket.settled is 'how it was settled at registration; null for a work order'",
    "comment on column ticket.status is 'dispatch''s word; null: settled at registration'",
    "comment on column ticket.closed_at is 'when the standing closing was accepted'",
    "create index ticket_jurisdiction_idx on ticket (jurisdiction, id)",
    "create index ticket_unit_idx on ticket (unit, id)",
    "create index ticket_co_handlers_idx on ticket using gin (co_handlers) where co_handlers <> '{}'",
    """
    create table vault (
        ticket uuid primary key,
        name bytea,
        phone bytea,
        phone_index bytea,
        statement bytea,
        address bytea
    )
    """,
    "comment on column vault.phone_index is 'blind index of the normalised number'",
    "comment on column vault.statement is 'the original words'",
    "comment on column vault.address is 'the original words'",
    "create index vault_phone_index_idx on vault (phone_index, ticket) where phone_index is not null",
    """
    create table number_block (
        jurisdiction text not null,
        day date not null,
        last integer not null,
        primary key (jurisdiction, day)
    )
    """,
    """
    create table timeline (
        ticket uuid not null,
        place bigint generated always as identity,
        event_id uuid not null,
        type text not null,
        source text not null,
        sequence bigint not null,
        occurred_at timestamptz not null,
        accepted_at timestamptz not null,
        actor jsonb not null,
        round integer not null,
        basis jsonb not null,
        data jsonb not null,
        primary key (ticket, place)
    )
    """,
    "comment on column timeline.place is 'order in the log'",
    """
    create table callback (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        attempt integer not null,
        means text not null,
        outcome text not null,
        responded boolean,
        resolved boolean,
        satisfaction text,
        occurred_at timestamptz not null,
        accepted_at timestamptz not null,
        proof text,
        remark text,
        constraint callback_ticket_round_attempt_key unique (ticket, round, attempt)
    )
    """,
    "comment on column callback.remark is 'masked'",
    """
    create table audit (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        account text not null,
        role text not null,
        unit text,
        action text not null,
        object text not null,
        purpose text,
        outcome text not null
    )
    """,
    "create index audit_object_idx on audit (object)",
)


def upgrade() -> None:
    for statement in (*CREATE_EVENT_TABLES, CREATE_POLICY_TABLE, *CREATE_IDEMPOTENCY, *OWN_TABLES):
        op.execute(statement)
