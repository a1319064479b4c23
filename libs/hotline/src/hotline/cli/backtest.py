"""``hotline policy backtest``: recorded behaviour, judged again under another pack."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from common.calendar import CalendarRefused, NoCalendar, WorkingCalendar, load_calendar
from common.clock import SHANGHAI
from common.policy import Pack, PackInvalid, load_pack
from hotline.backtest.codes import Codes, MappingRefused, codes_for, parsed
from hotline.backtest.record import Record, RecordRefused, Suite, recorded
from hotline.backtest.run import backtested
from hotline.cli.asking import Data, Url, client, refuse


def policy_backtest(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A pack of the folder, or a directory with a draft.")],
    begin: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Whose tickets; the pack's own, when none is named.")] = None,
    read_as: Annotated[
        list[str] | None,
        typer.Option("--map", help="How a code is read: channel:wechat=phone, mark:special=urgent, mark:mediation="),
    ] = None,
    calendar: Annotated[Path | None, typer.Option(help="Folder of another calendar than the recorded one.")] = None,
    record: Annotated[Path | None, typer.Option(help="A record in a file, instead of the running suite.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write all rows as JSON lines.")] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    url: Url = "http://127.0.0.1:8000",
    data: Data = Path(".hotline"),
) -> None:
    """Judge what was recorded again under PACK: on-time rates, overdue duties and refused returns, before and after.

    Who did what and when stays as it was. In every run the recorded pack is tried first: it must say what was
    announced then, or the command fails.
    """
    found = pack_named(pack, packs)
    codes = _codes(found, read_as or [])
    counted_with = _calendar(calendar)
    span = (_midnight(begin), _midnight(end, timedelta(days=1)))
    console = Console(width=None if Console().is_terminal else 200)
    with (
        _opened(record, url, data, jurisdiction or found.jurisdiction, span) as read,
        json_file.open("w", encoding="utf-8") if json_file else nullcontext() as out,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("回溯测算", total=read.head.tickets)
        tally = backtested(
            read, codes, counted_with, console=console, out=out, tell=lambda done: progress.update(task, completed=done)
        )
    if tally.differing:
        raise typer.Exit(1)


@contextmanager
def _opened(
    record: Path | None, url: str, data: Path, jurisdiction: str, span: tuple[datetime | None, datetime | None]
) -> Iterator[Record]:
    try:
        if record is not None:
            with recorded(record, *span) as read:
                yield read
        else:
            with client(url, data) as suite:
                yield Suite(suite, jurisdiction, *span).read()
    except (RecordRefused, NoCalendar) as refused:
        raise refuse(str(refused)) from refused


def pack_named(name: str, packs: Path) -> Pack:
    """The pack of that name, or in that directory; ends the command with what is wrong with it."""
    directory = next((one for one in (packs / name, Path(name)) if (one / "pack.yaml").exists()), None)
    if directory is None:
        raise refuse(f"No pack {name}: neither in {packs}, nor is it a directory with a pack.yaml.")
    try:
        return load_pack(directory)
    except PackInvalid as invalid:
        raise refuse(str(invalid)) from invalid


def _codes(pack: Pack, written: list[str]) -> Codes:
    try:
        return codes_for(pack, dict(map(parsed, written)))
    except MappingRefused as refused:
        raise refuse(f"--map {refused}") from refused


def _calendar(folder: Path | None) -> WorkingCalendar | None:
    try:
        return None if folder is None else load_calendar(folder)
    except (NoCalendar, CalendarRefused) as refused:
        raise refuse(f"--calendar: {refused}") from refused


def _midnight(day: datetime | None, later: timedelta = timedelta(0)) -> datetime | None:
    return None if day is None else datetime.combine(day.date() + later, time(), SHANGHAI)
