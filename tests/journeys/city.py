"""The whole suite in this process, with the clock in the test's hand, spoken to over HTTP only."""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import httpx
from sqlalchemy.ext.asyncio import create_async_engine

from common.clock import SimulatedClock
from common.database import driver_url
from common.messaging.bus import PARTITIONS
from common.messaging.pglog import PgLog
from common.messaging.wakeup import Bell
from common.runtime.service import Surroundings
from common.security.access import Role
from common.security.development import DevelopmentIssuer
from common.security.tokens import TokenVerifier
from hotline.origin import origin
from hotline.stepping import Stepper
from hotline.suite import Paths, Suite

HERE = "shuangyashan"
T = TypeVar("T")


class Room(Protocol):
    """A database of the test's own."""

    @property
    def admin_url(self) -> str: ...

    def url(self, service: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    etag: str | None


@dataclass(slots=True)
class City:
    """The running suite. ``who`` is a role of the centre, of another city's with @ and its name, or a unit's full
    code."""

    suite: Suite
    stepper: Stepper
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    parked: Mapping[str, int] = field(default_factory=dict)
    tally: "Counter[tuple[str, int]]" = field(default_factory=Counter)
    _tokens: dict[str, str] = field(default_factory=dict)
    _keys: "count[int]" = field(default_factory=count)

    async def get(self, who: str, path: str) -> Answer:
        return _answer(await self.client.get(path, headers=self._headers(who)))

    async def post(
        self, who: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One command under a key of its own; asked again as it stands when the suite says "later"."""
        sent = {**self._headers(who), **(headers or {}), "Idempotency-Key": f"model-{next(self._keys)}"}
        answer = _answer(await self.client.post(path, json=dict(body), headers=sent))
        for _ in range(100):
            if answer.status != 503:
                break
            await asyncio.sleep(0.05)
            answer = _answer(await self.client.post(path, json=dict(body), headers=sent))
        return answer

    async def put(self, who: str, path: str, body: Mapping[str, Any]) -> Answer:
        return _answer(await self.client.put(path, json=dict(body), headers=self._headers(who)))

    async def rest(self, pass_by: timedelta = timedelta(0)) -> None:
        """Let time pass, and wait until everything due by then has been announced and consumed."""
        moved = await self.stepper.advance(self.suite.clock.now() + pass_by)
        self.parked = moved.parked

    def tried(self) -> "Counter[str]":
        """How often each command was tried, whatever the answer."""
        return Counter(does for does, _ in self.tally.elements())

    def _headers(self, who: str) -> dict[str, str]:
        if who not in self._tokens:
            name, _, city = who.partition("@")
            role, unit = ("unit", name) if "." in name else (name, None)
            of = name.partition(".")[0] if unit else city or HERE
            self._tokens[who] = self.issuer.issue(cast(Role, role), unit, of)
        return {"Authorization": f"Bearer {self._tokens[who]}"}


def _answer(answer: httpx.Response) -> Answer:
    body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return Answer(answer.status_code, body, answer.headers.get("ETag"))


@dataclass(slots=True)
class Aside:
    """An event loop of its own in a thread: what draws examples is not asynchronous."""

    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 240) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)


@contextmanager
def aside() -> Iterator[Aside]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="city")
    thread.start()
    try:
        yield Aside(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@contextmanager
def city_of(database: Room, start: datetime, packs: Path, folder: Path) -> Iterator[tuple[City, Aside]]:
    """Start the five services over the embedded bus, the pack in force; stopped whatever happens."""
    with aside() as other:
        city = other.do(_open(database, start, packs, folder))
        try:
            other.do(city.rest())
            yield city, other
        finally:
            other.do(_close(city))


async def _open(database: Room, start: datetime, packs: Path, folder: Path) -> City:
    clock, bell = SimulatedClock(start), Bell()
    bus = PgLog(create_async_engine(driver_url(database.admin_url), pool_size=6, max_overflow=9), bell)
    await bus.ensure_topics(PARTITIONS)
    keys = folder / "keys"
    keys.mkdir()
    issuer = DevelopmentIssuer(folder / "issuer.pem")
    verifier = TokenVerifier([issuer.settings()])
    around = Surroundings(clock, bus, bell, database.url, verifier, keys, packs, development=True)
    suite = await Suite.build(around)
    stepper = Stepper(lambda: [suite], lambda _: None)
    apps = Paths({name: suite.app(name) for name in suite.services}, origin(clock))
    transport = httpx.ASGITransport(app=apps)
    await suite.start()
    return City(suite, stepper, httpx.AsyncClient(transport=transport, base_url="http://hotline"), issuer)


async def _close(city: City) -> None:
    city.suite.around.activity.ending = True
    await city.client.aclose()
    await city.suite.stop()
