"""Several operating-system processes of one service, some of which die or freeze in mid-command."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from tests.messaging.mutants import CursorRelay, keyless_sink
from tests.messaging.scene import GROUP, Findings, announce, look, open_bus, open_room, urged

from common.clock import new_id
from common.events.catalogue import TICKETS
from common.events.envelope import subject_of_ticket
from common.messaging.bus import PARTITIONS, Bus, Sink
from common.messaging.relay import Relay
from common.messaging.room import Room
from common.messaging.wakeup import Bell

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Member:
    process: Process
    log: Path

    @property
    def frozen(self) -> bool:
        return bool(psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)

    @property
    def dead(self) -> bool:
        return self.process.returncode is not None

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def said(self, words: str) -> bool:
        return words in self.log.read_text("utf-8", "replace")


@dataclass(slots=True)
class Fleet:
    """The scene's two services on one bus; intake in this process, dispatch in others."""

    bus_address: str
    admin_url: str
    lease: timedelta
    mutant: str
    folder: Path
    intake: Room
    dispatch: Room
    bus: Bus
    members: list[Member]
    tickets: list[UUID]
    urgings: int = 0

    async def add(self, failpoints: str = "") -> Member:
        log = self.folder / f"member-{len(self.members)}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.messaging.member",
                *(self.bus_address, self.admin_url, str(self.lease.total_seconds()), self.mutant),
                cwd=ROOT,
                env=os.environ | {"HOTLINE_FAILPOINTS": failpoints},
                stdout=output,
                stderr=output,
            )
        member = Member(process, log)
        self.members.append(member)
        return member

    async def assembled(self) -> bool:
        """Whether every member holds partitions."""
        if self.bus_address == "pglog":
            async with self.dispatch.database.engine.connect() as connection:
                found = await connection.execute(
                    text("select count(distinct owner) = :members and count(owner) = count(*) from bus.claim"),
                    {"members": len(self.members)},
                )
                return bool(found.scalar())
        return await _stable_members(self.bus_address) == len(self.members)

    async def wave(self) -> None:
        """Every ticket is urged twice."""
        for _ in range(2):
            self.urgings += 1
            for ticket in self.tickets:
                await announce(self.intake, ticket, self.urgings)

    async def overtaken(self) -> None:
        """A slow transaction with smaller ids commits after later ones were published (C9)."""
        slow = new_id()
        async with self.intake.transaction() as tx:
            for times in (1, 2):
                tx.announce(urged(slow, times), subject_of_ticket(slow))
            await tx.write_announced()
            await self.wave()
            await until(self._later_published)
        await announce(self.intake, slow, 3)

    async def _later_published(self) -> bool:
        async with self.intake.database.engine.connect() as connection:
            found = await connection.execute(text("select count(*) from outbox where published_at is null"))
            return not found.scalar_one()

    async def behind(self) -> int:
        """How many messages the group has not committed, asked from outside."""
        if self.bus_address == "pglog":
            async with self.dispatch.database.engine.connect() as connection:
                found = await connection.execute(
                    text(
                        "select coalesce(sum(p.next_offset - coalesce(c.committed, 0)), 0) from bus.partition p "
                        "left join bus.claim c on c.topic = p.topic and c.partition = p.partition "
                        "and c.group_name = :group where p.topic = :topic"
                    ),
                    {"group": GROUP, "topic": TICKETS},
                )
                return int(found.scalar_one())
        return await _kafka_behind(self.bus_address)

    async def look(self) -> Findings:
        return await look(self.intake, self.dispatch, await self.behind())

    async def taken_over(self) -> bool:
        """Whether every event had its effect, those in the hands of the dead and the frozen too."""
        return not (await self.look()).lost

    async def settle(self) -> Findings:
        """Wait until everything is as it must be; with a mutant, which never gets there, until nothing moves."""
        findings, unchanged = await self.look(), 0
        give_up = asyncio.get_running_loop().time() + 40
        while findings.violations and asyncio.get_running_loop().time() < give_up:
            await asyncio.sleep(0.25)
            now = await self.look()
            unchanged = unchanged + 1 if now == findings else 0
            findings = now
            if self.mutant != "none" and unchanged * 0.25 > 0.5 + 1.5 * self.lease.total_seconds():
                break
        return findings

    async def stop(self) -> list[int | None]:
        """Stop the living members in order; their exit codes."""
        living = [one for one in self.members if not one.dead]
        for member in living:
            member.process.terminate()
            member.thaw()
        return list(await asyncio.gather(*(one.process.wait() for one in living)))


@asynccontextmanager
async def fleet(
    bus_address: str, admin_url: str, folder: Path, mutant: str = "none", tickets: int = 8
) -> AsyncIterator[Fleet]:
    lease = timedelta(seconds=1 if bus_address == "pglog" else 2)
    bell = Bell()
    bus = await open_bus(bus_address, admin_url, "intake", lease, bell)
    intake, dispatch = (open_room(admin_url, service) for service in ("intake", "dispatch"))
    sink: Sink = keyless_sink(bus) if mutant == "no_key" else bus.sink()
    relay = (CursorRelay if mutant == "cursor" else Relay)(intake, sink, bell)
    relaying = asyncio.create_task(relay.run())
    scene = Fleet(
        bus_address, admin_url, lease, mutant, folder, intake, dispatch, bus, [], [new_id() for _ in range(tickets)]
    )
    try:
        yield scene
    except BaseException:
        for member in scene.members:
            told = member.log.read_text("utf-8", "replace")[-2000:]
            sys.stderr.write(f"{member.log} {member.process.returncode}\n{told}")
        raise
    finally:
        for member in scene.members:
            if not member.dead:
                member.process.kill()
                await member.process.wait()
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await bus.close()
        for room in (intake, dispatch):
            await room.database.close()


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60, every: float = 0.02) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - other processes work in between
            await asyncio.sleep(every)


async def _kafka_behind(bootstrap: str) -> int:
    places = [TopicPartition(TICKETS, number) for number in range(PARTITIONS[TICKETS])]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        return sum([ends[place] - (await consumer.committed(place) or 0) for place in places])
    finally:
        await consumer.stop()


async def _stable_members(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([GROUP])
    finally:
        await admin.close()
    (group,) = answer.to_object()["groups"]
    return len(group["members"]) if group["state"] == "Stable" else 0
