"""The edge behind the real server: raw requests that no client library would send."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import uvicorn
from tests.support.logs import captured_logs

from common.clock import FrozenClock
from common.web.app import create_app
from common.web.inputs import ApiModel
from common.web.routing import router

CANARY = "13987654321"


class Body(ApiModel):
    text: str


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, io.StringIO]]:
    """The port of a running service, and its log."""
    routes = router()

    @routes.post("/v1/things")
    async def take(body: Body) -> dict[str, int]:
        return {"length": len(body.text)}

    @routes.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError(CANARY)

    app = create_app(
        "intake",
        title="t",
        routers=[routes],
        clock=FrozenClock(datetime(2025, 1, 1, tzinfo=UTC)),
        verifier=None,
        refusals=[],
    )
    with captured_logs("intake") as logs:
        config = uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none", lifespan="off")
        running = uvicorn.Server(config)
        serving = asyncio.create_task(running.serve())
        while not running.started:  # noqa: ASYNC110 - the server offers no event
            await asyncio.sleep(0.01)
        yield running.servers[0].sockets[0].getsockname()[1], logs
        running.should_exit = True
        await serving


async def _talk(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def _post(*headers: bytes) -> bytes:
    lines = (b"POST /intake/v1/things HTTP/1.1", b"Host: x", b"Content-Type: application/json", b"Connection: close")
    return b"\r\n".join((*lines, *headers)) + b"\r\n\r\n"


CHUNK = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
RAW = [
    ("sound", [_post(b"Content-Length: 12"), b'{"text":"a"}'], b"200"),
    ("sound, in drops", [_post(b"Content-Length: 12"), *(bytes([byte]) for byte in b'{"text":"a"}')], b"200"),
    ("told to be too long", [_post(b"Content-Length: 99999999")], b"413"),
    ("too long in chunks", [_post(b"Transfer-Encoding: chunked"), *[CHUNK] * 12, b"0\r\n\r\n"], b"413"),
    ("negative length", [_post(b"Content-Length: -1"), b"{}"], b"400"),
    ("length is no number", [_post(b"Content-Length: 1e3"), b"{}"], b"400"),
    ("two lengths", [_post(b"Content-Length: 2", b"Content-Length: 3"), b"{}"], b"400"),
    ("no body and no length", [_post()], b"422"),
    ("gzip", [_post(b"Content-Encoding: gzip", b"Content-Length: 2"), b"\x1f\x8b"], b"415"),
    ("20,000 headers", [_post(*[b"X-%d: y" % number for number in range(20_000)])], b"4"),
    ("a header of a megabyte", [_post(b"X-A: " + b"y" * (1 << 20))], b"4"),
    ("not HTTP", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"], b"400"),
    ("method from nowhere", [b"BREW /intake/v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"], b"40"),
]


@pytest.mark.parametrize(("_what", "parts", "status"), RAW, ids=[row[0] for row in RAW])
async def test_a_raw_request_is_answered_or_cut_never_a_crash(
    _what: str, parts: list[bytes], status: bytes, server: tuple[int, io.StringIO]
) -> None:
    port, logs = server
    answer = await _talk(port, *parts)
    # Whoever is still sending when the server has refused and closed may see the reset before the answer.
    assert answer[9:].startswith(status) or (not answer and status in (b"413", b"4"))
    assert '"level": "error"' not in logs.getvalue()
    assert (await _talk(port, _post(b"Content-Length: 12"), b'{"text":"a"}'))[9:12] == b"200"


async def test_neither_query_nor_message_reaches_the_log_of_the_real_server(server: tuple[int, io.StringIO]) -> None:
    port, logs = server
    request = f"GET /intake/v1/broken?phone={CANARY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await _talk(port, request.encode())
    assert answer[9:12] == b"500"
    assert CANARY not in answer.decode()
    assert CANARY not in logs.getvalue()
    events = [json.loads(line)["event"] for line in logs.getvalue().splitlines()]
    assert events.count("unhandled") == 1
    assert "Exception in ASGI application\n" not in events
