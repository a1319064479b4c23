"""Refusals as RFC 9457 problems: a stable code, the offending fields with their rule, the basis; never the input."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from common.basis import Basis
from common.database import is_transient
from common.observability import current_trace_id, logger
from common.web.rules import explained

MEDIA_TYPE: Final = "application/problem+json"
_log = logger("web")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that breaks one rule. ``field`` is a path such as ``requester.phone``; ``message`` is for officials,
    ``hint`` for developers, in English.
    """

    field: str
    rule: str
    message: str
    hint: str = ""

    def told(self) -> dict[str, str]:
        found = {"field": self.field, "rule": self.rule, "message": self.message}
        return found | ({"hint": self.hint} if self.hint else {})


class Problem(HTTPException):
    """A refusal. ``title``, ``detail`` and messages are read by officials (Chinese) and hold nothing personal.

    ``retry_after`` in seconds. Raised inside a command it rolls the transaction back. It is an ``HTTPException``
    because the framework lets only those pass while it reads a body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        fields: Sequence[FieldError] = (),
        basis: Sequence[Basis] = (),
        retry_after: int | None = None,
        allowed: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status
        self.code = code
        self.title = title
        self.fields = tuple(fields)
        self.basis = tuple(basis)
        self.retry_after = retry_after
        self.allowed = tuple(allowed)

    def __str__(self) -> str:
        return f"{self.status} {self.code}"

    def document(self) -> dict[str, Any]:
        """The problem as it goes over the wire."""
        told: dict[str, Any] = {
            "type": f"urn:hotline:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            told["detail"] = self.detail
        if self.fields:
            told["fields"] = [each.told() for each in self.fields]
        if self.basis:
            told["basis"] = [each.model_dump(mode="json") for each in self.basis]
        if self.allowed:
            told["allowed"] = list(self.allowed)
        if (trace := current_trace_id()) is not None:
            told["trace"] = trace
        return told

    def response(self) -> Response:
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        content = json.dumps(self.document(), ensure_ascii=False).encode("utf-8", "replace")
        return Response(content, self.status, headers, MEDIA_TYPE)


class Refusal(Protocol):
    """What another package's refusals must tell to be answered as a problem (``common.security.refusals``)."""

    status: int
    code: str
    title: str
    detail: str
    basis: tuple[Basis, ...]


def invalid(field: str, rule: str, message: str) -> Problem:
    """422: this field breaks this rule."""
    return Problem(422, "invalid_input", "输入有误", "有字段不符合要求。", fields=(FieldError(field, rule, message),))


def not_found() -> Problem:
    """404, the same for what does not exist and for what the caller may not see."""
    return Problem(404, "not_found", "未找到", "所请求的对象不存在。")


def conflict(
    code: str,
    detail: str,
    *,
    fields: Sequence[FieldError] = (),
    allowed: Sequence[str] = (),
    basis: Sequence[Basis] = (),
) -> Problem:
    """409: not in this state; ``allowed`` says what is possible now."""
    return Problem(409, code, "当前状态不允许", detail, fields=fields, allowed=allowed, basis=basis)


def stale_round(current: int) -> Problem:
    """409: the command names another round than the ticket's present one, ``current``."""
    field = FieldError("round", "stale", f"现为第 {current} 轮。")
    return conflict("stale_round", f"工单现为第 {current} 轮，请按现轮次办理。", fields=(field,))


def unavailable(retry_after: int = 1) -> Problem:
    return Problem(503, "unavailable", "暂不可用", "系统暂时无法处理，请稍后重试。", retry_after=retry_after)


def internal_error() -> Problem:
    return Problem(500, "internal_error", "系统错误", "系统内部出错，已记录，请凭 trace 联系运维人员。")


_BY_STATUS: Final[Mapping[int, tuple[str, str, str]]] = {
    400: ("bad_request", "请求有误", "请求无法解析。"),
    401: ("unauthenticated", "未认证", "访问令牌缺失、无效或者已过期。"),
    403: ("forbidden", "无权操作", "当前角色无权进行此项操作。"),
    404: ("not_found", "未找到", "所请求的对象不存在。"),
    405: ("method_not_allowed", "方法不允许", "此地址不支持该请求方法。"),
    408: ("request_timeout", "请求超时", "请求未在规定时间内传完。"),
    413: ("payload_too_large", "请求体过大", "请求体超过 11 MB。"),
    415: ("unsupported_media_type", "媒体类型不支持", "请求体应为 application/json，编码为 UTF-8。"),
    429: ("too_many_requests", "请求过于频繁", "请稍后重试。"),
}


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The general problem of a status that the framework raised; its own text is not repeated."""
    code, title, detail = _BY_STATUS.get(status, ("bad_request", "请求有误", "请求无法处理。"))
    return Problem(status, code, title, detail, headers=headers)


def of_validation(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """What pydantic found, in the reader's words, without the values."""
    found = list(errors)
    if any(error.get("type") == "json_invalid" for error in found):
        return malformed_json()
    fields = [FieldError(field_name(error.get("loc", ())), *explained(error)) for error in found[:20]]
    return Problem(422, "invalid_input", "输入有误", f"有 {len(found)} 处不符合要求。", fields=fields)


def malformed_json(rule: str = "json", message: str = "请求体不是合法的 JSON。") -> Problem:
    return Problem(400, "malformed_json", "请求体有误", message, fields=(FieldError("body", rule, message),))


_SAFE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}")


def field_name(location: Sequence[Any]) -> str:
    """``("body", "requester", "phone")`` as ``requester.phone``.

    A name is repeated only when it looks like one: keys are the caller's and may hold anything.
    """
    parts = [part for part in location if part != "body"] if len(location) > 1 else list(location)
    safe = [
        str(part) if isinstance(part, int) or (_SAFE_NAME.fullmatch(part) and not re.search("[0-9]{5}", part)) else "?"
        for part in parts
    ]
    return ".".join(safe) or "body"


def of_exception(error: Exception) -> Problem:
    """The problem for whatever nobody caught: 503 when another try may succeed, else 500."""
    if isinstance(error, Problem):
        return error
    if is_transient(error):
        _log.warning("unavailable", exc_info=error)
        return unavailable()
    _log.error("unhandled", exc_info=error)
    return internal_error()


def install(app: FastAPI, refusals: Sequence[type[Exception]] = ()) -> None:
    """Answer everything that goes wrong in a route as a problem.

    ``refusals`` are exception classes of the shape of ``Refusal``.
    """

    async def problem(_: Request, error: Exception) -> Response:
        return cast(Problem, error).response()

    async def refusal(_: Request, error: Exception) -> Response:
        told = cast(Refusal, error)
        return Problem(told.status, told.code, told.title, told.detail, basis=told.basis).response()

    async def validation(_: Request, error: Exception) -> Response:
        return of_validation(cast(RequestValidationError, error).errors()).response()

    async def http(_: Request, error: Exception) -> Response:
        raised = cast(HTTPException, error)
        allow = {"Allow": raised.headers["Allow"]} if raised.headers and "Allow" in raised.headers else None
        return of_status(raised.status_code, allow).response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    for kind in refusals:
        app.add_exception_handler(kind, refusal)
