"""Yellow lamps whose limits lie beyond a span of the board: they belong to it all the same."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("create index deadline_lit_idx on deadline (due_at, id) where state = 'approaching' and not is_window")
