"""sla under test: the other four services absent, their facts told by the wire, time in the test's hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.sla.desk import PACK, Desk
from tests.support.wire import Wire, at, surroundings

from common.calendar import load_calendar
from common.clock import SimulatedClock
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from sla.registry import SYSTEM, activate, publish_years
from sla.service import build

PACKS = Path("policies")
YEARS = load_calendar(PACKS / "calendar").years


@pytest.fixture
async def bare(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service on a Friday afternoon before a National Day holiday, without pack or calendar."""
    clock = SimulatedClock(at("2024-09-27 16:00"))
    issuer = DevelopmentIssuer(tmp_path / "issuer.pem")
    verifier = TokenVerifier([issuer.settings()])
    async with surroundings(database.admin_url, database.url, clock, verifier, tmp_path, PACKS) as around:
        service = build(around)
        transport = httpx.ASGITransport(app=service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline/sla/v1") as client:
            yield Desk(service, Wire(service, clock), client, issuer, clock, around)
        await service.stop()


@pytest.fixture
async def desk(bare: Desk) -> Desk:
    """The same with what lies in ``policies/`` in force."""
    async with bare.service.room.transaction() as tx:
        await publish_years(tx, YEARS, SYSTEM)
        await activate(tx, PACK, SYSTEM)
    return bare
