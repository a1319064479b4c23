"""What limits run from beside the dispatch: the registration; and deadlines of what is wider than a ticket."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table docket add column registration jsonb, add column about text not null default 'ticket'")
