"""``python -m tests.sla.timer_member DATABASE LEASE NAME``: one timer worker as a process, or a mutant of it.

It works on sla's own room with the real clock, which is its database's, and ends when nothing that it may fire is due.
"""

import asyncio
import sys

from tests.sla.timer_mutants import MUTANTS

from common.clock import DatabaseClock, RealClock
from common.database import SESSION_SETTINGS, Database, room_url
from common.messaging.room import Room
from common.runtime.timekeeping import ask_the_time
from sla.timers import Knowledge, Timers


async def work(admin_url: str, lease: float, name: str) -> None:
    session = {**SESSION_SETTINGS, "idle_in_transaction_session_timeout": f"{int(lease * 1000)}ms"}
    database = Database.open(room_url(admin_url, "sla"), "sla", pool_size=2, session=session)
    clock = RealClock() if name == "wall_clock" else DatabaseClock()
    if isinstance(clock, DatabaseClock):
        await ask_the_time(database, clock)
    room = Room("sla", database, clock)
    timers = MUTANTS.get(name, Timers)(room, Knowledge(room), most=4)
    while True:
        try:
            if await timers.fire() == 0:
                break
        except Exception as error:
            sys.stdout.write(f"interrupted: {type(error).__name__}\n")
    await database.close()


if __name__ == "__main__":
    _, url, seconds, kind = sys.argv
    asyncio.run(work(url, float(seconds), kind))
