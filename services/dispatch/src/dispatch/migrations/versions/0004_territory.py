"""The territorial government of a matter, and that nobody knows it."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    "alter table docket add column territory text",
    "comment on column docket.territory is 'the territorial government, where somebody named it'",
    "alter table notice alter column unit drop not null",
    "comment on column notice.unit is 'null: nobody knows whom to tell'",
    """
    alter table notice
        drop constraint notice_cause_unit_key,
        add constraint notice_cause_unit_key unique nulls not distinct (cause, unit)
    """,
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
