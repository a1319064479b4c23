"""Intake under test: the other four services absent, their facts told by the wire."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.intake.centre import Centre
from tests.support.logs import captured_logs
from tests.support.wire import Wire, at, surroundings

from common.clock import SimulatedClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from intake.service import build

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
async def bare(
    service: Service, clock: SimulatedClock, issuer: DevelopmentIssuer, database: FreshDatabase
) -> AsyncIterator[Centre]:
    """The service before it has heard anything."""
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline/intake/v1") as client:
        yield Centre(service, Wire(service, clock), client, issuer, clock, database.admin_url, database.url("intake"))


@pytest.fixture
async def centre(bare: Centre) -> Centre:
    """双鸭山's pack is in force."""
    await bare.activate()
    return bare


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """The log as in production, kept in memory: an unconfigured one draws pictures of every error."""
    with captured_logs("intake"):
        yield
