"""A service's background work outlives what happens to it."""

import asyncio
from pathlib import Path

import pytest
from tests.conftest import FreshDatabase
from tests.support.wire import alone

from common.clock import RealClock
from review.service import build


@pytest.mark.parametrize("trouble", [ConnectionResetError(), ZeroDivisionError(), asyncio.CancelledError()])
async def test_work_that_failed_begins_anew(database: FreshDatabase, tmp_path: Path, trouble: BaseException) -> None:
    begun = 0
    again = asyncio.Event()

    async def work(stopping: asyncio.Event) -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise trouble
        again.set()
        await stopping.wait()

    async with alone(build, database, RealClock(), tmp_path) as found:
        found.service.tasks = [work]
        await found.service.start()
        async with asyncio.timeout(10):
            await again.wait()
