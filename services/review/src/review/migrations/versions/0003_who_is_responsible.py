"""Consultations, escalations, and what units owe after a callback."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CONSULTATION = (
    """
    create table consultation (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        state text not null,
        form text not null,
        ground text,
        convener text,
        participants text[] not null,
        by_rule text[] not null,
        disputants text[] not null,
        subject text not null,
        meets_at timestamptz,
        convened_at timestamptz not null,
        convened_on jsonb not null,
        minutes text,
        minutes_at timestamptz,
        outcome text,
        unit text,
        co_handlers text[],
        principle text,
        limit_set jsonb,
        solution text,
        reply_wording text,
        basis jsonb,
        concluded_at timestamptz,
        overtaken_because text
    )
    """,
    "comment on column consultation.convener is 'null: the authority'",
    "comment on column consultation.by_rule is 'invited for the part they play'",
    "comment on column consultation.disputants is 'whose responsibility is in question'",
    "comment on column consultation.convened_on is 'the clauses it was convened on'",
    # One consultation of a ticket at a time, whatever races.
    """
    create unique index consultation_unsettled_key on consultation (ticket)
        where state in ('convened', 'concluded')
    """,
    "create index consultation_ticket_idx on consultation (ticket, id)",
    "create index consultation_state_idx on consultation (state, id)",
    """
    create table consultation_opinion (
        consultation uuid,
        unit text,
        opinion text not null,
        legal_basis text,
        given_at timestamptz not null,
        primary key (consultation, unit)
    )
    """,
    """
    create table unresolved (
        ticket uuid primary key,
        consultation uuid not null,
        form text not null,
        since timestamptz not null
    )
    """,
)
_ESCALATION = (
    """
    create table escalation (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        state text not null,
        ground text not null,
        addressee text not null,
        consultation uuid not null,
        report text not null,
        reply_line text,
        reported_at timestamptz not null,
        reported_on jsonb not null,
        outcome text,
        unit text,
        co_handlers text[],
        limit_set jsonb,
        instruction text,
        decided_reply_line text,
        basis jsonb,
        decided_at timestamptz,
        overtaken_because text
    )
    """,
    "comment on column escalation.consultation is 'the one that stayed unresolved'",
    "comment on column escalation.reported_on is 'the clauses it was reported on'",
    # One report upward of a ticket at a time, whatever races.
    """
    create unique index escalation_unsettled_key on escalation (ticket)
        where state in ('reported', 'decided')
    """,
    "create index escalation_ticket_idx on escalation (ticket, id)",
    "create index escalation_state_idx on escalation (state, id)",
)
_CALLBACK = (
    """
    alter table callback
        add column explained jsonb,
        add column stated jsonb,
        add column earlier jsonb not null default '[]'
    """,
    "alter table callback alter column earlier drop default",
    "comment on column callback.explained is 'when and how the unit explained itself to the requester'",
    "comment on column callback.stated is 'the unit''s statement with its evidence'",
    "comment on column callback.earlier is 'judgements that asked something of the unit, oldest first'",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in (*_CONSULTATION, *_ESCALATION, *_CALLBACK):
        op.execute(statement)
