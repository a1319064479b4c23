"""P1: registering a ticket over HTTP, everything on, beside pgbench writing the same rows."""

import asyncio
import json
import secrets
import shutil
import tempfile
from pathlib import Path

from benchmarks import anchor, results
from benchmarks.lives import registration
from benchmarks.machine import Meter, grouped, what_binds
from benchmarks.office import Office
from benchmarks.running import SuiteRun
from benchmarks.shots import Volley, fire, request
from hotline import postgres

_CLIENTS, _ANCHOR_CLIENTS = 64, 32
_WARM_UP_SECONDS = 3.0
_TABLES = ("intake.ticket", "intake.vault", "intake.subject_sequence", "intake.idempotency", "intake.outbox")


class _Registrations:
    """Ready-made requests; only key and caller differ."""

    def __init__(self, token: str) -> None:
        self._run = secrets.token_hex(4)
        self._number = 0
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._template = request("/intake/v1/tickets", {**self._headers, "idempotency-key": "KEY" * 6}, self._body())

    def _body(self) -> bytes:
        return json.dumps(registration(0), ensure_ascii=False).encode()

    def draw(self) -> bytes:
        self._number += 1
        caller = b"1395%07d" % self._number
        key = f"{self._run}{self._number:010d}".encode()
        return self._template.replace(b"KEY" * 6, key).replace(b"13955500000", caller)


async def measure(seconds: float) -> None:
    """``seconds`` for each side."""
    data = Path(tempfile.mkdtemp(prefix="hotline-"))
    suite = SuiteRun(data, processes="2")
    try:
        await suite.start()
        shots = _Registrations(Office(suite).token("softphone"))
        await fire(suite.port, _CLIENTS, _WARM_UP_SECONDS, shots.draw)
        before = await anchor.counters(suite.admin_url)
        meter = Meter(suite.tree())
        volley = await fire(suite.port, _CLIENTS, seconds, shots.draw)
        used = meter.read(suite.tree())
        await asyncio.sleep(2)
        after = await anchor.counters(suite.admin_url)
        written = anchor.per_piece(before, after, max(1, volley.accepted))
        await suite.stop()
        limit = await _limit(data, {table: anchor.Written(1, 0) for table in _TABLES}, seconds)
    finally:
        await suite.kill()
        shutil.rmtree(data, ignore_errors=True)
    _tell(volley, used, written, limit)


async def _limit(data: Path, written: dict[str, anchor.Written], seconds: float) -> float:
    server = await asyncio.to_thread(postgres.start, data)
    try:
        script = await anchor.prepare(server.admin_url, written)
        await anchor.pgbench(server, script, clients=_ANCHOR_CLIENTS, seconds=_WARM_UP_SECONDS, folder=data)
        return await anchor.pgbench(server, script, clients=_ANCHOR_CLIENTS, seconds=seconds, folder=data)
    finally:
        await asyncio.to_thread(server.stop)


def _tell(volley: Volley, used: dict[str, float], written: dict[str, anchor.Written], limit: float) -> None:
    rate = volley.accepted / volley.took
    results.keep(
        "p1",
        {
            "tickets/s": round(rate),
            "pgbench, the same rows, transactions/s": round(limit),
            "ratio": f"{rate / limit:.1%} (aim 25 %)",
            "answers other than 201": {status.decode(): count for status, count in volley.others.items()},
            "latency p50 / p99 ms": f"{volley.percentile(0.5) * 1000:.1f} / {volley.percentile(0.99) * 1000:.1f}",
            "what binds": what_binds(used, volley.took),
            "processor µs a ticket": {
                name: round(spent * 1e6 / max(1, volley.accepted)) for name, spent in grouped(used).items()
            },
            "rows written meanwhile, a ticket": {
                table: round(rows.inserted + rows.updated, 2)
                for table, rows in written.items()
                if rows.inserted + rows.updated >= 0.01
            },
            "again": "make bench NAME=p1",
        },
    )
