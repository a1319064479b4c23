"""``hotline up``: engines, services, one origin; in one process or in several, and nothing left behind."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from common.clock import SimulatedClock
from common.database import SERVICES, bootstrap, driver_url
from common.messaging.pglog import create_bus
from common.runtime.patience import when_reachable
from common.runtime.surroundings import surroundings
from common.security.development import DevelopmentIssuer
from hotline import postgres
from hotline.children import ChildProcess, python
from hotline.front import Front
from hotline.guard import StartRefused
from hotline.origin import origin
from hotline.plan import ChildOrders, Plan
from hotline.serving import Server, bind, bind_private, serve
from hotline.stepping import Stepper
from hotline.suite import Paths, Suite

Say = Callable[[str], None]
_START_SECONDS = 90
# A socket's whole path has at most 104 bytes on macOS; the longest name in the folder takes 11.
_SOCKET_FOLDER_BYTES = 90


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line. ``processes``: 1, a number, or 0 for one per service."""

    data: Path
    host: str
    port: int
    packs: Path
    simulated: bool
    start: datetime | None
    processes: int
    database: str = ""
    bus: str = ""


class Refused(StartRefused):
    """Why the suite does not start, in one sentence for the person at the terminal."""


async def up(wanted: Wanted, say: Say) -> None:
    """Run the suite until SIGINT or SIGTERM."""
    listener = _listen(wanted)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sent in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sent, stop.set)
    async with AsyncExitStack() as cleanup:
        cleanup.callback(listener.close)
        plan = await cleanup.enter_async_context(_engines(wanted))
        url = f"http://{wanted.host}:{listener.getsockname()[1]}"
        run = _in_one_process if wanted.processes == 1 else _in_several
        server = await cleanup.enter_async_context(run(plan, wanted, listener))
        _announce(plan, url, say)
        await _until(stop, server)


def _listen(wanted: Wanted) -> socket.socket:
    try:
        return bind(wanted.host, wanted.port)
    except OSError as error:
        raise Refused(
            f"Port {wanted.port} on {wanted.host} cannot be used ({error.strerror}): choose another with --port."
        ) from error


@asynccontextmanager
async def _engines(wanted: Wanted) -> AsyncIterator[Plan]:
    """The database and the bus, ours or named by the environment, with roles, schemas and the log's tables."""
    if not (wanted.packs / "calendar").is_dir():
        raise Refused(f"No policy packs in {wanted.packs}: name their folder with --packs.")
    real = bool(wanted.database or wanted.bus)
    development = not real or wanted.simulated or os.environ.get("HOTLINE_DEVELOPMENT") == "1"
    async with AsyncExitStack() as cleanup:
        if wanted.database:
            admin_url = wanted.database
        else:
            server = await asyncio.to_thread(postgres.start, wanted.data)
            cleanup.callback(server.stop)
            admin_url = server.admin_url
        wanted.data.mkdir(parents=True, exist_ok=True)
        await when_reachable("database", lambda: bootstrap(admin_url))
        engine = create_async_engine(driver_url(admin_url))
        await when_reachable("database", lambda: create_bus(engine))
        await engine.dispose()
        plan = Plan(
            data=wanted.data.resolve(),
            packs=wanted.packs.resolve(),
            database=admin_url,
            bus=wanted.bus,
            embedded=not wanted.database,
            simulated=wanted.simulated,
            development=development,
            pool_size=10 if wanted.processes <= 2 else 5,
        )
        plan.settings()  # refused here, in one sentence, rather than by each child
        yield plan


@asynccontextmanager
async def _in_one_process(plan: Plan, wanted: Wanted, listener: socket.socket) -> AsyncIterator[Server]:
    clock = plan.clock(wanted.start)
    around = await surroundings(plan.settings(), clock, SERVICES[0], login_per_service=plan.embedded)
    suite = await Suite.build(around)
    stepper = Stepper(lambda: [suite], plan.persist)
    beside = origin(clock, advance=stepper.advance if isinstance(clock, SimulatedClock) else None)
    server = Server(Paths({name: suite.app(name) for name in suite.services}, beside))
    await suite.start()
    serving = asyncio.create_task(serve(server, [listener]))
    try:
        await _ready(server)
        yield server
    finally:
        around.activity.ending = True
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        await suite.stop()


@asynccontextmanager
async def _in_several(plan: Plan, wanted: Wanted, listener: socket.socket) -> AsyncIterator[Server]:
    """Children for the services, the clock and (one per service) the proxy here."""
    clock = plan.clock(wanted.start)
    folder = _private_folder(plan.data)
    private = folder / "supervisor"
    groups = [(name,) for name in SERVICES] if wanted.processes == 0 else [SERVICES] * wanted.processes
    shared = listener.fileno() if wanted.processes else None
    children = []
    for number, services in enumerate(groups):
        orders = ChildOrders(plan, services, folder / f"child-{number}", private, shared)
        children.append(
            ChildProcess(
                name=services[0] if len(services) == 1 else f"process {number + 1}",
                command=python("hotline.child"),
                environment=orders.environment(),
                socket=orders.socket,
                inherited=[] if shared is None else [shared],
            )
        )

    def persist(now: datetime) -> None:
        plan.persist(now)
        if isinstance(clock, SimulatedClock):
            clock.set(now)

    stepper = Stepper(lambda: children, persist)
    beside = origin(clock, advance=stepper.advance if plan.simulated else None)
    front = Front({name: child.socket for (name, *_), child in zip(groups, children, strict=True)})
    apps = {} if shared is not None else {name: front.app(name) for name in SERVICES}
    server = Server(Paths(apps, beside))
    sockets = [bind_private(private)] + ([listener] if shared is None else [])
    serving = asyncio.create_task(serve(server, sockets))
    try:
        await asyncio.gather(*(child.start() for child in children))
        await asyncio.gather(*(_answering(child) for child in children))
        await _ready(server)
        yield server
    finally:
        await asyncio.gather(*(child.stop() for child in children))
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        await front.close()
        shutil.rmtree(folder, ignore_errors=True)


def _private_folder(data: Path) -> Path:
    """A folder for the private sockets: in the data directory, or elsewhere where that path is too long for one."""
    folder = data / "run"
    if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
        return Path(tempfile.mkdtemp(prefix="hotline-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


async def _answering(child: ChildProcess) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await child.answers():  # noqa: ASYNC110 - another process: there is nothing to wait on
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise Refused(f"{child.name} did not start within {_START_SECONDS} s: see the lines above.") from error


async def _ready(server: Server) -> None:
    while not server.started and not server.should_exit:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)


async def _until(stop: asyncio.Event, server: Server) -> None:
    while not stop.is_set() and not server.should_exit:
        try:
            async with asyncio.timeout(0.5):
                await stop.wait()
        except TimeoutError:
            continue


def _announce(plan: Plan, url: str, say: Say) -> None:
    say(f"12345 热线已启动  Dashboard  {url}/")
    say("API  " + "  ".join(f"{url}/{name}/docs" for name in SERVICES))
    say(f"Events  {url}/asyncapi.json" + (f"   Clock  {url}/clock" if plan.simulated else ""))
    if plan.development:
        token = DevelopmentIssuer(plan.issuer_key).issue("admin")
        path = plan.data / "dev-token"
        path.touch(mode=0o600)
        path.write_text(token)
        say(f"Development token (admin), also in {path}:\n{token}")
    say(f"Data in {plan.data}. Ctrl-C stops.")
    sys.stdout.flush()
