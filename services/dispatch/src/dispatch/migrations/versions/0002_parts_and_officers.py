"""Who signed for its part, to whom it was passed on, who designated the unit; offices and officers of the units."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    """
    alter table docket
        add column signed_parts text[] not null default '{}',
        add column sub_units jsonb not null default '{}',
        add column designation jsonb
    """,
    "alter table docket alter column signed_parts drop default, alter column sub_units drop default",
    "comment on column docket.signed_parts is 'co-handlers that have signed in this round'",
    "comment on column docket.sub_units is 'unit that a holder passed the ticket to: that holder'",
    "comment on column docket.designation is 'who named the unit, where it is designated'",
    """
    create index docket_sub_units_idx on docket using gin (sub_units)
    where status in ('dispatched', 'signed_in', 'closing_filed')
    """,
    "create index docket_closed_idx on docket (unit) where status = 'closed'",
    "alter table unit add column office text, add column function text, add column duty_contact text",
    "comment on column unit.office is 'name of the responsible office'",
    "comment on column unit.duty_contact is 'telephone number or webhook address; never announced'",
    """
    create table officer (
        unit text not null,
        account text not null,
        duties text[] not null,
        substitute text,
        absent_from date,
        absent_to date,
        version integer not null,
        primary key (unit, account)
    )
    """,
    "comment on column officer.duties is 'leader, handler, duty; empty: no longer with the unit'",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
