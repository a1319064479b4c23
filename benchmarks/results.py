"""Figures are printed and kept, each with the commit it was measured on."""

import json
import subprocess
from pathlib import Path
from typing import Any

from common.clock import RealClock

FOLDER = Path(__file__).parent / "results"


def commit() -> str:
    """The commit that stands in the work tree; with a plus sign when it is changed."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=FOLDER.parent, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def keep(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and write them to ``benchmarks/results/<name>.json``."""
    FOLDER.mkdir(exist_ok=True)
    told = {"commit": commit(), "measured_at": RealClock().now().isoformat(timespec="seconds"), **figures}
    (FOLDER / f"{name}.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    width = max(map(len, figures))
    for key, value in figures.items():
        print(f"  {key:{width}}  {value}", flush=True)


def kept(name: str) -> dict[str, Any] | None:
    """The figures of an earlier run, if there is one."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None
