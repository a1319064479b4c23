"""What a section on notices must not say: words nobody fills in, addressees nobody knows, marks that are not there."""

from pathlib import Path
from typing import Any

import pytest

from common.policy.pack import examine
from common.policy.reading import load_pack

SHUANGYASHAN = load_pack(Path("policies/shuangyashan"))


@pytest.mark.parametrize(
    ("occasion", "changes", "said"),
    [
        ("dispatched", {"text": "请签收{name}的工单，{limit}内。"}, "nothing fills in name"),
        ("dispatched", {"text": "诉求人第{times}次催办，{limit}内。"}, "nothing fills in times"),
        ("dispatched", {"text": "请签收。"}, "the text does not tell it"),
        ("dispatched", {"limit": "return_window"}, "is no duty"),
        ("dispatched", {"limit": "look_back"}, "the limits say nothing about 'look_back'"),
        ("dispatched", {"to": ["unit"]}, "unit is named only by SupervisionIssued"),
        ("dispatched", {"on": ["TicketAmended"]}, "only what a mark does"),
        ("dispatched", {"on": ["TicketSupplemented"]}, "TicketSupplemented"),
        ("emergency_declined", {"to": ["lead"]}, "lead is known only while a unit holds the ticket"),
        ("special_supervision", {"form": None}, "a supervision is told by its form"),
        ("special_matter", {"mark": "spezial"}, "no mark is called 'spezial'"),
        ("urged", {"rule": "SYS-21", "assumption": None}, "neither a source nor an assumption"),
    ],
)
def test_an_occasion_that_cannot_be_is_refused(occasion: str, changes: dict[str, Any], said: str) -> None:
    content = SHUANGYASHAN.dump()
    content["notices"]["occasions"][occasion].update(changes)
    _, problems = examine(content)
    assert problems
    assert any(said in problem.sentence for problem in problems), problems


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quiet_hours": {"from": "22:00", "to": "22:00"}}, "end when they begin"),
        ({"quiet_hours": {"from": "22:00", "to": "24:00"}}, "to"),
        ({"never_quiet_marks": {"value": ["spezial"]}}, "no mark is called 'spezial'"),
        ({"territory_kind": {"value": "kreis"}}, "no kind of unit is called 'kreis'"),
    ],
)
def test_hours_marks_and_kinds_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    content = SHUANGYASHAN.dump()
    for part, body in changes.items():
        content["notices"][part].update(body)
    _, problems = examine(content)
    assert any(said in problem.sentence for problem in problems), problems


def test_an_emergency_is_told_only_where_acceptance_says_what_one_is() -> None:
    content = SHUANGYASHAN.dump()
    del content["acceptance"]["emergency"]
    _, problems = examine(content)
    assert {problem.place[2] for problem in problems} == {"emergency_transferred", "emergency_declined"}
