"""However the demo ends, nothing of it is left running; when it ends in order, nothing is left on disk."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.journeys.conftest import ROOT

pytestmark = pytest.mark.database
_PATIENCE_SECONDS = 90.0


def working_in(folder: Path) -> list[str]:
    """Processes that were told to work in that folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


async def until_gone(folder: Path) -> list[str]:
    """What still runs when patience ends: nothing, it is hoped."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while (left := working_in(folder)) and time.monotonic() < give_up:  # noqa: ASYNC110 - not our processes any more
        await asyncio.sleep(0.1)
    return left


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
async def test_a_demo_that_is_ended_in_the_middle_leaves_nothing_running(tmp_path: Path, sent: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline.cli", "demo"),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        # The second event that the unit's program heard: suite and listener run, and the stories have begun.
        while "#2 " not in (line := (await process.stdout.readline()).decode()):
            assert line, "the demo ended by itself"
    assert any("hotline.cli up" in one for one in working_in(tmp_path))
    process.send_signal(sent)
    await process.communicate()
    assert await until_gone(tmp_path) == []
    if sent is signal.SIGINT:
        assert list(tmp_path.glob("hotline-demo-*")) == []
