"""``docs/rules.md`` names every rule that a pack rests on, and ``make rules`` can not be fooled by what it names."""

from pathlib import Path
from typing import Any

import pytest
from tests.rules.page import PAGE, ROOT, Proof, Rule, limited_to, rules
from tests.rules.proving import Results, prove, verdict

from common.policy import load_pack, pack_directories

RULES = rules(PAGE.read_text(encoding="utf-8"))
IDS = [rule.id for rule in RULES]


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
        named = rules_of(load_pack(directory).dump())
        assert named
        assert named <= set(IDS)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_what_proves_a_rule_is_there_or_the_page_says_that_nothing_does(rule: Rule) -> None:
    assert [said for proof in rule.proofs if (said := proof.missing())] == []
    assert rule.proofs or rule.open or rule.of_people


def row(said: str) -> Rule:
    (rule,) = rules(f"| XX-1 | 一 | In short | {said} |\n")
    return rule


def test_a_rule_whose_proof_is_not_there_fails() -> None:
    for said in (
        "`tests/policy/test_absent.py`",
        "`test_words.py::test_absent`",
        "`policies/shuangyashan/scenarios/无.yaml`",
    ):
        (found,) = prove([row(said)])
        assert found.state == "fail"
        assert "there is no such" in found.why[0]


def test_a_scenario_is_rehearsed_to_prove_its_rule() -> None:
    (found,) = prove([row("`policies/shuangyashan/scenarios/签收.yaml`; not yet: the rest")])
    assert (found.state, found.why) == ("part", ("still open: the rest",))


def test_a_rule_is_proven_by_everything_it_names_or_not_at_all() -> None:
    rule = row("`test_words.py`, `test_rows.py`")
    first, second = rule.proofs
    assert verdict(rule, {first: (), second: ()}).state == "pass"
    assert verdict(rule, {first: (), second: ("it failed",)}).state == "fail"
    assert verdict(row("not yet"), {}).state == "not yet"
    assert verdict(row("a duty of people"), {}).state == "of people"


def test_a_test_that_was_skipped_failed_or_never_ran_proves_nothing() -> None:
    results = Results(
        passed={"tests/policy/test_words.py::test_a": 2, "tests/policy/test_words_more.py::test_c": 1},
        wrong={"tests/policy/test_words.py::test_b": ["test_b skipped at setup"]},
    )
    file = ROOT / "tests" / "policy" / "test_words.py"
    assert results.of(Proof(file, "test_a")) == ()
    assert results.of(Proof(file, "test_b")) == ("test_b skipped at setup",)
    assert results.of(Proof(file, None)) == ("test_b skipped at setup",)
    assert results.of(Proof(file, "test_c")) == ("tests/policy/test_words.py::test_c: no test ran",)


def test_rules_can_be_limited_to_a_beginning() -> None:
    assert {rule.id for rule in limited_to(RULES, "SYS-15")} == {"SYS-15.0", "SYS-15.1", "SYS-15.2", "SYS-15.3"}
    assert Path(PAGE).name == "rules.md"
