"""Which open tickets are under which pack, and to whom a unit passed a ticket inside itself."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table docket add column officers jsonb not null default '{}'")
    op.execute("create index docket_policy_idx on docket (policy, ticket) where ended_at is null")
