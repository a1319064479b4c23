"""When a ticket was registered, and since when its clocks stand still."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table docket add column registered_at timestamptz, add column clock_stop uuid")
    op.execute("comment on column docket.registered_at is 'null of tickets from before it was kept'")
    op.execute("comment on column docket.clock_stop is 'the stop since which the clocks stand still'")
