"""``hotline broker``: a local Apache Kafka for development and tests."""

from pathlib import Path
from typing import Annotated

import typer

from hotline import broker as kafka
from hotline.cli.asking import Data, refuse
from hotline.guard import StartRefused

broker = typer.Typer(no_args_is_help=True, help="A local Apache Kafka for development and tests.")


@broker.command("start")
def broker_start(
    data: Data = Path(".hotline"),
    port: Annotated[int, typer.Option(help="0: any free port.", min=0, max=65535)] = 9092,
) -> None:
    """Start a single-node Apache Kafka in the background; its data survives a stop."""
    try:
        address = kafka.start_detached(data, port=port)
    except StartRefused as error:
        raise refuse(str(error)) from error
    print(f"HOTLINE_BUS=kafka://{address}")


@broker.command("stop")
def broker_stop(data: Data = Path(".hotline")) -> None:
    """Stop the Kafka that start left in the background."""
    print("stopped" if kafka.stop_detached(data) else "none was running")
