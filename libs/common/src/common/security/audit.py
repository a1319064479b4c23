"""Who looked at personal data, when and for what; written in the transaction that shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import BigInteger, Column, Identity, Index, MetaData, Table, Text, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from common.security.access import Principal


def audit_table(metadata: MetaData) -> Table:
    """The audit of one service. Rows are only ever added; ``CREATE_AUDIT`` lets the database refuse the rest."""
    return Table(
        "audit",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("at", Instant, nullable=False),
        Column("account", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("unit", Text),
        Column("action", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("purpose", Text),
        Column("outcome", Text, nullable=False),
        Index("audit_object_idx", "object"),
    )


# What the migration of a service that shows personal data executes, in its own schema.
CREATE_AUDIT: Final = (
    """
    create table audit (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        account text not null,
        role text not null,
        unit text,
        action text not null,
        object text not null,
        purpose text,
        outcome text not null
    )
    """,
    "create index audit_object_idx on audit (object)",
    """
    create function audit_is_only_added_to() returns trigger language plpgsql as
    $$ begin raise exception 'the audit is only added to' using errcode = 'insufficient_privilege'; end $$
    """,
    """
    create trigger audit_is_only_added_to before update or delete or truncate on audit
        for each statement execute function audit_is_only_added_to()
    """,
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look, or one refused look. ``object`` names a thing by its id (``ticket/<id>``), ``at`` is domain time."""

    at: datetime
    action: str
    object: str
    purpose: str | None
    outcome: Literal["shown", "refused"]


async def record(connection: AsyncConnection, table: Table, principal: Principal, *looks: Look) -> None:
    """Add the looks to the audit in the caller's transaction.

    A refused look is recorded in a transaction of its own, before the refusal is raised: raising rolls back.
    """
    if not looks:
        return
    who: dict[str, object] = {"account": principal.account, "role": principal.role, "unit": principal.unit}
    rows = [
        who
        | {
            "at": look.at,
            "action": look.action,
            "object": look.object,
            "purpose": look.purpose,
            "outcome": look.outcome,
        }
        for look in looks
    ]
    await connection.execute(insert(table), rows)
