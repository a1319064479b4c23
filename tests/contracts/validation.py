"""A plain consumer: it knows nothing of the suite but the served /asyncapi.json, and checks messages against it.

Stricter than our own readers: a type, a header or a field that the document does not list fails.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs


class Undocumented(AssertionError):
    """A message that the served document does not describe."""


@dataclass
class PlainConsumer:
    """Validates messages against one AsyncAPI document; compiled schemas are kept, so use one for many messages."""

    document: dict[str, Any]
    _validators: dict[str, jsonschema_rs.Draft7Validator] = field(default_factory=dict)

    def check(
        self, headers: Mapping[str, str | bytes], value: bytes, *, topic: str | None = None, key: str | None = None
    ) -> str:
        """The name of the documented message that this one is. Raises ``Undocumented``."""
        told = {name: text.decode() if isinstance(text, bytes) else text for name, text in headers.items()}
        name = self._message_of_type(told.get("ce_type"))
        if topic is not None and name not in self._messages_on(topic):
            raise Undocumented(f"{name} is not documented on {topic}")
        message = self.document["components"]["messages"][name]
        self._validate(f"#/components/messages/{name}/headers", told)
        if key is not None:
            self._validate(f"#/components/messages/{name}/bindings/kafka/key", key)
            if key != told["ce_subject"]:
                raise Undocumented(f"{name}: key and subject differ")
        try:
            payload = json.loads(value)
        except ValueError as error:
            raise Undocumented(f"{name}: not JSON") from error
        self._validate(message["payload"]["$ref"], payload)
        return name

    def _message_of_type(self, wire_type: str | None) -> str:
        for name, message in self.document["components"]["messages"].items():
            if message["name"] == wire_type:
                return str(name)
        raise Undocumented(f"type {wire_type} is not documented")

    def _messages_on(self, topic: str) -> set[str]:
        for channel in self.document["channels"].values():
            parts = re.split(r"\{[^}]+\}", channel["address"])
            if re.fullmatch(".+".join(map(re.escape, parts)), topic):
                return set(channel["messages"])
        raise Undocumented(f"topic {topic} is not documented")

    def _validate(self, pointer: str, instance: Any) -> None:
        validator = self._validators.get(pointer)
        if validator is None:
            schema = {"allOf": [{"$ref": pointer}], "components": self.document["components"]}
            validator = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
            self._validators[pointer] = validator
        faults = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(instance)
        ]
        if faults:
            raise Undocumented(f"{pointer.rpartition('components/')[2]}: {'; '.join(faults)}")


def validate_message(document: dict[str, Any], message_headers: Mapping[str, str | bytes], value: bytes) -> str:
    """Check one message; for many use one :class:`PlainConsumer`."""
    return PlainConsumer(document).check(message_headers, value)
