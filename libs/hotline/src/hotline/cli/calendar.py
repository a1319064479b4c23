"""``hotline calendar``: the State Council's yearly arrangement of days off, checked, published, corrected."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from common.calendar import (
    CalendarRefused,
    CalendarsContradict,
    CalendarYear,
    assemble,
    changed_days,
    deserialise,
    doubts,
    read_year,
    serialise,
)
from hotline.cli.asking import Data, Url, client, refuse

calendar = typer.Typer(no_args_is_help=True, help="Days off and make-up working days, year by year.")

_SHOWN = "version published_at"
_LOOK_AGAIN = "Look again; if it is meant so, give --accept-doubts."
Accept = Annotated[bool, typer.Option("--accept-doubts", help="What may be a slip is meant so.")]


@calendar.command("load")
def calendar_load(
    file: Annotated[Path, typer.Argument(help="<year>.yaml, as in policies/calendar.")],
    url: Url = "http://127.0.0.1:8000",
    data: Data = Path(".hotline"),
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would change.")] = False,
    accept_doubts: Accept = False,
) -> None:
    """Publish a year in a running suite, or correct one: shows what changes, day by day.

    Open deadlines are counted again from then on; each that moves is announced with its old and its new instant.
    """
    year = _read(file)
    with client(url, data) as suite:
        stands = suite.get(f"/sla/v1/calendars/{year.year}")
        if stands.status_code not in (200, 404):
            raise refuse(_refusal(stands))
        known = _content(stands.json()) if stands.status_code == 200 else None
        changes = list(changed_days(known, year))
        against = "what is published" if known else "what the law alone lets assume"
        print(f"{year.year} ({year.notice.title}), against {against}: {len(changes)} days change")
        for change in changes:
            print(f"  {change.on} {change.on:%A}: {change.before} → {change.after}")
        found = doubts(year)
        for doubt in found:
            print(f"  look again: {doubt.sentence}")
        if preview:
            return
        if found and not accept_doubts:
            raise refuse(_LOOK_AGAIN)
        seen = {"If-Match": stands.headers["etag"]} if known else {}
        answer = suite.put(f"/sla/v1/calendars/{year.year}", json=serialise(year), headers=seen)
        if not answer.is_success:
            raise refuse(_refusal(answer))
    if "hotline-event" in answer.headers:
        print(f"published {answer.json()['version']}: open deadlines are being counted again")
    else:
        print(f"{answer.json()['version']} is published already: nothing to do")


@calendar.command("check")
def calendar_check(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE…]", help="All of --packs, when none is named.")
    ] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    accept_doubts: Accept = False,
) -> None:
    """Check calendar years: each by itself, and all of them together."""
    years: list[CalendarYear] = []
    findings: list[str] = []
    for file in files or sorted((packs / "calendar").glob("[!.]*")):
        try:
            years.append(read_year(file))
        except CalendarRefused as refused:
            findings.append(str(refused))
    try:
        if years:
            assemble(years)
    except CalendarsContradict as contradicting:
        findings.append(f"{contradicting}.")
    for finding in findings:
        print(finding)
    doubtful = [(year.year, doubt.sentence) for year in years for doubt in doubts(year)]
    for number, sentence in doubtful:
        print(f"{number}: look again: {sentence}")
    if findings or not years:
        raise typer.Exit(1)
    if doubtful and not accept_doubts:
        print(_LOOK_AGAIN)
        raise typer.Exit(1)
    print("no findings" if not doubtful else f"no findings; doubts accepted: {len(doubtful)}")


@calendar.command("list")
def calendar_list(url: Url = "http://127.0.0.1:8000", data: Data = Path(".hotline")) -> None:
    """The years of a running suite: published, awaited, or missing although they should be published by now."""
    with client(url, data) as suite:
        told = suite.get("/sla/v1/calendars").raise_for_status().json()
    table = Table("year", "state", "version", "notice", "of", "corrections")
    for item in told["items"]:
        table.add_row(
            str(item["year"]),
            item["state"],
            item["version"] or "",
            item["number"] or item["title"] or "",
            item["published_on"] or "",
            str(item["corrections"] or ""),
        )
    Console().print(table)
    if told["counting_again"]:
        print("open deadlines are being counted again")


def _read(file: Path) -> CalendarYear:
    try:
        return read_year(file)
    except CalendarRefused as refused:
        raise refuse(str(refused)) from refused


def _content(told: dict[str, Any]) -> CalendarYear:
    return deserialise({name: value for name, value in told.items() if name not in _SHOWN.split()})


def _refusal(answer: httpx.Response) -> str:
    """What the suite says, in one sentence."""
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    fields = "".join(f" {one['field']}: {one.get('hint') or one['message']}" for one in told.get("fields", ())[:1])
    return f"The suite refused: {told.get('detail', f'status {answer.status_code}')}{fields}"
