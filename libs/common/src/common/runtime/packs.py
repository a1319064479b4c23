"""The versions of packs a service has received: kept as rows, parsed once per process."""

import asyncio
from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, Column, Date, MetaData, Table, Text, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.database import Database, Instant
from common.events.envelope import Event
from common.events.sla import PolicyActivated
from common.messaging.room import Transaction
from common.messaging.runner import Transient
from common.policy.pack import Pack, in_force, parse_pack

# json, not jsonb: the registers of a pack stand in the order of its document.
CREATE_POLICY_TABLE = """
create table policy_version (
    version text primary key,
    jurisdiction text not null,
    effective_from date not null,
    effective_to date,
    activated_at timestamptz not null,
    pack json not null
)
"""
_FRESH_SECONDS = 1.0
"""How long the list of versions may be trusted before the table is asked again (machine time)."""


class _Listed(NamedTuple):
    version: str
    activated_at: datetime


class PackShelf:
    """All versions of all packs that have been announced to this service."""

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "policy_version",
            metadata,
            Column("version", Text, primary_key=True),
            Column("jurisdiction", Text, nullable=False),
            Column("effective_from", Date, nullable=False),
            Column("effective_to", Date),
            Column("activated_at", Instant, nullable=False),
            Column("pack", JSON, nullable=False),
        )
        # A version is its content: what was parsed holds for whichever database. The list is each database's own.
        self._parsed: dict[str, Pack] = {}
        self._listed: WeakKeyDictionary[AsyncEngine, tuple[float, tuple[Pack, ...]]] = WeakKeyDictionary()

    async def keep(self, tx: Transaction, event: Event) -> None:
        """Consumer of ``PolicyActivated``."""
        data = event.data
        assert isinstance(data, PolicyActivated)
        await self.put(tx.connection, data)

    async def put(self, connection: AsyncConnection, data: PolicyActivated) -> None:
        at = data.occurred_at
        await connection.execute(
            insert(self.table)
            .values(
                version=data.version,
                jurisdiction=data.jurisdiction,
                effective_from=data.effective_from,
                effective_to=data.effective_to,
                activated_at=at,
                pack=data.pack,
            )
            .on_conflict_do_update(index_elements=["version"], set_={"activated_at": at})
        )

    async def version(self, connection: AsyncConnection, version: str) -> Pack:
        """One version; ``Transient`` while its announcement has not come: events that need it wait."""
        pack = self._parsed.get(version)
        if pack is None:
            query = select(self.table.c.pack).where(self.table.c.version == version)
            content = (await connection.execute(query)).scalar()
            if content is None:
                raise Transient(f"pack {version} is not here yet")
            pack = self._parsed[version] = parse_pack(content)
        return pack

    async def in_force(self, database: Database, jurisdiction: str, at: datetime) -> Pack:
        """The pack in force; ``NoPackInForce`` when none is. The list is about a second old at most."""
        now = asyncio.get_running_loop().time()
        listed_at, listed = self._listed.get(database.engine, (float("-inf"), ()))
        if now - listed_at > _FRESH_SECONDS or not listed:
            if listed:
                self._listed[database.engine] = (now, listed)  # one asks, the others do not wait for the answer
            async with database.engine.connect() as connection:
                listed = await self._all(connection)
            self._listed[database.engine] = (now, listed)
        return in_force(listed, jurisdiction, at)

    async def _all(self, connection: AsyncConnection) -> tuple[Pack, ...]:
        """Every version, the one activated last at the end."""
        query = select(self.table.c.version, self.table.c.activated_at).order_by(
            self.table.c.activated_at, self.table.c.version
        )
        rows = [_Listed(*row) for row in (await connection.execute(query)).all()]
        return tuple([await self.version(connection, row.version) for row in rows])
