"""The examples say who attempted what and when, and leave the outcome to the suite."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.journeys.conftest import EXAMPLES
from tests.journeys.more_stories import DENIED
from tests.journeys.reckoning import BEIJING, expected

from common.policy import Pack
from hotline.demo.run import programme
from hotline.demo.stories import Collection, Story, read_collection
from hotline.demo.timeline import move


def test_the_circulars_six_cases_are_there_each_as_it_is_told(circular: Collection) -> None:
    assert {story.of_case: story.place for story in circular.stories} == {
        "欠薪900元": "二、（一）",
        "灯杆螺丝断裂": "二、（二）",
        "路灯脱落": "二、（三）",
        "沥青喷洒": "三、（三）",
        "凤凰名店人行路": "三、（四）",
        "美吉姆早教退费": "三、（四）",
    }
    told = [story.of_case for story in circular.stories if story.happened is not None]
    assert sorted(told) == sorted({story.of_case for story in circular.stories})


def test_the_units_attempt_as_many_moves_as_the_circular_counts(circular: Collection) -> None:
    attempted: dict[str, list[str]] = {}
    for story in circular.stories:
        attempted.setdefault(story.of_case, []).extend(step.who for step in story.steps if step.does == "return")
    assert attempted["凤凰名店人行路"] == ["chengjian", "xinglong"] * 4 + ["chengjian"]
    assert sorted(attempted["美吉姆早教退费"]) == ["jiaoyu", "jiaoyu", "shichang", "shichang", "wenguang", "wenguang"]
    for case, moves in attempted.items():
        told = next(one.happened for one in circular.stories if one.of_case == case and one.happened is not None)
        assert told.moves == len(moves)


def test_only_people_of_the_authority_and_the_named_units_do_what_nobody_did_then(circular: Collection) -> None:
    deeds = {(step.does, step.who) for story in circular.stories for step in story.steps if step.under_suite}
    assert {does for does, who in deeds if who == "supervisor"} == {"supervise", "convene", "minutes", "conclude"}
    assert {does for does, who in deeds if who != "supervisor"} == {"opinion", "sign_in", "progress", "close"}


def test_no_example_holds_an_outcome_or_anybodys_number() -> None:
    for path in EXAMPLES.glob("*.yaml"):
        text = path.read_text("utf-8")
        assert not re.search(r"\b(status|state|verdict|expect|due_at)\b", text), path.name
        assert not re.search(r"[0-9]{7,}", text), path.name


def test_what_the_circular_prints_of_dates_stands_unmoved(circular: Collection) -> None:
    printed = {
        (story.story, step.does): step.at.astimezone(BEIJING).date()
        for story in circular.stories
        for step in story.steps
        if step.printed and re.search("[0-9]月[0-9]+日", step.printed)
    }
    assert printed == {
        ("欠薪900元", "register"): date(2023, 4, 11),
        ("欠薪900元", "close"): date(2023, 4, 12),
        ("灯杆螺丝断裂", "register"): date(2023, 6, 20),
        ("路灯脱落", "register"): date(2023, 6, 12),
        ("沥青喷洒", "register"): date(2023, 7, 3),
        ("沥青喷洒", "assign"): date(2023, 7, 3),
        ("沥青喷洒", "return"): date(2023, 7, 10),
    }


def test_stories_move_by_whole_weeks_to_the_first_day_under_the_rules(circular: Collection, rules: Pack) -> None:
    for moved in programme(circular, rules).cases:
        first = moved.story.steps[0].at
        days = (moved.at(first).date() - rules.effective_from).days
        assert 0 <= days < 7
        assert moved.at(first).timetz() == first.timetz()
        assert moved.at(first).weekday() == first.weekday()


def test_a_story_that_is_already_under_the_rules_stays_where_it_is(rules: Pack) -> None:
    assert move(DENIED, rules.effective_from).weeks == 0


def test_the_steps_of_all_stories_stand_on_one_line_of_time(circular: Collection, rules: Pack) -> None:
    scenes = programme(circular, rules).scenes
    assert [scene.at for scene in scenes] == sorted(scene.at for scene in scenes)
    assert len({scene.case for scene in scenes[:8]}) > 1


def test_seven_days_off_turn_the_late_return_into_one_in_time(circular: Collection, rules: Pack) -> None:
    """9月30日派单，10月7日退回，其间没有一个工作日."""
    windows = [
        row.ended
        for row in expected(programme(circular, rules, weeks_later=15).cases)
        if (row.story, row.kind) == ("沥青喷洒", "return_window")
    ]
    assert windows == ["met"]


def spoilt(**changes: Any) -> dict[str, Any]:
    story = DENIED.model_dump()
    story["steps"] = [{**story["steps"][0], **changes}, *story["steps"][1:]]
    return story


@pytest.mark.parametrize(
    "story",
    [
        spoilt(assumed=False),
        spoilt(assumed=False, reason=None),
        spoilt(at="2024-07-03T09:00:00"),
        spoilt(at="2024-07-04T09:00:00+08:00"),
        spoilt(status="archived"),
        spoilt(does="sign_in"),
        spoilt(under_suite=True, assumed=False, reason=None, printed="7月3日"),
    ],
    ids=["无需理由", "未注明推定", "没有时区", "次序颠倒", "写了结果", "没有登记", "当时没有人做而不说理由"],
)
def test_a_story_that_is_not_one_is_refused(story: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Story.model_validate(story)


def test_a_unit_that_the_source_does_not_name_is_refused(tmp_path: Path) -> None:
    for path in EXAMPLES.glob("*.yaml"):
        text = path.read_text("utf-8")
        (tmp_path / path.name).write_text(text.replace("unit: renshe", "unit: nobody"), "utf-8")
    with pytest.raises(ValueError, match="nobody"):
        read_collection(tmp_path)
