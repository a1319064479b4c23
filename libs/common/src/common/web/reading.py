"""Reading one's own writes, and lists in pages."""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from common.web.problems import Problem, invalid

Seen = Callable[[UUID], Awaitable[bool]]

LONGEST_WAIT_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.1


async def wait_until_seen(seen: Seen, event: UUID, timeout: float = LONGEST_WAIT_S) -> None:
    """Return once the service has seen the event; after ``timeout`` seconds 503 ``not_yet_here``."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE_S
    while not await seen(event):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Problem(503, "not_yet_here", "尚未同步", "所指事件尚未到达本服务，请稍后重试。", retry_after=1)
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def after_what_was_named(request: Request) -> None:
    """Wait for the event that ``If-After`` names; ``app.state.seen`` says whether the service has seen it.

    400 when the header is not one event's id.
    """
    named = request.headers.getlist("if-after")
    if not named:
        return
    try:
        event = UUID(named[0].strip().strip('"'))
    except ValueError:
        event = None
    if event is None or len(named) != 1:
        raise Problem(400, "malformed_if_after", "If-After 有误", "If-After 应为一个事件的 UUID。")
    seen: Seen | None = request.app.state.seen
    if seen is not None:
        await wait_until_seen(seen, event)


async def if_after(request: Request) -> None:
    """What every route does first. A command with a key waits further in, where a refusal is stored."""
    if "if-after" not in request.headers or (request.method == "POST" and "idempotency-key" in request.headers):
        return
    await request.body()  # the instant of acceptance is that of the last byte, not of the end of the wait
    await after_what_was_named(request)


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next`` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None = None


PageSize = Annotated[int, Query(ge=1, le=200, description="每页条数，最多 200")]
Cursor = Annotated[str | None, Query(max_length=500, description="上一页返回的 next")]


def cursor_of(*position: str | int) -> str:
    """An opaque cursor for the position after which the next page begins."""
    packed = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def position_of(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The position in a cursor that ``cursor_of`` made from values of these kinds; 422 for anything else."""
    try:
        packed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError):
        position = None
    if (
        not isinstance(position, list)
        or len(position) != len(kinds)
        or any(type(value) is not kind for value, kind in zip(position, kinds, strict=True))
        or any(isinstance(value, str) and not value.isprintable() for value in position)
    ):
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。")
    return tuple(position)
