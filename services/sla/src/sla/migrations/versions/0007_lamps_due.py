"""What the auditor looks at: limits and warnings themselves, whatever the timers were told."""

from alembic import op

revision = "0007"
down_revision = "0006"


_STATEMENTS = (
    """
    create index deadline_red_due_idx on deadline (due_at)
    where state in ('armed', 'approaching') and not is_window
    """,
    "create index deadline_yellow_due_idx on deadline (warn_at) where state = 'armed' and not is_window",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
