"""The doors of a running suite as those who work there use them: a token per role, keys, If-After."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self, cast

import httpx

from common.security.access import Role
from common.security.development import DevelopmentIssuer

_TRIES = 20
_LONGEST_PAUSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the suite answered. ``event``: the last event of a write, for ``If-After``."""

    status: int
    body: dict[str, Any]
    event: str | None

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        return str(self.body.get("code", self.status))


class Unreachable(RuntimeError):
    """The suite did not answer in time, again and again."""


class Desk:
    """One jurisdiction's roles at a running suite. ``who`` is a role of the centre or a unit's full code."""

    def __init__(self, url: str, issuer: DevelopmentIssuer, jurisdiction: str) -> None:
        # A move of the clock answers when everything due has been announced and consumed, which may take a while.
        self._client = httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(30, read=600))
        self._issuer = issuer
        self._jurisdiction = jurisdiction
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, who: str, path: str, params: Mapping[str, Any] | None = None, after: str | None = None) -> Any:
        """The body; raises for anything but success."""
        answer = await self._ask("GET", who, path, params=params, headers=_after(after))
        return answer.raise_for_status().json()

    async def status(self, who: str, path: str) -> int:
        """How a look is answered, refusals included."""
        return (await self._ask("GET", who, path)).status_code

    async def post(self, who: str, path: str, body: Mapping[str, Any], key: str, after: str | None = None) -> Answer:
        """A write under its key; the same key again is the same write. A refusal is an answer."""
        headers = {"Idempotency-Key": key, **_after(after)}
        return _answer(await self._ask("POST", who, path, json=dict(body), headers=headers))

    async def put(self, who: str, path: str, body: Mapping[str, Any]) -> Answer:
        return _answer(await self._ask("PUT", who, path, json=dict(body)))

    async def clock(self, to: datetime) -> Mapping[str, Any]:
        """Move the simulated clock; returns when everything due by then has been announced and consumed."""
        answer = await self._client.post("/clock", json={"advance_to": to.isoformat()})
        return cast(Mapping[str, Any], answer.raise_for_status().json())

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self._client.get("/clock")).raise_for_status().json()["now"])

    async def asyncapi(self) -> dict[str, Any]:
        return cast(dict[str, Any], (await self._client.get("/asyncapi.json")).raise_for_status().json())

    async def _ask(
        self, method: str, who: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Ask, and ask again when the suite says "later" or is just starting anew."""
        told = "no answer"
        for attempt in range(_TRIES):
            try:
                answer = await self._client.request(
                    method, path, headers={"Authorization": f"Bearer {self._token(who)}", **(headers or {})}, **more
                )
            except httpx.TransportError as error:
                told = type(error).__name__
                pause = min(0.1 * 2**attempt, _LONGEST_PAUSE_SECONDS)
            else:
                if answer.status_code != 503:
                    return answer
                told = answer.text
                pause = min(float(answer.headers.get("Retry-After", 1)), _LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)
        raise Unreachable(f"{method} {path}: {told}")

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            role, unit = ("unit", who) if "." in who else (who, None)
            self._tokens[who] = self._issuer.issue(cast(Role, role), unit, self._jurisdiction)
        return self._tokens[who]


def _after(event: str | None) -> dict[str, str]:
    return {"If-After": event} if event else {}


def _answer(answer: httpx.Response) -> Answer:
    body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return Answer(answer.status_code, body, answer.headers.get("Hotline-Event"))
