"""The CloudEvents SDK reads our messages and sees the same event."""

import json

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from tests.contracts.examples import example

from common.events.catalogue import CATALOGUE
from common.events.codec import encode


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_sdk_reads_the_same_attributes_and_data(name: str) -> None:
    event = example(name)
    message = encode(event, CATALOGUE[name].topic)
    headers = {header: text.encode() for header, text in message.headers.items()}

    read = from_binary(KafkaMessage(headers, message.key.encode(), message.value), JSONFormat())

    assert read.get_specversion() == "1.0"
    assert read.get_id() == str(event.id)
    assert read.get_source() == f"/hotline/{event.source}"
    assert read.get_type() == f"hotline.{name}.v1"
    assert read.get_subject() == event.subject
    assert read.get_time() == event.time
    assert read.get_datacontenttype() == "application/json"
    assert read.get_extension("sequence") == str(event.sequence)
    assert read.get_extension("traceparent") == event.traceparent
    assert read.get_extension("partitionkey") == event.subject
    assert read.get_data() == json.loads(message.value)
