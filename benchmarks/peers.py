"""``python peers.py NAME URL FUTURE DUE``: a library's timers, firing jobs that do nothing; prints the seconds.

Run with an interpreter of its own, in which the libraries are installed: the suite does not depend on them.
"""
# mypy: ignore-errors

import asyncio
import logging
import sys
import time
from datetime import UTC, datetime, timedelta

RELEASES = {
    "pgqueuer": ("pgqueuer==1.6.0", "asyncpg"),
    "apscheduler": ("apscheduler==3.11.3", "sqlalchemy", "psycopg2-binary"),
    "procrastinate": ("procrastinate==3.10.0", "psycopg[binary]"),
}


async def pgqueuer(url: str, future: int, due: int) -> float:
    """Its queue table with ``execute_after``, drained by one worker in batches of 100."""
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    async def connect():
        return AsyncpgDriver(await asyncpg.connect(url))

    driver = await connect()
    queries = Queries(driver)
    await queries.install()
    for number, after in ((future, timedelta(days=30)), (due, timedelta(0))):
        for low in range(0, number, 5000):
            many = min(5000, number - low)
            await queries.enqueue(["fire"] * many, [None] * many, [0] * many, [after] * many)
    fired = 0
    worker = PgQueuer(await connect())
    ended = 0.0

    @worker.entrypoint("fire")
    async def fire(_):
        nonlocal fired, ended
        fired += 1
        if fired == due:
            ended = time.monotonic()
            worker.shutdown.set()

    began = time.monotonic()
    await worker.run(batch_size=100, mode=QueueExecutionMode.continuous, dequeue_timeout=timedelta(seconds=1))
    return ended - began


_fired = 0


def _count() -> None:
    global _fired
    _fired += 1


async def apscheduler(url: str, future: int, due: int) -> float:
    """Its SQLAlchemy job store; the far jobs are copies of one row."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler
    from sqlalchemy import create_engine, text

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=engine)},
        executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    at = datetime.now(UTC)  # noqa: TID251 - a script of its own, without common.clock
    scheduler.add_job(_count, "date", run_date=at + timedelta(days=30), id="far")
    for number in range(due):
        scheduler.add_job(_count, "date", run_date=at, id=f"near-{number}")
    with engine.begin() as connection:
        copied = (
            "insert into apscheduler_jobs select 'far-' || n, next_run_time, job_state "
            "from apscheduler_jobs, generate_series(1, :future) n where id = 'far'"
        )
        connection.execute(text(copied), {"future": future})
    began = time.monotonic()
    scheduler.resume()
    while _fired < due:  # noqa: ASYNC110 - its threads work in between
        await asyncio.sleep(0.005)
    ended = time.monotonic()
    scheduler.shutdown(wait=False)
    return ended - began


async def procrastinate(url: str, future: int, due: int) -> float:
    """Its worker with ten jobs at a time."""
    import procrastinate as library

    app = library.App(connector=library.PsycopgConnector(conninfo=url))
    fired = 0

    @app.task(name="fire")
    async def fire():
        nonlocal fired
        fired += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for number, after in ((future, {"days": 30}), (due, {"seconds": 0})):
            for low in range(0, number, 5000):
                many = min(5000, number - low)
                await fire.configure(schedule_in=after).batch_defer_async(*[{} for _ in range(many)])
        began = time.monotonic()
        await app.run_worker_async(wait=False, concurrency=10, install_signal_handlers=False)
        assert fired == due
        return time.monotonic() - began


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    name, address, far, near = sys.argv[1:]
    print(asyncio.run({"pgqueuer": pgqueuer, "apscheduler": apscheduler, "procrastinate": procrastinate}[name](
        address, int(far), int(near)
    )))  # fmt: skip
