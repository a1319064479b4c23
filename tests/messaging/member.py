"""One process of the scene's dispatch service, as production runs it: ``python -m tests.messaging.member …``."""

import argparse
import asyncio
import signal
from datetime import timedelta

from tests.messaging.mutants import ClaimsOutside, CommitsOnHandOut
from tests.messaging.scene import GROUP, HANDLERS, open_bus, open_room

from common.events.catalogue import TICKETS
from common.messaging.relay import Relay
from common.messaging.runner import Runner
from common.messaging.wakeup import Bell


async def run(bus_address: str, admin_url: str, lease: timedelta, mutant: str) -> None:
    room = open_room(admin_url, "dispatch", lease)
    bell = Bell()
    bus = await open_bus(bus_address, admin_url, "dispatch", lease, bell)
    source = bus.source(GROUP, [TICKETS])
    if mutant == "auto_commit":
        source = CommitsOnHandOut(source)
    kind = ClaimsOutside if mutant == "no_fence" else Runner
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    relay = asyncio.create_task(Relay(room, bus.sink(), bell, lease=lease).run())
    await kind(room, source, HANDLERS, most=12).run(stopping)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await bus.close()
    await room.database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bus")
    parser.add_argument("database")
    parser.add_argument("lease", type=float)
    parser.add_argument("mutant")
    said = parser.parse_args()
    asyncio.run(run(said.bus, said.database, timedelta(seconds=said.lease), said.mutant))
