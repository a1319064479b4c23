"""Somebody who stands before the embedded database: turns callers away as a server that recovers does, or falls silent
as one does whose machine is gone."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"
_RECOVERING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is not yet accepting connections\0\0"


class Doorkeeper:
    """``turn_away``: how many callers to come are turned away. ``silent``: nothing is passed on any more."""

    def __init__(self, behind: Path) -> None:
        self._behind = behind
        self.turn_away = 0
        self.silent = False
        self._let_in: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End every connection, as a server that crashes does."""
        for writer in self._let_in:
            writer.transport.abort()

    @asynccontextmanager
    async def standing_in(self, folder: Path) -> AsyncIterator[None]:
        """Callers find the database in that socket folder."""
        server = await asyncio.start_unix_server(self._serve, folder / _SOCKET)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.turn_away > 0:
                self.turn_away -= 1
                length = struct.unpack("!i", await reader.readexactly(4))[0]
                await reader.readexactly(length - 4)
                writer.write(b"E" + struct.pack("!i", len(_RECOVERING) + 4) + _RECOVERING)
                await writer.drain()
            else:
                inner_reader, inner_writer = await asyncio.open_unix_connection(self._behind / _SOCKET)
                self._let_in.add(writer)
                await asyncio.gather(self._pass_on(reader, inner_writer), self._pass_on(inner_reader, writer))
        self._let_in.discard(writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(65536):
                if not self.silent:
                    writer.write(some)
                    await writer.drain()
        writer.close()
