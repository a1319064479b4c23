"""Who goes on for a unit that ended in the middle of a round."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table docket add column heirs jsonb not null default '{}'")
