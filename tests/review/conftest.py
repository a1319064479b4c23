"""The review service alone, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.review.desk import JURISDICTION, MORNING, PACKS, Desk
from tests.support.wire import Wire, surroundings

from common.clock import SimulatedClock
from common.policy.reading import load_pack
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from review.service import build


@pytest.fixture
async def desk(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    clock = SimulatedClock(MORNING)
    issuer = DevelopmentIssuer(tmp_path / "issuer.pem")
    verifier = TokenVerifier([issuer.settings()])
    async with surroundings(database.admin_url, database.url, clock, verifier, tmp_path, PACKS) as around:
        service = build(around)
        transport = httpx.ASGITransport(app=service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://review.test") as client:
            pack = load_pack(PACKS / JURISDICTION)
            desk = Desk(service, Wire(service, clock), clock, issuer, client, pack)
            await desk.activate(pack)
            yield desk
        await service.room.database.close()
