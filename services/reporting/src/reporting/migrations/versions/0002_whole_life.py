"""What requesters answered, the tickets' marks, and everything that happens more than once in a ticket's life."""

from alembic import op

revision = "0002"
down_revision = "0001"

_OWN = (
    """
    alter table ticket
        add column policy text,
        add column marks text[] not null default '{}',
        add column responded boolean,
        add column resolved boolean,
        add column satisfaction text,
        add column answered_at timestamptz
    """,
    "comment on column ticket.answered_at is 'when the answers that stand here were given, the last ones'",
    """
    create table occurrence (
        event uuid,
        name text,
        jurisdiction text not null,
        ticket uuid,
        unit text,
        matter uuid,
        at timestamptz not null,
        primary key (event, name)
    )
    """,
    "comment on column occurrence.ticket is 'null: about something wider than a ticket'",
    "comment on column occurrence.matter is 'the case it belongs to'",
    "create index occurrence_ticket_idx on occurrence (ticket)",
    "create index occurrence_matter_idx on occurrence (matter)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _OWN:
        op.execute(statement)
