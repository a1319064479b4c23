"""/asyncapi.json is a valid AsyncAPI 3.0 document, by the schema that AsyncAPI publishes.

The schema is kept in ``asyncapi_schema/`` as the AsyncAPI Initiative publishes it (npm package @asyncapi/specs 6.11.1,
Apache-2.0, licence and notice beside it), so that the test needs neither Node nor a network.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from common.events.asyncapi import asyncapi_document, payload_schemas
from common.events.catalogue import CATALOGUE, SERVICES
from common.messaging.bus import PARTITIONS

DOCUMENT = asyncapi_document()
OFFICIAL = json.loads((Path(__file__).parent / "asyncapi_schema" / "3.0.0.json").read_text("utf-8"))


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from nodes(part)


def official() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(OFFICIAL, validate_formats=True)


def test_the_document_is_valid_by_the_published_asyncapi_schema() -> None:
    assert [f"{error.instance_path}: {error.message}" for error in official().iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.update(asyncapi="9.9.9"),
        lambda document: document.update(topics={}),
        lambda document: document["operations"]["slaParks"].update(action="publish"),
        lambda document: document["channels"]["tickets"].update(address=7),
        lambda document: document["components"]["schemas"]["Closed"].update(type="ticket"),
    ],
)
def test_the_published_schema_notices_a_spoilt_document(spoil: Any) -> None:
    document = asyncapi_document()
    spoil(document)
    assert not official().is_valid(document)


def test_every_reference_leads_somewhere() -> None:
    for node in nodes(DOCUMENT):
        if isinstance(reference := node.get("$ref"), str):
            place: Any = DOCUMENT
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]


def test_every_event_is_described_on_its_topic_and_sent_by_its_owner() -> None:
    addresses = {channel["address"]: name for name, channel in DOCUMENT["channels"].items()}
    for name, entry in CATALOGUE.items():
        channel = addresses[entry.topic]
        assert name in DOCUMENT["channels"][channel]["messages"]
        senders = [
            operation["tags"][0]["name"]
            for operation in DOCUMENT["operations"].values()
            if operation["action"] == "send"
            and {"$ref": f"#/channels/{channel}/messages/{name}"} in operation.get("messages", ())
        ]
        assert senders == [entry.owner]


def test_every_service_has_operations() -> None:
    assert {operation["tags"][0]["name"] for operation in DOCUMENT["operations"].values()} == set(SERVICES)


def test_partitions_are_those_of_the_bus() -> None:
    described = {
        channel["address"]: channel["bindings"]["kafka"]["partitions"]
        for channel in DOCUMENT["channels"].values()
        if "{" not in channel["address"]
    }
    assert described == PARTITIONS


def test_payload_schemas_read_the_same_in_draft_7_and_in_2020_12() -> None:
    schemas = payload_schemas()
    keywords = {keyword for schema in schemas.values() for keyword in _keywords(schema)}
    assert keywords <= {
        *("$ref", "type", "properties", "required", "additionalProperties", "items", "minItems", "anyOf", "enum"),
        *(
            "const",
            "format",
            "pattern",
            "maxLength",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "default",
            "description",
        ),
    }
    for name in schemas:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schemas[name]})
        jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **schemas[name]})


def _keywords(schema: dict[str, Any]) -> set[str]:
    found = set(schema)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for part in [*inner, schema["items"]] if "items" in schema else inner:
        found |= _keywords(part)
    return found
