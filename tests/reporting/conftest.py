"""Reporting under test: the other four services absent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FreshDatabase
from tests.support.wire import Alone, Wire, alone, at

from common.clock import FrozenClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from reporting.service import build


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at("2025-03-04 09:00"))


@pytest.fixture
async def by_itself(database: FreshDatabase, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(build, database, clock, tmp_path) as found:
        yield found


@pytest.fixture
def service(by_itself: Alone) -> Service:
    return by_itself.service


@pytest.fixture
def issuer(by_itself: Alone) -> DevelopmentIssuer:
    return by_itself.issuer


@pytest.fixture
def wire(service: Service, clock: FrozenClock) -> Wire:
    return Wire(service, clock)
