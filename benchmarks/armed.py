"""Millions of armed deadlines, as sla would have written them, and the worker processes that watch them."""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.running import ROOT
from common.calendar import Allowance
from common.database import Database, bootstrap, driver_url, migrate, room_url
from common.events.catalogue import TICKETS
from common.messaging.bus import PARTITIONS
from common.messaging.pglog import create_bus
from common.security.development import DevelopmentIssuer
from hotline import postgres
from sla.counting import Counting

Lamp = Literal["yellow", "red"]
_COUNTING: Final = Counting(Allowance(1, "working_days"), None, True, Allowance(8, "clock_hours"))
_BASIS: Final = [
    {"rule": "SYS-5.1", "document": "12345政务服务便民热线办理规定", "article": "第十四条", "quote": "一个工作日内签收"}
]
_PIECE = 250_000


@dataclass
class Armed:
    """sla's room on one server, entered from outside."""

    server: postgres.Server
    folder: Path
    filled: int = 0

    @classmethod
    async def prepare(cls, folder: Path, *, fsync: bool = True) -> "Armed":
        """A server that notes when each transaction was committed; sla's tables stand in it, empty."""
        server = await asyncio.to_thread(postgres.start, folder, fsync=fsync)
        connection = await asyncpg.connect(server.admin_url)
        await connection.execute("alter system set track_commit_timestamp = on")
        await connection.close()
        await asyncio.to_thread(server.stop)
        server = await asyncio.to_thread(postgres.start, folder, fsync=fsync)
        await bootstrap(server.admin_url)
        engine = create_async_engine(driver_url(server.admin_url))
        await create_bus(engine)
        await engine.dispose()
        database = Database.open(room_url(server.admin_url, "sla"), "sla", pool_size=1)
        await migrate(database)
        await database.close()
        for one in ("shuangyashan", "calendar"):
            await asyncio.to_thread(shutil.copytree, ROOT / "policies" / one, folder / "policies" / one)
        return cls(server, folder)

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            self.server.admin_url, server_settings={"search_path": "sla", "jit": "off"}, timeout=20
        )

    async def ask(self, question: str, *given: Any) -> Any:
        connection = await self.connect()
        try:
            return await connection.fetchval(question, *given, timeout=600)
        finally:
            await connection.close()

    async def fill(self, number: int, first: datetime, step_seconds: float = 0, *, lamp: Lamp = "red") -> None:
        """Arm so many deadlines, each of a ticket of its own: the first lamp at ``first``, each next one a step later.

        They are counted with the calendar and the pack in force, so that nothing else has work with them.
        """
        connection = await self.connect()
        try:
            calendar = await connection.fetchval("select version from calendar order by ordinal desc limit 1")
            counting, basis = (json.dumps(one, ensure_ascii=False) for one in (_COUNTING.dump(), _BASIS))
            for low in range(self.filled, self.filled + number, _PIECE):
                high = min(low + _PIECE, self.filled + number) - 1
                await connection.execute(_DOCKETS, low, high, PARTITIONS[TICKETS], timeout=600)
                offset = (low - self.filled) * step_seconds
                await connection.execute(
                    _DEADLINES, low, high, PARTITIONS[TICKETS], first, offset, step_seconds, lamp == "yellow",
                    calendar or "none", counting, basis, timeout=600,
                )  # fmt: skip
            self.filled += number
            for table in ("deadline", "docket"):
                await connection.execute(f"vacuum analyze {table}", timeout=900)
            await connection.execute("checkpoint", timeout=600)
        finally:
            await connection.close()

    async def unlit(self, until: datetime) -> int:
        """How many lamps are due until then and not lit."""
        return int(await self.ask("select count(*) from deadline where next_at <= $1", until))

    async def lateness(self, since: datetime, until: datetime) -> dict[str, float]:
        """From each limit in that span to the commit that lit its red lamp, in seconds, by PostgreSQL's clock."""
        connection = await self.connect()
        try:
            found = await connection.fetchrow(_LATENESS, since, until, timeout=600)
        finally:
            await connection.close()
        assert found is not None
        return {name: round(float(found[name] or 0), 3) for name in ("lamps", "p50", "p99", "most")}

    @asynccontextmanager
    async def workers(self, number: int, environment: Mapping[str, str] | None = None) -> AsyncIterator[list[int]]:
        """So many ``python -m sla worker``, told to stop at the end; their process numbers."""
        settings = {
            **os.environ,
            "HOTLINE_DATABASE": room_url(self.server.admin_url, "sla"),
            "HOTLINE_ISSUERS": f"[{DevelopmentIssuer(self.folder / 'issuer.pem').settings().model_dump_json()}]",
            "HOTLINE_KEYS": str(self.folder / "keys"),
            "HOTLINE_PACKS": str(self.folder / "policies"),
            "HOTLINE_LOG": "WARNING",
            **(environment or {}),
        }
        with (self.folder / "workers.log").open("ab") as log:
            started = [
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "sla", "worker"), cwd=ROOT, env=settings, stdout=log, stderr=log
                )
                for _ in range(number)
            ]
        try:
            yield [one.pid for one in started]
        finally:
            for one in started:
                if one.returncode is None:
                    one.send_signal(signal.SIGCONT)
                    one.send_signal(signal.SIGTERM)
            await asyncio.gather(*(one.wait() for one in started))

    async def until(self, question: str, *given: Any, seconds: float = 120.0, every: float = 0.1) -> float:
        """Wait until the database says yes; how long it took."""
        began = time.monotonic()
        connection = await self.connect()
        try:
            async with asyncio.timeout(seconds):
                while not await connection.fetchval(question, *given):  # noqa: ASYNC110 - other processes work
                    await asyncio.sleep(every)
        finally:
            await connection.close()
        return time.monotonic() - began

    async def stop(self) -> None:
        await asyncio.to_thread(self.server.stop)


_DOCKETS = """
    insert into docket (ticket, number, jurisdiction, policy, type, channel, category, marks, round, unit, co_handlers,
                        former, partition)
    select ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'SYS20240927' || lpad(n::text, 7, '0'),
           'shuangyashan', 'shuangyashan@0123456789ab', 'complaint', 'phone', '城市管理/市政道路', '{}', 1,
           'shuangyashan.zhujianju', '{}', '{}', (n % $3)::int
    from generate_series($1::bigint, $2::bigint) n
"""
_DEADLINES = """
    insert into deadline (id, subject, ticket, kind, unit, round, is_window, anchor_event, anchor_type, anchor_at,
                          allowance, warn_at, due_at, original_due_at, next_at, state, warned_at, generation, policy,
                          calendar, provisional, basis, partition)
    select id, 'ticket/' || id, id, 'sign_in', 'shuangyashan.zhujianju', 1, false, id, 'Dispatched',
           at - interval '1 day', $9::jsonb, case when $7 then at else at - interval '8 hours' end,
           case when $7 then at + interval '8 hours' else at end, case when $7 then at + interval '8 hours' else at end,
           at, case when $7 then 'armed' else 'approaching' end,
           case when $7 then null else at - interval '8 hours' end, 1, 'shuangyashan@0123456789ab', $8, false,
           $10::jsonb, (n % $3)::int
    from (
        select n, ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
               $4::timestamptz + make_interval(secs => $5::float8 + (n - $1) * $6::float8) as at
        from generate_series($1::bigint, $2::bigint) n
    ) numbered
"""
_LATENESS = """
    select count(*) as lamps, percentile_cont(0.5) within group (order by late) as p50,
           percentile_cont(0.99) within group (order by late) as p99, max(late) as most
    from (
        select extract(epoch from pg_xact_commit_timestamp(xmin) - due_at) as late
        from deadline where state = 'breached' and due_at >= $1 and due_at < $2
    ) lit
"""
