"""Starting while database or bus take no connections yet: asked again with growing pauses, for a bounded time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from common.database import is_transient
from common.messaging.bus import BusUnavailable

log = structlog.get_logger()

PATIENCE_SECONDS: Final = 60.0
"""A database that recovers from a crash may take its time."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0

_T = TypeVar("_T")


class Unreachable(RuntimeError):
    """Database or bus took no connections for too long; the text says so in one sentence."""


async def when_reachable(what: str, work: Callable[[], Awaitable[_T]], seconds: float = PATIENCE_SECONDS) -> _T:
    """Do ``work``, which does nothing but ask ``what`` (the database, the bus), as soon as that answers.

    Raises :class:`Unreachable` when it does not in time; any other error at once.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await work()
        except Exception as error:
            if not (is_transient(error) or isinstance(error, BusUnavailable)):
                raise
            if loop.time() + pause > give_up:
                why = _reason(error)
                raise Unreachable(f"The {what} could not be used within {seconds:.0f} s ({why}).") from error
            if pause == _FIRST_PAUSE_SECONDS:
                log.warning("waiting to start", wanted=what, why=_reason(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _reason(error: BaseException) -> str:
    """The kind of error at the root, never its text: that may quote addresses and passwords."""
    while (cause := error.__cause__) is not None:
        error = cause
    return type(error).__name__
