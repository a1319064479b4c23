"""Pushes of concentrated demands to units, and policies that units enter in the knowledge base."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """
    create table cluster_push (
        id uuid primary key,
        cluster uuid not null,
        number text not null,
        times_pushed integer not null,
        reason text not null,
        level text not null,
        content text not null,
        pushed_at timestamptz not null,
        pushed_by text not null,
        answered_at timestamptz
    )
    """,
    "comment on column cluster_push.number is 'the push''s own number: year and running number of the city'",
    "comment on column cluster_push.content is 'masked'",
    "create unique index cluster_push_cluster_idx on cluster_push (cluster, times_pushed)",
    """
    create table knowledge_duty (
        id uuid primary key,
        jurisdiction text not null,
        policy text not null,
        unit text not null,
        title text not null,
        level text not null,
        effective_on date not null,
        imposed_at timestamptz not null,
        imposed_by text not null,
        entered_at timestamptz,
        entered_by text
    )
    """,
    "create index knowledge_duty_unit_idx on knowledge_duty (jurisdiction, unit, id)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
