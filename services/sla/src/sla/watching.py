"""The boards that somebody watches: read by one task per process, told to all who watch the same one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging.room import Room
from common.runtime.service import pause
from common.web.edge import Activity

from .board import Counts, Row, Scope, Span, changes, ends
from .store import board_counts, board_ordinal, board_page

MOST_WATCHED: Final = 500
"""Rows of a board that are watched: those due first."""
_LOOK_SECONDS: Final = 1.0
_ANYWAY_SECONDS: Final = 5.0
_LOOKS_AFTER_A_MOVE: Final = 2
"""Counters move before what they count is visible: so many looks more are taken."""
_MOST_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class Watched:
    """One board, and how far ahead it looks."""

    scope: Scope
    span: Span


@dataclass(frozen=True, slots=True)
class Told:
    """The whole board first, then what of it is different."""

    what: Literal["board", "change"]
    at: str
    counts: Counts
    rows: tuple[Row, ...]
    gone: tuple[UUID, ...] = ()


@dataclass(slots=True)
class _Seen:
    counts: Counts
    rows: dict[UUID, Row]


@dataclass(eq=False, slots=True)
class Watcher:
    """One who watches: what it is told waits here, at most so much. None: it is to end."""

    waiting: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))
    whole: bool = False

    def tell(self, told: Told) -> None:
        """One too slow for what is waiting gets the whole board next instead."""
        if self.waiting.full():
            self.whole = False
            while not self.waiting.empty():
                self.waiting.get_nowait()
            return
        self.waiting.put_nowait(told)

    def end(self) -> None:
        while self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(None)


class Watching:
    """The task. Domain time decides what is due, machine time how often it looks."""

    def __init__(self, room: Room, activity: Activity) -> None:
        self._room = room
        self._activity = activity
        self._watchers: dict[Watched, list[Watcher]] = {}
        self._seen: dict[Watched, _Seen] = {}
        self._woken = asyncio.Event()
        self._ordinal = (-1, -1)
        self._looks_left = 0
        self._looked_when = float("-inf")
        self.looked_at: str | None = None
        """Domain time of the last look that read the boards."""

    @contextmanager
    def watch(self, board: Watched) -> Iterator[Watcher]:
        """Watch a board for as long as the context is open."""
        watcher = Watcher()
        self._watchers.setdefault(board, []).append(watcher)
        self._woken.set()
        try:
            yield watcher
        finally:
            self._watchers[board].remove(watcher)
            if not self._watchers[board]:
                del self._watchers[board]
                self._seen.pop(board, None)

    async def run(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            if self._activity.ending:
                self._end_all()
            began = loop.time()
            if self._watchers and not self._activity.ending:
                await self.look()
            # A look that took long rests long, so that boards never take more than a fifth of the time.
            await self._rest(stopping, max(_LOOK_SECONDS, 4 * (loop.time() - began)))
        self._end_all()

    async def _rest(self, stopping: asyncio.Event, seconds: float) -> None:
        waiting = asyncio.create_task(self._woken.wait())
        try:
            resting = asyncio.create_task(pause(stopping, seconds))
            await asyncio.wait((waiting, resting), return_when=asyncio.FIRST_COMPLETED)
            resting.cancel()
        finally:
            waiting.cancel()
        self._woken.clear()

    def _end_all(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    async def look(self) -> None:
        """Read the watched boards if anything may be different, and tell what is."""
        now = asyncio.get_running_loop().time()
        async with self._room.database.engine.connect() as connection:
            ordinal = await board_ordinal(connection)
            if ordinal != self._ordinal:
                self._ordinal, self._looks_left = ordinal, 1 + _LOOKS_AFTER_A_MOVE
            anyway = now - self._looked_when >= _ANYWAY_SECONDS
            stale = self._looks_left > 0 or anyway
            self._looks_left = max(0, self._looks_left - 1)
            self._looked_when = now if stale else self._looked_when
            looking_at = self._room.clock.now().isoformat()
            for board, watchers in list(self._watchers.items()):
                if stale or any(not watcher.whole for watcher in watchers):
                    await self._look_at(connection, board)
            self.looked_at = looking_at if stale else self.looked_at

    async def _look_at(self, connection: AsyncConnection, board: Watched) -> None:
        now = self._room.clock.now()
        until = ends(now)
        page = await board_page(connection, board.scope, now, until.of(board.span), MOST_WATCHED)
        seen = _Seen(await board_counts(connection, board.scope, now, until), {row.id: row for row in page})
        before = self._seen.get(board)
        at = now.isoformat()
        fresh, gone = changes(before.rows if before else {}, seen.rows)
        different = before is None or bool(fresh or gone) or before.counts != seen.counts
        for watcher in self._watchers.get(board, ()):
            if not watcher.whole:
                watcher.whole = True
                watcher.tell(Told("board", at, seen.counts, tuple(page)))
            elif different:
                watcher.tell(Told("change", at, seen.counts, tuple(fresh), tuple(gone)))
        if board in self._watchers:
            self._seen[board] = seen
