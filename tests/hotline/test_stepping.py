"""The simulated clock does not wait for ever: who keeps it waiting is named."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs
from tests.conftest import FreshDatabase
from tests.support.doorkeeper import Doorkeeper
from tests.support.wire import alone

from common.clock import SimulatedClock
from common.runtime import service as runtime
from hotline.children import ChildProcess, private_client
from hotline.stepping import NoQuiet, Reading, Stepper
from hotline.suite import Suite
from review.service import build

NOW = datetime.fromisoformat("2025-01-02T08:00:00+00:00")


class Told:
    """A process that tells what it is asked to tell."""

    def __init__(self, *readings: Callable[[], Reading]) -> None:
        self._readings = list(readings)
        self.moving = False

    async def read(self) -> Reading:
        return (self._readings.pop(0) if len(self._readings) > 1 else self._readings[0])()

    async def put(self, now: datetime, *, moving: bool) -> None:
        self.moving = moving


def quiet() -> Reading:
    return Reading(NOW, None, (), {})


def busy() -> Reading:
    return Reading(NOW, None, ("sla: consumer",), {})


async def complaint(*children: Told | ChildProcess | Suite, seconds: float = 0.2) -> str:
    """What the stepper says when it gives up; it logs the same, as an error."""
    stepper = Stepper(lambda: children, lambda _: None, patience_seconds=seconds)
    with capture_logs() as logs, pytest.raises(NoQuiet) as raised:
        await stepper.advance(NOW + timedelta(days=1))
    [error] = [line for line in logs if line["log_level"] == "error"]
    assert error["event"] == "no quiet"
    said = str(raised.value)
    assert said.startswith("no quiet within ")
    assert said.endswith(", ".join(error["busy"]))
    return said.partition(" s: ")[2]


async def test_who_is_busy_is_named_and_commands_are_taken_again() -> None:
    one, two = Told(quiet), Told(quiet, busy)
    assert await complaint(one, two) == "sla: consumer"
    assert (one.moving, two.moving) == (False, False)


async def test_when_nobody_is_busy_and_the_dues_do_not_stand_still_that_is_said() -> None:
    dues = iter(range(1_000_000))
    restless = Told(lambda: Reading(NOW, NOW + timedelta(seconds=next(dues)), (), {}))
    assert await complaint(restless) == "nobody is busy, and what is due changes"


async def test_a_process_that_is_not_there_and_one_that_stands_still_are_named(tmp_path: Path) -> None:
    gone = ChildProcess("intake", (), {}, tmp_path / "gone")
    frozen = ChildProcess("dispatch", (), {}, tmp_path / "frozen")
    for child in (gone, frozen):
        child._client = private_client(child.socket, seconds=0.1)
    async with await asyncio.start_unix_server(_say_nothing, frozen.socket):
        assert await complaint(gone, frozen, seconds=1) == "dispatch: no answer, intake: starting"
        for child in (gone, frozen):
            await child.stop()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_after_the_database_crashed_the_service_is_named_until_it_is_back(
    database: FreshDatabase, tmp_path: Path
) -> None:
    async with reviewing(database, tmp_path) as (suite, before):
        before.turn_away = 1_000_000
        before.cut()
        assert await complaint(suite, seconds=1) == "review: database"
        before.turn_away = 0
        moved = await Stepper(lambda: [suite], lambda _: None).advance(NOW + timedelta(days=1))
        assert moved.now == NOW + timedelta(days=1)


async def test_a_service_whose_state_cannot_be_asked_is_named(
    database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_STATE_SECONDS", 0.2)
    async with reviewing(database, tmp_path) as (suite, _):
        held = await asyncpg.connect(database.admin_url)
        async with held.transaction():
            await held.execute("lock table review.outbox in access exclusive mode")
            assert await complaint(suite, seconds=1) == "review: no answer from database or bus"
        await held.close()


@asynccontextmanager
async def reviewing(database: FreshDatabase, folder: Path) -> AsyncIterator[tuple[Suite, Doorkeeper]]:
    """``review``, running, with a doorkeeper before its database."""
    name, _, sockets = database.admin_url.partition("?host=")
    before = Doorkeeper(Path(sockets))
    behind = FreshDatabase(f"{name}?host={folder}")
    async with before.standing_in(folder), alone(build, behind, SimulatedClock(NOW), folder) as found:
        await found.service.start()
        yield Suite(found.around, [found.service]), before
