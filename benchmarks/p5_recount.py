"""T10: the next year is published and provisional deadlines are counted again, while lamps are lit beside it.

Compressed: 300,000 instead of a million. sla alone, in this process, with relay, consumer and timers at work; domain
time runs as fast as the machine's.
"""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import results
from benchmarks.armed import Armed
from benchmarks.machine import Meter, grouped, what_binds
from benchmarks.running import ROOT
from common.calendar import Allowance, CalendarYear, DaysOff, Notice, WorkingCalendar, assemble, before, read_years
from common.clock import SHANGHAI, SimulatedClock
from common.database import driver_url, room_url
from common.events.catalogue import TICKETS
from common.messaging.bus import PARTITIONS
from common.messaging.pglog import PgLog
from common.messaging.wakeup import Bell
from common.observability import configure_logging
from common.runtime.service import Service, Surroundings
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from sla.counting import Counting, count
from sla.recompute import Recount
from sla.registry import SYSTEM, publish_years
from sla.service import build

NUMBER: Final = 300_000
LAMPS_A_SECOND: Final = 50
_LAMPS: Final = 400 * LAMPS_A_SECOND
_NOW: Final = datetime(2026, 12, 28, 10, tzinfo=SHANGHAI)
_COUNTING: Final = Counting(Allowance(15, "working_days"), None, True, Allowance(1, "working_days"))
_PIECE: Final = 100_000
#: Made up: the whole first week of January off and two Saturdays worked, so that every limit of January moves.
_YEAR_2027: Final = CalendarYear(
    2027,
    Notice("试验用安排", None, date(2026, 12, 1)),
    (DaysOff("元旦", date(2027, 1, 1), date(2027, 1, 7)),),
    (date(2027, 1, 9), date(2027, 1, 23)),
)


async def measure(seconds: float, number: int = NUMBER) -> None:
    """``seconds`` do not matter here: it takes as long as it takes."""
    configure_logging("benchmark", level="WARNING")
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    armed = await Armed.prepare(folder / "postgres")
    try:
        years = read_years(ROOT / "policies" / "calendar")
        async with _sla(armed, folder) as (service, clock):
            async with service.room.transaction() as tx:
                await publish_years(tx, years, SYSTEM)
            await _fill(armed, assemble(years), number)
            await service.start()
            ticking = asyncio.create_task(_tick(clock))
            figures = await _recounted(service, armed, number)
            ticking.cancel()
            figures |= await _checked(armed, number)
    finally:
        await armed.stop()
        shutil.rmtree(folder, ignore_errors=True)
    results.keep("p5-recount", {**figures, "again": "make bench NAME=p5-recount"})


async def _recounted(service: Service, armed: Armed, number: int) -> dict[str, Any]:
    meter, recount = Meter(_others()), Recount(service.room)
    began = time.monotonic()
    async with service.room.transaction() as tx:
        await publish_years(tx, [_YEAR_2027], SYSTEM)
    while await recount.unfinished():  # noqa: ASYNC110 the database is asked, nobody tells
        await asyncio.sleep(0.5)
    took = time.monotonic() - began
    used = meter.read(_others())
    return {
        "deadlines counted again and announced": number,
        "seconds": round(took, 1),
        "a second": round(number / took),
        "a million in, s": f"{took * 1_000_000 / number:.0f} (aim 300)",
        "sla's processor time for a million, s": round(used["generator"] * 1_000_000 / number),
        "what binds": what_binds(used, took),
        "by process, s": grouped(used),
    }


def _others() -> list[psutil.Process]:
    """The server's processes; this one is sla itself."""
    return psutil.Process().children(recursive=True)


async def _checked(armed: Armed, number: int) -> dict[str, Any]:
    """What PostgreSQL says about it."""
    late = await armed.ask(_LATE)
    return {
        "not moved, or not once": await armed.ask(_NOT_ONCE, number),
        "lamps lit meanwhile": await armed.ask(_LIT),
        "lit twice, or of an old generation": await armed.ask(_DOUBLE),
        "lateness of lamps, p50 p99 most, s": late,
    }


@asynccontextmanager
async def _sla(armed: Armed, folder: Path) -> AsyncIterator[tuple[Service, SimulatedClock]]:
    clock, bell = SimulatedClock(_NOW), Bell()
    admin = armed.server.admin_url
    bus = PgLog(create_async_engine(driver_url(admin)), bell)
    await bus.ensure_topics(PARTITIONS)
    for name in ("keys", "packs"):
        (folder / name).mkdir()
    (folder / "packs" / "calendar").symlink_to(ROOT / "policies" / "calendar")
    verifier = TokenVerifier([DevelopmentIssuer(folder / "issuer.pem").settings()])
    around = Surroundings(
        clock, bus, bell, lambda service: room_url(admin, service), verifier, folder / "keys", folder / "packs",
        development=True, pool_size=6,
    )  # fmt: skip
    service = build(around)
    try:
        yield service, clock
    finally:
        await service.stop()
        await bus.close()


async def _tick(clock: SimulatedClock) -> None:
    began = time.monotonic()
    while True:
        clock.set(_NOW + timedelta(seconds=time.monotonic() - began))
        await asyncio.sleep(0.02)


async def _fill(armed: Armed, calendar: WorkingCalendar, number: int) -> None:
    """Closings dispatched in the last working week, due in January; and lamps that light while those are counted."""
    anchors = [_NOW - timedelta(minutes=7 * n) for n in range(600)]
    found = [count(calendar, anchor, _COUNTING) for anchor in anchors]
    given = (
        anchors, [one.due_at for one in found], [one.warn_at for one in found],
        json.dumps(_COUNTING.dump()), calendar.version, PARTITIONS[TICKETS],
    )  # fmt: skip
    assert all(one.provisional for one in found)
    connection = await armed.connect()
    try:
        for low in range(0, number, _PIECE):
            high = min(low + _PIECE, number) - 1
            await connection.execute(_DOCKETS, low, high, PARTITIONS[TICKETS], timeout=600)
            await connection.execute(_DEADLINES, low, high, *given, timeout=600)
        lamps = [_NOW + timedelta(seconds=5 + n / LAMPS_A_SECOND) for n in range(_LAMPS)]
        hour = Counting(Allowance(1, "clock_hours"), None, True, None)
        begun = [at - timedelta(hours=1) for at in lamps]
        await connection.execute(_DOCKETS, number, number + _LAMPS - 1, PARTITIONS[TICKETS], timeout=600)
        await connection.execute(
            _DEADLINES, number, number + _LAMPS - 1, begun, lamps, [None] * _LAMPS, json.dumps(hour.dump()),
            calendar.version, PARTITIONS[TICKETS], timeout=600,
        )  # fmt: skip
        for table in ("deadline", "docket"):
            await connection.execute(f"vacuum analyze {table}", timeout=600)
        await connection.execute("checkpoint", timeout=600)
    finally:
        await connection.close()
    assert before(calendar, found[0].due_at, Allowance(1, "working_days")) == found[0].warn_at


_DOCKETS = """
    insert into docket (ticket, number, jurisdiction, policy, type, channel, category, marks, round, unit, co_handlers,
                        former, partition)
    select ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'SYS20261228' || lpad(n::text, 7, '0'),
           'shuangyashan', 'shuangyashan@0123456789ab', 'complaint', 'phone', '城市管理/市政道路', '{}', 1,
           'shuangyashan.zhujianju', '{}', '{}', (n % $3)::int
    from generate_series($1::bigint, $2::bigint) n
"""
_DEADLINES = """
    insert into deadline (id, subject, ticket, kind, unit, round, is_window, anchor_event, anchor_type, anchor_at,
                          allowance, warn_at, due_at, original_due_at, next_at, state, generation, policy,
                          calendar, provisional, basis, partition)
    select id, 'ticket/' || id, id, 'closing', 'shuangyashan.zhujianju', 1, false, id, 'Dispatched', anchor,
           $6::jsonb, warn, due, due, coalesce(warn, due), 'armed', 1, 'shuangyashan@0123456789ab', $7,
           warn is not null, '[{"rule": "SYS-16", "document": "办法", "article": "第十六条"}]', (n % $8)::int
    from (
        select n, ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
               ($3::timestamptz[])[nth] as anchor, ($4::timestamptz[])[nth] as due, ($5::timestamptz[])[nth] as warn
        from (select n, ((n - $1) % array_length($3::timestamptz[], 1) + 1)::int as nth
              from generate_series($1::bigint, $2::bigint) n) counted
    ) numbered
"""
_NOT_ONCE = """
    select abs($1 - (select count(*) from deadline where allowance ->> 'unit' = 'working_days' and generation = 2
                       and not provisional and calendar = (select version from calendar order by ordinal desc limit 1)))
         + (select abs($1 - count(distinct subject)) + abs($1 - count(*)) from outbox
            where headers ->> 'ce_type' = 'hotline.DeadlineMoved.v1')
"""
_LIT = "select count(*) from deadline where state = 'breached'"
_DOUBLE = """
    select (select count(*) - count(distinct subject) from outbox
            where headers ->> 'ce_type' = 'hotline.DeadlineBreached.v1')
         + (select count(*) from outbox o join deadline d using (subject)
            where o.headers ->> 'ce_type' = 'hotline.DeadlineBreached.v1'
              and (o.value::jsonb ->> 'generation')::int <> d.generation)
"""
_LATE = """
    select string_agg(round(late::numeric, 2)::text, ' ' order by late) from (
        select unnest(percentile_cont(array[0.5, 0.99, 1]) within group (order by late)) as late from (
            select extract(epoch from (value::jsonb ->> 'accepted_at')::timestamptz
                                    - (value::jsonb ->> 'occurred_at')::timestamptz) as late
            from outbox where headers ->> 'ce_type' = 'hotline.DeadlineBreached.v1') each
    ) told
"""
