"""``python -m hotline.child``: some services in a process of their own, under a supervisor."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvloop

from common.clock import SimulatedClock
from common.observability import configure_logging
from common.runtime.patience import Unreachable
from common.runtime.surroundings import surroundings
from hotline.children import Supervisor
from hotline.origin import origin
from hotline.plan import ChildOrders
from hotline.serving import Server, bind_private, serve
from hotline.suite import Paths, Suite

_LAST_SECONDS = 15


async def run(orders: ChildOrders) -> None:
    """Run the services until told to stop, or until the supervisor is gone."""
    loop = asyncio.get_running_loop()
    server: Server | None = None

    def stop() -> None:
        if server is None:
            os._exit(1)  # nothing has begun yet that would have to be ended in order
        around.activity.ending = True
        server.should_exit = True

    watch = asyncio.create_task(_outlive_nobody(stop))
    plan = orders.plan
    clock = plan.clock()
    around = await surroundings(plan.settings(), clock, orders.services[0], login_per_service=plan.embedded)
    suite = await Suite.build(around, orders.services)
    simulated = isinstance(clock, SimulatedClock)
    beside = origin(
        clock,
        advance=Supervisor(orders.supervisor).advance if simulated else None,
        child=suite if simulated else None,
    )
    server = Server(Paths({name: suite.app(name) for name in suite.services}, beside))
    sockets = [bind_private(orders.socket)]
    if orders.shared is not None:
        sockets.append(socket.socket(fileno=orders.shared))
    for sent in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sent, stop)
    try:
        await suite.start()
        await serve(server, sockets)
    finally:
        watch.cancel()
        await suite.stop()


async def _outlive_nobody(stop: Callable[[], None]) -> None:
    """Standard input is the supervisor's pipe: at its end, stop in order, and soon."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    loop.call_later(_LAST_SECONDS, os._exit, 1)
    stop()


if __name__ == "__main__":
    configure_logging("hotline", level=os.environ.get("HOTLINE_LOG", "WARNING"))
    try:
        uvloop.run(run(ChildOrders.read()))
    except Unreachable as error:
        sys.exit(f"{ChildOrders.read().services[0]} cannot start: {error}")
