"""What both buses promise, held against each of them by one suite."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from tests.messaging.fleet import until
from tests.messaging.scene import GROUP, HANDLERS, NOON, open_bus, open_room, urged

from common.clock import SimulatedClock, new_id
from common.events.catalogue import REFERENCE, TICKETS, replay_topic, unit_topic
from common.events.codec import encode
from common.events.envelope import Event, Message, subject_of_ticket
from common.messaging.bus import PARTITIONS, Bus, BusUnavailable, Place, Source, WrongPartitions
from common.messaging.room import Room
from common.messaging.runner import Runner

LEASE = timedelta(seconds=1.5)


@pytest.fixture
async def bus(bus_address: str, admin_url: str) -> AsyncIterator[Bus]:
    opened = await open_bus(bus_address, admin_url, "intake", LEASE)
    yield opened
    await opened.close()


def message(ticket: UUID, number: int, topic: str = TICKETS) -> Message:
    subject = subject_of_ticket(ticket)
    return encode(Event(new_id(), "intake", "TicketUrged", subject, NOON, number, urged(ticket, number)), topic)


async def take(source: Source, wanted: int) -> list[Message]:
    """Fetch until that many messages came, without committing anything."""
    taken: list[Message] = []
    async with asyncio.timeout(20):
        while len(taken) < wanted:
            taken += (await source.fetch(100, 0.1)).messages
    return taken


def positions(messages: Sequence[Message]) -> dict[Place, int]:
    return {(one.topic, one.partition): one.offset + 1 for one in messages}


async def test_a_subjects_messages_come_in_order_from_one_partition(bus: Bus) -> None:
    tickets = [new_id() for _ in range(20)]
    sent = [message(ticket, number) for number in range(1, 11) for ticket in tickets]
    sink, source = bus.sink(), bus.source(GROUP, [TICKETS])
    await source.start()
    for at in range(0, len(sent), 50):
        await sink.publish(sent[at : at + 50])
    taken = await take(source, len(sent))
    for ticket in tickets:
        own = [one for one in taken if one.key == f"ticket/{ticket}"]
        assert [one.headers["ce_sequence"] for one in own] == [str(number) for number in range(1, 11)]
        assert len({one.partition for one in own}) == 1
        assert [one.value for one in own] == [one.value for one in sent if one.key == own[0].key]
    assert len({one.partition for one in taken}) > 3
    await source.commit(positions(taken))
    assert await source.behind() == 0
    await source.close()
    await sink.close()


async def test_what_was_not_committed_comes_again(bus: Bus) -> None:
    ticket = new_id()
    sink, source = bus.sink(), bus.source(GROUP, [TICKETS])
    await sink.publish([message(ticket, 1), message(ticket, 2)])
    await source.start()
    first = await take(source, 2)
    await source.commit(positions(first[:1]))
    assert await source.behind() == 1
    await source.close()
    await source.start()
    again = await take(source, 1)
    assert [one.headers["ce_sequence"] for one in again] == ["2"]
    await source.commit(positions(again))
    await source.close()
    await sink.close()


async def test_a_member_that_could_not_say_that_it_left_reads_on_when_it_begins_anew(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await open_bus("pglog", admin_url, "intake", LEASE)
    sink, source = bus.sink(), bus.source(GROUP, [TICKETS])
    await sink.publish([message(new_id(), 1)])
    await source.start()
    taken = await take(source, 1)
    with monkeypatch.context() as while_it_leaves:
        cut = text("select pg_terminate_backend(pg_backend_pid())")
        while_it_leaves.setattr("common.messaging.pglog_member._LEAVE", cut)
        await source.close()
    await source.start()
    assert [one.value for one in await take(source, 1)] == [taken[0].value]
    await source.commit(positions(taken))
    assert await source.behind() == 0
    await source.close()
    await bus.close()


async def test_members_share_the_partitions_and_one_that_leaves_gives_its_own_back(bus: Bus) -> None:
    sink = bus.sink()
    one, two = bus.source(GROUP, [TICKETS]), bus.source(GROUP, [TICKETS])
    heard: dict[int, list[tuple[str, int]]] = {1: [], 2: []}
    stopping = {1: asyncio.Event(), 2: asyncio.Event()}

    async def consume(number: int, source: Source) -> None:
        await source.start()
        while not stopping[number].is_set():
            messages = (await source.fetch(100, 0.1)).messages
            await source.commit(positions(messages))
            heard[number] += [(each.key, each.partition) for each in messages]
        await source.close()

    members = [asyncio.create_task(consume(number, source)) for number, source in ((1, one), (2, two))]

    async def both_heard() -> bool:
        heard[1].clear()
        heard[2].clear()
        await sink.publish([message(new_id(), 1) for _ in range(60)])
        await until_count(lambda: len(heard[1]) + len(heard[2]), 60)
        return bool(heard[1] and heard[2])

    await until(both_heard)
    assert {place for _, place in heard[1]}.isdisjoint({place for _, place in heard[2]})
    stopping[1].set()
    await members[0]

    async def the_other_hears_all() -> bool:
        heard[2].clear()
        await sink.publish([message(new_id(), 1) for _ in range(60)])
        await until_count(lambda: len(heard[2]), 60)
        return True

    await until(the_other_hears_all)
    stopping[2].set()
    await members[1]
    await sink.close()


async def until_count(count: Callable[[], int], wanted: int) -> None:
    async def enough() -> bool:
        return count() >= wanted

    await until(enough)


async def test_topics_are_made_when_first_spoken_of(bus: Bus) -> None:
    unit = unit_topic(f"shuangyashan.{new_id()}")
    replay = replay_topic(f"x{new_id()}")
    sink, source = bus.sink(), bus.source(f"reader-{new_id()}", [unit, replay])
    await sink.publish([message(new_id(), 1, unit)])
    await source.start()
    await sink.publish([message(new_id(), 2, replay)])
    assert {(one.topic, one.partition) for one in await take(source, 2)} == {(unit, 0), (replay, 0)}
    await source.close()
    with pytest.raises(BusUnavailable, match="no topic"):
        await sink.publish([message(new_id(), 1, "hotline.misspelt")])
    await sink.close()


async def test_another_number_of_partitions_is_refused(bus: Bus) -> None:
    await bus.ensure_topics(PARTITIONS)
    with pytest.raises(WrongPartitions, match="12 partitions"):
        await bus.ensure_topics({TICKETS: 13})


@pytest.fixture
async def dispatch(admin_url: str) -> AsyncIterator[Room]:
    room = open_room(admin_url, "dispatch")
    yield Room("dispatch", room.database, SimulatedClock(NOON))
    await room.database.close()


async def test_a_partition_is_caught_up_when_what_was_published_before_the_look_has_its_effect(
    bus: Bus, dispatch: Room
) -> None:
    clock = dispatch.clock
    assert isinstance(clock, SimulatedClock)
    sink, source = bus.sink(), bus.source(GROUP, [TICKETS])
    effects: dict[Place, list[tuple[datetime, int]]] = {}

    async def count() -> int:
        async with dispatch.database.engine.connect() as connection:
            return int((await connection.execute(text("select count(*) from effect"))).scalar_one())

    async def caught_up(places: Collection[Place], looked_at: datetime) -> None:
        done = await count()
        for place in places:
            effects.setdefault(place, []).append((looked_at, done))

    runner = Runner(dispatch, source, {"TicketUrged": HANDLERS["TicketUrged"]}, most=25, on_caught_up=caught_up)
    stopping = asyncio.Event()
    running = asyncio.create_task(runner.run(stopping))
    published = 0
    for minute in range(1, 6):
        await sink.publish([message(new_id(), 1) for _ in range(80)])
        published += 80
        clock.set(NOON + timedelta(minutes=minute))

        async def all_caught_up(minute: int = minute) -> bool:
            return len(effects) == 12 and all(
                seen[-1][0] >= NOON + timedelta(minutes=minute) for seen in effects.values()
            )

        await until(all_caught_up)
        done = max(seen[-1][1] for seen in effects.values())
        assert done == published
    stopping.set()
    await running
    await sink.close()


async def test_a_silent_members_commit_is_refused(admin_url: str) -> None:
    """On the embedded bus. (aiokafka beats by itself: there only a frozen process is silent, see test_fleet.)"""
    bus = await open_bus("pglog", admin_url, "dispatch", LEASE)
    sink, silent, other = bus.sink(), bus.source(GROUP, [TICKETS]), bus.source(GROUP, [TICKETS])
    ticket = new_id()
    await sink.publish([message(ticket, 1), message(ticket, 2)])
    await silent.start()
    old = await take(silent, 2)
    silent._heart.cancel()  # type: ignore[attr-defined]
    await other.start()
    new = await take(other, 2)
    await other.commit(positions(new))
    await silent.commit(positions(old[:1]))
    assert await other.behind() == 0
    await silent.close()
    await other.close()
    await bus.close()


async def test_the_log_forgets_what_is_old_and_consumed_and_keeps_the_reference(admin_url: str) -> None:
    bus = await open_bus("pglog", admin_url, "intake", LEASE)
    sink, source = bus.sink(), bus.source(GROUP, [TICKETS])
    await source.start()
    await sink.publish([message(new_id(), 1) for _ in range(6)])
    taken = await take(source, 6)
    await source.commit(positions(taken))
    await sink.publish([message(new_id(), 1), message(new_id(), 1, REFERENCE)])
    admin = await asyncpg.connect(admin_url)
    await admin.execute("update bus.log set appended_at = appended_at - interval '31 days'")
    await sink.publish([message(new_id(), 1)])
    assert await bus.forget_old(rows=4) == 4
    assert await bus.forget_old(rows=4) == 2
    assert await bus.forget_old() == 0
    # Not consumed yet, too young, or reference.
    assert await admin.fetchval("select count(*) from bus.log") == 3
    await admin.close()
    await source.close()
    await bus.close()
