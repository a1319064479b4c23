"""From the outbox to the bus: all of it, in order, by one relay at a time (C9, R17)."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.messaging.fleet import fleet, until
from tests.messaging.scene import announce, open_room, urged

from common.clock import new_id
from common.events.envelope import Message, subject_of_ticket
from common.messaging.bus import BusUnavailable
from common.messaging.relay import Relay, unpublished
from common.messaging.room import Room
from common.messaging.wakeup import Bell


@pytest.fixture
async def intake(admin_url: str) -> AsyncIterator[Room]:
    room = open_room(admin_url, "intake")
    yield room
    await room.database.close()


class Paper:
    """A sink that writes down what it is given; the first calls may fail or take long."""

    def __init__(self, *first: float | BaseException) -> None:
        self.got: list[Message] = []
        self.calls = 0
        self._first = list(first)

    async def publish(self, messages: Sequence[Message]) -> None:
        self.calls += 1
        trouble = self._first.pop(0) if self._first else 0.0
        if isinstance(trouble, BaseException):
            raise trouble
        await asyncio.sleep(trouble)
        self.got += messages

    async def close(self) -> None:
        return None

    def of(self, subject: str) -> list[int]:
        return [int(one.headers["ce_sequence"]) for one in self.got if one.key == subject]


async def _relayed(room: Room, *relays: Relay) -> list[asyncio.Task[None]]:
    async def empty() -> bool:
        return not await unpublished(room)

    running = [asyncio.create_task(relay.run()) for relay in relays]
    await until(empty)
    return running


async def _end(running: Sequence[asyncio.Task[None]]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_slow_transactions_with_smaller_ids_are_neither_lost_nor_overtaken(intake: Room) -> None:
    chance = random.Random(9)
    tickets = [new_id() for _ in range(12)]
    paper = Paper()
    relay = asyncio.create_task(Relay(intake, paper, Bell(), most=7).run())

    async def clerk() -> None:
        for times in range(20):
            async with intake.transaction() as tx:
                ticket = chance.choice(tickets)
                tx.announce(urged(ticket, times + 1), subject_of_ticket(ticket))
                await tx.write_announced()
                await asyncio.sleep(chance.choice([0, 0, 0.005, 0.05]))

    await asyncio.gather(*(clerk() for _ in range(8)))
    await _relayed(intake)
    await _end([relay])
    assert len(paper.got) == 160
    for ticket in tickets:
        numbers = paper.of(subject_of_ticket(ticket))
        assert numbers == list(range(1, len(numbers) + 1))


async def test_an_unreachable_bus_delays_facts_and_keeps_their_order(intake: Room) -> None:
    ticket = new_id()
    for times in range(1, 6):
        await announce(intake, ticket, times)
    paper = Paper(BusUnavailable("x"), BusUnavailable("x"))
    await _end(await _relayed(intake, Relay(intake, paper, Bell(), most=2, lease=timedelta(seconds=1))))
    assert paper.of(subject_of_ticket(ticket)) == [1, 2, 3, 4, 5]


async def test_a_slow_bus_does_not_cost_the_leadership(intake: Room) -> None:
    await announce(intake, new_id(), 1)
    slow, other = Paper(1.5), Paper()
    lease = timedelta(seconds=0.4)
    running = await _relayed(
        intake, Relay(intake, slow, Bell(), lease=lease), Relay(intake, other, Bell(), lease=lease)
    )
    await _end(running)
    assert (slow.calls, other.calls) in {(1, 0), (0, 1)}


async def test_one_relay_leads_and_another_follows_when_it_goes(intake: Room) -> None:
    papers = [Paper(), Paper()]
    lease = timedelta(seconds=1)
    running = [asyncio.create_task(Relay(intake, paper, Bell(), lease=lease).run()) for paper in papers]
    for times in range(1, 4):
        await announce(intake, new_id(), times)
        await _relayed(intake)
    first = next(number for number, paper in enumerate(papers) if paper.calls)
    assert papers[1 - first].calls == 0
    await _end([running[first]])
    await announce(intake, new_id(), 4)
    await _relayed(intake)
    assert len(papers[1 - first].got) == 1
    await _end(running)


@pytest.mark.parametrize("trouble", [ZeroDivisionError(), asyncio.CancelledError()])
async def test_a_relay_that_meets_a_bug_says_so_and_goes_on(intake: Room, trouble: BaseException) -> None:
    await announce(intake, new_id(), 1)
    paper = Paper(trouble)
    await _end(await _relayed(intake, Relay(intake, paper, Bell())))
    assert len(paper.got) == 1


async def test_a_cut_connection_loses_and_disorders_nothing(intake: Room) -> None:
    """R8: the leader's connection is cut again and again."""
    ticket, paper = new_id(), Paper()
    relay = asyncio.create_task(Relay(intake, paper, Bell(), most=3).run())
    for times in range(1, 13):
        await announce(intake, ticket, times)
        if times % 4 == 0:
            async with intake.database.engine.connect() as connection:
                await connection.execute(
                    text(
                        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%published_at%'"
                        " and pid <> pg_backend_pid() and datname = current_database()"
                    )
                )
    await _relayed(intake)
    await _end([relay])
    seen = paper.of(subject_of_ticket(ticket))
    assert sorted(set(seen)) == list(range(1, 13))
    firsts = [number for at, number in enumerate(seen) if number not in seen[:at]]
    assert firsts == sorted(firsts)


async def test_a_frozen_relays_successor_takes_over_within_the_lease(
    bus_address: str, admin_url: str, tmp_path: Path
) -> None:
    async with fleet(bus_address, admin_url, tmp_path, tickets=4) as scene:
        frozen = await scene.add("relay.published:1:freeze")

        async def struck() -> bool:
            await scene.wave()
            return frozen.frozen

        await until(struck, every=0.4)
        await scene.add()
        await scene.wave()
        await until(scene.taken_over)
        frozen.thaw()
        await scene.wave()
        findings = await scene.settle()
        assert findings.violations == set()
        assert await scene.stop() == [0, 0]
