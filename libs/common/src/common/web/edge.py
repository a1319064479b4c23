"""What surrounds every request: its instant, its trace, its size, its place among the commands in flight.

Pure ASGI: ``BaseHTTPMiddleware`` runs the route in another task and leaks connections when that is cancelled.
"""

import time
from datetime import datetime
from typing import Final, cast

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.clock import Clock
from common.observability import Metrics, attach_traceparent, current_service, logger
from common.web.problems import Problem, of_exception, of_status

#: Three attachments of 10 MB come in one by one; 11 MB leaves room for the form around one.
LARGEST_BODY: Final = 11 * 1024 * 1024
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_QUIET_PATHS: Final = ("/healthz", "/readyz", "/metrics")
_log = logger("access")


class Activity:
    """The commands being carried out in this process, whether the simulated clock is moving, whether the end is near.

    Shared by all services of the process: ``in_flight`` must be 0 before the clock takes a step. Streams and long
    polls end when ``ending`` is set: a server waits for them before it stops.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.clock_moving = False
        self.ending = False


def clock_moving() -> Problem:
    return Problem(503, "clock_moving", "时钟正在推进", "模拟时钟正在推进，请稍后重试。", retry_after=1)


def accepted_at(request: Request) -> datetime:
    """The domain instant at which the request had been read, before any lock or wait: the instant that counts."""
    return cast(datetime, request.state.accepted_at)


class Edge:
    """The outermost middleware of a service."""

    def __init__(self, app: ASGIApp, *, service: str, clock: Clock, activity: Activity, metrics: Metrics) -> None:
        self._app = app
        self._service = service
        self._clock = clock
        self._activity = activity
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _strip_service(scope, self._service)
        is_command = scope["method"] not in _READING
        # Each request is a task of its own: what is set here ends with it, the reset is for those who call directly.
        mine = current_service.set(self._service)
        with attach_traceparent(_header(scope, b"traceparent"), scope["method"]) as span:
            if is_command:
                self._activity.in_flight += 1
                self._metrics.in_flight.inc()
            try:
                route = await self._carry(scope, receive, send, is_command)
                span.update_name(f"{scope['method']} {route}")
            finally:
                if is_command:
                    self._activity.in_flight -= 1
                    self._metrics.in_flight.dec()
                current_service.reset(mine)

    async def _carry(self, scope: Scope, receive: Receive, send: Send, is_command: bool) -> str:
        began = time.monotonic()
        state = scope["state"] = dict(scope.get("state") or {})
        state["accepted_at"] = self._clock.now()
        status = 0
        read = 0

        async def receive_whole() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > LARGEST_BODY:
                    raise of_status(413)
                if not message.get("more_body", False):
                    state["accepted_at"] = self._clock.now()
            return message

        async def send_told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            refused = self._refused(scope, is_command)
            if refused is not None:
                await refused.response()(scope, receive, send_told)
            else:
                await self._app(scope, receive_whole, send_told)
        except Exception as error:
            if status:
                raise  # the answer has begun: the server cuts the connection
            await of_exception(error).response()(scope, receive, send_told)
        finally:
            route = self._tell(scope, status, time.monotonic() - began)
        return route

    def _refused(self, scope: Scope, is_command: bool) -> Problem | None:
        length = _header(scope, b"content-length")
        if length is not None and (not length.isdecimal() or int(length) > LARGEST_BODY):
            return of_status(413 if length.isdecimal() else 400)
        # A command with a key is refused further in, where the refusal can be stored with its instant.
        if is_command and self._activity.clock_moving and _header(scope, b"idempotency-key") is None:
            return clock_moving()
        return None

    def _tell(self, scope: Scope, status: int, seconds: float) -> str:
        # The template, never the path: what stands in a path may have been typed by anybody.
        route = str(getattr(scope.get("route"), "path", "-"))
        method = scope["method"] if scope["method"].isalpha() and len(scope["method"]) <= 10 else "-"
        self._metrics.requests.labels(self._service, method, route, status).observe(seconds)
        if not route.endswith(_QUIET_PATHS):
            _log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
        return route


def _strip_service(scope: Scope, service: str) -> None:
    """Let ``/intake/v1/tickets`` and, where nothing stands in front, ``/v1/tickets`` reach the same route."""
    prefix = f"/{service}"
    root = scope.get("root_path", "")
    if not root.endswith(prefix) and f"{scope['path']}/".startswith(f"{root}{prefix}/"):
        scope["root_path"] = root + prefix


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return cast(bytes, value).decode("latin-1")
    return None
