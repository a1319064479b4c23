"""The tables of the unit register: units and their officers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, Final

from sqlalchemy import ARRAY, Boolean, Column, Date, Integer, Row, Table, Text, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatch.docket import METADATA
from dispatch.units.rules import Officer, Unit

UNIT: Final = Table(
    "unit",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parent", Text),
    Column("leader", Text, comment="account of the leader in charge"),
    Column("handlers", ARRAY(Text), nullable=False, comment="accounts of the named handlers"),
    Column("kafka_feed", Boolean, nullable=False),
    Column("ended_on", Date),
    Column("successor", Text),
    Column("version", Integer, nullable=False),
    Column("office", Text, comment="name of the responsible office"),
    Column("function", Text),
    Column("duty_contact", Text, comment="telephone number or webhook address; never announced"),
)
OFFICER: Final = Table(
    "officer",
    METADATA,
    Column("unit", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("duties", ARRAY(Text), nullable=False, comment="leader, handler, duty; empty: no longer with the unit"),
    Column("substitute", Text),
    Column("absent_from", Date),
    Column("absent_to", Date),
    Column("version", Integer, nullable=False),
)
_NAMES: Final = [field.name for field in fields(Unit)]
_OFFICER_NAMES: Final = [field.name for field in fields(Officer)]


async def lock_register(connection: AsyncConnection, jurisdiction: str) -> None:
    """One edit of a jurisdiction's register at a time: two at once could make a circle of parents that neither sees."""
    await connection.execute(_LOCK_REGISTER, {"jurisdiction": jurisdiction})


async def find(connection: AsyncConnection, code: str) -> tuple[Unit, int] | None:
    """The row and its version."""
    row = (await connection.execute(select(UNIT).where(UNIT.c.code == code))).one_or_none()
    return None if row is None else (_unit(row), row.version)


async def of_jurisdiction(connection: AsyncConnection, jurisdiction: str) -> Mapping[str, Unit]:
    rows = await connection.execute(select(UNIT).where(UNIT.c.code.startswith(f"{jurisdiction}.", autoescape=True)))
    return {row.code: _unit(row) for row in rows}


async def page(
    connection: AsyncConnection, jurisdiction: str | None, after: str, most: int
) -> Sequence[tuple[Unit, int]]:
    """Rows by code, each with its version; of one jurisdiction, or of all."""
    query = select(UNIT).where(UNIT.c.code > after).order_by(UNIT.c.code).limit(most)
    if jurisdiction is not None:
        query = query.where(UNIT.c.code.startswith(f"{jurisdiction}.", autoescape=True))
    return [(_unit(row), row.version) for row in await connection.execute(query)]


async def standing(connection: AsyncConnection, codes: Collection[str]) -> Mapping[str, Unit]:
    """The rows of these units, kept from changing until the transaction ends: nobody ends a unit while a ticket is
    being sent to it."""
    query = select(UNIT).where(UNIT.c.code.in_(codes)).order_by(UNIT.c.code).with_for_update(read=True)
    return {row.code: _unit(row) for row in await connection.execute(query)}


async def above(connection: AsyncConnection, code: str) -> Sequence[Unit]:
    """The units above this one, the nearest first. The register has no circles."""
    rows = {row.code: _unit(row) for row in await connection.execute(_ABOVE, {"code": code})}
    found: list[Unit] = []
    over = rows[code].parent if code in rows else None
    while over is not None and over in rows:
        found.append(rows[over])
        over = rows[over].parent
    return found


async def officers_of(connection: AsyncConnection, codes: Collection[str]) -> Mapping[str, Mapping[str, Officer]]:
    """Each unit's officers by account; every unit asked for has its entry."""
    found: dict[str, dict[str, Officer]] = {code: {} for code in codes}
    rows = await connection.execute(select(OFFICER).where(OFFICER.c.unit.in_(codes)).order_by(OFFICER.c.account))
    for row in rows:
        found[row.unit][row.account] = _officer(row)
    return found


async def officer_versions(connection: AsyncConnection, unit: str) -> Sequence[tuple[Officer, int]]:
    """The unit's officers by account, each with its version."""
    rows = await connection.execute(select(OFFICER).where(OFFICER.c.unit == unit).order_by(OFFICER.c.account))
    return [(_officer(row), row.version) for row in rows]


async def write_officer(connection: AsyncConnection, officer: Officer, version: int) -> None:
    """Write the row as that version; the register's lock is held."""
    row = {name: getattr(officer, name) for name in _OFFICER_NAMES}
    written = insert(OFFICER).values({**row, "duties": list(officer.duties), "version": version})
    keys = ("unit", "account")
    fresh = {name: written.excluded[name] for name in (*_OFFICER_NAMES, "version") if name not in keys}
    await connection.execute(written.on_conflict_do_update(index_elements=keys, set_=fresh))


async def standing_or_heirs(connection: AsyncConnection, codes: Collection[str], on: date) -> Mapping[str, str]:
    """For each unit the one that a ticket goes to on that day: itself, or the last of its successors; none for a unit
    that is not there or ended without one. The rows stay as they are until the transaction ends.
    """
    followed = {code: code for code in codes}
    found: dict[str, str] = {}
    while followed:
        rows = await standing(connection, set(followed.values()))
        for code, now in tuple(followed.items()):
            unit = rows.get(now)
            if unit is None or (unit.ended(on) and unit.successor is None):
                del followed[code]
            elif unit.ended(on) and unit.successor is not None:
                followed[code] = unit.successor
            else:
                found[code] = followed.pop(code)
    return found


async def add(connection: AsyncConnection, unit: Unit) -> bool:
    """Enter a unit; False when its code is taken."""
    entered = insert(UNIT).values({**_columns(unit), "version": 1}).on_conflict_do_nothing().returning(UNIT.c.code)
    return (await connection.execute(entered)).first() is not None


async def change(connection: AsyncConnection, unit: Unit, version: int) -> bool:
    """Write the row over that version; False when somebody else was faster."""
    written = (
        update(UNIT)
        .where(UNIT.c.code == unit.code, UNIT.c.version == version)
        .values({**_columns(unit), "version": version + 1})
        .returning(UNIT.c.code)
    )
    return (await connection.execute(written)).first() is not None


def _columns(unit: Unit) -> dict[str, Any]:
    return {**{name: getattr(unit, name) for name in _NAMES}, "handlers": list(unit.handlers)}


def _unit(row: Row[Any]) -> Unit:
    return Unit(**{**{name: row._mapping[name] for name in _NAMES}, "handlers": tuple(row.handlers)})


def _officer(row: Row[Any]) -> Officer:
    given = {name: row._mapping[name] for name in _OFFICER_NAMES}
    return Officer(**{**given, "duties": tuple(row.duties)})


_ABOVE: Final = text(
    """
    with recursive chain as (
        select u.* from unit u where u.code = :code
        union
        select u.* from unit u join chain c on u.code = c.parent
    )
    select * from chain
    """
)
_LOCK_REGISTER: Final = text("select pg_advisory_xact_lock(hashtextextended('unit register ' || :jurisdiction, 0))")
