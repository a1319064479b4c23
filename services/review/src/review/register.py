"""Review's own copy of the unit register, as dispatch told: which units there are, and which still stand.

Filled from ``UnitChanged`` alone. A case that names a unit is checked here, so that nobody is asked and no case is
about a unit that never was or is no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import Column, Date, Index, Table, Text, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.clock import local_date
from common.events.dispatch import UnitChanged
from common.events.envelope import Event
from common.messaging.room import Transaction
from common.security.access import jurisdiction_of
from common.web.problems import invalid
from review.docket import METADATA

UNIT: Final = Table(
    "unit",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parent", Text),
    Column("function", Text),
    Column("ended_on", Date),
    Column("successor", Text),
)
Index("unit_function_idx", UNIT.c.jurisdiction, UNIT.c.function)

Unfit = Literal["jurisdiction", "unknown_unit", "unit_ended"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. ``ended_on`` is the first day on which it no longer exists; ``function`` its part for the hotline."""

    code: str
    jurisdiction: str
    name: str
    kind: str
    parent: str | None = None
    function: str | None = None
    ended_on: date | None = None
    successor: str | None = None

    def stands(self, on: date) -> bool:
        return self.ended_on is None or on < self.ended_on


async def keep(tx: Transaction, event: Event) -> None:
    """Consumer of ``UnitChanged``: the whole row, new or changed."""
    told = event.data
    assert isinstance(told, UnitChanged)
    row = {
        "jurisdiction": told.jurisdiction,
        "name": told.name,
        "kind": told.kind,
        "parent": told.parent,
        "function": told.function,
        "ended_on": told.ended_on,
        "successor": told.successor,
    }
    upsert = insert(UNIT).values(code=told.unit, **row)
    await tx.connection.execute(upsert.on_conflict_do_update(index_elements=["code"], set_=row))


async def standing(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, Unit]:
    """The units of these codes that the register holds, ended ones among them; a missing code is unknown."""
    query = select(UNIT).where(UNIT.c.code.in_(set(codes)))
    return {row.code: _unit(row) for row in await connection.execute(query)}


async def with_function(connection: AsyncConnection, jurisdiction: str, functions: Iterable[str]) -> Sequence[Unit]:
    """The jurisdiction's units that play one of these parts for the hotline, by code; ended ones among them."""
    query = select(UNIT).where(UNIT.c.jurisdiction == jurisdiction, UNIT.c.function.in_(set(functions)))
    return [_unit(row) for row in await connection.execute(query.order_by(UNIT.c.code))]


def _unit(row: Any) -> Unit:
    return Unit(**row._mapping)


def unfit(units: Mapping[str, Unit], code: str, jurisdiction: str, on: date) -> Unfit | None:
    """Why a case of the jurisdiction cannot name this unit on that day; None: it can."""
    if jurisdiction_of(code) != jurisdiction:
        return "jurisdiction"
    unit = units.get(code)
    if unit is None:
        return "unknown_unit"
    return None if unit.stands(on) else "unit_ended"


async def require_standing(tx: Transaction, jurisdiction: str, field: str, codes: Sequence[str]) -> dict[str, Unit]:
    """The units as the register has them; 422 naming the field, and of several its place, for one that is unfit."""
    if not codes:
        return {}
    units = await standing(tx.connection, codes)
    for place, code in enumerate(codes):
        reason = unfit(units, code, jurisdiction, local_date(tx.now))
        if reason is not None:
            named = field if len(codes) == 1 else f"{field}.{place}"
            raise invalid(named, reason, _sentence(reason, units.get(code)))
    return units


def _sentence(reason: Unfit, unit: Unit | None) -> str:
    if reason == "jurisdiction":
        return "应为本地区的单位。"
    if unit is None:
        return "单位库中没有该单位。"
    follows = f"，由 {unit.successor} 承继" if unit.successor else ""
    return f"该单位已自 {unit.ended_on} 起撤销{follows}。"
