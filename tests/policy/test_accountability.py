"""责任追究 and the indicator of callbacks: what a pack may say of them, and what it may not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.policy.pack import examine
from common.policy.reading import load_pack

PACK = load_pack(Path("policies/shuangyashan"))
Change = Callable[[dict[str, Any]], None]


def said(change: Change) -> list[str]:
    content = PACK.dump()
    change(content)
    return [sentence for _, sentence in examine(content)[1]]


def ground(content: dict[str, Any], code: str) -> dict[str, Any]:
    return dict(content["accountability"]["grounds"][code])


def twice(content: dict[str, Any]) -> None:
    content["accountability"]["grounds"]["rota"]["found_by"] = ground(content, "supervision_unanswered")["found_by"]


def operator_found(content: dict[str, Any]) -> None:
    content["accountability"]["grounds"]["supervision_unanswered"]["concerns"] = "operator"


def strange_denial(content: dict[str, Any]) -> None:
    content["accountability"]["grounds"]["shirking"]["found_by"]["not_counted"] = ["nothing"]


def unlimited_duty(content: dict[str, Any]) -> None:
    content["accountability"]["grounds"]["designated_inactive"]["found_by"]["duties"] = ["look_back"]


def no_indicator(content: dict[str, Any]) -> None:
    del content["callbacks"]["indicator"]


def strange_mark(content: dict[str, Any]) -> None:
    content["callbacks"]["indicator"]["marks"] = ["nothing"]


def strange_answer(content: dict[str, Any]) -> None:
    content["callbacks"]["indicator"]["counts"]["satisfaction"] = ["delighted"]


def no_mechanism(content: dict[str, Any]) -> None:
    content["accountability"]["grounds"]["shirking"]["found_by"]["mechanism"] = "guessing"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (twice, "two grounds are found by 'supervision_unanswered'"),
        (operator_found, "no rule finds grounds that concern operators"),
        (strange_denial, "no ground on which a return is denied is called 'nothing'"),
        (unlimited_duty, "a ground watches 'look_back', of which the limits say nothing"),
        (no_indicator, "a ground watches satisfaction, but callbacks.indicator does not say what counts"),
        (strange_mark, "no mark is called 'nothing'"),
        (strange_answer, "no question 'satisfaction' has a step 'delighted'"),
        (no_mechanism, "guessing"),
    ],
)
def test_a_section_that_could_not_work_is_refused_with_a_sentence(change: Change, words: str) -> None:
    assert any(words in sentence for sentence in said(change)), said(change)


def test_without_the_section_the_mechanism_is_off_and_the_pack_stands() -> None:
    assert said(lambda content: content.pop("accountability")) == []
    assert said(lambda content: (content.pop("accountability"), content["callbacks"].pop("indicator"), None)[-1]) == []


def test_the_indicator_says_what_counts_as_yes_and_whom_it_leaves_out() -> None:
    indicator = PACK.callbacks.indicator
    assert indicator is not None
    assert [indicator.good("responded", answer) for answer in (True, False)] == [True, False]
    assert [indicator.good("satisfaction", step) for step in ("satisfied", "dissatisfied")] == [True, False]
    assert [indicator.ranked(marks) for marks in ((), ("urgent",), ("mediation",), ("enforcement", "urgent"))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert indicator.model_copy(update={"ranks": "all"}).ranked(("mediation",))
