"""The oracle itself is tested: a suite that breaks one promise of its event layer does not pass it."""

import sys
from pathlib import Path

import pytest
from benchmarks.running import SuiteRun
from benchmarks.siege import besieged

pytestmark = [pytest.mark.database, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("mutant", "found_out_by"),
    [
        (
            "announced_after_commit",
            # which of them depends on the command whose fact was lost
            {
                "tickets on whose state the services differ",
                "statuses that the events do not lead to",
                "unlisted steps",
                "acknowledged commands without their event",
            },
        ),
        ("offsets_first", {"not quiet"}),
    ],
)
async def test_a_mutant_is_found_out(data: Path, mutant: str, found_out_by: set[str]) -> None:
    suite = SuiteRun(data, program=(sys.executable, "-m", "tests.faults.mutant", mutant))
    async with besieged(suite, 7, failpoints="mutant.between:12:kill", patience_seconds=4) as siege:
        await suite.wait_ended()
        siege.abandon()
        await suite.start()
        findings = await siege.end(quiet_seconds=3)
    assert found_out_by & findings.violations.keys(), findings
