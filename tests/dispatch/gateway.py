"""A gateway of the tests' own: a real HTTP server that keeps what it was sent and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = b"a key that the gateway and dispatch share"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


Answering = Callable[[Sent], bytes | None]
"""The answer's bytes; None: none at all, and the connection stays open."""


def answer(status: int, *more: str, body: bytes = b"") -> bytes:
    head = [f"HTTP/1.1 {status} so", f"content-length: {len(body)}", "connection: close", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass
class Gateway:
    """``answers`` are given in turn, the last one for ever."""

    port: int
    received: list[Sent] = field(default_factory=list)
    answers: list[bytes | None] = field(default_factory=lambda: [answer(202)])
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sms"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            writer.close()  # who connected thought better of it
            return
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Sent(head[0].split(" ")[1], headers, body))
        self.reached.set()
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if given is None:
            await reader.read()  # until the caller hangs up
        else:
            writer.write(given)
        writer.close()


@asynccontextmanager
async def gateway(tls: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
    found = Gateway(0)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
