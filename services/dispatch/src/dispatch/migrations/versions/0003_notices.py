"""Notices to units, an outbox of their own."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    create table notice_matter (
        ticket uuid primary key,
        type text not null,
        channel text,
        category text not null,
        marks text[] not null
    )
    """,
    """
    create table notice (
        id uuid primary key,
        cause uuid not null,
        unit text not null,
        ticket uuid not null,
        number text not null,
        jurisdiction text not null,
        policy text not null,
        round integer not null,
        occasion text not null,
        text text not null,
        made_at timestamptz not null,
        not_before timestamptz not null,
        state text not null,
        reason text,
        attempts integer not null,
        next_attempt_at timestamptz not null default clock_timestamp(),
        settled_at timestamptz,
        constraint notice_cause_unit_key unique (cause, unit)
    ) with (fillfactor = 80)
    """,
    "comment on column notice.cause is 'id of the event that brought it about'",
    "comment on column notice.not_before is 'domain time: quiet hours hold it until then'",
    "comment on column notice.reason is 'why it failed, stays unsent, or is tried again'",
    "comment on column notice.next_attempt_at is 'machine time: the end of a lease or of a pause'",
    "create index notice_unit_id_idx on notice (unit, id)",
    "create index notice_ticket_id_idx on notice (ticket, id)",
    "create index notice_state_id_idx on notice (state, id)",
    "create index notice_waiting_idx on notice (not_before, id) where state = 'waiting'",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)
