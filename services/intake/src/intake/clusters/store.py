"""Clusters, and the tickets that belong to each."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Index, Integer, RowMapping, Table, Text, exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from intake.clusters.rules import Demand
from intake.docket import METADATA, TICKET

CLUSTER = Table(
    "cluster",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, comment="the first instant at which no ticket joins any more"),
    Column("basis", JSONB, nullable=False),
    Column("detected_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Text),
    Column("text", Text, comment="the unit's study of the demands, masked"),
    Column("measure", Text, comment="masked"),
)
Index("cluster_jurisdiction_idx", CLUSTER.c.jurisdiction, CLUSTER.c.id)
Index("cluster_unit_idx", CLUSTER.c.unit, CLUSTER.c.category, CLUSTER.c.id)

CLUSTER_TICKET = Table(
    "cluster_ticket",
    METADATA,
    Column("cluster", PgUUID, primary_key=True),
    Column("ticket", PgUUID, primary_key=True),
)
Index("cluster_ticket_ticket_idx", CLUSTER_TICKET.c.ticket)

PUSH = Table(
    "cluster_push",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("cluster", PgUUID, nullable=False),
    Column("number", Text, nullable=False, comment="the push's own number: year and running number of the city"),
    Column("times_pushed", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("content", Text, nullable=False, comment="masked"),
    Column("pushed_at", Instant, nullable=False),
    Column("pushed_by", Text, nullable=False),
    Column("answered_at", Instant),
)
Index("cluster_push_cluster_idx", PUSH.c.cluster, PUSH.c.times_pushed, unique=True)

# Counting reads a unit's tickets of one category, the latest days of them.
Index("ticket_unit_category_idx", TICKET.c.unit, TICKET.c.category, TICKET.c.received_at)

_LOCK: Final = text("select pg_advisory_xact_lock(hashtextextended(:unit || ' ' || :category, 1))")
COUNT: Final = select(func.count()).where(CLUSTER_TICKET.c.cluster == CLUSTER.c.id).correlate(CLUSTER).scalar_subquery()


async def lock(connection: AsyncConnection, unit: str, category: str) -> None:
    """Tickets that are dispatched at once are counted one after the other: one of them opens the cluster."""
    await connection.execute(_LOCK, {"unit": unit, "category": category})


async def demand_of(connection: AsyncConnection, ticket: UUID) -> tuple[Demand, str] | None:
    """The ticket, and its category."""
    columns = (TICKET.c.type, TICKET.c.received_at, TICKET.c.category)
    row = (await connection.execute(select(*columns).where(TICKET.c.id == ticket))).one_or_none()
    return None if row is None else (Demand(ticket, row.type, row.received_at), row.category)


async def uncounted(connection: AsyncConnection, unit: str, category: str, since: datetime) -> list[Demand]:
    """The unit's tickets of the category received since then that belong to no cluster of both."""
    counted = exists().where(
        CLUSTER_TICKET.c.ticket == TICKET.c.id,
        CLUSTER.c.id == CLUSTER_TICKET.c.cluster,
        CLUSTER.c.unit == unit,
        CLUSTER.c.category == category,
    )
    query = select(TICKET.c.id, TICKET.c.type, TICKET.c.received_at).where(
        TICKET.c.unit == unit, TICKET.c.category == category, TICKET.c.received_at >= since, ~counted
    )
    return [Demand(row.id, row.type, row.received_at) for row in await connection.execute(query)]


async def open_at(connection: AsyncConnection, unit: str, category: str, at: datetime) -> RowMapping | None:
    """The cluster that further tickets join, kept from being answered until the transaction ends."""
    rows = CLUSTER.c
    query = select(rows.id, rows.starts_at).where(
        rows.unit == unit, rows.category == category, rows.answered_at.is_(None), rows.ends_at > at
    )
    latest = query.order_by(rows.id.desc()).limit(1).with_for_update(read=True)
    return (await connection.execute(latest)).mappings().one_or_none()


async def add(connection: AsyncConnection, **row: Any) -> None:
    await connection.execute(insert(CLUSTER).values(**row))


async def join(connection: AsyncConnection, cluster: UUID, tickets: Iterable[UUID]) -> None:
    """Add tickets; one that belongs to the cluster already stays as it is."""
    rows = [{"cluster": cluster, "ticket": ticket} for ticket in tickets]
    await connection.execute(insert_once(CLUSTER_TICKET).on_conflict_do_nothing(), rows)


async def load(connection: AsyncConnection, cluster: UUID, *, lock: bool = False) -> RowMapping | None:
    """One cluster with its count; with ``lock`` nobody else answers it until the transaction ends."""
    query = select(*CLUSTER.c, COUNT.label("count")).where(CLUSTER.c.id == cluster)
    found = await connection.execute(query.with_for_update(of=CLUSTER) if lock else query)
    return found.mappings().one_or_none()


async def tickets_of(connection: AsyncConnection, cluster: UUID) -> list[RowMapping]:
    """Id and number of its tickets, in the order of their receipt."""
    joined = CLUSTER_TICKET.join(TICKET, TICKET.c.id == CLUSTER_TICKET.c.ticket)
    query = select(TICKET.c.id, TICKET.c.number).select_from(joined).where(CLUSTER_TICKET.c.cluster == cluster)
    return list((await connection.execute(query.order_by(TICKET.c.received_at, TICKET.c.id))).mappings())


async def pushes_of(connection: AsyncConnection, cluster: UUID) -> list[RowMapping]:
    """The pushes of a cluster, the first one first."""
    query = select(*PUSH.c).where(PUSH.c.cluster == cluster).order_by(PUSH.c.times_pushed)
    return list((await connection.execute(query)).mappings())


async def add_push(connection: AsyncConnection, jurisdiction: str, year: int, **row: Any) -> str:
    """Keep a push; returns its number, the next of the jurisdiction and year."""
    await connection.execute(_LOCK, {"unit": jurisdiction, "category": f"push {year}"})
    counted = (
        select(func.count())
        .select_from(PUSH.join(CLUSTER, CLUSTER.c.id == PUSH.c.cluster))
        .where(CLUSTER.c.jurisdiction == jurisdiction, PUSH.c.number.like(f"{year}-%"))
    )
    number = f"{year}-{(await connection.execute(counted)).scalar_one() + 1:03d}"
    await connection.execute(insert(PUSH).values(number=number, **row))
    return number


async def answer_push(connection: AsyncConnection, push: UUID, at: datetime) -> None:
    await connection.execute(update(PUSH).where(PUSH.c.id == push).values(answered_at=at))


async def channels_of(connection: AsyncConnection, cluster: UUID) -> tuple[str, ...]:
    """The channels through which its tickets came."""
    joined = CLUSTER_TICKET.join(TICKET, TICKET.c.id == CLUSTER_TICKET.c.ticket)
    query = select(TICKET.c.channel).distinct().select_from(joined).where(CLUSTER_TICKET.c.cluster == cluster)
    return tuple((await connection.execute(query.order_by(TICKET.c.channel))).scalars())


async def keep_answer(connection: AsyncConnection, cluster: UUID, **row: Any) -> None:
    await connection.execute(update(CLUSTER).where(CLUSTER.c.id == cluster).values(**row))
