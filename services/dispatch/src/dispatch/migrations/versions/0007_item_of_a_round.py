"""Under which item of the responsibility catalogue a round runs, and with which helpers."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table docket add column item text, add column helpers jsonb not null default '[]'")
    op.execute("alter table docket alter column helpers drop default")
    op.execute("comment on column docket.item is 'number in the responsibility catalogue, where one was named'")
    op.execute("comment on column docket.helpers is 'units beside lead and co-handlers, in the roles of that item'")
