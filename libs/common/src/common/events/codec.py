"""Events to messages and back: the CloudEvents 1.0 Kafka binding in binary mode.

Readers are tolerant of fields they do not know and of nothing else. A reason never quotes a value: it may be personal.
"""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json

from common.events.catalogue import BY_WIRE_TYPE, CATALOGUE, Entry
from common.events.envelope import Event, Fact, Message, UnusableMessage

MAX_BYTES = 1_000_000
"""Largest value of a message, in bytes; below Kafka's default for a batch, above the largest pack (900 kB)."""

MAX_SEQUENCE = 2**63 - 1
MAX_SUBJECT = 200
_SOURCE = "/hotline/"
_TYPE = re.compile(r"hotline\.([A-Z][A-Za-z]{0,59})\.v([1-9][0-9]{0,3})")
_SUBJECT = re.compile(r"([a-z]+)/([A-Za-z0-9][A-Za-z0-9._/-]*)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SEQUENCE = re.compile(r"[1-9][0-9]{0,18}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class UnannounceableEvent(ValueError):
    """An event that its own catalogue entry forbids: a fault of the announcing code, found before it is stored."""


class Peeked(NamedTuple):
    """What the headers say, without reading the value. ``source`` and ``type`` are bare: intake, TicketCreated."""

    id: UUID
    source: str
    type: str
    subject: str
    sequence: int


def encode(event: Event, topic: str) -> Message:
    """The event as it is put on ``topic``. Raises ``UnannounceableEvent``."""
    entry = CATALOGUE.get(event.type)
    if entry is None:
        raise UnannounceableEvent(f"{event.type} is not in the catalogue")
    if type(event.data) is not entry.model:
        raise UnannounceableEvent(f"{event.type} carries a {type(event.data).__name__}")
    if event.source != entry.owner:
        raise UnannounceableEvent(f"{event.type} belongs to {entry.owner}, not to {event.source}")
    if not 1 <= event.sequence <= MAX_SEQUENCE:
        raise UnannounceableEvent(f"{event.type} has no sequence yet")
    if event.time.tzinfo is None:
        raise UnannounceableEvent(f"{event.type} has a time without zone")
    try:
        value = event.data.__pydantic_serializer__.to_json(event.data)
    except ValueError:
        raise UnannounceableEvent(f"{event.type}: a text holds half a surrogate pair") from None
    if fault := _subject_fault(entry, event.subject, event.data) or _value_fault(value):
        raise UnannounceableEvent(f"{event.type}: {fault}")
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": _SOURCE + event.source,
        "ce_type": entry.wire_type,
        "ce_subject": event.subject,
        "ce_time": event.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "ce_sequence": str(event.sequence),
        "content-type": "application/json",
    }
    if event.traceparent:
        headers["ce_traceparent"] = event.traceparent
    return Message(topic=topic, key=event.subject, headers=headers, value=value)


def peek(message: Message) -> Peeked:
    """The envelope, checked against the catalogue. Raises ``UnusableMessage``."""
    return _read_headers(message)[0]


def decode(message: Message) -> Event:
    """The event. Raises ``UnusableMessage``."""
    head, entry = _read_headers(message)
    time = _time(_header(message, "ce_time"))
    if fault := _value_fault(message.value):
        raise UnusableMessage(fault)
    try:
        # Strict: what the published schema calls a number is not accepted as text. Unknown fields are tolerated
        # everywhere, also where a model used elsewhere forbids them.
        data = entry.model.model_validate_json(message.value, strict=True, extra="ignore")
    except ValidationError as error:
        raise UnusableMessage(_explain(head.type, error)) from None
    if fault := _subject_fault(entry, head.subject, data):
        raise UnusableMessage(fault)
    traceparent = message.headers.get("ce_traceparent")
    if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
        traceparent = None  # W3C: a trace that cannot be read is restarted, never an error
    return Event(head.id, head.source, head.type, head.subject, time, head.sequence, data, traceparent)


def _read_headers(message: Message) -> tuple[Peeked, Entry]:
    if _header(message, "ce_specversion") != "1.0":
        raise UnusableMessage("header ce_specversion is not 1.0")
    name, entry = _type(_header(message, "ce_type"))
    identity = _header(message, "ce_id")
    if not _UUID.fullmatch(identity):
        raise UnusableMessage("header ce_id is not a UUID")
    if _header(message, "ce_source") != _SOURCE + entry.owner:
        raise UnusableMessage(f"header ce_source is not {_SOURCE}{entry.owner}, which owns {name}")
    subject = _header(message, "ce_subject")
    if fault := _subject_fault(entry, subject, None):
        raise UnusableMessage(fault)
    if message.key != subject:
        raise UnusableMessage("key and header ce_subject differ")
    digits = _header(message, "ce_sequence")
    if not _SEQUENCE.fullmatch(digits) or int(digits) > MAX_SEQUENCE:
        raise UnusableMessage("header ce_sequence is not a number from 1")
    content_type = _header(message, "content-type").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnusableMessage("header content-type is not application/json")
    return Peeked(UUID(identity), entry.owner, name, subject, int(digits)), entry


def _header(message: Message, name: str) -> str:
    value = message.headers.get(name)
    if value is None:
        raise UnusableMessage(f"header {name} is missing")
    return value


def _type(wire_type: str) -> tuple[str, Entry]:
    known = BY_WIRE_TYPE.get(wire_type)
    if known is not None:
        return known
    match = _TYPE.fullmatch(wire_type)
    if match is None:
        raise UnusableMessage("header ce_type is not of the form hotline.<Type>.v<version>")
    name, version = match[1], int(match[2])
    entry = CATALOGUE.get(name)
    if entry is None:
        raise UnusableMessage(f"unknown event type {name}")
    age = "future" if version > entry.version else "past"
    raise UnusableMessage(f"{age} version {version} of {name}; this service reads version {entry.version}")


def _time(text: str) -> datetime:
    if not _RFC3339.fullmatch(text):
        raise UnusableMessage("header ce_time is not an RFC 3339 instant")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise UnusableMessage("header ce_time is not an RFC 3339 instant") from None


def _subject_fault(entry: Entry, subject: str, data: Fact | Any) -> str | None:
    """What is wrong with the subject, by itself and beside the data when they are known."""
    match = _SUBJECT.fullmatch(subject) if len(subject) <= MAX_SUBJECT else None
    if match is None or match[1] not in entry.about:
        return f"subject is not of the form {' or '.join(f'{kind}/…' for kind in entry.about)}"
    kind, rest = match[1], match[2]
    if kind in {"ticket", "cluster", "case"} and not _UUID.fullmatch(rest):
        return f"subject is not {kind}/<uuid>"
    if data is None:
        return None
    named = _NAMED_BY.get(kind)
    if named is not None and str(getattr(data, named)) != rest:
        return f"subject and field {named} differ"
    if kind != "ticket" and getattr(data, "ticket", None) is not None:
        return "a fact about one ticket has another subject than the ticket's"
    return None


_NAMED_BY = {"ticket": "ticket", "unit": "unit", "policy": "jurisdiction", "calendar": "year"}
"""Kind of subject → the field of the data that repeats what it names."""


def _value_fault(value: bytes) -> str | None:
    if len(value) > MAX_BYTES:
        return f"value is larger than {MAX_BYTES} bytes"
    # PostgreSQL stores no NUL. The escape is rare, so that the thorough look costs nothing in daily use.
    if b"\\u0000" in value and _has_nul(value):
        return "a text holds the character NUL"
    return None


def _has_nul(value: bytes) -> bool:
    try:
        pending = [from_json(value)]
    except ValueError:
        return False  # not JSON: reported as that
    while pending:
        item = pending.pop()
        if isinstance(item, str) and "\x00" in item:
            return True
        if isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
    return False


def _explain(name: str, error: ValidationError) -> str:
    """The first faults by field and kind, never by value."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return f"{name}: value is not JSON"
    told = [f"{'.'.join(str(part) for part in fault['loc']) or 'value'}: {fault['msg']}" for fault in faults[:5]]
    more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
    return f"{name}: {'; '.join(told)}{more}"
