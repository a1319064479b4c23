"""Dispatch under test: the other four services absent, their facts told by the wire."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.dispatch.office import Office
from tests.support.wire import Wire, at, surroundings

from common.clock import SimulatedClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from dispatch.service import build

PACKS = Path("policies")


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(at("2025-09-26 16:00"))


@pytest.fixture
def issuer(tmp_path: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path / "issuer.pem")


@pytest.fixture
async def service(
    database: FreshDatabase, clock: SimulatedClock, issuer: DevelopmentIssuer, tmp_path: Path
) -> AsyncIterator[Service]:
    verifier = TokenVerifier([issuer.settings()])
    async with surroundings(database.admin_url, database.url, clock, verifier, tmp_path, PACKS) as around:
        built = build(around)
        yield built
        await built.stop()


@pytest.fixture
async def bare(service: Service, clock: SimulatedClock, issuer: DevelopmentIssuer) -> AsyncIterator[Office]:
    """The service before it has heard anything."""
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline/dispatch/v1") as client:
        yield Office(service, Wire(service, clock), client, issuer, clock)


@pytest.fixture
async def office(bare: Office) -> Office:
    """双鸭山's pack is in force and four units stand in the register."""
    await bare.activate()
    await bare.enter_units("zhujianju", "chengguan", "shuiwu", "renshe")
    return bare
