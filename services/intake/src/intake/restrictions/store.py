"""Restrictions: who is restricted stands here only as a blind index and as a number with its middle hidden."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    and_,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant
from intake.docket import METADATA
from intake.restrictions.rules import CallerRestricted

RESTRICTION = Table(
    "restriction",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("phone_index", LargeBinary, nullable=False, comment="blind index of the normalised number"),
    Column("phone_shown", Text, nullable=False, comment="the number with its middle hidden"),
    Column("ground", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("approver", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="masked"),
    Column("referred_to_police", Boolean, nullable=False),
    Column("basis", JSONB, nullable=False),
    Column("imposed_at", Instant, nullable=False),
    Column("imposed_by", Text, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Column("lift_reason", Text, comment="masked"),
)
Index("restriction_phone_index_idx", RESTRICTION.c.phone_index)
Index("restriction_jurisdiction_idx", RESTRICTION.c.jurisdiction, RESTRICTION.c.id)

_LOCK_NUMBER: Final = text("select pg_advisory_xact_lock(hashtextextended(:number, 0))")
SHOWN: Final = tuple(column for column in RESTRICTION.c if column.name != "phone_index")


async def lock_number(connection: AsyncConnection, phone_index: bytes) -> None:
    """Two officials who restrict one number at once: the second one sees what the first has imposed."""
    await connection.execute(_LOCK_NUMBER, {"number": phone_index.hex()})


async def overlapping(
    connection: AsyncConnection, jurisdiction: str, phone_index: bytes, starts_at: datetime, ends_at: datetime
) -> datetime | None:
    """The end of a restriction of the number that stands at some instant of that time."""
    rows = RESTRICTION.c
    query = select(func.max(rows.ends_at)).where(
        rows.phone_index == phone_index,
        rows.jurisdiction == jurisdiction,
        rows.lifted_at.is_(None),
        and_(rows.starts_at < ends_at, rows.ends_at > starts_at),
    )
    found: datetime | None = (await connection.execute(query)).scalar()
    return found


async def refuse_restricted(connection: AsyncConnection, jurisdiction: str, phone_index: bytes, at: datetime) -> None:
    """``CallerRestricted`` when a restriction of the number stands at that instant."""
    rows = RESTRICTION.c
    query = select(rows.basis, rows.ends_at).where(
        rows.phone_index == phone_index,
        rows.jurisdiction == jurisdiction,
        rows.starts_at <= at,
        rows.ends_at > at,
        or_(rows.lifted_at.is_(None), rows.lifted_at > at),
    )
    standing = (await connection.execute(query.order_by(rows.ends_at.desc()).limit(1))).one_or_none()
    if standing is not None:
        raise CallerRestricted(tuple(Basis.model_validate(each) for each in standing.basis), standing.ends_at)


async def add(connection: AsyncConnection, **row: Any) -> None:
    await connection.execute(insert(RESTRICTION).values(**row))


async def load(connection: AsyncConnection, restriction: UUID) -> RowMapping | None:
    """One restriction, locked until the transaction ends: it is lifted once."""
    query = select(*SHOWN).where(RESTRICTION.c.id == restriction).with_for_update()
    return (await connection.execute(query)).mappings().one_or_none()


async def lift(connection: AsyncConnection, restriction: UUID, *, at: datetime, by: str, reason: str) -> None:
    values = {"lifted_at": at, "lifted_by": by, "lift_reason": reason}
    await connection.execute(update(RESTRICTION).where(RESTRICTION.c.id == restriction).values(values))
