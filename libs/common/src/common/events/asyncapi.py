"""The published description of the bus: an AsyncAPI 3.0 document made from the catalogue, served as /asyncapi.json.

Payload schemas are strict (no unknown fields) although readers are tolerant: the document says what this version of
the suite sends. They keep to the keywords that JSON Schema draft 7 and 2020-12 share, as AsyncAPI's own schema object
asks, and refer only to ``#/components/schemas``, so that a consumer needs nothing but the document.
"""

from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from common.events.catalogue import CATALOGUE, DEAD, REFERENCE, SERVICES, TICKETS, Entry
from common.events.envelope import Fact

Json = dict[str, Any]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UNIT = r"[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*"
_SUBJECTS = {
    "ticket": f"ticket/{_UUID}",
    "cluster": f"cluster/{_UUID}",
    "case": f"case/{_UUID}",
    "unit": f"unit/{_UNIT}",
    "policy": "policy/[a-z][a-z0-9_-]*",
    "calendar": "calendar/[0-9]{4}",
    "entry": "entry/[A-Za-z0-9][A-Za-z0-9._/-]*",
}
_HEADERS: dict[str, Json] = {
    "EventId": {
        "type": "string",
        "format": "uuid",
        "pattern": f"^{_UUID}$",
        "description": "UUIDv7; the same for every copy of the event.",
    },
    "EventTime": {"type": "string", "format": "date-time", "description": "When it was announced, domain time, UTC."},
    "EventSequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,18}$",
        "description": "Counts from 1 without gaps per announcing service and subject: a reader's guard against "
        "repeats.",
    },
    "TraceParent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "W3C trace context, CloudEvents' extension for distributed tracing.",
    },
    "FeedSequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,18}$",
        "description": "On a unit's own topic only: the place in the unit's feed, the same as over HTTP.",
    },
}
_PARKED: Json = {
    "name": "Parked",
    "title": "Parked",
    "summary": "A message that a service could not consume, as it was, with the reason.",
    "headers": {
        "type": "object",
        "required": ["hotline-reason"],
        "properties": {"hotline-reason": {"type": "string", "description": "Why; nothing personal."}},
        "additionalProperties": {"type": "string"},
    },
    "payload": {"description": "The value as it was; it need not be JSON."},
}


class _Schemas(GenerateJsonSchema):
    """Plain schemas: no title that only repeats a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def uuid_schema(self, schema: Any) -> Json:
        # Draft 7 knows no format "uuid": a consumer that keeps to it checks the pattern.
        return {"type": "string", "format": "uuid", "pattern": f"^{_UUID}$"}


def payload_schemas() -> Json:
    """Name → JSON Schema of every payload and of the shapes they share, referring to ``#/components/schemas``."""
    models: list[tuple[type[Fact], Literal["validation"]]] = [
        (entry.model, "validation") for entry in CATALOGUE.values()
    ]
    _, document = models_json_schema(
        models,
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    schemas: Json = document["$defs"]
    for schema in schemas.values():
        schema.pop("title", None)
        if "properties" in schema:
            schema["additionalProperties"] = False
    return schemas


def asyncapi_document() -> Json:
    """The whole document, a fresh copy of it: who serves it may add the servers it knows."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:hotline:events",
        "info": {
            "title": "12345 hotline: events",
            "version": "1.0.0",
            "description": "Every fact the five services announce. CloudEvents 1.0 in Kafka's binary content mode; "
            "key = subject. Within a version of a type, changes only add. Readers ignore fields they do not know.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": {**{name: _message(name, entry) for name, entry in CATALOGUE.items()}, "Parked": _PARKED},
            "schemas": {**_HEADERS, **payload_schemas()},
        },
    }


def _message(name: str, entry: Entry) -> Json:
    subject = f"^({'|'.join(_SUBJECTS[kind] for kind in entry.about)})$"
    properties = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _schema("EventId"),
        "ce_source": {"const": f"/hotline/{entry.owner}"},
        "ce_type": {"const": entry.wire_type},
        "ce_subject": {"type": "string", "pattern": subject, "maxLength": 200},
        "ce_time": _schema("EventTime"),
        "ce_sequence": _schema("EventSequence"),
        "content-type": {"const": "application/json"},
    }
    optional = {"ce_traceparent": _schema("TraceParent"), "ce_feedseq": _schema("FeedSequence")}
    return {
        "name": entry.wire_type,
        "title": name,
        "summary": (entry.model.__doc__ or "").strip().partition("\n")[0],
        "contentType": "application/json",
        "tags": [{"name": entry.owner}],
        "headers": {
            "type": "object",
            "required": list(properties),
            "properties": {**properties, **optional},
            "additionalProperties": False,
        },
        "payload": _schema(name),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "pattern": subject, "description": "Equal to ce_subject."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _channels() -> Json:
    everything = list(CATALOGUE)
    on_tickets = [name for name, entry in CATALOGUE.items() if entry.topic == TICKETS]
    of_tickets = [name for name, entry in CATALOGUE.items() if "ticket" in entry.about]
    unit = {"description": "Code of the unit, such as shuangyashan.zhujianju."}
    return {
        "tickets": _channel(TICKETS, "Facts about tickets, clusters and cases.", on_tickets, partitions=12),
        "reference": _channel(
            REFERENCE,
            "Packs, calendars, units, catalogue amendments; never expires.",
            [name for name, entry in CATALOGUE.items() if entry.topic == REFERENCE],
            partitions=1,
        ),
        "units": {
            **_channel(
                "hotline.units.{unit}",
                "To a unit that asked for it, the facts about the tickets it leads or co-handles.",
                of_tickets,
                partitions=1,
            ),
            "parameters": {"unit": unit},
        },
        "replay": {
            **_channel("hotline.replay.{service}", "Past facts, read again by one service.", everything, partitions=1),
            "parameters": {"service": {"description": "The service that reads it.", "enum": list(SERVICES)}},
        },
        "dead": _channel(DEAD, "What a service could not consume.", ["Parked"], partitions=1),
    }


def _channel(address: str, summary: str, messages: list[str], *, partitions: int) -> Json:
    return {
        "address": address,
        "summary": summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"partitions": partitions, "bindingVersion": "0.5.0"}},
    }


def _operations() -> Json:
    operations: Json = {}
    for service in SERVICES:
        for channel, topic in (("tickets", TICKETS), ("reference", REFERENCE)):
            own = [name for name, entry in CATALOGUE.items() if entry.owner == service and entry.topic == topic]
            if own:
                operations[f"{service}Announces{channel.title()}"] = _operation(
                    "send", channel, service, f"What {service} announces.", own
                )
            operations[f"{service}Reads{channel.title()}"] = _operation(
                "receive", channel, service, f"{service} sees every fact and acts on those its consumer table lists."
            )
        operations[f"{service}Parks"] = _operation(
            "send", "dead", service, f"A copy of what {service} could not consume."
        )
        operations[f"{service}ReadsReplay"] = _operation("receive", "replay", service, "Restores and rebuilds.")
    operations["dispatchFeedsUnits"] = _operation(
        "send", "units", "dispatch", "The feeds of the units that asked for a topic of their own."
    )
    return operations


def _operation(action: str, channel: str, service: str, summary: str, messages: list[str] | None = None) -> Json:
    operation: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "tags": [{"name": service}],
    }
    if messages is not None:
        operation["messages"] = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]
    return operation


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
