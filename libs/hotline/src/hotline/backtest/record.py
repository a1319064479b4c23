"""The record that is judged again: reporting's archive, read from a running suite or from a file of JSON lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from pydantic import AwareDatetime, BaseModel, ValidationError

from common.calendar import CalendarYear, WorkingCalendar, assemble, deserialise
from common.events.codec import decode
from common.events.envelope import Event, Message, UnusableMessage, ticket_of_subject
from common.events.sla import CalendarPublished, PolicyActivated
from common.policy import Pack, PackInvalid, parse_pack

_FORM: Final = 1
_TICKETS_AT_ONCE: Final = 20


class RecordRefused(ValueError):
    """The record cannot be read; the text says where and why."""


class Head(BaseModel):
    """What a record says of itself. ``as_of``: the domain instant up to which it tells; ``tickets``: how many."""

    record: int = _FORM
    jurisdiction: str
    as_of: AwareDatetime
    tickets: int
    units: dict[str, str] = {}


class _Line(BaseModel):
    """One event as reporting tells it."""

    topic: str
    partition: int
    offset: int
    subject: str
    headers: dict[str, str]
    value: str

    def event(self) -> Event:
        place = (self.partition, self.offset)
        return decode(Message(self.topic, self.subject, self.headers, self.value.encode(), *place))


@dataclass(frozen=True, slots=True)
class Story:
    """All that was announced about one ticket, in the order of the bus. ``unreadable``: why some of it is not here."""

    ticket: UUID
    events: tuple[Event, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """``packs`` by version and the ``calendar`` of the record; the stories come one by one, once."""

    head: Head
    packs: Mapping[str, Pack]
    calendar: WorkingCalendar
    stories: Iterator[Story]


def _packs(events: Iterable[Event]) -> dict[str, Pack]:
    """The packs that were activated, by version. One that this program no longer understands is left out."""
    found: dict[str, Pack] = {}
    for event in events:
        if isinstance(event.data, PolicyActivated):
            try:
                found[event.data.version] = parse_pack(event.data.pack)
            except PackInvalid:
                continue
    return found


def _calendar(events: Iterable[Event]) -> WorkingCalendar:
    years: dict[int, CalendarYear] = {}
    for event in events:
        if isinstance(event.data, CalendarPublished):
            years[event.data.year] = deserialise(event.data.content)
    return assemble(years.values())


def _story(ticket: UUID, lines: Iterable[_Line]) -> Story:
    events, unreadable = list[Event](), list[str]()
    for line in lines:
        try:
            events.append(line.event())
        except UnusableMessage as refused:
            unreadable.append(str(refused))
    return Story(ticket, tuple(events), tuple(unreadable))


def _reference(lines: Iterable[_Line]) -> list[Event]:
    try:
        return [line.event() for line in lines]
    except UnusableMessage as refused:
        raise RecordRefused(f"A pack or a calendar of the record cannot be read: {refused}") from refused


# --- a running suite ---


class Suite:
    """The doors that a record is read through. ``client`` carries an administrator's token."""

    def __init__(
        self, client: httpx.Client, jurisdiction: str, begin: datetime | None = None, end: datetime | None = None
    ) -> None:
        self._client = client
        self._jurisdiction = jurisdiction
        named = (("from", begin), ("to", end))  # none of them: the whole archive
        self._span = {name: at.isoformat() for name, at in named if at is not None}

    def read(self) -> Record:
        """Raises ``httpx.HTTPError``, ``RecordRefused``."""
        head, reference, tickets = self._opened()
        events = _reference(reference)
        stories = (_story(ticket, lines) for ticket, lines in tickets)
        return Record(head, _packs(events), _calendar(events), stories)

    def write(self, file: Path) -> int:
        """The record as JSON lines, for later; how many tickets it has."""
        head, reference, tickets = self._opened()
        written = 0
        with file.open("w", encoding="utf-8") as out:
            out.write(head.model_dump_json() + "\n")
            out.writelines(line.model_dump_json() + "\n" for line in reference)
            for _, lines in tickets:
                out.writelines(line.model_dump_json() + "\n" for line in lines)
                written += 1
        return written

    def _opened(self) -> tuple[Head, list[_Line], Iterator[tuple[UUID, list[_Line]]]]:
        first = self._page(None, 1)
        units = {one["code"]: one["name"] for one in self._items("/dispatch/v1/units", {"size": 200})}
        head = Head(jurisdiction=self._jurisdiction, as_of=first["as_of"], tickets=first["tickets"], units=units)
        reference = [_Line.model_validate(one) for one in self._items("/reporting/v1/archive/reference", {})]
        return head, reference, self._tickets()

    def _tickets(self) -> Iterator[tuple[UUID, list[_Line]]]:
        cursor: str | None = None
        while True:
            page = self._page(cursor, _TICKETS_AT_ONCE)
            for item in page["items"]:
                yield UUID(item["ticket"]), [_Line.model_validate(one) for one in item["events"]]
            cursor = page["next"]
            if cursor is None:
                return

    def _page(self, cursor: str | None, size: int) -> Mapping[str, Any]:
        params: dict[str, str | int] = {"jurisdiction": self._jurisdiction, "size": size, **self._span}
        if cursor is not None:
            params["cursor"] = cursor
        found: Mapping[str, Any] = self._client.get("/reporting/v1/archive", params=params).raise_for_status().json()
        return found

    def _items(self, path: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        cursor: str | None = None
        while True:
            asked = {"jurisdiction": self._jurisdiction, **params, **({"cursor": cursor} if cursor else {})}
            page = self._client.get(path, params=asked).raise_for_status().json()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return


# --- a file ---


@contextmanager
def recorded(file: Path, begin: datetime | None = None, end: datetime | None = None) -> Iterator[Record]:
    """The record in a file that ``Suite.write`` wrote; tickets received in [begin, end) only. ``RecordRefused``."""
    try:
        with file.open(encoding="utf-8") as lines:
            yield _read(enumerate(lines, 1), file, begin, end)
    except OSError as absent:
        raise RecordRefused(f"{file} cannot be read: {absent.strerror}") from absent


def _read(lines: Iterator[tuple[int, str]], file: Path, begin: datetime | None, end: datetime | None) -> Record:
    head = _head(next(lines, (1, ""))[1], file)
    parsed = (_parsed(number, line, file) for number, line in lines)
    reference, first = list[_Line](), None
    for line in parsed:
        if ticket_of_subject(line.subject) is not None:
            first = line
            break
        reference.append(line)
    events = _reference(reference)
    stories = _grouped(first, parsed, file)
    if begin is not None or end is not None:
        stories = (story for story in stories if _within(story, begin, end))
    return Record(head, _packs(events), _calendar(events), stories)


def _head(line: str, file: Path) -> Head:
    try:
        head = Head.model_validate_json(line)
    except ValidationError as wrong:
        raise RecordRefused(f"{file} does not begin as a record does.") from wrong
    if head.record != _FORM:
        raise RecordRefused(f"{file} is a record of form {head.record}; this program reads form {_FORM}.")
    return head


def _parsed(number: int, line: str, file: Path) -> _Line:
    try:
        return _Line.model_validate(json.loads(line))
    except ValueError as wrong:
        raise RecordRefused(f"{file}, line {number}: this is no recorded event.") from wrong


def _grouped(first: _Line | None, rest: Iterator[_Line], file: Path) -> Iterator[Story]:
    """Ticket by ticket: only one is in memory at a time."""
    current: UUID | None = None
    lines: list[_Line] = []
    for line in chain((first,) if first else (), rest):
        ticket = ticket_of_subject(line.subject)
        if ticket is None:
            raise RecordRefused(f"{file}: {line.subject} stands among the tickets.")
        if ticket != current:
            if current is not None:
                yield _story(current, lines)
            current, lines = ticket, []
        lines.append(line)
    if current is not None:
        yield _story(current, lines)


def _within(story: Story, begin: datetime | None, end: datetime | None) -> bool:
    received = next(
        (getattr(one.data, "received_at", None) for one in story.events if one.type == "TicketCreated"), None
    )
    if received is None:
        return True
    return (begin is None or received >= begin) and (end is None or received < end)
