"""The tickets that a unit passed to one of its officers are found without reading all tickets."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("create index docket_officers_idx on docket using gin (officers jsonb_path_ops)")
