"""What a ticket is about, as the words to units and the territory of a special matter need to know it."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging.room import Transaction
from common.policy.matching import Situation
from dispatch.docket import METADATA

MATTER: Final = Table(
    "notice_matter",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("channel", Text),
    Column("category", Text, nullable=False),
    Column("marks", ARRAY(Text), nullable=False),
)
_REGISTERED: Final = insert(MATTER)
_KEEP_REGISTERED: Final = _REGISTERED.on_conflict_do_update(
    index_elements=["ticket"], set_={"channel": _REGISTERED.excluded.channel}
)


def remember(tx: Transaction, ticket: UUID, situation: Situation) -> None:
    """What a registered ticket is about; written when the transaction ends, for no command reads it before."""
    tx.append(_KEEP_REGISTERED, _row(ticket, situation))


async def change_matter(connection: AsyncConnection, ticket: UUID, situation: Situation) -> None:
    """What an amended ticket is about from now on."""
    row = _row(ticket, situation)
    said = {name: row[name] for name in ("type", "category", "marks")}
    await connection.execute(insert(MATTER).values(row).on_conflict_do_update(index_elements=["ticket"], set_=said))


async def matter_of(connection: AsyncConnection, ticket: UUID) -> Situation | None:
    row = (await connection.execute(select(MATTER).where(MATTER.c.ticket == ticket))).one_or_none()
    if row is None:
        return None
    return Situation(type=row.type, channel=row.channel, category=row.category, marks=frozenset(row.marks))


def _row(ticket: UUID, situation: Situation) -> dict[str, Any]:
    return {
        "ticket": ticket,
        "type": situation.type,
        "channel": situation.channel,
        "category": situation.category,
        "marks": sorted(situation.marks),
    }
