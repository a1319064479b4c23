"""Returns in a second window, special extensions, and the channel that some packs' extensions depend on."""

from alembic import op

revision = "0006"
down_revision = "0005"

_STATEMENTS = (
    "alter table docket add column channel text",
    "alter table return_case add column explanation text",
    """
    alter table extension_case
        add column sort text not null default 'ordinary',
        add column formalities text[] not null default '{}',
        add column head_approval text
    """,
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
