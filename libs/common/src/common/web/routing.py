"""Routes that read JSON strictly: UTF-8 without a mark, no key twice, no NaN, nothing else than JSON."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi import APIRouter, Request, Response, params
from fastapi.routing import APIRoute

from common.web.problems import malformed_json, of_status
from common.web.reading import if_after


class _Duplicate(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise _Duplicate
    return built


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def read_json(body: bytes) -> Any:
    """The value of a JSON text; a 400 problem names the rule that it breaks."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise malformed_json("utf8", "请求体不是 UTF-8 编码。") from None
    except _Duplicate:
        raise malformed_json("duplicate_key", "同一对象中有重复的字段名。") from None
    except RecursionError:
        raise malformed_json("depth", "请求体嵌套过深。") from None
    except ValueError:
        raise malformed_json() from None


class StrictRequest(Request):
    """A request whose body is read by ``read_json``."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route that heeds ``If-After`` and reads its body strictly; 415 to one that does not claim to be JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        wants_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def strictly(request: Request) -> Response:
            if wants_json:
                media, _, rest = request.headers.get("content-type", "").partition(";")
                media = media.strip().lower()
                charset = rest.strip().lower().removeprefix("charset=").strip('"')
                if media != "application/json" or charset not in ("", "utf-8", "utf8"):
                    raise of_status(415)
                if request.headers.get("content-encoding", "identity").lower() != "identity":
                    raise of_status(415)
            strict = StrictRequest(request.scope, request.receive)
            await if_after(strict)
            return await handle(strict)

        return strictly


def router(**settings: Any) -> APIRouter:
    """An ``APIRouter`` of strict routes: what every ``routes.py`` begins with."""
    return APIRouter(route_class=StrictRoute, **settings)
