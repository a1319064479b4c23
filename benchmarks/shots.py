"""The leanest way to send the same kind of request many times: the generator must not be what binds."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Volley:
    """What came back. ``seconds``: from each request's last byte to its answer's."""

    accepted: int = 0
    others: dict[bytes, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    def percentile(self, share: float) -> float:
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


class _Shooter(asyncio.Protocol):
    """One connection that sends the next request as soon as the answer is whole."""

    def __init__(self, draw: Callable[[], bytes], volley: Volley, going_on: Callable[[], bool]) -> None:
        self._draw = draw
        self._volley = volley
        self._going_on = going_on
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._wanted = 0
        self._sent_at = 0.0
        self._clock = asyncio.get_running_loop().time
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        if not self._going_on():
            self._transport.close()
            return
        self._sent_at = self._clock()
        self._transport.write(self._draw())

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        if not self._wanted:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._got.lower().find(b"content-length:", 0, head) + 15
            self._wanted = head + 4 + int(self._got[at : self._got.index(b"\r\n", at)])
        if len(self._got) >= self._wanted:
            status = self._got[9:12]
            if status == b"201":
                self._volley.accepted += 1
                self._volley.seconds.append(self._clock() - self._sent_at)
            else:
                self._volley.others[status] = self._volley.others.get(status, 0) + 1
            self._got, self._wanted = b"", 0
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: hotline", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def fire(ports: Sequence[int], clients: int, seconds: float, draw: Callable[[], bytes]) -> Volley:
    """So many connections, shared out among the ports, each one request at a time, for so long."""
    volley = Volley()
    loop = asyncio.get_running_loop()
    began = loop.time()
    shooters: Sequence[_Shooter] = [
        (
            await loop.create_connection(
                lambda: _Shooter(draw, volley, lambda: loop.time() - began < seconds),
                "127.0.0.1",
                ports[number % len(ports)],
            )
        )[1]
        for number in range(clients)
    ]
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(shooter.done for shooter in shooters))
    volley.took = loop.time() - began
    return volley
