"""``hotline parked``: events that could not be consumed, in a running suite."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from common.database import SERVICES
from hotline.cli.asking import Data, Url, client, tell

parked = typer.Typer(no_args_is_help=True, help="Events that could not be consumed.")


@parked.command("list")
def parked_list(url: Url = "http://127.0.0.1:8000", data: Data = Path(".hotline")) -> None:
    """What could not be consumed, service by service, with the reason."""
    table = Table("service", "id", "event", "subject", "why", "reason", "since")
    with client(url, data) as suite:
        for service in SERVICES:
            for item in suite.get(f"/{service}/v1/parked", params={"size": 200}).raise_for_status().json()["items"]:
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
    with client(url, data) as suite:
        tell(suite.post(f"/{service}/v1/parked/{parked_id}/replay"))


@parked.command("discard")
def parked_discard(
    service: str,
    parked_id: int,
    reason: Annotated[str, typer.Option(help="Kept with the event.")],
    url: Url = "http://127.0.0.1:8000",
    data: Data = Path(".hotline"),
) -> None:
    """Give a parked event up for good, with a reason."""
    with client(url, data) as suite:
        tell(suite.post(f"/{service}/v1/parked/{parked_id}/discard", json={"reason": reason}))
