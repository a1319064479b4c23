"""A small scene for the event layer: intake announces urgings of tickets, dispatch counts them and answers each.

dispatch's rows tell what became of every event: how often it had its effect, in which order a ticket's came, and how
often its follow-up was announced and heard.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from common.clock import FrozenClock
from common.database import SESSION_SETTINGS, Database, bootstrap, driver_url, room_url
from common.events.dispatch import ProgressReported
from common.events.envelope import Actor, Event, subject_of_ticket
from common.events.intake import TicketUrged
from common.messaging.bus import PARTITIONS, Bus
from common.messaging.kafka import Kafka
from common.messaging.maintenance import keep_partitions
from common.messaging.pglog import PgLog, create_bus
from common.messaging.room import Room, Transaction
from common.messaging.runner import Handlers
from common.messaging.tables import CREATE_EVENT_TABLES
from common.messaging.wakeup import Bell

NOON = datetime(2025, 9, 26, 4, tzinfo=UTC)
GROUP = "hotline-dispatch"
_EFFECTS = (
    "create table effect (event_id uuid primary key, times integer not null)",
    """
    create table heard (
        place bigint generated always as identity primary key, subject text not null, sequence bigint not null,
        event_id uuid not null
    )
    """,
    "create table follow_up (cause text primary key, times integer not null)",
)


async def set_scene(admin_url: str) -> None:
    """Roles, the bus, and the two rooms' tables, in an empty database."""
    await bootstrap(admin_url)
    engine = create_async_engine(driver_url(admin_url))
    await create_bus(engine)
    await engine.dispose()
    for service in ("intake", "dispatch"):
        room = open_room(admin_url, service)
        async with room.database.engine.begin() as connection:
            for statement in (*CREATE_EVENT_TABLES, *(_EFFECTS if service == "dispatch" else ())):
                await connection.execute(text(statement))
            await keep_partitions(connection)
        await room.database.close()


def open_room(admin_url: str, service: str, lease: timedelta = timedelta(seconds=10)) -> Room:
    """A service's room whose transactions the server ends when they are silent for the lease."""
    database = Database.open(room_url(admin_url, service), service, session=_session(lease))
    return Room(service, database, FrozenClock(NOON))


def _session(lease: timedelta) -> dict[str, str]:
    return {**SESSION_SETTINGS, "idle_in_transaction_session_timeout": f"{lease // timedelta(milliseconds=1)}ms"}


def bus_engine(admin_url: str, service: str, lease: timedelta) -> AsyncEngine:
    url = driver_url(room_url(admin_url, service))
    return create_async_engine(url, connect_args={"server_settings": _session(lease)})


async def open_bus(address: str, admin_url: str, service: str, lease: timedelta, bell: Bell | None = None) -> Bus:
    """The bus at that address: a broker's ``host:port``, or ``pglog``."""
    bus: Bus = (
        PgLog(bus_engine(admin_url, service, lease), bell or Bell(), lease=lease)
        if address == "pglog"
        else Kafka(address, lease=lease)
    )
    await bus.ensure_topics(PARTITIONS)
    return bus


def urged(ticket: UUID, times: int) -> TicketUrged:
    return TicketUrged.model_validate({**_ABOUT, "ticket": ticket, "times": times})


_ABOUT: Mapping[str, object] = {
    "occurred_at": NOON,
    "accepted_at": NOON,
    "actor": Actor(role="agent"),
    "jurisdiction": "shuangyashan",
    "policy": "shuangyashan@1",
    "number": "SYS20250926000001",
    "round": 0,
}


async def count_urging(tx: Transaction, event: Event) -> None:
    """The command of the scene: one effect per event, its place in the ticket's order, and a follow-up."""
    assert isinstance(event.data, TicketUrged)
    await tx.connection.execute(
        text("insert into effect values (:id, 1) on conflict (event_id) do update set times = effect.times + 1"),
        {"id": event.id},
    )
    await tx.connection.execute(
        text("insert into heard (subject, sequence, event_id) values (:subject, :sequence, :id)"),
        {"subject": event.subject, "sequence": event.sequence, "id": event.id},
    )
    said = {"ticket": event.data.ticket, "unit": "shuangyashan.a", "concludes_part": False, "text": str(event.id)}
    answer = ProgressReported.model_validate({**_ABOUT, **said})
    tx.announce(answer, event.subject)


async def count_follow_up(tx: Transaction, event: Event) -> None:
    assert isinstance(event.data, ProgressReported)
    await tx.connection.execute(
        text("insert into follow_up values (:cause, 1) on conflict (cause) do update set times = follow_up.times + 1"),
        {"cause": event.data.text},
    )


HANDLERS: Handlers = {"TicketUrged": count_urging, "ProgressReported": count_follow_up}


async def announce(room: Room, ticket: UUID, times: int) -> UUID:
    async with room.transaction() as tx:
        return tx.announce(urged(ticket, times), subject_of_ticket(ticket))


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of everything that was announced. ``effects`` and the rest say how far the work has got."""

    lost: int
    doubled: int
    disordered: int
    unpublished: int
    behind: int
    follow_ups_missing: int
    follow_ups_doubled: int
    effects: int

    @property
    def violations(self) -> set[str]:
        names = ("lost", "doubled", "disordered", "unpublished", "behind", "follow_ups_missing", "follow_ups_doubled")
        return {name for name in names if getattr(self, name)}


async def look(intake: Room, dispatch: Room, behind: int) -> Findings:
    """Compare what intake announced with what dispatch's rows say."""
    async with intake.database.engine.connect() as connection:
        announced = set((await connection.execute(text("select event_id from outbox"))).scalars())
        waiting = (await connection.execute(text(_UNPUBLISHED))).scalar_one()
    async with dispatch.database.engine.connect() as connection:
        waiting += (await connection.execute(text(_UNPUBLISHED))).scalar_one()
        effects = {row.event_id: row.times for row in await connection.execute(text("select * from effect"))}
        order = (await connection.execute(text("select subject, sequence from heard order by place"))).all()
        answers = (await connection.execute(text("select value::jsonb ->> 'text' from outbox"))).scalars()
        said = Counter(answers)
        heard = {row.cause: row.times for row in await connection.execute(text("select * from follow_up"))}
    disordered, last = 0, dict[str, int]()
    for subject, sequence in order:
        disordered += sequence != last.get(subject, 0) + 1
        last[subject] = sequence
    causes = {str(one) for one in effects}
    return Findings(
        lost=len(announced - set(effects)),
        doubled=sum(times > 1 for times in effects.values()),
        disordered=disordered,
        unpublished=int(waiting),
        behind=behind,
        follow_ups_missing=len(causes - set(heard)),
        follow_ups_doubled=sum(said[one] > 1 or heard.get(one, 1) > 1 for one in causes),
        effects=len(effects),
    )


_UNPUBLISHED = "select count(*) from outbox where published_at is null"
