"""The page that lists a service's API. It loads nothing from elsewhere: hotlines run on closed networks."""

from importlib.resources import files
from typing import Final

from fastapi.responses import HTMLResponse

_PAGE: Final = files("common.web").joinpath("docs.html").read_text(encoding="utf-8")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


async def api_page() -> HTMLResponse:
    """Every operation of ``openapi.json`` with its parameters, bodies and answers."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})
