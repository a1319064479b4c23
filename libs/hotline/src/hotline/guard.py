"""A server program that must not outlive this process, and the lock on the directory it works in.

The guard is a small shell in a session of its own. It starts the program and waits for it; beside it a watcher reads a
pipe whose other end only this process holds. However this process ends, kill -9 included, the pipe closes and the
watcher stops the program. Ctrl-C reaches neither, so the program is stopped in order and not together with us.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil


class StartRefused(Exception):
    """Why a server cannot start, in one sentence for the person at the terminal."""


class PlatformUnsupported(StartRefused):
    """The operating system, or something that belongs to it, does not carry this server."""


class DataDirectoryLocked(StartRefused):
    """Another live instance works in the directory."""


class DataDirectoryForbidden(StartRefused):
    """The directory cannot be read or written by this user."""


class DataDirectoryBroken(StartRefused):
    """The directory holds something that the server cannot start from."""


# A dead owner's servers are given this long to stop.
_PATIENCE_SECONDS = 40.0
_STEP_SECONDS = 0.02

# $1: signals to send, in order; $2: tenths of a second between them; the rest: the program.
_SCRIPT = """
signals=$1 patience=$2
shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
(
    read -r _ <&3
    for each in $signals; do
        kill -s "$each" "$program" || exit 0
        waited=0
        while [ "$waited" -lt "$patience" ]; do
            kill -s 0 "$program" || exit 0
            sleep 0.1
            waited=$((waited + 1))
        done
    done
) 2>/dev/null &
watcher=$!
wait "$program"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to work in a directory. Held by this process and by every server started under it."""

    descriptor: int

    def name_guard(self, guard: int) -> None:
        """Write down which process group to stop should its guard be killed too."""
        os.pwrite(self.descriptor, f"{os.getpid()} {guard}\n".encode(), 0)

    def release(self) -> None:
        """Give the directory back. Whoever comes next waits for the last of our processes, and does not refuse."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def hold(path: Path, *, patience: float = _PATIENCE_SECONDS) -> Lock:
    """Take the lock file, waiting for the servers of an owner that died to stop.

    Raises DataDirectoryLocked when its owner lives, DataDirectoryForbidden when the file cannot be opened.
    """
    refuse_platform(sys.platform)
    import fcntl  # not on Windows, which was refused above with a sentence

    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryForbidden(f"Cannot write in {path.parent}: {error.strerror}.") from error
    # The guard's shell uses the single-digit descriptors itself; the lock must pass through it to the program.
    descriptor = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(opened)
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner, guard = _written(descriptor)
            if _alive(owner) or time.monotonic() > give_up:
                os.close(descriptor)
                raise DataDirectoryLocked(
                    f"{path.parent} is in use by another running instance (process {owner or 'unknown'}): "
                    "stop that one or choose another data directory."
                ) from error
            if guard and not _alive(guard):
                # The guard was killed too; what it started still holds the lock. Both servers recover from a crash.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(guard, signal.SIGKILL)
            time.sleep(_STEP_SECONDS)
            continue
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} 0\n".encode(), 0)
        return Lock(descriptor)


def refuse_platform(platform: str) -> None:
    """Raise PlatformUnsupported where the embedded servers cannot be guarded. ``platform`` as sys.platform."""
    if not platform.startswith(("linux", "darwin")):
        raise PlatformUnsupported(
            f"The embedded servers run on Linux and macOS, not on {platform}: "
            "use WSL, or name your own with HOTLINE_DATABASE and HOTLINE_BUS."
        )


class Guarded:
    """A running program and its guard."""

    def __init__(self, process: subprocess.Popen[bytes], patience: float) -> None:
        self._process = process
        self._patience = patience

    @property
    def pid(self) -> int:
        """The guard's process and process group."""
        return self._process.pid

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        """Close the pipe and wait until the program and its guard are gone. Twice is once."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def guarded(
    command: Sequence[str | Path],
    *,
    log: IO[bytes],
    signals: Sequence[str],
    patience: float,
    lock: Lock,
    environment: Mapping[str, str] | None = None,
) -> Guarded:
    """Start a program under a guard.

    ``signals`` are sent in order, ``patience`` seconds apart, until the program has gone. The lock stays taken until
    the last process of the program has ended, even when that is later than our own end.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "guard", " ".join(signals), str(int(patience * 10)), *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd="/",
        env=None if environment is None else dict(environment),
        start_new_session=True,
        pass_fds=(lock.descriptor,),
    )
    lock.name_guard(process.pid)
    return Guarded(process, patience * (len(signals) + 1))


@contextlib.contextmanager
def released_on_error(lock: Lock) -> Iterator[None]:
    """Give the lock back when what was to run under it does not come up."""
    try:
        yield
    except BaseException:
        lock.release()
        raise


def owner_of(path: Path) -> int | None:
    """The live process that holds the lock file, if one does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        owner, _guard = _written(descriptor)
    finally:
        os.close(descriptor)
    return owner if _alive(owner) else None


def last_words(log: Path, since: int, *markers: str) -> str:
    """The last line written after byte ``since`` that holds one of ``markers``, else the last line at all."""
    with contextlib.suppress(OSError):
        lines = log.read_bytes()[since:].decode(errors="replace").splitlines()
        told = [line for line in lines if any(marker in line for marker in markers)] or [line for line in lines if line]
        if told:
            return told[-1].strip()
    return "nothing was logged"


def _written(descriptor: int) -> tuple[int, int]:
    """Owner and guard as the lock file names them; 0 where it does not."""
    parts = os.pread(descriptor, 64, 0).split()
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 else (0, 0)


def _alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not reaped does not."""
    try:
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
