"""Dispatch under test: the other four services absent, their facts told by the wire."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.dispatch.office import Office
from tests.support.wire import Alone, Wire, alone, at

from common.clock import SimulatedClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from dispatch.service import build


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
