"""What becomes of a registered demand: amendments, the requester's wishes, sub-assigned readers, restricted callers."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    alter table ticket
        add column imposed_limit jsonb,
        add column sub_units text[] not null default '{}',
        add column revision integer not null default 1,
        add column urged integer not null default 0,
        add column urged_at timestamptz,
        add column withdrawal uuid,
        add column withdrawal_at timestamptz
    """,
    "comment on column ticket.sub_units is 'units to which a holder passed it on inside'",
    "comment on column ticket.revision is 'of its content, as If-Match names it'",
    "comment on column ticket.withdrawal is 'case of the withdrawal that waits for dispatch'",
    "create index ticket_sub_units_idx on ticket using gin (sub_units) where sub_units <> '{}'",
    """
    create table spoken (
        id uuid primary key,
        ticket uuid not null,
        kind text not null,
        text bytea not null,
        accepted_at timestamptz not null
    )
    """,
    "comment on column spoken.kind is 'supplement, urging, withdrawal, or the address before an amendment'",
    "comment on column spoken.text is 'the original words'",
    "create index spoken_ticket_idx on spoken (ticket, id)",
    """
    create table restriction (
        id uuid primary key,
        jurisdiction text not null,
        policy text not null,
        phone_index bytea not null,
        phone_shown text not null,
        ground text not null,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        approver text not null,
        reason text not null,
        referred_to_police boolean not null,
        basis jsonb not null,
        imposed_at timestamptz not null,
        imposed_by text not null,
        lifted_at timestamptz,
        lifted_by text,
        lift_reason text
    )
    """,
    "comment on column restriction.phone_index is 'blind index of the normalised number'",
    "comment on column restriction.phone_shown is 'the number with its middle hidden'",
    "comment on column restriction.reason is 'masked'",
    "comment on column restriction.lift_reason is 'masked'",
    "create index restriction_phone_index_idx on restriction (phone_index)",
    "create index restriction_jurisdiction_idx on restriction (jurisdiction, id)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
