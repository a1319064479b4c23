"""Parked events: seen, released for another try, or discarded with a reason; then what waited behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, TEXT
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import is_transient
from common.events.codec import peek
from common.events.envelope import Message, UnusableMessage

from . import inbox
from .room import Room, Transaction
from .runner import Runner, Transient, Unusable, dead_letter, where

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parked:
    id: int
    event_id: UUID | None
    topic: str
    subject: str
    type: str
    kind: str
    reason: str
    parked_at: datetime


async def list_parked(connection: AsyncConnection, after: int = 0, most: int = 100) -> Sequence[Parked]:
    """What waits, oldest first. The messages themselves are not shown: they may hold anything."""
    rows = await connection.execute(_LIST, {"after": after, "most": most})
    return [Parked(**row._mapping) for row in rows]


async def is_parked(connection: AsyncConnection, subject: str) -> bool:
    """Whether a command on the subject must be refused with ``ticket_parked``."""
    return bool((await connection.execute(_SUBJECT_PARKED, {"subject": subject})).scalar())


async def release(connection: AsyncConnection, parked_id: int) -> bool:
    """Let the worker try a parked event again; False when nothing of that id is parked."""
    return bool((await connection.execute(_RELEASE, {"id": parked_id})).rowcount)


async def discard(connection: AsyncConnection, parked_id: int, reason: str) -> bool:
    """Give a parked event up, with a reason that is kept; what waited behind it goes on."""
    return bool((await connection.execute(_DISCARD, {"id": parked_id, "reason": reason})).rowcount)


async def count_parked(room: Room) -> int:
    async with room.database.engine.connect() as connection:
        return int((await connection.execute(text("select count(*) from parked where ended_at is null"))).scalar_one())


async def unpark_next(runner: Runner) -> bool:
    """Try the first parked event of a subject if it is released or only waited behind another; True if one moved.

    It holds the row's lock while it works, so two workers never try the same; events that arrive meanwhile still see
    the subject as parked and queue up behind. A subject whose event cannot be applied yet does not hold up others.
    """
    waiting: list[int] = []
    while True:
        try:
            async with runner.room.transaction() as tx:
                row = (await tx.connection.execute(_NEXT, {"waiting": waiting})).first()
                if row is None:
                    return False
                waiting.append(row.id)
                await _try(runner, tx, row)
                return True
        except Transient as error:
            log.warning("waiting", service=runner.room.service, why=str(error))
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("waiting", service=runner.room.service, why=type(error).__name__)
            return False


async def _try(runner: Runner, tx: Transaction, row: Row[Any]) -> None:
    """Apply a parked event, or keep it with its new reason; raises what is transient."""
    message = Message(row.topic, row.subject, row.headers, row.value.encode(), row.partition, row.offset)
    try:
        async with tx.connection.begin_nested():
            await _apply(runner, tx, message, claimed=row.event_id is not None)
    except (UnusableMessage, Unusable) as error:
        failed = ("unusable", str(error))
    except Exception as error:
        if isinstance(error, Transient) or is_transient(error):
            raise
        failed = ("bug", where(error))
    else:
        await tx.connection.execute(_END, {"id": row.id})
        log.info("unparked", service=runner.room.service, subject=row.subject)
        return
    tx.forget_announced()
    await tx.connection.execute(_KEEP, {"id": row.id, "kind": failed[0], "reason": failed[1]})
    if row.kind == "behind":
        tx.forward(dead_letter(message, failed[1]))
    log.error("parked", service=runner.room.service, subject=row.subject, kind=failed[0], reason=failed[1])


async def _apply(runner: Runner, tx: Transaction, message: Message, *, claimed: bool) -> None:
    head = peek(message)
    if not claimed:  # it could not be read when it was parked
        if not await inbox.claim(tx.connection, [head.id]):
            return
        await inbox.remember(tx.connection, {(head.source, head.subject): head.sequence})
    await runner.handle(tx, message, head)


_LIST = text(
    """
    select id, event_id, topic, subject, coalesce(headers ->> 'ce_type', '') as type, kind, reason, parked_at
    from parked where ended_at is null and id > :after order by id limit :most
    """
)
_SUBJECT_PARKED = text("select exists (select from parked where ended_at is null and subject = :subject)")
_RELEASE = text(
    "update parked set kind = 'released' where id = :id and ended_at is null and kind in ('unusable', 'bug')"
)
_DISCARD = text(
    """
    update parked set ended_at = clock_timestamp(), ended_how = 'discarded', discard_reason = :reason
    where id = :id and ended_at is null
    """
).bindparams(bindparam("reason", type_=TEXT))
_NEXT = text(
    """
    select p.id, p.event_id, p.kind, p.topic, p.partition, p."offset", p.subject, p.headers, p.value
    from parked p
    where p.ended_at is null and p.kind in ('behind', 'released') and p.id <> all(:waiting)
      and not exists (
          select from parked earlier
          where earlier.ended_at is null and earlier.subject = p.subject and earlier.id < p.id
      )
    order by p.id limit 1 for update skip locked
    """
).bindparams(bindparam("waiting", type_=ARRAY(BIGINT)))
_END = text("update parked set ended_at = clock_timestamp(), ended_how = 'replayed' where id = :id")
_KEEP = text("update parked set kind = :kind, reason = :reason where id = :id").bindparams(
    bindparam("kind", type_=TEXT), bindparam("reason", type_=TEXT)
)
