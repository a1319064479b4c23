"""What cannot be read is refused with a reason that names the fault and quotes nothing; what is new is tolerated."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.examples import example
from tests.contracts.validation import PlainConsumer, Undocumented, validate_message

from common.events.asyncapi import asyncapi_document
from common.events.catalogue import TICKETS
from common.events.codec import MAX_BYTES, UnannounceableEvent, decode, encode, peek
from common.events.envelope import Message, UnusableMessage
from common.events.intake import TicketCreated

EVENT = replace(example("TicketCreated"), traceparent=None)
MESSAGE = encode(EVENT, TICKETS)
DOCUMENT = asyncapi_document()


def with_header(name: str, text: str) -> Message:
    return replace(MESSAGE, headers={**MESSAGE.headers, name: text})


def without_header(name: str) -> Message:
    return replace(MESSAGE, headers={key: text for key, text in MESSAGE.headers.items() if key != name})


def with_field(name: str, value: Any) -> Message:
    return replace(MESSAGE, value=json.dumps({**json.loads(MESSAGE.value), name: value}).encode())


def without_field(name: str) -> Message:
    data = json.loads(MESSAGE.value)
    del data[name]
    return replace(MESSAGE, value=json.dumps(data).encode())


def on_subject(subject: str) -> Message:
    return replace(with_header("ce_subject", subject), key=subject)


BAD_HEADERS = [
    ("unknown type", with_header("ce_type", "hotline.TicketEaten.v1"), "unknown event type TicketEaten"),
    ("future version", with_header("ce_type", "hotline.TicketCreated.v2"), "future version 2 of TicketCreated"),
    ("foreign type", with_header("ce_type", "com.example.Created"), "ce_type"),
    ("no type", without_header("ce_type"), "ce_type is missing"),
    ("no version of the envelope", without_header("ce_specversion"), "ce_specversion is missing"),
    ("another envelope", with_header("ce_specversion", "0.3"), "ce_specversion"),
    ("id", with_header("ce_id", "42"), "ce_id"),
    ("another's fact", with_header("ce_source", "/hotline/review"), "ce_source"),
    ("sequence 0", with_header("ce_sequence", "0"), "ce_sequence"),
    ("sequence in words", with_header("ce_sequence", "１"), "ce_sequence"),
    ("sequence too large", with_header("ce_sequence", "9" * 19), "ce_sequence"),
    ("media type", with_header("content-type", "text/plain"), "content-type"),
    ("key", replace(MESSAGE, key=f"ticket/{uuid4()}"), "key"),
    ("no uuid in the subject", on_subject("ticket/7"), "subject"),
    ("subject of another kind", on_subject("unit/shuangyashan.a"), "subject"),
    ("subject too long", on_subject("ticket/" + "a" * 300), "subject"),
]
BAD_REST = [
    ("time without zone", with_header("ce_time", "2025-09-26T16:00:00"), "ce_time"),
    ("no such day", with_header("ce_time", "2025-02-30T16:00:00Z"), "ce_time"),
    ("not JSON", replace(MESSAGE, value=b"\xff\x00{"), "not JSON"),
    ("empty", replace(MESSAGE, value=b""), "not JSON"),
    ("not an object", replace(MESSAGE, value=b"[]"), "TicketCreated"),
    ("missing field", without_field("statement"), "statement: Field required"),
    ("text for a number", with_field("round", "1"), "round"),
    ("number for a text", with_field("statement", 7), "statement"),
    ("number that no table holds", with_field("round", 10**30), "round"),
    ("half a surrogate pair", replace(MESSAGE, value=MESSAGE.value.replace(b"{", b'{"new":"\\ud800",', 1)), "not JSON"),
    ("unlisted word", with_field("type", "rumour"), "type"),
    ("naive instant", with_field("received_at", "2025-09-26T16:00:00"), "received_at"),
    ("another ticket's data", with_field("ticket", str(uuid4())), "subject and field ticket differ"),
    ("NUL", with_field("statement", "a\x00b"), "NUL"),
    ("too large", with_field("statement", "长" * 400_000), "larger"),
    ("5 MB", replace(MESSAGE, value=b" " * 5_000_000), "larger"),
]


@pytest.mark.parametrize(("message", "reason"), [pytest.param(m, r, id=i) for i, m, r in BAD_HEADERS])
def test_a_message_with_a_bad_envelope_is_refused_already_by_the_first_look(message: Message, reason: str) -> None:
    with pytest.raises(UnusableMessage, match=reason):
        peek(message)
    with pytest.raises(UnusableMessage, match=reason):
        decode(message)


@pytest.mark.parametrize(("message", "reason"), [pytest.param(m, r, id=i) for i, m, r in BAD_REST])
def test_a_message_that_cannot_be_read_is_refused_with_its_reason(message: Message, reason: str) -> None:
    with pytest.raises(UnusableMessage, match=reason):
        decode(message)


def test_a_reason_never_quotes_what_was_written() -> None:
    with pytest.raises(UnusableMessage) as refused:
        decode(with_field("type", "王小明 13800138000"))
    assert "王" not in str(refused.value)
    assert "138" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        {"weather": "rain"},
        {"requester": {"anonymous": True, "has_contact": False, "confidential": False, "mood": "angry"}},
        {"basis": [{"rule": "SYS-16", "page": 4}]},
    ],
)
def test_a_reader_tolerates_fields_it_does_not_know_and_the_plain_consumer_does_not(data: dict[str, Any]) -> None:
    message = replace(MESSAGE, value=json.dumps({**json.loads(MESSAGE.value), **data}).encode())
    assert decode(message).id == EVENT.id
    with pytest.raises(Undocumented):
        validate_message(DOCUMENT, message.headers, message.value)


def test_a_reader_tolerates_headers_it_does_not_know() -> None:
    assert decode(with_header("ce_tracestate", "a=1")) == EVENT


def test_an_unreadable_trace_is_dropped_not_refused() -> None:
    assert decode(with_header("ce_traceparent", "nonsense")).traceparent is None


def test_a_citizen_may_write_the_letters_of_an_escape() -> None:
    assert isinstance(EVENT.data, TicketCreated)
    event = replace(EVENT, data=EVENT.data.model_copy(update={"statement": "the letters \\u0000"}))
    assert decode(encode(event, TICKETS)) == event


def test_the_time_keeps_its_instant_whatever_its_zone() -> None:
    assert decode(with_header("ce_time", "2025-09-26T16:00:00+08:00")).time == datetime(2025, 9, 26, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unlisted type", with_header("ce_type", "hotline.TicketEaten.v1")),
        ("unlisted header", with_header("ce_colour", "red")),
        ("missing header", without_header("ce_sequence")),
        ("time", with_header("ce_time", "yesterday")),
        ("id", with_header("ce_id", "42")),
        ("missing field", without_field("channel")),
        ("naive instant", with_field("occurred_at", "2025-09-26T16:00:00")),
        ("unlisted word", with_field("type", "rumour")),
        ("not JSON", replace(MESSAGE, value=b"{")),
    ],
)
def test_the_plain_consumer_refuses_what_the_document_does_not_list(name: str, message: Message) -> None:
    with pytest.raises(Undocumented):
        PlainConsumer(DOCUMENT).check(message.headers, message.value)


def test_the_plain_consumer_knows_which_topic_carries_what() -> None:
    consumer = PlainConsumer(DOCUMENT)
    consumer.check(MESSAGE.headers, MESSAGE.value, topic="hotline.units.shuangyashan.zhujian", key=MESSAGE.key)
    for topic in ("hotline.reference", "hotline.gossip"):
        with pytest.raises(Undocumented):
            consumer.check(MESSAGE.headers, MESSAGE.value, topic=topic)
    with pytest.raises(Undocumented):
        consumer.check(MESSAGE.headers, MESSAGE.value, key=f"ticket/{uuid4()}")


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, type="TicketEaten"),
        replace(EVENT, type="SignedIn"),
        replace(EVENT, source="review"),
        replace(EVENT, sequence=0),
        replace(EVENT, subject=f"ticket/{uuid4()}"),
        replace(EVENT, subject="unit/shuangyashan.a"),
        replace(EVENT, time=EVENT.time.replace(tzinfo=None)),
        replace(EVENT, data=EVENT.data.model_copy(update={"statement": "a\x00b"})),
        replace(EVENT, data=EVENT.data.model_copy(update={"statement": "\ud800"})),
        replace(EVENT, data=EVENT.data.model_copy(update={"statement": "长" * (MAX_BYTES // 3 + 1)})),
    ],
)
def test_what_no_reader_could_use_is_never_announced(event: Any) -> None:
    with pytest.raises(UnannounceableEvent):
        encode(event, TICKETS)


def test_an_event_is_announced_with_its_instant_in_utc() -> None:
    local = EVENT.time.astimezone(datetime.fromisoformat("2025-01-01T00:00+08:00").tzinfo)
    assert encode(replace(EVENT, time=local + timedelta(0)), TICKETS).headers == MESSAGE.headers


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
).map(lambda anything: json.dumps(anything).encode())


@given(
    value=st.binary(max_size=200) | ANY_JSON,
    headers=st.dictionaries(st.sampled_from([*MESSAGE.headers, "ce_traceparent"]), st.text(max_size=40), max_size=3),
)
def test_no_message_does_more_harm_than_to_be_unusable(value: bytes, headers: dict[str, str]) -> None:
    for message in (
        replace(MESSAGE, value=value, headers={**MESSAGE.headers, **headers}),
        replace(MESSAGE, value=value),
    ):
        with pytest.raises(UnusableMessage):
            decode(message)
