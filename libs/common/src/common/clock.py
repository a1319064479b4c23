"""The only place that reads the time; everywhere else an instant is an argument.

*Domain time* (``Clock``) decides what is due and every verdict, and can be simulated. *Machine time* decides leases
and retries and comes from the database or the monotonic clock; the ids made here carry it, so that they sort in the
order in which this machine made them, whatever the simulated time says.
"""

import os
import time
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from threading import Lock
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class TimeZoneMissing(RuntimeError):
    """This machine knows no Asia/Shanghai, in which every rule is counted."""


class NaiveInstant(ValueError):
    """An instant without an offset: nobody can say when that was."""


class InstantOutOfRange(ValueError):
    """An instant at the very edge of the years that can be written: it has no counterpart in other time zones."""


class ClockWentBack(ValueError):
    """The simulated time was to be set to an instant that has passed."""


def zone(name: str) -> ZoneInfo:
    """The time zone of that name; ``TimeZoneMissing`` says what to install."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as absent:
        raise TimeZoneMissing(f"time zone {name} is not on this machine: install the Python package tzdata") from absent


#: All rules are counted in this zone and all instants stored in UTC (G-6).
SHANGHAI: Final = zone("Asia/Shanghai")


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC; ``NaiveInstant`` without an offset, ``InstantOutOfRange`` in the years 1 and 9999."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise NaiveInstant(f"{at.isoformat()} has no offset: write 2025-01-01T08:00+08:00 or …Z")
    if not MINYEAR < at.year < MAXYEAR:
        raise InstantOutOfRange(f"{at.isoformat()} is no instant that a hotline could mean")
    return at.astimezone(UTC)


def local_date(at: datetime) -> date:
    """The day on which that instant falls in Shanghai."""
    return in_utc(at).astimezone(SHANGHAI).date()


class Clock(Protocol):
    """Domain time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class RealClock:
    """Domain time is the machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """Domain time is the database's, carried on from one look to the next by this machine's monotonic clock.

    A host whose wall clock is wrong, or jumps, then makes nothing early or late. Until the first look it is the host's.
    """

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._since = 0.0

    def now(self) -> datetime:
        if self._at is None:
            return datetime.now(UTC)
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    @property
    def is_set(self) -> bool:
        return self._at is not None

    def look(self, at: datetime, asked: float, answered: float) -> float:
        """The database said ``at``, asked and answered at these monotonic instants.

        Returns by how many seconds this clock had been off, as far as the answer is sure; 0.0 leaves it as it is.
        """
        half = (answered - asked) / 2
        if self._at is not None:
            off = (at - self._at).total_seconds() - (asked + half - self._since)
            if abs(off) <= half + 0.001:
                return 0.0
        else:
            off = (at - datetime.now(UTC)).total_seconds() + (time.monotonic() - asked - half)
        self._at, self._since = in_utc(at), asked + half
        return off

    def ahead(self) -> float:
        """By how many seconds the host's wall clock is ahead of the database's."""
        return (datetime.now(UTC) - self.now()).total_seconds()


class FrozenClock:
    """Domain time stands still: for tests and for deciding a batch at one instant."""

    def __init__(self, at: datetime) -> None:
        self._at = in_utc(at)

    def now(self) -> datetime:
        return self._at


class SimulatedClock:
    """Domain time is what it was last set to; it never goes back."""

    def __init__(self, at: datetime) -> None:
        self._at = in_utc(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Move on to ``at``; the present instant again is allowed, an earlier one is ``ClockWentBack``."""
        instant = in_utc(at)
        if instant < self._at:
            raise ClockWentBack(
                f"the clock stands at {self._at.isoformat()} and cannot go back to {instant.isoformat()}"
            )
        self._at = instant


class _IdSource:
    """UUIDs of version 7 (RFC 9562): milliseconds, then a counter that makes one process's ids strictly increase."""

    _COUNTER_BITS: Final = 12

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def draw(self) -> UUID:
        entropy = int.from_bytes(os.urandom(10))
        # The counter starts low in its range, at a random place, so that a burst within one millisecond has room
        # to count; a full counter, and a machine clock that was set back, borrow from the next millisecond.
        fresh = (time.time_ns() // 1_000_000) << self._COUNTER_BITS | (entropy >> 70)
        with self._lock:
            self._last = fresh if fresh > self._last else self._last + 1
            drawn = self._last
        milliseconds, counter = drawn >> self._COUNTER_BITS, drawn & 0xFFF
        tail = entropy & ((1 << 62) - 1)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail)


_ids = _IdSource()


def new_id() -> UUID:
    """A new UUIDv7 by machine time; the ids of one process strictly increase."""
    return _ids.draw()


def instant_of(id: UUID) -> datetime | None:
    """When that id was made, by its maker's machine time, to the millisecond; None when it is not a UUIDv7."""
    if id.version != 7:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=id.int >> 80)
