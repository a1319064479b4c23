"""A backtest of what a real suite recorded: the demo's cases over HTTP, judged under their own pack and others."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from tests.journeys.conftest import PACKS, Journey

from common.policy import Pack, load_pack, parse_pack
from hotline.backtest.codes import codes_for
from hotline.backtest.record import Suite, recorded
from hotline.backtest.run import backtested
from hotline.backtest.tally import Tally, rate

pytestmark = pytest.mark.database


@contextmanager
def suite_of(journey: Journey) -> Iterator[Suite]:
    running, jurisdiction = journey.stage.running, journey.shown.pack.jurisdiction
    token = running.issuer.issue("admin", None, jurisdiction)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=60) as client:
        yield Suite(client, jurisdiction)


async def looked_back(journey: Journey, pack: Pack) -> tuple[Tally, str]:
    console = Console(file=io.StringIO(), width=200)

    def judge() -> Tally:
        with suite_of(journey) as suite:
            return backtested(suite.read(), codes_for(pack, {}), console=console)

    tally = await asyncio.to_thread(judge)
    return tally, console.file.getvalue()  # type: ignore[attr-defined]  # as it was just made


async def test_what_the_suite_recorded_is_judged_the_same_under_its_own_pack(journey: Journey, rules: Pack) -> None:
    tally, said = await looked_back(journey, rules)
    assert tally.tickets == tally.comparable == tally.checked == len(journey.endings)
    assert (tally.differing, tally.by_calendar, tally.unchecked) == (0, 0, 0)
    assert tally.before.counts == tally.after.counts
    deadlines = sum(len(ended.deadlines) for ended in journey.endings)
    assert tally.limits_checked == deadlines > 50
    assert "不一致 0 项" in said


async def test_the_figures_before_are_those_that_the_suite_shows(journey: Journey, rules: Pack) -> None:
    tally, _ = await looked_back(journey, rules)
    shown = await journey.stage.desk.get(
        "viewer", "/reporting/v1/indicators", {"jurisdiction": rules.jurisdiction, "by": "unit"}
    )
    for row in shown["deadlines"]:
        counted = tally.before.of(unit=row["group"], kind=row["kind"])
        assert rate(counted) == (row["met"], row["met"] + row["missed"]), row
        assert counted["overdue"] == row["open_late"], row


async def test_another_pack_makes_other_verdicts_of_the_same_deeds(journey: Journey, rules: Pack) -> None:
    content: dict[str, Any] = rules.dump()
    content["limits"]["kinds"]["closing"]["rules"][2]["allowance"]["amount"] = 5  # complaints
    content["returns"]["late"]["value"] = "refused_and_marked_overdue"
    tally, said = await looked_back(journey, parse_pack(content))
    assert tally.differing == 0
    assert rate(tally.before.of(kind="closing")) != rate(tally.after.of(kind="closing"))
    assert rate(tally.before.of(kind="sign_in")) == rate(tally.after.of(kind="sign_in"))
    assert sum(one.undone for one in tally.returns.values()) == 1  # 区城建中心 returned late, and it was approved
    assert "原已同意" in said


async def test_the_demos_tickets_can_be_judged_under_a_street_of_shanghai(journey: Journey) -> None:
    tally, said = await looked_back(journey, load_pack(PACKS / "zhenru"))
    assert (tally.comparable, tally.differing) == (len(journey.endings), 0)
    assert tally.before.of(kind="first_contact") == {}
    assert tally.after.of(kind="first_contact")
    assert "原规则不作要求，未必有记录" in said
    assert "疑难事项（difficult）" in said


async def test_a_record_that_was_written_comes_to_the_same(journey: Journey, rules: Pack, tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    with suite_of(journey) as suite:
        assert await asyncio.to_thread(suite.write, file) == len(journey.endings)
    direct, _ = await looked_back(journey, rules)
    with recorded(file) as read:
        again = backtested(read, codes_for(rules, {}), console=Console(file=io.StringIO()))
    assert (again.before.counts, again.after.counts) == (direct.before.counts, direct.after.counts)
    assert (again.limits_checked, again.differing) == (direct.limits_checked, 0)
