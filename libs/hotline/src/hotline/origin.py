"""The one origin beside the services: first page, event document, simulated clock."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from common.clock import Clock, ClockWentBack
from common.events.asyncapi import asyncapi_document
from common.web.inputs import ApiModel, Instant
from common.web.problems import Problem, of_validation
from hotline.stepping import Child, Moved, NoQuiet

Advance = Callable[[datetime], Awaitable[Moved]]


class ClockMove(ApiModel):
    """``{"advance_to": "2025-01-02T08:00+08:00"}``"""

    advance_to: Instant


@cache
def _asyncapi() -> bytes:
    return json.dumps(asyncapi_document(), ensure_ascii=False).encode()


async def _first_page(_: Request) -> Response:
    return RedirectResponse("/reporting/")


async def _events(_: Request) -> Response:
    return Response(_asyncapi(), media_type="application/json")


async def _healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _clock_routes(clock: Clock, advance: Advance) -> list[Route]:
    async def tell(_: Request) -> Response:
        return JSONResponse({"now": clock.now().isoformat()})

    async def move(request: Request) -> Response:
        try:
            wanted = ClockMove.model_validate_json(await request.body())
            moved = await advance(wanted.advance_to)
        except ClockWentBack as error:
            return Problem(409, "clock_went_back", "时钟不能倒退", str(error)).response()
        except NoQuiet as error:
            return Problem(504, "no_quiet", "系统未能静止", str(error)).response()
        except ValueError as error:
            errors = getattr(error, "errors", None)
            if errors is None:
                raise
            return of_validation(errors()).response()
        return JSONResponse({"now": moved.now.isoformat(), "steps": moved.steps, "parked": dict(moved.parked)})

    return [Route("/clock", tell, methods=["GET"]), Route("/clock", move, methods=["POST"])]


def _time_routes(child: Child) -> list[Route]:
    """A child's own clock, for its supervisor alone: served on its private socket, in simulated mode only."""

    async def read(_: Request) -> Response:
        reading = await child.read()
        return JSONResponse(
            {
                "now": reading.now.isoformat(),
                "next_due": reading.next_due.isoformat() if reading.next_due else None,
                "quiet": not reading.busy,
                "busy": list(reading.busy),
                "parked": dict(reading.parked),
            }
        )

    async def put(request: Request) -> Response:
        wanted = json.loads(await request.body())
        await child.put(datetime.fromisoformat(wanted["now"]), moving=wanted["moving"])
        return Response(status_code=204)

    return [Route("/time", read, methods=["GET"]), Route("/time", put, methods=["PUT"])]


def origin(clock: Clock, *, advance: Advance | None = None, child: Child | None = None) -> Starlette:
    """What lies beside the services. ``advance`` and ``child`` are there with the simulated clock only."""
    routes = [
        Route("/", _first_page, methods=["GET"]),
        Route("/asyncapi.json", _events, methods=["GET"]),
        Route("/healthz", _healthy, methods=["GET"]),
    ]
    if advance is not None:
        routes += _clock_routes(clock, advance)
    if child is not None:
        routes += _time_routes(child)
    return Starlette(routes=routes)
