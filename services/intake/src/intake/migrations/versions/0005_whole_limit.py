"""整体时限 that a platform above sets beside the given one."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table ticket add column imposed_whole_limit jsonb")
