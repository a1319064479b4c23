"""Units, more of the docket, the deadlines that rules read, extensions, supervision."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DOCKET = (
    """
    alter table docket
        add column category text,
        add column marks text[] not null default '{}',
        add column designation jsonb,
        add column sub_units text[] not null default '{}'
    """,
    "alter table docket alter column marks drop default, alter column sub_units drop default",
    "comment on column docket.designation is 'what bound the unit, where it is designated'",
    "comment on column docket.sub_units is 'units that the holder passed the ticket on to; they may read'",
)
_UNIT = (
    """
    create table unit (
        code text primary key,
        jurisdiction text not null,
        name text not null,
        kind text not null,
        parent text,
        function text,
        ended_on date,
        successor text
    )
    """,
    "create index unit_function_idx on unit (jurisdiction, function)",
)
# The windows of returns become deadlines among others; what is known of them stays known.
_DEADLINE = (
    """
    create table deadline (
        ticket uuid,
        kind text,
        round integer,
        unit text,
        matter uuid,
        due_at timestamptz,
        generation integer not null,
        basis jsonb not null,
        allowance jsonb,
        primary key (ticket, kind, round, unit, matter)
    )
    """,
    "comment on column deadline.unit is 'empty: owed by the centre'",
    "comment on column deadline.matter is 'the case it belongs to; all zeros: none'",
    "comment on column deadline.due_at is 'null: none applies to this round'",
    """
    insert into deadline (ticket, kind, round, unit, matter, due_at, generation, basis)
    select ticket, 'return_window', round, unit, '00000000-0000-0000-0000-000000000000', due_at, generation, basis
    from return_window
    """,
    "drop table return_window",
    # The deadline of a case is found by the case.
    """
    create index deadline_matter_idx on deadline (matter, kind)
        where matter <> '00000000-0000-0000-0000-000000000000'
    """,
)
_RETURN = ("alter table return_case add column designation jsonb",)
_EXTENSION = (
    """
    create table extension_case (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        unit text not null,
        state text not null,
        nth integer not null,
        requested_amount integer not null,
        requested_unit text not null,
        reason text,
        plan text,
        papers uuid[] not null,
        filed_at timestamptz not null,
        outcome text,
        decided_ground text,
        by_rule boolean,
        note text,
        granted_amount integer,
        granted_unit text,
        window_due_at timestamptz,
        window_generation integer,
        late boolean,
        basis jsonb,
        decided_at timestamptz,
        told_at timestamptz,
        lapsed_because text
    )
    """,
    "comment on column extension_case.told_at is 'when the unit told the requester, after the grant'",
    # One extension of a round at a time, whatever races.
    """
    create unique index extension_case_unsettled_key on extension_case (ticket, round)
        where state in ('pending', 'queued', 'granted')
    """,
    "create index extension_case_ticket_idx on extension_case (ticket, id)",
    "create index extension_case_state_idx on extension_case (state, id)",
    "create index extension_case_unit_idx on extension_case (unit, id)",
)
_SUPERVISION = (
    """
    create table supervision (
        id uuid primary key,
        ticket uuid not null,
        round integer not null,
        unit text not null,
        form text not null,
        ground text,
        text text not null,
        reply_due boolean not null,
        by_rule boolean not null,
        kind text,
        generation integer,
        due_at timestamptz,
        basis jsonb not null,
        issued_at timestamptz not null,
        reply text,
        attachments uuid[] not null,
        replied_at timestamptz
    )
    """,
    "comment on column supervision.kind is 'by rule: the deadline that came near'",
    "comment on column supervision.generation is 'by rule: which instant of that deadline'",
    "comment on column supervision.due_at is 'by rule: the instant that came near'",
    # A limit that comes near is said once, however often it is announced.
    """
    create unique index supervision_approaching_key on supervision (ticket, round, unit, kind, generation)
        where by_rule
    """,
    "create index supervision_ticket_idx on supervision (ticket, id)",
    "create index supervision_unit_idx on supervision (unit, id)",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in (*_DOCKET, *_UNIT, *_DEADLINE, *_RETURN, *_EXTENSION, *_SUPERVISION):
        op.execute(statement)
