"""P1: registering a ticket over HTTP, everything on, beside pgbench writing the same rows.

Twice: against two processes that serve intake's API, as a cluster would run them beside its workers; and against
``hotline up --processes 2``, where the same two processes carry each new ticket into the other four services meanwhile.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import anchor, results
from benchmarks.client import Line, Lost
from benchmarks.lives import registration
from benchmarks.machine import Meter, grouped, what_binds
from benchmarks.office import Office
from benchmarks.running import ROOT, SuiteRun, free_port
from benchmarks.shots import Volley, fire, request
from common.security.development import DevelopmentIssuer
from hotline import postgres

_CLIENTS, _ANCHOR_CLIENTS, _WORKERS = 64, 32, 2
_WARM_UP_SECONDS = 3.0
_AIM = 0.25
_TABLES = ("intake.ticket", "intake.vault", "intake.subject_sequence", "intake.idempotency", "intake.outbox")


class Registrations:
    """Ready-made requests; only key and caller differ."""

    def __init__(self, token: str) -> None:
        self._run = secrets.token_hex(4)
        self._number = 0
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "idempotency-key": "KEY" * 6}
        body = json.dumps(registration(0), ensure_ascii=False).encode()
        self._template = request("/intake/v1/tickets", headers, body)

    def draw(self) -> bytes:
        self._number += 1
        caller = b"1395%07d" % self._number
        key = f"{self._run}{self._number:010d}".encode()
        return self._template.replace(b"KEY" * 6, key).replace(b"13955500000", caller)


@dataclass(frozen=True, slots=True)
class _Side:
    volley: Volley
    used: dict[str, float]

    @property
    def rate(self) -> float:
        return self.volley.accepted / self.volley.took

    def told(self, name: str, limit: anchor.Limit) -> dict[str, Any]:
        volley = self.volley
        ours = sum(spent for who, spent in self.used.items() if who not in ("others", "generator"))
        cost = ours * 1e6 / max(1, volley.accepted)
        return {
            f"{name}: tickets/s": round(self.rate),
            f"{name}: ratio": f"{self.rate / limit.rate:.1%} (aim {_AIM:.0%})",
            f"{name}: ratio by processor time, without generator": f"{limit.processor_us / cost:.1%} of {cost:.0f} µs",
            f"{name}: answers other than 201": {status.decode(): count for status, count in volley.others.items()},
            f"{name}: latency p50, p99 ms": [round(volley.percentile(share) * 1e3, 1) for share in (0.5, 0.99)],
            f"{name}: what binds": what_binds(self.used, volley.took),
            f"{name}: processor µs a ticket": {
                who: round(spent * 1e6 / max(1, volley.accepted)) for who, spent in grouped(self.used).items()
            },
        }


async def measure(seconds: float) -> None:
    """``seconds`` for each side."""
    data = Path(tempfile.mkdtemp(prefix="hotline-"))
    suite = SuiteRun(data, processes=str(_WORKERS))
    try:
        await suite.start()
        shots = Registrations(Office(suite).token("softphone"))
        whole = await _fire([suite.port], shots, suite, seconds)
        await suite.stop()
        server = await asyncio.to_thread(postgres.start, data)
        try:
            async with api_workers(data, server) as ports:
                alone = await _fire(ports, shots, None, seconds)
            script = await anchor.prepare(server.admin_url, {table: anchor.Written(1, 0) for table in _TABLES})
            limit = await anchor.pgbench(server, script, clients=_ANCHOR_CLIENTS, seconds=seconds, folder=data)
        finally:
            await asyncio.to_thread(server.stop)
    finally:
        await suite.kill()
        shutil.rmtree(data, ignore_errors=True)
    results.keep(
        "p1",
        {
            "pgbench, the same rows, transactions/s": round(limit.rate),
            "pgbench, processor µs a transaction": round(limit.processor_us),
            **alone.told(f"intake api, {_WORKERS} processes", limit),
            **whole.told("the whole suite at work", limit),
            "again": "make bench NAME=p1",
        },
    )


async def _fire(ports: Sequence[int], shots: Registrations, suite: SuiteRun | None, seconds: float) -> _Side:
    def processes() -> list[psutil.Process]:
        return suite.tree() if suite else psutil.Process().children(recursive=True)

    await fire(ports, _CLIENTS, _WARM_UP_SECONDS, shots.draw)
    meter = Meter(processes())
    volley = await fire(ports, _CLIENTS, seconds, shots.draw)
    return _Side(volley, meter.read(processes()))


@asynccontextmanager
async def api_workers(data: Path, server: postgres.Server) -> AsyncIterator[list[int]]:
    """``python -m intake api``, so many of them, on data that a suite has made; their ports."""
    ports = [free_port() for _ in range(_WORKERS)]
    environment = {
        **os.environ,
        "HOTLINE_DATABASE": server.url("intake"),
        "HOTLINE_ISSUERS": f"[{DevelopmentIssuer(data / 'issuer.pem').settings().model_dump_json()}]",
        "HOTLINE_KEYS": str(data / "keys"),
        "HOTLINE_LOG": "WARNING",
    }
    with (data / "api.log").open("ab") as log:
        workers = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "intake", "api"),
                cwd=ROOT,
                env={**environment, "HOTLINE_PORT": str(port)},
                stdout=log,
                stderr=log,
            )
            for port in ports
        ]
    try:
        async with asyncio.timeout(60):
            for port in ports:
                await _ready(port)
        yield ports
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
            await worker.wait()


async def _ready(port: int) -> None:
    with Line("127.0.0.1", port, seconds=5) as line:
        while True:
            try:
                if (await line.ask("GET", "/readyz", {})).status == 200:
                    return
            except Lost:
                pass
            await asyncio.sleep(0.05)
