"""sla under test: the other four services absent, their facts told by the wire, time in the test's hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.sla.desk import PACK, Desk
from tests.support.wire import PACKS, Wire, alone, at

from common.calendar import load_calendar
from common.clock import SimulatedClock
from sla.registry import SYSTEM, activate, publish_years
from sla.service import build

YEARS = load_calendar(PACKS / "calendar").years


@pytest.fixture
async def bare(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service on a Friday afternoon before a National Day holiday, without pack or calendar."""
    clock = SimulatedClock(at("2024-09-27 16:00"))
    async with alone(build, database, clock, tmp_path) as found:
        transport = httpx.ASGITransport(app=found.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline/sla/v1") as client:
            yield Desk(found.service, Wire(found.service, clock), client, found.issuer, clock, found.around)


@pytest.fixture
async def desk(bare: Desk) -> Desk:
    """The same with what lies in ``policies/`` in force."""
    async with bare.service.room.transaction() as tx:
        await publish_years(tx, YEARS, SYSTEM)
        await activate(tx, PACK, SYSTEM)
    return bare
