"""Payloads only grow within a version."""

from copy import deepcopy
from typing import Any

import pytest
from tests.contracts.growth import breaks, kept, today


def test_no_payload_breaks_those_who_know_the_kept_one() -> None:
    assert breaks(kept(), today()) == []


def test_the_kept_schemas_are_todays() -> None:
    assert kept() == today(), "an addition: keep it with `python -m tests.contracts.growth`"


def changed(place: list[str], value: Any) -> dict[str, Any]:
    schemas = deepcopy(today())
    node = schemas
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return schemas


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        (changed(["SignedIn", "properties"], {}), "SignedIn.unit is gone"),
        (changed(["SignedIn", "required"], ["unit", "officer"]), "SignedIn.officer is required now"),
        (changed(["SignedIn", "required"], []), "SignedIn.unit may be missing now"),
        (changed(["SignedIn", "properties", "round"], {"type": "string"}), "SignedIn.round: other values are allowed"),
        (changed(["TicketCreated", "properties", "type", "enum"], ["help"]), "TicketCreated.type: no longer praise"),
        (changed(["TicketCreated", "properties", "marks", "items"], {"type": "integer"}), "TicketCreated.marks"),
        (changed(["DeadlineRow", "properties", "unit"], {"type": "string"}), "DeadlineRow.unit: other alternatives"),
    ],
)
def test_what_breaks_a_reader_is_noticed(schemas: dict[str, Any], told: str) -> None:
    assert any(told in line for line in breaks(today(), schemas))


@pytest.mark.parametrize(
    "schemas",
    [
        changed(["SignedOut"], {"type": "object"}),
        changed(["SignedIn", "properties", "remark"], {"type": "string"}),
        changed(
            ["TicketCreated", "properties", "type", "enum"],
            [*today()["TicketCreated"]["properties"]["type"]["enum"], "thanks"],
        ),
    ],
)
def test_additions_break_nobody(schemas: dict[str, Any]) -> None:
    assert breaks(today(), schemas) == []
