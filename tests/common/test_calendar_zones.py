"""The zone and the zone files of a machine decide no limit (T8). Compressed: 20,000 limits in each of 5 places."""

import hashlib
import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.common.walker import cases

from common.calendar import before, due, load_calendar

FOLDER = Path(__file__).parents[2] / "policies" / "calendar"
SCRIPT = "from tests.common.test_calendar_zones import told; print(told())"


@cache
def told() -> str:
    """What 20,000 limits and their warnings come to, as one number."""
    calendar = load_calendar(FOLDER)
    hashed = hashlib.sha256()
    for case in cases(random.Random(8), 20_000):
        found = due(calendar, case.anchor, case.allowance, day_end=case.day_end, roll=case.roll)
        warn_at = before(calendar, found.due_at, case.allowance)
        hashed.update(f"{found.due_at.isoformat()} {found.provisional} {warn_at.isoformat()}\n".encode())
    return hashed.hexdigest()


def run(script: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """A Python of its own; a variable that is None is not set there."""
    variables = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", None])
def test_the_machines_own_time_zone_moves_no_limit(zone: str | None) -> None:
    found = run(SCRIPT, TZ=zone)
    assert (found.stdout.strip(), found.stderr) == (told(), "")


def test_a_machine_without_zone_files_counts_by_those_that_come_with_the_suite() -> None:
    found = run(SCRIPT, TZ=None, PYTHONTZPATH="")
    assert (found.stdout.strip(), found.stderr) == (told(), "")


@pytest.mark.parametrize("command", ["import sla.service", "from hotline.cli import app; app(['up'])"])
def test_where_there_are_no_zone_files_at_all_nothing_starts_and_the_last_line_says_why(command: str) -> None:
    without = "import sys; sys.modules['tzdata'] = None; "
    found = run(without + command, PYTHONTZPATH="")
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1].endswith(
        "time zone Asia/Shanghai is not on this machine: install the Python package tzdata"
    )
