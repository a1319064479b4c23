"""What the commands share: how they refuse, and how they ask a running suite."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

Data = Annotated[Path, typer.Option("--data", help="The data directory.")]
Url = Annotated[str, typer.Option("--url", help="The running suite.")]


def refuse(sentence: str) -> typer.Exit:
    """End with this sentence and status 2."""
    print(sentence, file=sys.stderr)
    return typer.Exit(2)


@contextmanager
def client(url: str, data: Path) -> Iterator[httpx.Client]:
    """A client with the development token of the data directory, or HOTLINE_TOKEN; one sentence when it fails."""
    found = os.environ.get("HOTLINE_TOKEN")
    path = data / "dev-token"
    if found is None and not path.exists():
        raise refuse(f"No token: start the suite with --data {data}, or set HOTLINE_TOKEN.")
    headers = {"Authorization": f"Bearer {found or path.read_text()}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=30) as suite:
            yield suite
    except httpx.HTTPStatusError as error:
        raise refuse(f"{error.request.url} refused with status {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise refuse(f"Nothing answers at {url}: start the suite, or name it with --url.") from error


def tell(answer: httpx.Response) -> None:
    """Print what became of a command."""
    if answer.is_success:
        print("done")
        return
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    raise refuse(json.dumps(told, ensure_ascii=False) if told else f"refused with status {answer.status_code}")
