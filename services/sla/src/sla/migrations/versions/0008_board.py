"""What is due for a unit and for a jurisdiction, in the order of its limits."""

from alembic import op

revision = "0008"
down_revision = "0007"

_RUNS = "state in ('armed', 'approaching', 'breached') and not is_window"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(f"create index deadline_board_idx on deadline (due_at, id) where {_RUNS}")
    op.execute(f"create index deadline_unit_board_idx on deadline (unit, due_at, id) where {_RUNS}")
    op.execute("create index docket_readers_idx on docket using gin (readers) where ended_at is null")
    op.execute("create index docket_heirs_idx on docket (ticket) where heirs <> '{}' and ended_at is null")
