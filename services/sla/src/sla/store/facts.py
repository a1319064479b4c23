"""The facts that a ticket's clocks depend on, as rows: kept for as long as the ticket is."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sla.facts import Fact, placed

from .tables import FACT


async def add_fact(connection: AsyncConnection, ticket: UUID, fact: Fact) -> tuple[Fact, bool]:
    """Keep the fact; as it was kept, and whether it should have come before others. The docket is locked."""
    query = select(FACT).where(FACT.c.ticket == ticket, FACT.c.order_at >= fact.at).order_by(FACT.c.ordinal)
    later = [_fact(row) for row in (await connection.execute(query)).mappings()]
    fact, disturbs = placed(fact, later)
    values = {
        "event": fact.event,
        "ticket": ticket,
        "type": fact.type,
        "source": fact.source,
        "at": fact.at,
        "order_at": fact.order_at,
        "round": fact.round,
        "unit": fact.unit,
        "case_id": fact.case,
        "more": dict(fact.more),
    }
    await connection.execute(insert(FACT).values(**values))
    return fact, disturbs


async def facts_of(connection: AsyncConnection, ticket: UUID) -> Sequence[Fact]:
    """All facts of the ticket, as they came."""
    query = select(FACT).where(FACT.c.ticket == ticket).order_by(FACT.c.ordinal)
    return [_fact(row) for row in (await connection.execute(query)).mappings()]


def _fact(row: RowMapping) -> Fact:
    return Fact(
        event=row["event"],
        type=row["type"],
        source=row["source"],
        at=row["at"],
        order_at=row["order_at"],
        round=row["round"],
        unit=row["unit"],
        case=row["case_id"],
        more=row["more"],
    )
