"""The application that every service is: routes behind one edge, refusals as problems, health and figures."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware import Middleware

from common.clock import Clock
from common.observability import Metrics
from common.web import problems
from common.web.docs import api_page
from common.web.edge import Activity, Edge
from common.web.reading import Seen
from common.web.routing import StrictRoute

Check = Callable[[], Awaitable[bool]]

_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "rule", "message")},
            },
        },
        "basis": {"type": "array", "items": {"type": "object"}},
        "allowed": {"type": "array", "items": {"type": "string"}},
        "trace": {"type": "string"},
    },
}
_PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    group: {"description": meaning, "content": {problems.MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}}
    for group, meaning in (("4XX", "请求不被接受"), ("5XX", "系统暂时无法处理"))
}


def create_app(
    service: str,
    *,
    title: str,
    routers: Sequence[APIRouter],
    clock: Clock,
    verifier: object,
    refusals: Sequence[type[Exception]],
    activity: Activity | None = None,
    metrics: Metrics | None = None,
    seen: Seen | None = None,
    ready: Mapping[str, Check] | None = None,
    docs: bool = False,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """A service's application, reachable under ``/<service>`` and, standing alone, under ``/`` as well.

    ``verifier`` (``common.security.tokens``) and ``refusals`` (``common.security.refusals.AccessRefused``) come from
    the composition root: web and security do not know each other. ``seen`` says whether an event has been seen (for
    ``If-After``), ``ready`` names what must hold before requests are let in, ``docs`` shows the API pages.
    """
    activity = activity or Activity()
    metrics = metrics or Metrics(service)
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
        responses=_PROBLEM_RESPONSES,
        form_limits={"max_files": 3, "max_fields": 20, "max_part_size": 64 * 1024},
        # The framework's own telemetry records the query string and what was refused; the edge makes the spans.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[Middleware(Edge, service=service, clock=clock, activity=activity, metrics=metrics)],
    )
    app.state.service = service
    app.state.clock = clock
    app.state.verifier = verifier
    app.state.seen = seen
    app.state.activity = activity
    app.state.metrics = metrics
    app.router.route_class = StrictRoute
    problems.install(app, refusals)
    for each in routers:
        loose = [route.path for route in each.routes if isinstance(route, APIRoute) and type(route) is APIRoute]
        if loose:
            raise TypeError(f"{service}: make routers with common.web.routing.router(), not APIRouter: {loose}")
        app.include_router(each)
    _add_figures(app, metrics, ready or {})
    if docs:
        app.add_api_route("/docs", api_page, methods=["GET"], include_in_schema=False)
    return app


def _add_figures(app: FastAPI, metrics: Metrics, ready: Mapping[str, Check]) -> None:
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz() -> Response:
        waiting = [name for name, check in ready.items() if not await check()]
        return JSONResponse({"status": "waiting" if waiting else "ok", "waiting_for": waiting}, 503 if waiting else 200)

    async def figures() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", figures)):
        app.add_api_route(path, answer, methods=["GET"], include_in_schema=False)
