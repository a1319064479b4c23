"""The ``hotline`` command."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import httpx
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from common.clock import in_utc
from common.database import SERVICES
from common.observability import configure_logging
from common.policy import PackInvalid, pack_directories
from common.security.access import ROLES, Role
from common.security.development import DevelopmentIssuer
from hotline import broker as kafka
from hotline.demo.own_suite import BusKind
from hotline.demo.run import demonstrate
from hotline.guard import StartRefused
from hotline.mutation import try_pack
from hotline.plan import keeps_simulated_time
from hotline.rehearsal import check_packs
from hotline.up import Wanted
from hotline.up import up as run_suite

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The 12345 hotline suite.", rich_markup_mode=None)
broker = typer.Typer(no_args_is_help=True, help="A local Apache Kafka for development and tests.")
policy = typer.Typer(no_args_is_help=True, help="Policy packs.")
parked = typer.Typer(no_args_is_help=True, help="Events that could not be consumed.")
app.add_typer(broker, name="broker")
app.add_typer(policy, name="policy")
app.add_typer(parked, name="parked")

Data = Annotated[Path, typer.Option("--data", help="The data directory.")]
Url = Annotated[str, typer.Option("--url", help="The running suite.")]


class ClockKind(StrEnum):
    REAL = "real"
    SIMULATED = "simulated"


def _refuse(sentence: str) -> typer.Exit:
    print(sentence, file=sys.stderr)
    return typer.Exit(2)


@app.command()
def up(
    data: Data = Path(".hotline"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free port.", min=0, max=65535)] = 8000,
    clock: Annotated[ClockKind, typer.Option(help="Domain time.")] = ClockKind.REAL,
    start: Annotated[str, typer.Option(help="Where a simulated clock begins.")] = "2025-01-01T08:00+08:00",
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    processes: Annotated[str, typer.Option(help="A number, or per-service.")] = "1",
) -> None:
    """Start the suite: embedded PostgreSQL, embedded bus and all services on one origin.

    HOTLINE_DATABASE=postgresql://… and HOTLINE_BUS=kafka://host:9092 select the real engines.
    """
    configure_logging("hotline", level=os.environ.get("HOTLINE_LOG", "WARNING"))
    try:
        beginning = in_utc(datetime.fromisoformat(start))
    except ValueError as error:
        raise _refuse(f"--start: {error}") from error
    if processes != "per-service" and not (processes.isdecimal() and 1 <= int(processes) <= 16):
        raise _refuse("--processes takes a number from 1 to 16, or per-service.")
    wanted = Wanted(
        data=data,
        host=host,
        port=port,
        packs=packs,
        simulated=clock is ClockKind.SIMULATED,
        start=beginning,
        processes=0 if processes == "per-service" else int(processes),
        database=os.environ.get("HOTLINE_DATABASE", ""),
        bus=os.environ.get("HOTLINE_BUS", ""),
    )
    try:
        uvloop.run(run_suite(wanted, print))
    except StartRefused as error:
        raise _refuse(str(error)) from error


@app.command()
def token(
    role: Annotated[str, typer.Option(help="agent, dispatcher, unit, reviewer, supervisor, viewer, admin, softphone")],
    unit: Annotated[str | None, typer.Option(help="The unit's code, for the role unit.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Limits the token to one jurisdiction.")] = None,
    hours: Annotated[int, typer.Option(help="How long it holds.", min=1, max=720)] = 12,
    data: Data = Path(".hotline"),
) -> None:
    """Print a development token for the suite whose data lies in --data."""
    _refuse_issuing_for_real_engines(data)
    if role not in ROLES:
        raise _refuse(f"--role: {role} is none of {', '.join(sorted(ROLES))}")
    key = data / "issuer.pem"
    if not key.exists():
        raise _refuse(f"No suite has been started with {data}: start one with hotline up --data {data}")
    try:
        print(DevelopmentIssuer(key).issue(cast(Role, role), unit, jurisdiction, timedelta(hours=hours)))
    except ValueError as error:
        raise _refuse(str(error)) from error


def _refuse_issuing_for_real_engines(data: Path) -> None:
    real = any(os.environ.get(name) for name in ("HOTLINE_DATABASE", "HOTLINE_BUS"))
    allowed = os.environ.get("HOTLINE_DEVELOPMENT") == "1" or keeps_simulated_time(data)
    if real and not allowed:
        raise _refuse(
            "The development issuer does not serve real engines: use your identity provider's tokens, "
            "or say HOTLINE_DEVELOPMENT=1."
        )


@app.command()
def demo(
    bus: Annotated[
        str, typer.Option(help="embedded, or kafka: a real broker and one process per service.")
    ] = "embedded",
    weeks_later: Annotated[int, typer.Option("--shift-weeks", help="Move the cases so many weeks further.", min=0)] = 0,
    examples: Annotated[Path, typer.Option(help="The cases.")] = Path("examples/xinglongtai-2023"),
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    jurisdiction: Annotated[str, typer.Option(help="Under whose pack they are handled.")] = "shuangyashan",
) -> None:
    """Play the real cases of examples/ in a suite of its own, and print what became of them."""
    if bus not in ("embedded", "kafka"):
        raise _refuse("--bus takes embedded or kafka.")
    try:
        asyncio.run(demonstrate(examples, packs, jurisdiction, cast(BusKind, bus), weeks_later))
    except (StartRefused, OSError, ValueError) as error:
        raise _refuse(str(error)) from error


@broker.command("start")
def broker_start(
    data: Data = Path(".hotline"),
    port: Annotated[int, typer.Option(help="0: any free port.", min=0, max=65535)] = 9092,
) -> None:
    """Start a single-node Apache Kafka in the background; its data survives a stop."""
    try:
        address = kafka.start_detached(data, port=port)
    except StartRefused as error:
        raise _refuse(str(error)) from error
    print(f"HOTLINE_BUS=kafka://{address}")


@broker.command("stop")
def broker_stop(data: Data = Path(".hotline")) -> None:
    """Stop the Kafka that start left in the background."""
    print("stopped" if kafka.stop_detached(data) else "none was running")


@policy.command("check")
def policy_check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK…]", help="All packs, when none is named.")] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
) -> None:
    """Check packs: schema, sources, every scenario against the calendar."""
    unknown = [name for name in names or () if not (packs / name / "pack.yaml").exists()]
    if unknown:
        raise _refuse(f"No pack {', '.join(unknown)} in {packs}.")
    findings = check_packs(packs, tuple(names or ()))
    for finding in findings:
        print(finding)
    if findings:
        raise typer.Exit(1)
    print("no findings")


@policy.command("mutate")
def policy_mutate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK…]", help="All packs, when none is named.")] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    only: Annotated[str, typer.Option(help="Only values whose place begins so, such as limits.kinds.")] = "",
    processes: Annotated[int | None, typer.Option(help="One for each core, when none is named.", min=1)] = None,
    compared: Annotated[bool, typer.Option(help="List what is noticed only by comparison, too.")] = False,
) -> None:
    """Change each value of each pack in turn, and list those that no scenario notices.

    Changed are numbers, units of time, choices, yes and no, dates, texts people read, the articles that bases cite and
    references; entries of lists and optional parts are left out. Quotes, assumptions, comments and the suite's own rule
    ids decide nothing and stay. A pack that is refused when it is loaded counts as noticed. Told apart is what only
    a comparison of words and clauses notices (the scenarios' ``lists`` and ``values``).
    """
    found = [directory for directory in pack_directories(packs) if not names or directory.name in names]
    if not found or (names and len(found) < len(set(names))):
        raise _refuse(f"{packs} does not hold all of: {', '.join(names or ['a pack'])}.")
    survived = 0
    for directory in found:
        try:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(directory.name)

                def tell(done: int, of: int, task: TaskID = task, progress: Progress = progress) -> None:
                    progress.update(task, completed=done, total=of)

                trial = try_pack(directory, only=only, processes=processes, tell=tell)
        except PackInvalid as invalid:
            raise _refuse(f"{directory.name} does not hold as it stands:\n{invalid}") from invalid
        for line in trial.survivors:
            print(line)
        if compared:
            for line in trial.compared:
                print(f"only by comparison: {line}")
        print(
            f"{directory.name}: {trial.refused} changes refused at load, {trial.noticed} noticed by situations, "
            f"{len(trial.compared)} only by comparison, {len(trial.survivors)} survived"
        )
        survived += len(trial.survivors)
    if survived:
        raise typer.Exit(1)


@parked.command("list")
def parked_list(url: Url = "http://127.0.0.1:8000", data: Data = Path(".hotline")) -> None:
    """What could not be consumed, service by service, with the reason."""
    table = Table("service", "id", "event", "subject", "why", "reason", "since")
    with _client(url, data) as client:
        for service in SERVICES:
            for item in client.get(f"/{service}/v1/parked", params={"size": 200}).raise_for_status().json()["items"]:
                table.add_row(
                    service,
                    str(item["id"]),
                    item["type"],
                    item["subject"],
                    item["kind"],
                    item["reason"],
                    item["parked_at"],
                )
    Console().print(table if table.row_count else "nothing is parked")


@parked.command("replay")
def parked_replay(
    service: str, parked_id: int, url: Url = "http://127.0.0.1:8000", data: Data = Path(".hotline")
) -> None:
    """Try a parked event again, and then what waited behind it."""
    with _client(url, data) as client:
        _tell(client.post(f"/{service}/v1/parked/{parked_id}/replay"))


@parked.command("discard")
def parked_discard(
    service: str,
    parked_id: int,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    url: Url = "http://127.0.0.1:8000",
    data: Data = Path(".hotline"),
) -> None:
    """Give a parked event up for good, with a reason."""
    with _client(url, data) as client:
        _tell(client.post(f"/{service}/v1/parked/{parked_id}/discard", json={"reason": reason}))


@contextmanager
def _client(url: str, data: Path) -> Iterator[httpx.Client]:
    """A client with the development token of the data directory, or HOTLINE_TOKEN; one sentence when it fails."""
    found = os.environ.get("HOTLINE_TOKEN")
    path = data / "dev-token"
    if found is None and not path.exists():
        raise _refuse(f"No token: start the suite with --data {data}, or set HOTLINE_TOKEN.")
    headers = {"Authorization": f"Bearer {found or path.read_text()}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
            yield client
    except httpx.HTTPStatusError as error:
        raise _refuse(f"{error.request.url} refused with status {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise _refuse(f"Nothing answers at {url}: start the suite, or name it with --url.") from error


def _tell(answer: httpx.Response) -> None:
    if answer.is_success:
        print("done")
        return
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    raise _refuse(json.dumps(told, ensure_ascii=False) if told else f"refused with status {answer.status_code}")


if __name__ == "__main__":
    app()
