"""``docs/rules.md`` names every rule that a pack rests on, and nothing as proof that is not there."""

import re
from pathlib import Path
from typing import Any

import pytest

from common.policy import load_pack, pack_directories

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [A-Z]{1,4}-\S", line)
]
IDS = [row[0].split()[0] for row in ROWS]


def rules_of(content: Any) -> set[str]:
    if isinstance(content, dict):
        own = {content["rule"]} if isinstance(content.get("rule"), str) else set[str]()
        return own.union(*(rules_of(item) for item in content.values()))
    return set[str]().union(*(rules_of(item) for item in content)) if isinstance(content, list) else set()


def test_every_rule_stands_on_the_page_once() -> None:
    assert len(IDS) > 130
    assert sorted(IDS) == sorted(set(IDS))


def test_every_rule_that_a_pack_names_is_on_the_page() -> None:
    for directory in pack_directories(ROOT / "policies"):
        rules = rules_of(load_pack(directory).dump())
        assert rules
        assert rules <= set(IDS)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_what_proves_a_rule_is_there(row: list[str]) -> None:
    proofs = re.findall(r"`([^`]+)`", row[-1])
    assert proofs or row[-1] == "not yet"
    for proof in proofs:
        name, _, test = proof.partition("::")
        file = ROOT / name if "/" in name else ROOT / "tests" / "policy" / name
        assert file.is_file(), f"{proof} is not there"
        assert not test or f"def {test}(" in file.read_text(encoding="utf-8"), f"{proof} is not there"
