"""``hotline calendar`` against a running sla, and the alarm while the next year is missing."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from structlog.testing import capture_logs
from tests.sla.desk import Desk
from tests.support.wire import at
from typer.testing import CliRunner

from common.observability import Metrics
from hotline.cli import app
from sla.outlook import Outlook, states
from sla.recompute import Recount

YEAR = """\
year: 2027
notice:
  title: 试验用安排
  number: null
  published_on: 2026-12-01
days_off:
  - {holiday: 元旦, first: 2027-01-01, last: 2027-01-03}
  - {holiday: 试验, first: 2027-01-18, last: 2027-01-20}
makeup_days: [2027-01-09]
"""
CORRECTION = """\
corrections:
  - notice: {title: 更正, number: null, published_on: 2027-01-04}
    no_longer_off: [2027-01-20]
"""
Hotline = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def hotline(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Hotline]:
    """The command, asking the service over a real socket as an administrator; its exit code and what it printed."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(desk.service.app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    monkeypatch.setenv("HOTLINE_TOKEN", desk.headers("admin", None, None)["Authorization"].removeprefix("Bearer "))

    async def run(*words: str) -> tuple[int, str]:
        given = ["calendar", *words, "--url", f"http://127.0.0.1:{port}"]
        result = await asyncio.to_thread(CliRunner().invoke, app, given)
        return result.exit_code, result.output

    yield run
    server.should_exit = True
    await serving


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "2027.yaml"
    file.write_text(YEAR, encoding="utf-8")
    return file


async def test_a_year_is_shown_published_corrected_and_every_time_counted_again(
    desk: Desk, hotline: Hotline, file: Path
) -> None:
    desk.set("2026-12-28 10:00")
    ticket = await desk.dispatch()
    assert (await desk.row(ticket, "closing")).due_at == at("2027-01-20 00:00")
    code, shown = await hotline("load", str(file), "--preview")
    assert code == 0
    assert "2027 (试验用安排), against what the law alone lets assume:" in shown
    assert "  2027-01-09 Saturday: 周末 → 调休上班\n" in shown
    assert "  2027-01-18 Monday: 工作日 → 试验放假\n" in shown
    assert "  2027-02-08 Monday: 春节放假 → 工作日\n" in shown
    assert "  look again: 2027-02-05 is 春节 by law and is not let off\n" in shown
    assert (await desk.get("calendars/2027")).status_code == 404
    code, told = await hotline("load", str(file))
    assert (code, told.splitlines()[-1]) == (2, "Look again; if it is meant so, give --accept-doubts.")
    assert (await desk.get("calendars/2027")).status_code == 404
    code, told = await hotline("load", str(file), "--accept-doubts")
    assert code == 0
    assert re.search(r"published 2027@[0-9a-f]{12}: open deadlines are being counted again\n$", told)
    assert (await desk.get("calendars")).json()["counting_again"] is True
    await Recount(desk.service.room).step()
    assert (await desk.row(ticket, "closing")).due_at == at("2027-01-22 00:00")
    code, told = await hotline("load", str(file), "--accept-doubts")
    assert (code, told.splitlines()[-1].split(" ", 1)[1]) == (0, "is published already: nothing to do")
    file.write_text(YEAR + CORRECTION, encoding="utf-8")
    code, told = await hotline("load", str(file), "--accept-doubts")
    assert "against what is published: 1 days change\n  2027-01-20 Wednesday: 试验放假 → 工作日\n" in told
    await Recount(desk.service.room).step()
    assert (await desk.row(ticket, "closing")).due_at == at("2027-01-21 00:00")
    code, listed = await hotline("list")
    assert (code, listed.count("published"), listed.count("missing")) == (0, 10, 0)


async def test_what_cannot_be_published_is_refused_in_one_sentence(desk: Desk, hotline: Hotline, file: Path) -> None:
    file.write_text(YEAR.replace("[2027-01-09]", "[2027-01-09, 2027-01-03]"), encoding="utf-8")
    assert await hotline("load", str(file)) == (
        2,
        "2027.yaml:9: makeup_days.1: 2027-01-03 is both a day off (元旦) and a make-up working day\n",
    )
    # The notice for 2027 would work a Sunday that the one for 2026 works already.
    file.write_text(YEAR.replace("[2027-01-09]", "[2026-12-27, 2027-01-09]"), encoding="utf-8")
    before = file.with_name("2026.yaml")
    text = Path("policies/calendar/2026.yaml").read_text(encoding="utf-8")
    before.write_text(text.replace("makeup_days: [", "makeup_days: [2026-12-27, "), encoding="utf-8")
    assert (await hotline("load", str(before)))[0] == 0
    code, told = await hotline("load", str(file), "--accept-doubts")
    assert (code, told.splitlines()[-1]) == (2, "The suite refused: 与其他年份的安排相矛盾。")


async def test_who_may_not_publish_is_told_so_in_one_sentence(
    desk: Desk, hotline: Hotline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_TOKEN", desk.headers("supervisor")["Authorization"].removeprefix("Bearer "))
    code, told = await hotline("load", str(file), "--accept-doubts")
    assert code == 2
    assert told.splitlines()[-1].startswith("The suite refused: ")


def test_files_are_checked_together(file: Path, tmp_path: Path) -> None:
    def check(*names: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["calendar", "check", *names])
        return result.exit_code, result.output

    assert check() == (0, "no findings\n")
    assert (check(str(file))[0], "no findings" in check(str(file))[1]) == (1, False)
    assert check(str(file), "--accept-doubts")[0] == 0
    broken = tmp_path / "2026.yaml"
    broken.write_text(YEAR, encoding="utf-8")
    assert check(str(file), str(broken)) == (
        1,
        "2026.yaml: year: the file's name says 2026, its content 2027\n"
        + "".join(line for line in check(str(file))[1].splitlines(keepends=True) if "look again" in line),
    )


@pytest.mark.parametrize(
    ("on", "next_year"),
    [
        (date(2026, 1, 1), "awaited"),
        (date(2026, 10, 31), "awaited"),
        (date(2026, 11, 1), "missing"),
        (date(2026, 12, 31), "missing"),
    ],
)
def test_from_november_on_the_next_year_is_missing(on: date, next_year: str) -> None:
    assert states([2025, 2026], on) == {2025: "published", 2026: "published", 2027: next_year}
    assert states([2025, 2026, 2027], on)[2027] == "published"


def test_a_year_that_has_begun_unpublished_is_missing() -> None:
    assert states([2026], date(2027, 3, 1)) == {2026: "published", 2027: "missing", 2028: "awaited"}


async def test_a_missing_year_is_an_alarm_by_domain_time(desk: Desk) -> None:
    metrics = Metrics("sla")
    outlook = Outlook(desk.service.room, metrics)

    def shown() -> float | None:
        return metrics.registry.get_sample_value("hotline_calendar_years_missing", {"service": "sla"})

    async def looked(moment: str) -> list[str]:
        desk.set(moment)
        with capture_logs() as logs:
            await outlook.look()
        return [line["event"] for line in logs if line["log_level"] == "error"]

    assert (await looked("2026-10-31 23:59"), shown()) == ([], 0)
    told = "calendar year missing: limits that reach into it are provisional"
    assert (await looked("2026-11-01 00:00"), shown()) == ([told], 1)
    assert (await looked("2026-11-01 09:00"), shown()) == ([], 1)  # once a day
    assert (await looked("2026-11-02 09:00"), shown()) == ([told], 1)
    items = {item["year"]: item for item in (await desk.get("calendars", "unit", "shuangyashan.x")).json()["items"]}
    assert (items[2026]["state"], items[2027]["state"]) == ("published", "missing")
    assert (items[2020]["corrections"], items[2020]["number"]) == (1, "国办发明电〔2019〕16号")
