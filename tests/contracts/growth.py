"""Within a version a payload only grows: what that means, and the kept schemas it is measured by.

``python -m tests.contracts.growth`` keeps today's schemas, unless somebody who reads or writes yesterday's would break.
"""

import json
import sys
from pathlib import Path
from typing import Any

from common.events.asyncapi import payload_schemas

KEPT = Path(__file__).parent / "schemas.json"
_SILENT = {"description", "default", "additionalProperties"}
"""Keywords that say nothing about which values are allowed, or the same of every schema."""


def bare(schema: Any) -> Any:
    """The schema without its words."""
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: bare(part) for name, part in value.items()} if key == "properties" else bare(value)
        for key, value in schema.items()
        if key not in _SILENT
    }


def today() -> dict[str, Any]:
    return {name: bare(schema) for name, schema in sorted(payload_schemas().items())}


def kept() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return schemas


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What in ``new`` is not an addition to ``old``, both by name of the shape.

    Additions are: a shape, an optional field, a further word of an enumeration. Whoever reads an enumeration updates
    before the word is sent; until then the message is parked, not lost.
    """
    found = []
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            found.append(f"{name} is gone")
        else:
            found += _breaks(name, before, after)
    return found


def _breaks(place: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = [
        f"{place}.{field} is gone" for field in old.get("properties", {}) if field not in new.get("properties", {})
    ]
    demanded, demands = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{place}.{field} is required now" for field in sorted(demands - demanded)]
    found += [f"{place}.{field} may be missing now" for field in sorted(demanded - demands)]
    found += [f"{place}: no longer {word}" for word in old.get("enum", ()) if word not in new.get("enum", ())]
    for field, before in old.get("properties", {}).items():
        if field in new.get("properties", {}):
            found += _breaks(f"{place}.{field}", before, new["properties"][field])
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        found += _breaks(f"{place}[]", old["items"], new["items"])
    if len(old.get("anyOf", ())) == len(new.get("anyOf", ())):
        for before, after in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=True):
            found += _breaks(place, before, after)
    else:
        found.append(f"{place}: other alternatives")
    compared = {"properties", "required", "enum", "items", "anyOf"}
    if {k: v for k, v in old.items() if k not in compared} != {k: v for k, v in new.items() if k not in compared}:
        found.append(f"{place}: other values are allowed")
    return found


def keep() -> list[str]:
    """Write today's schemas, unless that breaks somebody; returns what would."""
    found = breaks(kept(), today()) if KEPT.exists() else []
    if not found:
        KEPT.write_text(json.dumps(today(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(keep()) or None)
