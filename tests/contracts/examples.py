"""An example of every event, made from its published schema: valid by construction, varied by seed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from common.events.asyncapi import payload_schemas
from common.events.catalogue import CATALOGUE
from common.events.envelope import Event

SCHEMAS = payload_schemas()
_START = datetime(2025, 9, 26, 16, 0, tzinfo=UTC)
_WORDS = ("市政道路路灯脱落", "施工方拖欠工资", "沥青喷洒扰民", 'quotes " and \\ slashes', "🚧", "", "a\nb")

_PATTERNS: dict[str, Callable[[Random], str]] = {
    r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$": lambda random: f"shuangyashan.unit-{random.randrange(9)}",
    r"^[a-z][a-z0-9_-]*$": lambda random: random.choice(("shuangyashan", "tongjiang")),
    r"^[a-z][a-z0-9_]*$": lambda random: random.choice(("phone", "urgent", "basically_satisfied")),
    r"^[0-9a-f]{64}$": lambda random: f"{random.getrandbits(256):064x}",
}


def example(name: str, seed: int = 0) -> Event:
    """One event of the type; the same for the same seed."""
    random = Random(f"{name} {seed}")
    entry = CATALOGUE[name]
    data = value(SCHEMAS[name], random)
    kind = random.choice(entry.about)
    if kind != "ticket" and "ticket" in entry.about:
        data |= {"ticket": None, "number": None}
    elif kind == "ticket" and data.get("ticket") is None:
        data["ticket"] = uuid(random)
    named = {"ticket": "ticket", "unit": "unit", "policy": "jurisdiction", "calendar": "year"}.get(kind)
    rest = data[named] if named else {"entry": "shuangyashan/2.4"}.get(kind) or uuid(random)
    return Event(
        id=UUID(uuid(random)),
        source=entry.owner,
        type=name,
        subject=f"{kind}/{rest}",
        time=_START + timedelta(microseconds=random.randrange(10**12)),
        sequence=random.randrange(1, 10**6),
        data=entry.model.model_validate(data),
        traceparent=random.choice((None, f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01")),
    )


def uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def value(schema: dict[str, Any], random: Random) -> Any:
    """A value that the schema allows."""
    if "$ref" in schema:
        return value(SCHEMAS[schema["$ref"].rpartition("/")[2]], random)
    if "anyOf" in schema:
        return value(random.choice(schema["anyOf"]), random)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {
                name: value(part, random)
                for name, part in schema["properties"].items()
                if name in schema.get("required", ()) or random.random() < 0.6
            }
        case "object":
            return {"limits": [{"amount": 1, "source": None}], "在": {"x": 1.5, "y": True}}
        case "array":
            return [value(schema["items"], random) for _ in range(schema.get("minItems", 0) + random.randrange(3))]
        case "string":
            return _text(schema, random)
        case "integer":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            return random.randint(low, min(schema.get("maximum", low + 100), low + 100))
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case other:
            raise ValueError(f"no example for type {other}: {schema}")


def _text(schema: dict[str, Any], random: Random) -> str:
    if "pattern" in schema and "format" not in schema:
        return _PATTERNS[schema["pattern"]](random)
    match schema.get("format"):
        case "uuid":
            return uuid(random)
        case "date-time":
            at = _START + timedelta(seconds=random.randrange(10**7), microseconds=random.choice((0, 1, 250_000)))
            return at.isoformat()
        case "date":
            return (_START.date() + timedelta(days=random.randrange(400))).isoformat()
        case None:
            return random.choice(_WORDS)
        case other:
            raise ValueError(f"no example for format {other}")
