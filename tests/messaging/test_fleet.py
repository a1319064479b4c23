"""Processes die and freeze in mid-command: on both buses every event has one effect, in order; mutants fail."""

from pathlib import Path

import pytest
from tests.messaging.fleet import Fleet, fleet, until
from tests.messaging.scene import Findings


async def _tell(scene: Fleet, killed_at: str, frozen_at: str) -> Findings:
    """The story: one member is killed and one frozen with work in hand, the others take over, the frozen one wakes
    and finds its offsets refused."""
    await scene.add()
    killed = await scene.add(f"{killed_at}:2:kill")
    frozen = await scene.add(f"{frozen_at}:2:freeze")

    await until(scene.assembled)

    async def both_struck() -> bool:
        await scene.wave()
        return killed.dead and frozen.frozen

    await until(both_struck, every=0.4)
    await scene.overtaken()
    if scene.mutant not in ("none", "no_fence"):  # the others lose events: nobody can wait for all of them
        await scene.settle()
        frozen.thaw()
        return await scene.settle()

    async def refused() -> bool:
        return frozen.said("partition lost")

    await until(scene.taken_over)
    frozen.thaw()
    await until(refused)
    await scene.wave()
    return await scene.settle()


@pytest.mark.parametrize("frozen_at", ["runner.handed_out", "runner.before_commit"])
async def test_killed_and_frozen_members_cost_no_effect_and_no_order(
    bus_address: str, admin_url: str, tmp_path: Path, frozen_at: str
) -> None:
    async with fleet(bus_address, admin_url, tmp_path) as scene:
        findings = await _tell(scene, "runner.before_commit", frozen_at)
        assert findings.violations == set()
        assert findings.effects == scene.urgings * len(scene.tickets) + 3
        assert await scene.stop() == [0, 0]


@pytest.mark.parametrize(
    ("mutant", "found_out_by"),
    [
        ("auto_commit", {"lost", "follow_ups_missing"}),
        ("no_fence", {"doubled", "follow_ups_doubled"}),
        ("cursor", {"lost", "unpublished"}),
        ("no_key", {"lost", "disordered"}),
    ],
)
async def test_each_mutant_is_found_out(
    bus_address: str, admin_url: str, tmp_path: Path, mutant: str, found_out_by: set[str]
) -> None:
    async with fleet(bus_address, admin_url, tmp_path, mutant) as scene:
        struck_at = ("mutant.checked",) * 2 if mutant == "no_fence" else ("runner.before_commit", "runner.handed_out")
        findings = await _tell(scene, *struck_at)
        assert found_out_by & findings.violations
