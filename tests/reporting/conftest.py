"""Reporting under test: the other four services absent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import FreshDatabase
from tests.support.wire import Wire, at, surroundings

from common.clock import FrozenClock
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from reporting.service import build

PACKS = Path("policies")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at("2025-03-04 09:00"))


@pytest.fixture
def issuer(tmp_path: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path / "issuer.pem")


@pytest.fixture
async def service(
    database: FreshDatabase, clock: FrozenClock, issuer: DevelopmentIssuer, tmp_path: Path
) -> AsyncIterator[Service]:
    verifier = TokenVerifier([issuer.settings()])
    async with surroundings(database.admin_url, database.url, clock, verifier, tmp_path, PACKS) as around:
        built = build(around)
        yield built
        await built.stop()


@pytest.fixture
def wire(service: Service, clock: FrozenClock) -> Wire:
    return Wire(service, clock)
