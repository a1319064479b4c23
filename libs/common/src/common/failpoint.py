"""Named places where a test may make the process die or freeze. Without the setting, passing one costs a dict look-up.

``HOTLINE_FAILPOINTS=relay.published:3:kill,runner.applied:1:kill`` kills the process with SIGKILL when it reaches the
named place for the third (first) time. ``freeze`` stops it with SIGSTOP.
"""

import os
import signal

_ACTIONS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def _read(setting: str) -> dict[str, tuple[int, signal.Signals]]:
    armed = {}
    for part in filter(None, setting.split(",")):
        place, times, action = part.split(":")
        armed[place] = (int(times), _ACTIONS[action])
    return armed


_armed = _read(os.environ.get("HOTLINE_FAILPOINTS", ""))


def reach(place: str) -> None:
    """Say that ``place`` was reached."""
    if place not in _armed:
        return
    left, action = _armed[place]
    if left <= 1:
        del _armed[place]
        os.kill(os.getpid(), action)
    else:
        _armed[place] = (left - 1, action)
