"""Facts that say something about accountability, findings, the months that were looked at."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OWN = (
    """
    create table accountability_fact (
        event uuid,
        unit text,
        kind text not null,
        ticket uuid not null,
        round integer not null,
        at timestamptz not null,
        duty text,
        due_at timestamptz,
        done_at timestamptz,
        "case" uuid,
        ground text,
        because_designated boolean not null,
        good boolean,
        primary key (event, unit)
    )
    """,
    "create index accountability_fact_ticket_idx on accountability_fact (ticket, unit)",
    "create index accountability_fact_asked_idx on accountability_fact (unit, at) where kind = 'asked'",
    """
    create table finding (
        id uuid primary key,
        follows text not null,
        state text not null,
        jurisdiction text not null,
        policy text not null,
        ground text not null,
        concerned text not null,
        about text not null,
        unit text,
        ticket uuid,
        round integer not null,
        month date,
        months jsonb not null,
        by_rule boolean not null,
        said text not null,
        evidence jsonb not null,
        basis jsonb not null,
        found_at timestamptz not null,
        proposed_by text,
        text text,
        addressee text,
        decided_by text,
        decided_at timestamptz
    )
    """,
    "comment on column finding.follows is 'notice or referral'",
    "comment on column finding.concerned is 'the unit, or the account of the centre''s own staff'",
    "comment on column finding.about is 'ticket/…, month/… or case/…: one is open at a time'",
    "comment on column finding.month is 'the last month of the row'",
    "comment on column finding.months is 'each month of the row with its figures'",
    # The same is brought forward once at a time, whatever races.
    "create unique index finding_open_key on finding (ground, concerned, about) where state = 'open'",
    "create index finding_follows_idx on finding (follows, id)",
    "create index finding_ticket_idx on finding (ticket, concerned)",
    "create index finding_month_idx on finding (concerned, ground) where month is not null",
    """
    create table closed_month (
        jurisdiction text,
        month date,
        closed_at timestamptz not null,
        primary key (jurisdiction, month)
    )
    """,
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _OWN:
        op.execute(statement)
