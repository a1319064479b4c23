"""Writing registrations: those that come together are written together, with one round trip and one commit.

This is the suite's one hot path (P1): asyncpg without the layers above it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Database
from common.web.idempotency import Keyed
from common.web.problems import Problem, unavailable

from .rows import REGISTER, REGISTER_CLAIMED, NewTicket

_MOST: Final = 64
"""Registrations in one statement."""
_WRITERS: Final = 2
"""While one writer waits for its commit, the other gathers what has come meanwhile."""


@dataclass(frozen=True, slots=True)
class _Entry:
    new: NewTicket
    keyed: Keyed
    told: "asyncio.Future[str | None]"


@dataclass(slots=True)
class Register:
    """The registrations that wait to be written, and who writes them. Each is answered after its commit."""

    database: Database
    _waiting: list[_Entry] = field(default_factory=list)
    _writers: set["asyncio.Task[None]"] = field(default_factory=set)

    async def enter(self, new: NewTicket, keyed: Keyed) -> str | None:
        """Register and commit; the answer's JSON, or None when the key is known or the number restricted.

        Raises 503 when the database cannot take it now; whether it was written is then unknown, and a repeat tells.
        """
        entry = _Entry(new, keyed, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if len(self._writers) < _WRITERS:
            writer = asyncio.create_task(self._write())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        return await entry.told

    async def _write(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                await self._together(entries)
            except Problem as unavailable_now:
                _refuse(entries, unavailable_now)
            except Exception as error:
                if len(entries) == 1:
                    _refuse(entries, error)
                    continue
                for entry in entries:  # one of them is at fault; the others must not suffer for it
                    try:
                        await self._together([entry])
                    except Exception as its_own:
                        _refuse([entry], its_own)

    async def _together(self, entries: Sequence[_Entry]) -> None:
        # Of two attempts with one key the first is written; the second finds its key known.
        first = {(one.keyed.client, one.keyed.endpoint, one.keyed.key): one for one in reversed(entries)}
        values = [one.new.values(one.keyed) for one in first.values()]
        async with _direct(self.database) as direct:
            rows = await direct.fetch(REGISTER, *map(list, zip(*values, strict=True)))
        told = {row["id"]: row["told"] for row in rows}
        for entry in entries:
            if not entry.told.done():  # whoever asked may have gone
                entry.told.set_result(told.get(entry.new.id))


def _refuse(entries: Sequence[_Entry], error: Exception) -> None:
    for entry in entries:
        if not entry.told.done():
            entry.told.set_exception(error)


async def register_claimed(connection: AsyncConnection, new: NewTicket) -> str:
    """Register within the caller's transaction, which has claimed the key; the answer's JSON."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    with _told_apart():
        row = await raw.fetchrow(REGISTER_CLAIMED, *([value] for value in new.values(None)))
    answer: str = row["told"]
    return answer


@asynccontextmanager
async def _direct(database: Database) -> AsyncIterator[Any]:
    """A pooled connection without its transaction: asyncpg commits each statement by itself."""
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        if raw.is_closed():  # the server went away while it lay in the pool
            await connection.invalidate()
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
        try:
            with _told_apart():
                yield raw
        except Problem as refused:
            if isinstance(refused.__cause__, _LOST):
                await connection.invalidate()
            raise


@contextmanager
def _told_apart() -> Iterator[None]:
    """What may succeed a moment later is a 503 that is kept with its instant; asyncpg's own errors do not say so."""
    try:
        yield
    except _LOST as lost:
        raise unavailable() from lost
    except asyncpg.PostgresError as refused:
        if refused.sqlstate in _TRANSIENT:
            raise unavailable() from refused
        raise


_LOST: Final = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    # The server's farewell came while the connection lay idle: its protocol state fits nothing any more.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_TRANSIENT: Final = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "25P03"})
"""Deadlock, a lock not got, the server stopping: worth another try, unchanged."""
