"""Against which calendar an open deadline was held last, fired ones too; found in the order of their limits."""

from alembic import op

revision = "0006"
down_revision = "0005"

_STATEMENTS = (
    "alter table deadline add column held_against text",
    "comment on column deadline.held_against is "
    "'a later calendar that did not move it; null: it was counted with the last'",
    "drop index deadline_calendar_idx",
    """
    create index deadline_held_against_idx on deadline ((coalesce(held_against, calendar)), due_at, id)
    where state in ('armed', 'approaching', 'breached', 'stopped')
    """,
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
