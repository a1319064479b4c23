"""``python -m benchmarks.soak [--minutes N] [--seed N] [--kills N]``: lives and random kills, round by round, until the
time is up or, with ``--kills``, each bus has stood that many.

Each round is a new suite with its own seed, drawn from the run's seed and the round's number; a run that was broken
off goes on after its last whole round. A round that finds something wrong keeps its data directory and ends the run.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from benchmarks.results import FOLDER, commit
from benchmarks.running import DidNotStart, SuiteRun
from benchmarks.siege import Siege, besieged
from hotline import broker

_FAILPOINTS = (
    ("intake.committed", 8),
    ("relay.published", 40),
    ("runner.handed_out", 60),
    ("runner.claimed", 60),
    ("runner.before_commit", 60),
    ("runner.applied", 60),
    ("timers.before_commit", 3),
)
_LAYOUTS = (("1", False), ("2", False), ("per-service", False), ("per-service", True), ("2", True))
"""Processes, and whether the bus is Kafka."""
_KILLS = (4, 8)


async def _whole_tree(siege: Siege) -> None:
    await siege.suite.kill()
    await siege.suite.start()


async def _one_child(siege: Siege) -> None:
    """One service, or one of two processes; whatever there is only one of is the whole suite."""
    children = siege.suite.children()
    if not children:
        await _whole_tree(siege)
        return
    name = siege.chance.choice(sorted(children))
    siege.kills[-1] += f" {name}"
    children[name].kill()


async def _frozen_child(siege: Siege) -> None:
    """Longer than its leases: others take over, and it wakes with work in hand."""
    children = siege.suite.children()
    if not children:
        return
    name = siege.chance.choice(sorted(children))
    siege.kills[-1] += f" {name}"
    children[name].send_signal(signal.SIGSTOP)
    await asyncio.sleep(12)
    children[name].send_signal(signal.SIGCONT)


async def _one_backend(siege: Siege) -> None:
    """A backend of PostgreSQL: the server restarts all of them (R7)."""
    connection = await asyncpg.connect(siege.suite.admin_url)
    try:
        pids = await connection.fetch("select pid from pg_stat_activity where usename <> 'postgres' order by pid")
    finally:
        await connection.close()
    if pids:
        os.kill(siege.chance.choice(pids)["pid"], signal.SIGKILL)


async def _cut_connections(siege: Siege) -> None:
    """Half of all connections at once (R8)."""
    connection = await asyncpg.connect(siege.suite.admin_url)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename <> 'postgres' and random() < 0.5"
        )
    finally:
        await connection.close()


async def _at_a_failpoint(siege: Siege) -> None:
    """Restarted with a failpoint, and again without it once that has struck."""
    place, most = siege.chance.choice(_FAILPOINTS)
    times = siege.chance.randint(1, most)
    siege.kills[-1] += f" {place}:{times}"
    suite = siege.suite
    await suite.kill()
    await _struck(siege, {"HOTLINE_FAILPOINTS": f"{place}:{times}:kill"})
    await suite.kill()
    await suite.start()


async def _struck(siege: Siege, environment: dict[str, str]) -> None:
    suite = siege.suite
    try:
        await suite.start(environment)
    except DidNotStart:
        return  # it struck while the suite was starting
    before = {name: child.pid for name, child in suite.children().items()}
    give_up = time.monotonic() + 30
    while not suite.ended and time.monotonic() < give_up:
        if {name: child.pid for name, child in suite.children().items()} != before:
            return
        siege.raise_faults()
        await asyncio.sleep(0.1)


_BLOWS: dict[str, Callable[[Siege], Awaitable[None]]] = {
    "whole tree": _whole_tree,
    "child": _one_child,
    "frozen child": _frozen_child,
    "database backend": _one_backend,
    "connections": _cut_connections,
    "failpoint": _at_a_failpoint,
}


@asynccontextmanager
async def _bus(kafka: bool, folder: Path) -> AsyncIterator[str]:
    if not kafka:
        yield ""
        return
    server = await asyncio.to_thread(broker.start, folder)
    try:
        yield f"kafka://{server.bootstrap}"
    finally:
        await asyncio.to_thread(server.stop)


async def _round(seed: str, only: str | None) -> dict[str, Any]:
    """One suite, some kills, one judgement."""
    chance = random.Random(seed)
    processes, kafka = chance.choice([one for one in _LAYOUTS if only is None or one[1] == (only == "kafka")])
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    told: dict[str, Any] = {"seed": seed, "bus": "kafka" if kafka else "embedded", "processes": processes}
    began = time.monotonic()
    try:
        async with _bus(kafka, folder / "broker") as address:
            suite = SuiteRun(folder / "d", processes=processes, bus=address)
            async with besieged(suite, chance.getrandbits(32)) as siege:
                for _ in range(chance.randint(*_KILLS)):
                    await siege.more_answers(chance.randint(3, 40))
                    name = chance.choice(list(_BLOWS))
                    siege.kills.append(name)
                    await _BLOWS[name](siege)
                    siege.raise_faults()
                await siege.more_answers(10)
                findings = await siege.end()
        told |= {"kills": siege.kills, "looked_at": findings.looked_at, "violations": dict(findings.violations)}
    except (TimeoutError, DidNotStart, RuntimeError) as error:
        told |= {"violations": {type(error).__name__: [str(error)[-1500:]]}}
    told["seconds"] = round(time.monotonic() - began)
    if told["violations"]:
        told["kept"] = str(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return told


def _wanting(rounds: Sequence[Mapping[str, Any]], only: str | None, kills: int | None) -> str | None:
    """The bus of the next round: with ``kills``, the one that has stood fewest; ``""`` when each has stood enough."""
    if kills is None:
        return only
    stood = {bus: 0 for bus in ("embedded", "kafka") if only in (None, bus)}
    for one in rounds:
        if one["bus"] in stood:
            stood[one["bus"]] += len(one.get("kills", ()))
    least = min(stood, key=lambda bus: stood[bus])
    return least if stood[least] < kills else ""


async def _soak(minutes: float, seed: int, only: str | None, kills_wanted: int | None) -> bool:
    """Rounds until the time is up, or each bus has stood the kills that were wanted; whether all of them were right."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"soak-{seed}.jsonl"
    rounds = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    end = time.monotonic() + minutes * 60
    print(f"seed {seed}, {len(rounds)} rounds before, {minutes:g} minutes, commit {commit()}; in {path}", flush=True)
    while time.monotonic() < end and (bus := _wanting(rounds, only, kills_wanted)) != "":
        told = await _round(f"{seed}-{len(rounds)}", bus)
        rounds.append(told)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
        print(json.dumps(told, ensure_ascii=False), flush=True)
        if told["violations"]:
            break
    kills = sum(len(one.get("kills", ())) for one in rounds)
    answers = sum(one.get("looked_at", {}).get("acknowledged commands", 0) for one in rounds)
    wrong = [one["seed"] for one in rounds if one["violations"]]
    print(f"{len(rounds)} rounds, {kills} kills, {answers} acknowledged commands, wrong: {wrong or 'none'}", flush=True)
    return not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Random kills for a while.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--seed", type=int, default=None, help="the same seed draws the same rounds and goes on with them"
    )
    parser.add_argument("--bus", choices=["embedded", "kafka"], help="only this one")
    parser.add_argument("--kills", type=int, help="end once each bus has stood so many")
    said = parser.parse_args()
    chosen = said.seed if said.seed is not None else secrets.randbelow(1_000_000)
    sys.exit(0 if uvloop.run(_soak(said.minutes, chosen, said.bus, said.kills)) else 1)
