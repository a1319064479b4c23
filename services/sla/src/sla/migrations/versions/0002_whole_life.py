"""What the whole life of a ticket needs: its own limits, who else reads it, and the facts its clocks depend on."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    """
    alter table docket
        add column imposed_limit jsonb,
        add column concluded jsonb,
        add column readers text[] not null default '{}',
        add column begun jsonb,
        add column handling boolean not null default false,
        add column ended_at timestamptz
    """,
    """
    update docket d
    set begun = jsonb_build_object('event', l.anchor_event, 'at', l.anchor_at, 'type', l.anchor_type), handling = true
    from deadline l
    where l.ticket = d.ticket and l.round = d.round and l.kind = 'closing' and d.unit is not null and l.verdict is null
    """,
    """
    create table fact (
        event uuid primary key,
        ticket uuid not null,
        ordinal bigint generated always as identity,
        type text not null,
        source text not null,
        at timestamptz not null,
        order_at timestamptz not null,
        round integer not null,
        unit text,
        case_id uuid,
        more jsonb not null
    )
    """,
    "comment on column fact.order_at is 'at, but not before an earlier fact of the same service'",
    "create index fact_ticket_idx on fact (ticket, order_at)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
