"""The running numbers of a local day, handed out from blocks."""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import Column, Date, Integer, Table, Text, text

from common.database import Database
from intake.docket import METADATA

Table(
    "number_block",
    METADATA,
    Column("jurisdiction", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("last", Integer, nullable=False),
)


@dataclass(slots=True)
class Numbers:
    """Hands out the running numbers of a local day, from blocks taken out of the table.

    Unique across processes; a process that ends leaves a gap.
    """

    database: Database
    size: int = 50
    _blocks: dict[str, tuple[date, int, int]] = field(default_factory=dict)
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def next(self, jurisdiction: str, day: date) -> int:
        """The next number of that jurisdiction's day, from 1."""
        drawn = self._draw(jurisdiction, day)
        if drawn is None:
            async with self._taking:
                drawn = self._draw(jurisdiction, day)  # somebody else may have taken a block meanwhile
                if drawn is None:
                    last = await self._take(jurisdiction, day)
                    self._blocks[jurisdiction] = (day, last - self.size + 2, last)
                    drawn = last - self.size + 1
        return drawn

    def _draw(self, jurisdiction: str, day: date) -> int | None:
        block_day, following, last = self._blocks.get(jurisdiction, (day, 1, 0))
        if block_day != day or following > last:
            return None
        self._blocks[jurisdiction] = (day, following + 1, last)
        return following

    async def _take(self, jurisdiction: str, day: date) -> int:
        async with self.database.engine.begin() as connection:
            taken = await connection.execute(_TAKE_BLOCK, {"jurisdiction": jurisdiction, "day": day, "size": self.size})
            return int(taken.scalar_one())


_TAKE_BLOCK: Final = text(
    """
    insert into number_block as b (jurisdiction, day, last) values (:jurisdiction, :day, :size)
    on conflict (jurisdiction, day) do update set last = b.last + excluded.last
    returning last
    """
)
