"""The ``hotline`` command."""

import asyncio
import os
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
import uvloop

from common.clock import in_utc
from common.observability import configure_logging
from common.runtime.patience import Unreachable
from common.security.access import ROLES, Role
from common.security.development import DevelopmentIssuer
from hotline.cli.asking import Data, refuse
from hotline.cli.backtest import pack_named, policy_backtest
from hotline.cli.broker import broker
from hotline.cli.calendar import calendar
from hotline.cli.explain import policy_explain
from hotline.cli.parked import parked
from hotline.cli.policy import policy
from hotline.demo.own_suite import BusKind
from hotline.demo.run import demonstrate
from hotline.guard import StartRefused
from hotline.plan import keeps_simulated_time
from hotline.up import Wanted
from hotline.up import up as run_suite

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The 12345 hotline suite.", rich_markup_mode=None)
app.add_typer(broker, name="broker")
policy.command("backtest")(policy_backtest)
policy.command("explain")(policy_explain)
app.add_typer(calendar, name="calendar")
app.add_typer(policy, name="policy")
app.add_typer(parked, name="parked")


class ClockKind(StrEnum):
    REAL = "real"
    SIMULATED = "simulated"


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
        raise refuse(f"--start: {error}") from error
    if processes != "per-service" and not (processes.isdecimal() and 1 <= int(processes) <= 16):
        raise refuse("--processes takes a number from 1 to 16, or per-service.")
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
    except (StartRefused, Unreachable) as error:
        raise refuse(str(error)) from error


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
        raise refuse(f"--role: {role} is none of {', '.join(sorted(ROLES))}")
    key = data / "issuer.pem"
    if not key.exists():
        raise refuse(f"No suite has been started with {data}: start one with hotline up --data {data}")
    try:
        print(DevelopmentIssuer(key).issue(cast(Role, role), unit, jurisdiction, timedelta(hours=hours)))
    except ValueError as error:
        raise refuse(str(error)) from error


def _refuse_issuing_for_real_engines(data: Path) -> None:
    real = any(os.environ.get(name) for name in ("HOTLINE_DATABASE", "HOTLINE_BUS"))
    allowed = os.environ.get("HOTLINE_DEVELOPMENT") == "1" or keeps_simulated_time(data)
    if real and not allowed:
        raise refuse(
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
    backtest: Annotated[str | None, typer.Option(help="A pack: what would have come of it all under that one.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write the recorded events, for policy backtest --record.")
    ] = None,
) -> None:
    """Play the real cases of examples/ in a suite of its own, and print what became of them."""
    if bus not in ("embedded", "kafka"):
        raise refuse("--bus takes embedded or kafka.")
    against = None if backtest is None else pack_named(backtest, packs)
    try:
        asyncio.run(demonstrate(examples, packs, jurisdiction, cast(BusKind, bus), weeks_later, against, record))
    except (StartRefused, OSError, ValueError) as error:
        raise refuse(str(error)) from error
