"""What a command announces: numbered per subject, together with its rows or not at all; partitions; walls."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tests.messaging.scene import announce, open_room, urged

from common.clock import new_id
from common.database import Database, is_transient, room_url
from common.events.envelope import Message, subject_of_ticket
from common.messaging.maintenance import RETENTION, keep_partitions
from common.messaging.room import Room


@pytest.fixture
async def intake(admin_url: str) -> AsyncIterator[Room]:
    room = open_room(admin_url, "intake")
    yield room
    await room.database.close()


async def _numbers(room: Room, subject: str) -> list[int]:
    async with room.database.engine.connect() as connection:
        rows = await connection.execute(
            text("select sequence from outbox where subject = :subject order by id"), {"subject": subject}
        )
        return list(rows.scalars())


async def test_facts_of_a_subject_are_numbered_without_gaps_in_the_order_of_their_ids(intake: Room) -> None:
    tickets = [new_id() for _ in range(3)]

    async def urge(times: int) -> None:
        async with intake.transaction() as tx:
            for ticket in tickets if times % 2 else reversed(tickets):
                tx.announce(urged(ticket, times), subject_of_ticket(ticket))
                tx.announce(urged(ticket, times), subject_of_ticket(ticket))
            if times % 5 == 0:
                raise _Refused

    await asyncio.gather(*(urge(times) for times in range(1, 31)), return_exceptions=True)
    for ticket in tickets:
        assert await _numbers(intake, subject_of_ticket(ticket)) == list(range(1, 2 * 24 + 1))


class _Refused(Exception):
    pass


async def test_a_forwarded_message_is_not_numbered_and_keeps_its_place(intake: Room) -> None:
    ticket = new_id()
    subject = subject_of_ticket(ticket)
    async with intake.transaction() as tx:
        tx.announce(urged(ticket, 1), subject)
        tx.forward(Message("hotline.units.shuangyashan.a", subject, {"ce_feedseq": "1"}, b"{}"))
        tx.announce(urged(ticket, 2), subject)
    assert await _numbers(intake, subject) == [1, 0, 2]


async def test_a_refused_command_announces_nothing(intake: Room) -> None:
    ticket = new_id()

    async def refused() -> None:
        async with intake.transaction() as tx:
            tx.announce(urged(ticket, 1), subject_of_ticket(ticket))
            raise _Refused

    with pytest.raises(_Refused):
        await refused()
    assert await _numbers(intake, subject_of_ticket(ticket)) == []


async def test_own_and_ancient_events_count_as_seen(intake: Room) -> None:
    assert await intake.seen(await announce(intake, new_id(), 1))
    assert await intake.seen(UUID("0170c5a7-0000-7000-8000-000000000000"))
    assert not await intake.seen(new_id())
    assert not await intake.seen(UUID("11111111-1111-4111-8111-111111111111"))


async def _partitions(room: Room) -> dict[str, int]:
    """Partitions with rows in them, by table and week."""
    async with room.database.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "select tableoid::regclass::text as name, count(*) as n from outbox group by 1 "
                "union all select tableoid::regclass::text, count(*) from inbox group by 1"
            )
        )
        return {row.name: row.n for row in rows}


async def test_partitions_are_made_ahead_filled_from_the_rest_and_dropped_when_old(intake: Room) -> None:
    now = datetime(2030, 6, 5, tzinfo=UTC)
    async with intake.database.engine.begin() as connection:
        for week in range(9):
            at = now + week * timedelta(days=7)
            id_then = UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | week)
            await connection.execute(text("insert into inbox values (:id)"), {"id": id_then})
            await connection.execute(
                text("insert into outbox values (:id, default, 't', 's', 1, '{}', 'v', :published)"),
                {"id": id_then, "published": None if week == 1 else at},
            )
    assert await _partitions(intake) == {"outbox_rest": 9, "inbox_rest": 9}
    for _ in range(2):
        async with intake.database.engine.begin() as connection:
            await keep_partitions(connection, now)
    assert await _partitions(intake) == {
        **{f"{table}_w203006{day:02}": 1 for table in ("outbox", "inbox") for day in (3, 10, 17, 24)},
        "outbox_rest": 5,
        "inbox_rest": 5,
    }
    async with intake.database.engine.begin() as connection:
        await keep_partitions(connection, now + RETENTION + timedelta(days=15))
    left = await _partitions(intake)
    assert sorted(name for name in left if name.startswith("outbox")) == [
        *("outbox_rest", "outbox_w20300610", "outbox_w20300617", "outbox_w20300624", "outbox_w20300729")
    ], "what is not published is never dropped"
    assert sorted(name for name in left if name.startswith("inbox")) == [
        *("inbox_rest", "inbox_w20300617", "inbox_w20300624", "inbox_w20300729")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from dispatch.effect",
        "insert into dispatch.outbox values (gen_random_uuid(), default, 't', 's', 1, '{}', 'v')",
        "create table dispatch.mine (a int)",
        "create table public.mine (a int)",
        "drop schema dispatch cascade",
        "set role dispatch",
        "delete from bus.log",
        "drop table bus.log",
    ],
)
async def test_no_service_reaches_into_another_services_room(admin_url: str, statement: str) -> None:
    database = Database.open(room_url(admin_url, "intake"), "intake")
    with pytest.raises((ProgrammingError, DBAPIError), match=r"permission denied|must be owner"):
        async with database.engine.begin() as connection:
            await connection.execute(text(statement))
    await database.close()


async def test_the_common_login_takes_the_services_role(admin_url: str) -> None:
    database = Database.open(admin_url, "intake")
    async with database.engine.connect() as connection:
        assert (await connection.execute(text("select current_user, current_schema"))).one() == ("intake", "intake")
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text("select * from dispatch.effect"))
    await database.close()


@pytest.mark.parametrize(
    ("statement", "transient"),
    [
        ("select pg_terminate_backend(pg_backend_pid())", True),
        ("do $$ begin raise sqlstate '53100'; end $$", True),
        ("do $$ begin raise sqlstate '40P01'; end $$", True),
        ("do $$ begin raise sqlstate '25006'; end $$", True),
        ("set statement_timeout = 10; select pg_sleep(5)", True),
        ("select 1 / 0", False),
        ("insert into inbox select gen_random_uuid() from generate_series(1, 2) union all values (null)", False),
    ],
)
async def test_what_may_succeed_a_moment_later(intake: Room, statement: str, transient: bool) -> None:
    async def run() -> None:
        async with intake.database.engine.begin() as connection:
            for part in statement.split("; ") if statement.startswith("set") else [statement]:
                await connection.execute(text(part))

    with pytest.raises(DBAPIError) as raised:
        await run()
    assert is_transient(raised.value) is transient


async def test_an_exhausted_pool_and_a_server_that_is_away_are_transient(admin_url: str) -> None:
    database = Database.open(room_url(admin_url, "intake"), "intake", pool_size=1, overflow=0)
    database.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    async with database.engine.connect():
        with pytest.raises(PoolTimeout) as exhausted:
            async with database.engine.connect():
                pass
    assert is_transient(exhausted.value)
    await database.close()
    away = Database.open("postgresql://intake@/none?host=/nowhere", "intake")
    with pytest.raises(OSError, match="No such file") as absent:
        async with away.engine.connect():
            pass
    assert is_transient(absent.value)
    await away.close()
