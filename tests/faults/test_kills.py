"""Kill -9 in the middle of lives, restart, retry with the same keys: nothing lost, nothing doubled, nothing missed."""

from pathlib import Path

import pytest
from benchmarks.running import SuiteRun
from benchmarks.siege import besieged

pytestmark = [pytest.mark.database, pytest.mark.timeout(600)]
SEED = 20250922


async def test_three_kills_on_the_embedded_bus_cost_nothing(data: Path) -> None:
    """Between commit and answer (R1); as lamps are being lit (T3); and everything at once, PostgreSQL too (R5, R7)."""
    suite = SuiteRun(data)
    async with besieged(suite, SEED, failpoints="intake.committed:6:kill") as siege:
        await siege.strike("between a registration's commit and its answer", suite.wait_ended)
        await suite.start({"HOTLINE_FAILPOINTS": "timers.before_commit:2:kill"})
        await siege.strike("before the commit that lights lamps", suite.wait_ended)
        await suite.start()
        await siege.more_answers(30)
        await siege.strike("the whole tree with PostgreSQL", suite.kill)
        await suite.start()
        await siege.more_answers(15)
        findings = await siege.end()
    assert not findings.violations, findings
    assert findings.looked_at["kills"] == 3
    assert siege.ledger.repeats_answered > 0, "the answer that was lost was given again, from the row"
    assert not siege.ledger.unknown


async def test_three_kills_on_kafka_cost_nothing(data: Path, kafka: str) -> None:
    """The service with the life cycle, the one with the timers, and all with PostgreSQL; the broker lives on."""
    suite = SuiteRun(data, processes="per-service", bus=f"kafka://{kafka}")
    async with besieged(suite, SEED) as siege:
        for service in ("dispatch", "sla"):
            await siege.more_answers(15)
            await siege.strike(service, lambda: suite.kill_child(service))  # noqa: B023 - awaited at once
        await siege.more_answers(30)
        await siege.strike("the whole tree with PostgreSQL", suite.kill)
        await suite.start()
        await siege.more_answers(15)
        findings = await siege.end()
    assert not findings.violations, findings
    assert findings.looked_at["kills"] == 3
    assert not siege.ledger.unknown
