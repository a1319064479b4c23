"""What cannot be consumed is put aside with its reason; its subject waits behind it, the others go on (R26)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.messaging.scene import GROUP, NOON, count_urging, open_bus, open_room, urged

from common.clock import new_id
from common.events.catalogue import DEAD, TICKETS
from common.events.codec import encode, peek
from common.events.envelope import Event, Message, subject_of_ticket
from common.messaging.bus import Bus
from common.messaging.parking import discard, is_parked, list_parked, release, unpark_next
from common.messaging.room import Room, Transaction
from common.messaging.runner import Runner, Transient, Unusable
from common.messaging.wakeup import Bell

A, B = new_id(), new_id()


class Desk:
    """dispatch with a consumer whose command can be broken and mended; the bus is the test's to write to."""

    def __init__(self, room: Room, bus: Bus) -> None:
        self.room = room
        self.bus = bus
        self.breaks: dict[UUID, Exception] = {}
        self.runner = self.new_runner()
        self._numbers: dict[UUID, int] = {}

    def new_runner(self, parkings_in_a_row: int = 20) -> Runner:
        handlers = {"TicketUrged": self._command}
        source = self.bus.source(GROUP, [TICKETS])
        return Runner(self.room, source, handlers, parkings_in_a_row=parkings_in_a_row)

    async def _command(self, tx: Transaction, event: Event) -> None:
        await count_urging(tx, event)
        if event.id in self.breaks:
            raise self.breaks[event.id]

    def message(self, ticket: UUID) -> Message:
        """The ticket's next urging, as intake puts it on the bus."""
        self._numbers[ticket] = number = self._numbers.get(ticket, 0) + 1
        subject = subject_of_ticket(ticket)
        event = Event(new_id(), "intake", "TicketUrged", subject, NOON, number, urged(ticket, number))
        return encode(event, TICKETS)

    async def consume(self, *messages: Message) -> None:
        """Publish them and consume until the group is at the end."""
        await self.bus.sink().publish(messages)
        await self.drain(self.runner)

    async def drain(self, runner: Runner) -> None:
        await runner.source.start()
        try:
            async with asyncio.timeout(20):
                while not runner.stopped_by_parkings and (await runner.step() or await runner.source.behind()):
                    pass
        finally:
            await runner.source.close()

    async def heard(self, ticket: UUID) -> list[object]:
        rows = await self._rows(f"select sequence from heard where subject = 'ticket/{ticket}' order by place")
        return [row[0] for row in rows]

    async def parked(self) -> list[tuple[str, str]]:
        async with self.room.database.engine.connect() as connection:
            return [(one.kind, one.reason) for one in await list_parked(connection)]

    async def dead_letters(self) -> list[str]:
        rows = await self._rows(f"select headers ->> 'hotline-reason' from outbox where topic = '{DEAD}' order by id")
        return [str(row[0]) for row in rows]

    async def _rows(self, statement: str) -> Sequence[Sequence[object]]:
        async with self.room.database.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]


@pytest.fixture
async def desk(admin_url: str) -> AsyncIterator[Desk]:
    room = open_room(admin_url, "dispatch")
    bus = await open_bus("pglog", admin_url, "dispatch", timedelta(seconds=10), Bell())
    yield Desk(room, bus)
    await bus.close()
    await room.database.close()


def id_of(message: Message) -> UUID:
    return peek(message).id


async def test_a_poisoned_ticket_waits_and_the_others_flow(desk: Desk) -> None:
    messages = [desk.message(ticket) for _ in range(10) for ticket in (A, B)]
    poison = messages[8]
    desk.breaks[id_of(poison)] = Unusable("no such unit")
    await desk.consume(*messages)
    assert await desk.heard(A) == [1, 2, 3, 4]
    assert await desk.heard(B) == list(range(1, 11))
    assert await desk.parked() == [
        ("unusable", "no such unit"),
        *[("behind", "an earlier event of its subject is parked")] * 5,
    ]
    assert await desk.dead_letters() == ["no such unit"]
    async with desk.room.database.engine.connect() as connection:
        assert await is_parked(connection, f"ticket/{A}")
        assert not await is_parked(connection, f"ticket/{B}")


async def _park_a_bug(desk: Desk) -> int:
    messages = [desk.message(A) for _ in range(4)]
    desk.breaks[id_of(messages[1])] = ZeroDivisionError("the text of a bug may quote data")
    await desk.consume(*messages)
    async with desk.room.database.engine.connect() as connection:
        first = (await list_parked(connection))[0]
    assert first.kind == "bug"
    assert first.reason.startswith("ZeroDivisionError at test_parking.py:")
    return first.id


async def test_a_released_event_is_tried_again_and_those_behind_it_follow_in_order(desk: Desk) -> None:
    parked = await _park_a_bug(desk)
    assert not await unpark_next(desk.runner)
    async with desk.room.database.engine.begin() as connection:
        assert await release(connection, parked)
    assert await unpark_next(desk.runner)
    assert (await desk.parked())[0][0] == "bug", "not mended yet: it is kept"
    desk.breaks.clear()
    async with desk.room.database.engine.begin() as connection:
        assert await release(connection, parked)
    await desk.consume(desk.message(A))
    while await unpark_next(desk.runner):
        pass
    await desk.consume(desk.message(A))
    assert await desk.heard(A) == [1, 2, 3, 4, 5, 6]
    assert await desk.parked() == []


async def test_a_discarded_event_lets_those_behind_it_go_on_and_its_reason_is_kept(desk: Desk) -> None:
    parked = await _park_a_bug(desk)
    async with desk.room.database.engine.begin() as connection:
        assert await discard(connection, parked, "entered twice by hand")
        assert not await discard(connection, parked, "again")
    while await unpark_next(desk.runner):
        pass
    assert await desk.heard(A) == [1, 3, 4]
    assert await desk.parked() == []


async def test_an_event_that_is_not_ready_holds_up_no_other_subject(desk: Desk) -> None:
    first, second = desk.message(A), desk.message(B)
    desk.breaks = {id_of(first): Unusable("x"), id_of(second): Unusable("y")}
    await desk.consume(first, second)
    async with desk.room.database.engine.begin() as connection:
        for one in await list_parked(connection):
            assert await release(connection, one.id)
    desk.breaks = {id_of(first): Transient("the pack is not here yet")}
    assert await unpark_next(desk.runner)
    assert not await unpark_next(desk.runner)
    assert (await desk.heard(A), await desk.heard(B)) == ([], [1])
    assert await desk._rows("select count(*) from outbox where topic <> 'hotline.dead'") == [(1,)]
    desk.breaks.clear()
    assert await unpark_next(desk.runner)
    assert await desk.heard(A) == [1]


async def test_what_is_transient_waits_in_place_and_is_never_parked(desk: Desk) -> None:
    messages = [desk.message(A) for _ in range(3)]
    desk.breaks[id_of(messages[1])] = Transient("the pack is not here yet")
    waited = asyncio.create_task(desk.consume(*messages))
    while await desk.heard(A) != [1]:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    desk.breaks.clear()
    await waited
    assert await desk.heard(A) == [1, 2, 3]
    assert await desk.parked() == []


def _header(name: str, value: str) -> dict[str, str]:
    return {name: value}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headers": _header("ce_type", "hotline.TicketVanished.v1")}, "unknown event type TicketVanished"),
        ({"headers": _header("ce_type", "hotline.TicketUrged.v2")}, "future version 2 of TicketUrged"),
        ({"value": b"not JSON"}, "TicketUrged: value is not JSON"),
        ({"value": b"\xff\x00\xfe"}, "TicketUrged: value is not JSON"),
        ({"key": f"ticket/{B}"}, "key and header ce_subject differ"),
        ({"headers": _header("ce_sequence", "-1")}, "header ce_sequence is not a number from 1"),
        ({"headers": _header("x\\u0000y", "\x00")}, None),
    ],
)
async def test_what_cannot_be_read_is_parked_with_a_reason_and_shown_on_the_dead_letter_topic(
    desk: Desk, changes: dict[str, object], reason: str | None
) -> None:
    good = desk.message(A)
    bad = replace(good, **{**changes, "headers": good.headers | changes.get("headers", {})})  # type: ignore[operator]
    await desk.runner.apply([replace(bad, partition=3, offset=7)])
    await desk.runner.apply([replace(bad, partition=3, offset=7)])
    parked = await desk.parked()
    if reason is None:
        assert await desk.heard(A) == [1]
        return
    assert [kind for kind, _ in parked] == ["unusable"]
    assert parked[0][1].startswith(reason)
    assert [one.startswith(reason) for one in await desk.dead_letters()] == [True]


async def test_an_unreadable_event_that_a_later_version_reads_is_applied_once(desk: Desk) -> None:
    good = replace(desk.message(A), partition=3, offset=7)
    await desk.runner.apply([replace(good, headers=good.headers | {"ce_type": "hotline.TicketUrged.v2"})])
    async with desk.room.database.engine.begin() as connection:
        await connection.execute(
            text('update parked set headers = headers || \'{"ce_type": "hotline.TicketUrged.v1"}\'')
        )
        (one,) = await list_parked(connection)
        await release(connection, one.id)
    assert await unpark_next(desk.runner)
    await desk.runner.apply([good])
    assert await desk.heard(A) == [1]


async def test_too_many_parkings_in_a_row_stop_the_consumer(desk: Desk) -> None:
    runner = desk.new_runner(parkings_in_a_row=3)
    tickets = [new_id() for _ in range(6)]
    messages = [desk.message(ticket) for ticket in tickets]
    for message in messages:
        desk.breaks[id_of(message)] = Unusable("nothing fits")
    await desk.bus.sink().publish(messages)
    await runner.run(asyncio.Event())
    assert runner.stopped_by_parkings
    assert len(await desk.parked()) == 3
    desk.breaks.clear()
    await desk.drain(desk.new_runner())
    assert len(await desk.parked()) == 3, "the others were not handed out for good"
    assert len(await desk._rows("select 1 from heard")) == 3


async def test_parkings_with_successes_between_them_do_not_stop_the_consumer(desk: Desk) -> None:
    runner = desk.new_runner(parkings_in_a_row=2)
    for _ in range(3):
        bad = replace(desk.message(new_id()), value=b"{}")
        await runner.apply([replace(bad, partition=0, offset=desk._numbers[peek_ticket(bad)])])
        await runner.apply([desk.message(A)])
    assert not runner.stopped_by_parkings


def peek_ticket(message: Message) -> UUID:
    return UUID(message.key.removeprefix("ticket/"))


async def test_a_consumer_told_to_stop_does_not_wait_for_what_is_not_ready(desk: Desk) -> None:
    message = desk.message(A)
    desk.breaks[id_of(message)] = Transient("the pack is not here yet")
    await desk.bus.sink().publish([message])
    stopping = asyncio.Event()
    running = asyncio.create_task(desk.runner.run(stopping))
    await asyncio.sleep(0.2)
    stopping.set()
    async with asyncio.timeout(5):
        await running
    desk.breaks.clear()
    await desk.drain(desk.new_runner())
    assert await desk.heard(A) == [1]
