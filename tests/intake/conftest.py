"""Intake under test: the other four services absent, their facts told by the wire."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.intake.centre import Centre
from tests.support.logs import captured_logs
from tests.support.wire import Alone, Wire, alone, at

from common.clock import SimulatedClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from intake.service import build


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(at("2025-09-26 16:00"))


@pytest.fixture
async def by_itself(database: FreshDatabase, clock: SimulatedClock, tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(build, database, clock, tmp_path) as found:
        yield found


@pytest.fixture
def service(by_itself: Alone) -> Service:
    return by_itself.service


@pytest.fixture
def issuer(by_itself: Alone) -> DevelopmentIssuer:
    return by_itself.issuer


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
