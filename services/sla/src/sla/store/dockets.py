"""What sla knows of a ticket, as rows."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.vocabulary import Anchor, ImposedLimit, LegalLimit
from sla.docket import Concluded, Docket, Registration

from .tables import DOCKET


async def fill_docket(connection: AsyncConnection, docket: Docket) -> None:
    """Open a ticket's docket."""
    await connection.execute(insert(DOCKET).values(**_docket_values(docket)))


async def load_docket(connection: AsyncConnection, ticket: UUID, *, lock: bool = False) -> Docket | None:
    """The docket; locked, it closes every race about the ticket in this service: it is the first lock of all."""
    query = select(DOCKET).where(DOCKET.c.ticket == ticket)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return _docket(row) if row else None


async def open_dockets(connection: AsyncConnection, policy: str, after: UUID | None, most: int) -> list[Docket]:
    """Tickets under that version that have not ended, those registered first first, after that one."""
    query = select(DOCKET).where(DOCKET.c.policy == policy, DOCKET.c.ended_at.is_(None), DOCKET.c.about == "ticket")
    if after is not None:
        query = query.where(DOCKET.c.ticket > after)
    rows = (await connection.execute(query.order_by(DOCKET.c.ticket).limit(most))).mappings()
    return [_docket(row) for row in rows]


async def change_docket(connection: AsyncConnection, docket: Docket) -> None:
    """Write down what the ticket says now, who holds it, and its round."""
    await connection.execute(update(DOCKET).where(DOCKET.c.ticket == docket.ticket).values(**_docket_values(docket)))


async def lock_dockets(connection: AsyncConnection, tickets: Collection[UUID]) -> dict[UUID, Docket]:
    """Lock those dockets that nobody holds at this moment; the others are somebody's work already."""
    query = select(DOCKET).where(DOCKET.c.ticket.in_(tickets)).order_by(DOCKET.c.ticket)
    rows = (await connection.execute(query.with_for_update(skip_locked=True))).mappings()
    return {row["ticket"]: _docket(row) for row in rows}


def _docket_values(docket: Docket) -> dict[str, Any]:
    return {
        "ticket": docket.ticket,
        "number": docket.number,
        "jurisdiction": docket.jurisdiction,
        "policy": docket.policy,
        "type": docket.type,
        "channel": docket.channel,
        "category": docket.category,
        "marks": list(docket.marks),
        "legal_limit": _written(docket.legal_limit),
        "round": docket.round,
        "unit": docket.unit,
        "co_handlers": list(docket.co_handlers),
        "former": list(docket.former),
        "partition": docket.partition,
        "imposed_limit": _written(docket.imposed_limit),
        "concluded": docket.concluded.dump() if docket.concluded else None,
        "readers": list(docket.readers),
        "begun": _written(docket.begun),
        "handling": docket.handling,
        "ended_at": docket.ended_at,
        "heirs": dict(docket.heirs),
        "registration": docket.registration.dump() if docket.registration else None,
        "about": docket.about,
        "officers": dict(docket.officers),
    }


def _written(value: BaseModel | None) -> dict[str, Any] | None:
    return value.model_dump(mode="json") if value is not None else None


def _docket(row: RowMapping) -> Docket:
    return Docket(
        ticket=row["ticket"],
        number=row["number"],
        jurisdiction=row["jurisdiction"],
        policy=row["policy"],
        type=row["type"],
        channel=row["channel"],
        category=row["category"],
        marks=tuple(row["marks"]),
        legal_limit=LegalLimit.model_validate(row["legal_limit"]) if row["legal_limit"] else None,
        round=row["round"],
        unit=row["unit"],
        co_handlers=tuple(row["co_handlers"]),
        former=tuple(row["former"]),
        partition=row["partition"],
        imposed_limit=ImposedLimit.model_validate(row["imposed_limit"]) if row["imposed_limit"] else None,
        concluded=Concluded.parse(row["concluded"]) if row["concluded"] else None,
        readers=tuple(row["readers"]),
        begun=Anchor.model_validate(row["begun"]) if row["begun"] else None,
        handling=row["handling"],
        ended_at=row["ended_at"],
        heirs=row["heirs"],
        registration=Registration.parse(row["registration"]) if row["registration"] else None,
        about=row["about"],
        officers=row["officers"],
    )
