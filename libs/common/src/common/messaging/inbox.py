"""The inbox: every event's effect once, and the parked ones kept in order."""

from collections.abc import Sequence
from dataclasses import replace
from json import dumps
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.envelope import Message

Stream = tuple[str, str]
"""Whose facts about what: (announcing service, subject)."""


async def claim(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Enter event ids; returns those that were not there. In the effect's transaction this keeps every effect single:
    a second worker with the same event waits here until the first commits or is cut off by the server."""
    rows = await connection.execute(_CLAIM, {"ids": sorted(ids)})
    return {row.event_id for row in rows}


async def standing(connection: AsyncConnection, streams: Sequence[Stream]) -> tuple[dict[Stream, int], set[str]]:
    """The last sequence consumed per stream, the permanent guard against repeats older than the inbox; and which of
    the subjects have parked events.

    Asked after :func:`claim`, in a statement of its own: what another worker committed while we waited there counts.
    """
    rows = (
        await connection.execute(
            _STANDING, {"sources": [one[0] for one in streams], "subjects": [one[1] for one in streams]}
        )
    ).all()
    last = {(row.source, row.subject): row.last for row in rows if row.source is not None}
    return last, {row.subject for row in rows if row.source is None}


async def remember(connection: AsyncConnection, last: dict[Stream, int]) -> None:
    streams = sorted(last)
    await connection.execute(
        _REMEMBER,
        {
            "sources": [one[0] for one in streams],
            "subjects": [one[1] for one in streams],
            "lasts": [last[one] for one in streams],
        },
    )


async def park(connection: AsyncConnection, message: Message, event_id: UUID | None, kind: str, reason: str) -> bool:
    """Put a message aside with its reason; later ones of its subject will be put behind it.

    False for an unreadable one that lies there already.
    """
    message = storable(message)
    parked = await connection.execute(
        _PARK,
        {
            "event_id": event_id,
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "subject": message.key,
            "headers": dumps(message.headers, ensure_ascii=False),
            "value": message.value.decode(),
            "kind": kind,
            "reason": reason,
        },
    )
    return bool(parked.rowcount)


def storable(message: Message) -> Message:
    """The message as PostgreSQL can keep it: what is not UTF-8, and NUL, is replaced by U+FFFD."""
    return replace(
        message,
        key=_printed(message.key),
        headers={_printed(name): _printed(value) for name, value in message.headers.items()},
        value=_printed(message.value.decode("utf-8", "replace")).encode(),
    )


def _printed(words: str) -> str:
    return words.replace("\x00", "\ufffd")


_CLAIM = text("insert into inbox (event_id) select unnest(:ids) on conflict do nothing returning event_id").bindparams(
    bindparam("ids", type_=ARRAY(PgUUID))
)
_STANDING = text(
    """
    select g.source, g.subject, g.last from subject_guard g
    join unnest(:sources, :subjects) as w (source, subject) on g.source = w.source and g.subject = w.subject
    union all
    select distinct null, subject, 0 from parked where ended_at is null and subject = any(:subjects)
    """
).bindparams(bindparam("sources", type_=ARRAY(TEXT)), bindparam("subjects", type_=ARRAY(TEXT)))
_REMEMBER = text(
    """
    insert into subject_guard as g (source, subject, last)
    select * from unnest(:sources, :subjects, :lasts)
    on conflict (source, subject) do update set last = greatest(g.last, excluded.last)
    """
).bindparams(
    bindparam("sources", type_=ARRAY(TEXT)),
    bindparam("subjects", type_=ARRAY(TEXT)),
    bindparam("lasts", type_=ARRAY(BIGINT)),
)
_PARK = text(
    """
    insert into parked (event_id, topic, partition, "offset", subject, headers, value, kind, reason)
    values (:event_id, :topic, :partition, :offset, :subject, cast(:headers as jsonb), :value, :kind, :reason)
    -- The same place again: its offset was not committed after it had been parked. Readable ones are known by id.
    on conflict (topic, partition, "offset") where event_id is null and ended_at is null do nothing
    """
).bindparams(bindparam("event_id", type_=PgUUID), bindparam("headers", type_=TEXT))
