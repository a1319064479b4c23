"""A process dies at each point between hand-out and offset: nothing is lost and nothing happens twice (R2-R4)."""

from pathlib import Path

import pytest
from tests.messaging.fleet import Member, fleet, until


@pytest.mark.parametrize(
    "died_at",
    [
        pytest.param("relay.published", id="R2: after the bus has it, before it is marked"),
        pytest.param("runner.applied", id="R3: after the commit, before the offset"),
        pytest.param("runner.handed_out", id="R4: after the hand-out, before the commit"),
        pytest.param("runner.claimed", id="R4: in the middle of the transaction"),
    ],
)
async def test_a_process_dies_again_and_again(bus_address: str, admin_url: str, tmp_path: Path, died_at: str) -> None:
    async with fleet(bus_address, admin_url, tmp_path, tickets=5) as scene:
        for times in (1, 2, 1):
            member = await scene.add(f"{died_at}:{times}:kill")

            async def struck(member: Member = member) -> bool:
                await scene.wave()
                return member.dead

            await until(struck, every=0.4)
        await scene.add()
        await scene.wave()
        findings = await scene.settle()
        assert findings.violations == set()
        assert findings.effects == scene.urgings * len(scene.tickets)
