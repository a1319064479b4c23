"""Concentrated demands: clusters, and the tickets that belong to each."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    create table cluster (
        id uuid primary key,
        jurisdiction text not null,
        policy text not null,
        unit text not null,
        category text not null,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        basis jsonb not null,
        detected_at timestamptz not null,
        answered_at timestamptz,
        answered_by text,
        text text,
        measure text
    )
    """,
    "comment on column cluster.ends_at is 'the first instant at which no ticket joins any more'",
    "comment on column cluster.text is 'the unit''s study of the demands, masked'",
    "comment on column cluster.measure is 'masked'",
    "create index cluster_jurisdiction_idx on cluster (jurisdiction, id)",
    "create index cluster_unit_idx on cluster (unit, category, id)",
    """
    create table cluster_ticket (
        cluster uuid not null,
        ticket uuid not null,
        primary key (cluster, ticket)
    )
    """,
    "create index cluster_ticket_ticket_idx on cluster_ticket (ticket)",
    "create index ticket_unit_category_idx on ticket (unit, category, received_at)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
