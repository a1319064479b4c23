"""What the auditor looks at: when a lamp is due by the limit itself, whatever the timers were told."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        """
        create index deadline_lamp_due_idx
        on deadline ((least(due_at, case when state = 'armed' then warn_at else due_at end)), id)
        where state in ('armed', 'approaching') and not is_window
        """
    )
