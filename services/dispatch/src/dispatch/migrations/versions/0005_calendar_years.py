"""The published calendar years, for the items of a catalogue that ask for the working day."""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    """
    create table calendar_year (
        year integer primary key,
        version text not null,
        content jsonb not null,
        published_at timestamptz not null
    )
    """,
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
