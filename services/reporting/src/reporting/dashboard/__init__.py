"""The first page: what is going on, live."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from common.web.routing import router

_PAGE = files(__name__).joinpath("page.html").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def dashboard_routes() -> APIRouter:
    routes = router(include_in_schema=False)

    @routes.get("/")
    async def first_page() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})

    return routes
