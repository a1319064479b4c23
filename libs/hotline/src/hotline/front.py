"""The small proxy in the supervisor that gives five processes one origin."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.web.problems import unavailable
from hotline.children import private_client

_PATIENCE_SECONDS = 15
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-authorization"}
)


class Front:
    """Passes a request to the child that serves its first path segment, and its answer back as it comes."""

    def __init__(self, sockets: Mapping[str, Path]) -> None:
        # No time limit on reading: feeds and streams stay open.
        self._clients = {name: private_client(path, seconds=30) for name, path in sockets.items()}

    def app(self, name: str) -> ASGIApp:
        client = self._clients[name]

        async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
            await _pass_on(client, scope, receive, send)

        return pass_on

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


async def _pass_on(client: httpx.AsyncClient, scope: Scope, receive: Receive, send: Send) -> None:
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    request = client.build_request(
        scope["method"],
        httpx.URL("http://private").copy_with(raw_path=target),
        headers=[pair for pair in scope["headers"] if pair[0] not in _HOP_BY_HOP],
        content=_body(receive) if scope["method"] not in ("GET", "HEAD") else None,
        timeout=httpx.Timeout(30, read=None),
    )
    try:
        answer = await _sent(client, request)
    except httpx.HTTPError:
        await unavailable().response()(scope, receive, send)
        return
    try:
        headers = [pair for pair in answer.headers.raw if pair[0].lower() not in _HOP_BY_HOP]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        async for part in answer.aiter_raw():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await answer.aclose()


async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send once the child listens: one that died is started anew within seconds, and nothing of the body is read
    before there is a connection."""
    give_up = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            return await client.send(request, stream=True)
        except httpx.ConnectError:
            if asyncio.get_running_loop().time() > give_up:
                raise
            await asyncio.sleep(0.1)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
