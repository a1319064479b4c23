"""Who used the processors, and how much memory a suite takes."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import psutil

CORES = os.cpu_count() or 1


def name_of(process: psutil.Process) -> str:
    """A process of a suite by what it is: ``postgres intake``, ``hotline up``, ``hotline.child``, ``kafka``, …"""
    try:
        words = process.cmdline()
    except psutil.Error:
        return "gone"
    line = " ".join(words)
    if backend := re.match(r"postgres: (\w+) hotline ", line):
        return f"postgres {backend.group(1)}"
    if line.startswith("postgres: "):
        return f"postgres {line.removeprefix('postgres: ').strip()}"
    if "bin/postgres" in line:
        return "guard" if words[0].endswith("sh") else "postgres postmaster"
    if "kafka.Kafka" in line:
        return "kafka guard" if words[0].endswith("sh") else "kafka"
    return next(
        (word for word in ("hotline.child", "hotline.cli", "bin/hotline") if word in line),
        words[0] if words else "gone",
    )


class Meter:
    """Processor time per kind of process since it was made, in seconds."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._before = _times(processes)
        self._own = psutil.Process()
        self._own_before = sum(self._own.cpu_times()[:2])
        self._machine_before = _busy()

    def read(self, processes: Iterable[psutil.Process]) -> dict[str, float]:
        """Seconds by kind; ``generator`` is this process, ``others`` whoever else works on the machine."""
        used: dict[str, float] = {}
        now = _times(processes)
        for pid, (name, seconds) in now.items():
            used[name] = used.get(name, 0.0) + seconds - self._before.get(pid, ("", 0.0))[1]
        for pid, (name, seconds) in self._before.items():
            if pid not in now and name.startswith("postgres "):
                used["postgres postmaster"] -= seconds  # it came to the postmaster's with the whole of its life
        used["generator"] = sum(self._own.cpu_times()[:2]) - self._own_before
        used["others"] = max(0.0, _busy() - self._machine_before - sum(used.values()))
        return {name: round(seconds, 2) for name, seconds in sorted(used.items(), key=lambda one: -one[1])}


def _times(processes: Iterable[psutil.Process]) -> dict[int, tuple[str, float]]:
    found = {}
    for process in processes:
        try:
            name = name_of(process)
            # What the postmaster's ended backends used is kept with it.
            found[process.pid] = (name, sum(process.cpu_times()[: 4 if name == "postgres postmaster" else 2]))
        except psutil.Error:
            continue
    return found


def _busy() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def grouped(used: dict[str, float]) -> dict[str, float]:
    """The same with PostgreSQL's processes as one."""
    sums: dict[str, float] = {}
    for name, seconds in used.items():
        kind = "postgres" if name.startswith("postgres") else name
        sums[kind] = round(sums.get(kind, 0.0) + seconds, 2)
    return dict(sorted(sums.items(), key=lambda one: -one[1]))


def what_binds(used: dict[str, float], seconds: float) -> str:
    """One sentence: how much of the processors was used and by whom."""
    shares = {name: used_seconds / (seconds * CORES) for name, used_seconds in grouped(used).items()}
    busy = sum(shares.values())
    by = ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.01)
    verdict = "processor time binds" if busy > 0.85 else "waiting binds (disk, locks, round trips)"
    return f"{verdict}: {busy:.0%} of {CORES} cores busy: {by}"


def pss_mib(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Proportional set size by kind of process, in MiB."""
    sizes: dict[str, float] = {}
    for process in processes:
        try:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        if found:
            name = name_of(process)
            sizes[name] = sizes.get(name, 0.0) + int(found.group(1)) / 1024
    return {name: round(size, 1) for name, size in sorted(sizes.items(), key=lambda one: -one[1])}
