"""The review service alone, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.review.desk import JURISDICTION, MORNING, PACKS, UNITS, Desk
from tests.support.wire import Wire, alone

from common.clock import SimulatedClock
from common.policy.reading import load_pack
from review.service import build


@pytest.fixture
async def desk(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    clock = SimulatedClock(MORNING)
    async with alone(build, database, clock, tmp_path) as found:
        transport = httpx.ASGITransport(app=found.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://review.test") as client:
            pack = load_pack(PACKS / JURISDICTION)
            desk = Desk(found.service, Wire(found.service, clock), clock, found.issuer, client, pack)
            await desk.activate(pack)
            for unit, name in UNITS.items():
                await desk.enter(unit, name)
            yield desk
