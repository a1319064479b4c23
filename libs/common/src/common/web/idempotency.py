"""Commands that may be sent again: the key, the effect and the answer are one transaction.

A repeat with the same body is answered from the row; another body under the same key is refused; a concurrent repeat
waits on the row and is then answered from it. A refusal for the moment (503) is kept with its instant, so that the
retry counts at the first attempt (semantics: whose time counts).
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant, is_transient
from common.observability import logger
from common.web.edge import Activity, accepted_at, clock_moving
from common.web.problems import Problem
from common.web.reading import after_what_was_named

_log = logger("idempotency")

#: For ``openapi_extra=`` of every route that creates.
KEYED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "同一请求重发时使用同一键值",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        }
    ]
}


def idempotency_table(metadata: MetaData) -> Table:
    """The answered and the refused requests of one service. ``first_at`` is domain time, ``stored_at`` machine time."""
    table = Table(
        "idempotency",
        metadata,
        Column("client", Text, primary_key=True),
        Column("endpoint", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("first_at", Instant, nullable=False),
        Column("status", Integer, comment="null: refused for the moment, or being carried out"),
        Column("headers", JSONB),
        Column("response", JSONB),
        Column("stored_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    )
    Index("idempotency_stored_at_idx", table.c.stored_at, postgresql_using="brin")
    return table


# What migration 0001 of every service executes, in its own schema.
CREATE_IDEMPOTENCY: Final = (
    """
    create table idempotency (
        client text not null,
        endpoint text not null,
        key text not null,
        body_hash bytea not null,
        first_at timestamptz not null,
        status integer,
        headers jsonb,
        response jsonb,
        stored_at timestamptz not null default clock_timestamp(),
        primary key (client, endpoint, key)
    )
    """,
    "comment on column idempotency.status is 'null: refused for the moment, or being carried out'",
    "create index idempotency_stored_at_idx on idempotency using brin (stored_at)",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers. ``event`` becomes ``Hotline-Event``; without it the last announced fact does."""

    status: int
    body: BaseModel | None = None
    event: UUID | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self, announced: UUID | None = None) -> dict[str, str]:
        event = self.event or announced
        return {**self.headers, **({"Hotline-Event": str(event)} if event else {})}

    def content(self) -> str | None:
        return None if self.body is None else self.body.model_dump_json()


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that can be recognised when it comes again."""

    client: str
    endpoint: str
    key: str
    body_hash: bytes
    accepted_at: datetime

    def parameters(self, answer: Answer | None = None) -> dict[str, Any]:
        """The parameters of ``CLAIM_ANSWERED`` (with an answer) and of the statements here (without)."""
        mine = {"client": self.client, "endpoint": self.endpoint, "key": self.key}
        if answer is None:
            return {**mine, "body_hash": self.body_hash, "first_at": self.accepted_at}
        return {
            **mine,
            "body_hash": self.body_hash,
            "first_at": self.accepted_at,
            "status": answer.status,
            "headers": json.dumps(answer.all_headers()),
            "response": answer.content(),
        }


#: For a hot path whose answer is known beforehand, as the first part of its one statement:
#: ``with claimed as (<this>), ticket as (insert … select … from claimed) … select count(*) from claimed``.
#: No row means that the key is known: go on with ``Commands.carry_out``. A concurrent first attempt is waited for.
CLAIM_ANSWERED: Final = """
    insert into idempotency (client, endpoint, key, body_hash, first_at, status, headers, response)
    values (:client, :endpoint, :key, :body_hash, :first_at, :status, cast(:headers as jsonb), cast(:response as jsonb))
    on conflict (client, endpoint, key) do nothing
    returning key
"""

# The empty update locks the row and waits for whoever holds it: two repeats never run side by side.
_CLAIM: Final = text(
    """
    insert into idempotency as known (client, endpoint, key, body_hash, first_at)
    values (:client, :endpoint, :key, :body_hash, :first_at)
    on conflict (client, endpoint, key) do update set key = known.key
    returning known.body_hash, known.first_at, known.status,
              known.headers::text as headers, known.response::text as response
    """
)
_ANSWERED: Final = text(
    """
    update idempotency
    set status = :status, headers = cast(:headers as jsonb), response = cast(:response as jsonb)
    where client = :client and endpoint = :endpoint and key = :key
    """
)
_REFUSED: Final = text(
    """
    insert into idempotency (client, endpoint, key, body_hash, first_at)
    values (:client, :endpoint, :key, :body_hash, :first_at)
    on conflict (client, endpoint, key) do nothing
    """
)
_FORGET: Final = text(
    """
    delete from idempotency where ctid = any (array(
        select ctid from idempotency where stored_at < clock_timestamp() - make_interval(days => :days) limit :rows
    ))
    """
)


class Unit(Protocol):
    """A transaction as ``common.messaging`` opens it."""

    connection: AsyncConnection
    now: datetime
    last_announced: UUID | None


T = TypeVar("T", bound=Unit)
Begin = Callable[[datetime], AbstractAsyncContextManager[T]]
Command = Callable[[T], Awaitable[Answer]]
Authorise = Callable[[T], Awaitable[None]]

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class Commands(Generic[T]):
    """Carries out a service's keyed commands. ``begin`` opens a transaction at an instant of acceptance."""

    def __init__(self, begin: Begin[T], activity: Activity) -> None:
        self._begin = begin
        self._activity = activity

    async def run(
        self,
        request: Request,
        client: str,
        endpoint: str,
        command: Command[T],
        *,
        authorise: Authorise[T] | None = None,
        fingerprint: bytes | None = None,
    ) -> Response:
        """Carry out ``command`` once for this client, endpoint and key.

        ``client`` is the token's account. ``authorise`` runs before the command and again before a repeat is answered:
        rights may have gone. ``fingerprint`` stands for the body where its bytes differ between retries (forms).
        """
        keyed = await self.keyed(request, client, endpoint, fingerprint=fingerprint)
        async with self.keeping_refusals(request, keyed):
            return await self.carry_out(keyed, command, authorise=authorise)

    async def keyed(self, request: Request, client: str, endpoint: str, *, fingerprint: bytes | None = None) -> Keyed:
        """Recognise the request; 400 without exactly one well-formed ``Idempotency-Key``."""
        sent = request.headers.getlist("idempotency-key")
        if not sent:
            raise Problem(400, "idempotency_key_required", "缺少幂等键", "此请求必须带 Idempotency-Key 请求头。")
        if len(sent) != 1 or not _KEY.fullmatch(sent[0]):
            raise Problem(
                400, "idempotency_key_malformed", "幂等键有误", "Idempotency-Key 应为一个，1 至 200 个可见 ASCII 字符。"
            )
        place = json.dumps([request.path_params, request.url.query], default=str, sort_keys=True).encode()
        body = await request.body() if fingerprint is None else fingerprint
        digest = hashlib.sha256(place + b"\x00" + body).digest()
        return Keyed(client, endpoint, sent[0], digest, accepted_at(request))

    @asynccontextmanager
    async def keeping_refusals(self, request: Request, keyed: Keyed) -> AsyncIterator[None]:
        """Whatever in here is refused for the moment is kept with its instant; the wait for ``If-After`` included."""
        try:
            if self._activity.clock_moving:
                raise clock_moving()
            await after_what_was_named(request)
            yield
        except Exception as refusal:
            if is_transient(refusal) or (isinstance(refusal, Problem) and refusal.status == 503):
                await self._keep_refusal(keyed)
            raise

    async def carry_out(self, keyed: Keyed, command: Command[T], *, authorise: Authorise[T] | None = None) -> Response:
        """Claim the key, run the command and keep its answer, or give the answer that is kept."""
        async with self._begin(keyed.accepted_at) as tx:
            known = (await tx.connection.execute(_CLAIM, keyed.parameters())).one()
            if known.body_hash != keyed.body_hash:
                raise Problem(
                    422, "idempotency_key_reused", "幂等键重复使用", "该 Idempotency-Key 已用于内容不同的请求。"
                )
            tx.now = known.first_at
            if authorise is not None:
                await authorise(tx)
            if known.status is not None:
                headers = {**json.loads(known.headers or "{}"), "Idempotent-Replay": "true"}
                return _response(known.status, known.response, headers)
            answer = await command(tx)
            headers = answer.all_headers(tx.last_announced)
            content = answer.content()
            stored = {"status": answer.status, "headers": json.dumps(headers), "response": content}
            await tx.connection.execute(
                _ANSWERED, {"client": keyed.client, "endpoint": keyed.endpoint, "key": keyed.key, **stored}
            )
        return _response(answer.status, content, headers)

    async def _keep_refusal(self, keyed: Keyed) -> None:
        try:
            async with self._begin(keyed.accepted_at) as tx:
                # Whoever holds the row came first and keeps its own instant: not worth a wait.
                await tx.connection.execute(text("set local lock_timeout = '200ms'"))
                await tx.connection.execute(_REFUSED, keyed.parameters())
        except (DBAPIError, OSError, TimeoutError) as lost:
            _log.warning("refusal_not_kept", endpoint=keyed.endpoint, exc_info=lost)


def _response(status: int, content: str | None, headers: Mapping[str, str]) -> Response:
    return Response(
        content, status, {"Cache-Control": "no-store", **headers}, "application/json" if content is not None else None
    )


def answered(answer: Answer) -> Response:
    """The answer of a hot path that has stored it itself (``CLAIM_ANSWERED``)."""
    return _response(answer.status, answer.content(), answer.all_headers())


async def forget_old(connection: AsyncConnection, *, days: int, rows: int = 5000) -> int:
    """Delete up to ``rows`` keys stored longer than ``days`` ago by machine time; how many went."""
    return (await connection.execute(_FORGET, {"days": days, "rows": rows})).rowcount
