"""``hotline policy activate``: put a version of a pack in force in a running suite, or see first what would move."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.table import Table

from common.clock import SHANGHAI
from common.policy import PackInvalid, load_pack
from hotline.cli.asking import Data, Url, client, refuse

_FATES = {"moved": "moved", "newly_owed": "newly owed", "lifted": "lifted"}
_MOST_SHOWN = 1000


def activate(
    name: Annotated[str, typer.Argument(metavar="PACK", help="The jurisdiction, such as shuangyashan.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would move.")] = False,
    packs: Annotated[Path | None, typer.Option(help="Send the pack of this folder, not the server's own.")] = None,
    url: Url = "http://127.0.0.1:8000",
    data: Data = Path(".hotline"),
) -> None:
    """Put a version of a pack in force. Open tickets change to it only where the pack says so."""
    body: dict[str, Any] = {"preview": preview, "size": _MOST_SHOWN}
    if packs is not None:
        try:
            body["content"] = load_pack(packs / name).dump()
        except (PackInvalid, OSError) as invalid:
            raise refuse(f"{name} cannot be activated: {invalid}") from invalid
    with client(url, data) as suite:
        key = {"Idempotency-Key": str(uuid4())}
        answer = suite.post(f"/sla/v1/policies/{name}/activations", json=body, headers=key, timeout=300)
    if not answer.is_success:
        raise refuse(_sentence(name, answer))
    told = answer.json()
    console = Console()
    if preview:
        _show(console, told)
    elif told["active_already"]:
        console.print(f"{told['version']} is active already.")
    else:
        console.print(f"{told['version']} is activated, in force from {told['effective_from']}. {_open(told)}")


def _open(told: dict[str, Any]) -> str:
    if told["applies_to_open_tickets"]:
        return "It applies to open tickets: they change to it oldest first."
    return f"{told['open_tickets']} open tickets keep the pack they were registered under."


def _sentence(name: str, answer: httpx.Response) -> str:
    """One sentence for what the suite refused."""
    if answer.status_code == 404:
        return f"The suite has no pack {name} in its folder; send one with --packs."
    if answer.status_code in (401, 403):
        return "The token may not activate packs: it takes an administrator's."
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    wrong = "; ".join(field.get("hint") or field["message"] for field in told.get("fields", ()))
    return f"{name} cannot be activated: {wrong or told.get('detail') or f'status {answer.status_code}'}"


def _show(console: Console, told: dict[str, Any]) -> None:
    found = told["would_move"]
    applies = "applies" if told["applies_to_open_tickets"] else "does not apply"
    console.print(f"{told['version']}, in force from {told['effective_from']}, {applies} to open tickets.")
    if not told["applies_to_open_tickets"]:
        console.print("If it did, this would move:")
    units = Table("unit", "moved", "newly owed", "lifted", "stays", title="by unit")
    for unit in found["units"]:
        counts = [str(unit[what]) for what in ("moved", "newly_owed", "lifted", "stays")]
        units.add_row(unit["unit"] or "(centre)", *counts)
    rows = Table("ticket", "unit", "kind", "what", "now due", "then due", title="deadlines")
    for item in found["items"]:
        instants = (_local(item["old_due_at"]), _local(item["due_at"]))
        rows.add_row(item["number"], item["unit"] or "(centre)", item["kind"], _FATES[item["fate"]], *instants)
    for table in (units, rows):
        if table.row_count:
            console.print(table)
    stays = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in sorted(found["stays"].items())) or "none"
    console.print(
        f"{found['looked_at']} of {found['tickets']} open tickets looked at: {found['moved']} deadlines would move, "
        f"{found['newly_owed']} be newly owed, {found['lifted']} lifted. What stays: {stays}."
    )
    if found["total"] > len(found["items"]):
        console.print(f"{len(found['items'])} of {found['total']} are listed.")
    if found["without_rule"]:
        numbers = ", ".join(found["without_rule_numbers"])
        console.print(f"The pack has no rule for {found['without_rule']} tickets, which would keep theirs: {numbers}")


def _local(instant: str | None) -> str:
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if instant else "–"
