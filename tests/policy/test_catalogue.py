"""The responsibility catalogue: what its rows decide, what they ask, and what is refused when a pack is loaded."""

from datetime import UTC, date, datetime, time
from itertools import product
from typing import Any

import pytest
from tests.policy.conftest import POLICIES

from common.policy import Pack, load_pack
from common.policy.catalogue import Catalogue, Item, Question
from common.policy.circumstances import Answer, Circumstances, Condition, Hours
from common.policy.matching import NumberTest
from common.policy.pack import examine
from dispatch.suggestion.rules import (
    AnswerRefused,
    ItemRefused,
    check_answers,
    check_named,
    circumstances,
    decide,
    named_in_address,
    rank,
)

NOON = time(12)


@pytest.fixture(scope="module")
def tongjiang() -> Pack:
    return load_pack(POLICIES / "tongjiang")


@pytest.fixture(scope="module")
def zhenru() -> Pack:
    return load_pack(POLICIES / "zhenru")


def catalogue_of(pack: Pack) -> Catalogue:
    assert pack.catalogue is not None
    return pack.catalogue


def known(daytime: bool | None = None, **answers: Answer) -> Circumstances:
    return Circumstances(NOON, daytime, answers)


def test_the_numbers_run_without_a_gap(tongjiang: Pack, zhenru: Pack) -> None:
    assert list(catalogue_of(tongjiang).items) == [f"2.{number}" for number in range(1, 24)]
    assert list(catalogue_of(zhenru).items) == [str(number) for number in range(1, 105)]


def test_the_classes_have_as_many_items_as_the_document(tongjiang: Pack) -> None:
    catalogue = catalogue_of(tongjiang)
    sizes = [sum(item.class_ == code for item in catalogue.items.values()) for code in catalogue.classes or {}]
    assert sizes == [3, 1, 4, 3, 5, 1, 1, 5]


def test_five_names_stand_twice_with_another_scope(zhenru: Pack) -> None:
    items = catalogue_of(zhenru).items
    for first, second in (("20", "75"), ("30", "79"), ("40", "62"), ("46", "82"), ("55", "56")):
        assert items[first].title == items[second].title
        assert items[first].scope != items[second].scope


def test_thirty_five_items_have_no_helper_and_three_no_lead(zhenru: Pack) -> None:
    items = catalogue_of(zhenru).items
    assert sum(not item.helpers for item in items.values()) == 35
    without_lead = [number for number, item in items.items() if not any(row.addressees for row in item.outcomes)]
    assert without_lead == ["85", "86", "87"]


def item(**content: Any) -> Item:
    return Item.model_validate({"title": "某项", "rule": "TJ-2.1", "assumption": "试", **content})


def test_a_row_that_may_still_hold_is_asked_about_before_a_later_one_decides() -> None:
    duty = item(
        outcomes=[{"when": {"answers": {"first": True}}, "lead": ["a.one"]}, {"lead": ["a.two"]}],
    )
    assert (decide(duty, known()).manner, decide(duty, known()).unanswered) == ("ask", ("first",))
    assert decide(duty, known(first=False)).addressees == ("a.two",)


def test_a_row_that_is_out_asks_nothing_more() -> None:
    duty = item(outcomes=[{"when": {"answers": {"first": True, "second": True}}, "lead": ["a.one"]}])
    assert decide(duty, known(first=False)).manner == "person"
    assert decide(duty, known(first=True)).unanswered == ("second",)


def test_a_question_of_a_helper_leaves_the_lead_decided() -> None:
    helper = {"unit": "a.two", "role": "guide", "qualifier": "街面", "when": {"answers": {"place": "street"}}}
    duty = item(outcomes=[{"lead": ["a.one"]}], helpers=[helper])
    open_ = decide(duty, known())
    assert (open_.manner, open_.addressees, open_.unanswered) == ("lead", ("a.one",), ("place",))
    assert [one.pending for one in open_.helpers] == [("place",)]
    assert decide(duty, known(place="community")).helpers == ()


def test_who_leads_does_not_help_beside() -> None:
    duty = item(outcomes=[{"lead": ["a.one"]}], helpers=[{"unit": "a.one", "role": "co_handler"}])
    assert decide(duty, known()).helpers == ()


def test_without_a_calendar_the_working_daytime_is_for_a_person() -> None:
    duty = item(outcomes=[{"when": {"working_daytime": True}, "lead": ["a.one"]}, {"lead": ["a.two"]}])
    assert decide(duty, known(None)).manner == "person"
    assert decide(duty, known(True)).addressees == ("a.one",)
    assert decide(duty, known(False)).addressees == ("a.two",)


def test_hours_run_over_midnight_and_end_before_their_end() -> None:
    night = Hours.model_validate({"from": "17:00", "to": "09:00"})
    assert [night.cover(time.fromisoformat(at)) for at in ("16:59:59", "17:00", "00:00", "08:59", "09:00")] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_yes_is_no_number_and_a_number_is_no_yes() -> None:
    condition = Condition.model_validate({"answers": {"times": {"gte": 1}}})
    assert condition.find(known(times=True)).holds is False
    assert Condition.model_validate({"answers": {"permit": True}}).find(known(permit=1)).holds is False


def test_the_hour_is_read_in_shanghai(zhenru: Pack) -> None:
    catalogue = catalogue_of(zhenru)
    late = circumstances(catalogue, datetime(2023, 2, 6, 9, 0, tzinfo=UTC), True, {})
    assert (late.at, late.working_daytime) == (time(17), False)
    assert circumstances(catalogue, datetime(2023, 2, 6, 8, 59, tzinfo=UTC), True, {}).working_daytime is True
    assert circumstances(catalogue, datetime(2023, 2, 6, 8, 59, tzinfo=UTC), False, {}).working_daytime is False
    assert circumstances(catalogue, datetime(2023, 2, 6, 8, 59, tzinfo=UTC), None, {}).working_daytime is None


def test_an_answer_that_the_question_does_not_admit_is_refused(zhenru: Pack) -> None:
    questions = catalogue_of(zhenru).questions or {}
    check_answers({"place": "street", "floor_area": 300, "night_permit": False}, questions)
    for answers in ({"place": "sea"}, {"floor_area": -1}, {"floor_area": True}, {"night_permit": 1}, {"colour": 1}):
        with pytest.raises(AnswerRefused):
            check_answers(answers, questions)


def test_a_group_that_is_switched_off_takes_its_items_with_it(zhenru: Pack) -> None:
    content = zhenru.dump()
    content["catalogue"]["groups"]["epidemic"]["effective"] = {"from": "2022-12-01", "to": "2023-01-07"}
    changed, problems = examine(content)
    assert changed is not None
    assert problems == []
    catalogue = catalogue_of(changed)
    last, first = date(2023, 1, 7), date(2023, 1, 8)
    for number in ("93", "94", "95", "99"):
        assert check_named(catalogue, number, last).group == "epidemic"
        with pytest.raises(ItemRefused, match="item_off"):
            check_named(catalogue, number, first)
    statement = "核酸检测亭的工作人员态度问题"
    assert rank(statement, catalogue, last)[0].item == "93"
    assert "93" not in [one.item for one in rank(statement, catalogue, first)]


def test_only_a_single_unit_named_in_the_address_is_taken() -> None:
    zones = {"zhenru.beishi": "北石片区", "zhenru.zhenguang": "真光片区"}
    assert named_in_address(zones, "真光片区某路1号") == "zhenru.zhenguang"
    assert named_in_address(zones, "真光片区与北石片区交界") is None
    assert named_in_address(zones, "某路1号") is None
    assert named_in_address(zones, None) is None


def spoilt(pack: Pack, place: str, to: Any) -> list[str]:
    """What is wrong with the pack once ``to`` stands at that place of its catalogue."""
    content: Any = pack.dump()
    steps = place.split("/")
    at = content["catalogue"]
    for step in steps[:-1]:
        at = at[int(step) if isinstance(at, list) else step]
    at[steps[-1]] = to
    return [problem.sentence for problem in examine(content)[1]]


ONE = {"rule": "TJ-2.1", "assumption": "试"}
NOTHING_NAMED = "a condition names nothing; leave `when` out if the row always holds"


@pytest.mark.parametrize(
    ("place", "to", "said"),
    [
        ("items/2.2/outcomes", [{"lead": ["tongjiang.nobody"]}], "the unit 'tongjiang.nobody' is not in the register"),
        ("items/2.2/outcomes", [{"lead": ["fire_brigade"]}], "no reference to a unit is called 'fire_brigade'"),
        ("items/2.2/class", "space", "no class of items is called 'space'"),
        ("items/2.2/group", "space", "no group of items is called 'space'"),
        ("items/2.2/legal_basis", [{"statute": "moon"}], "no statute is called 'moon'"),
        (
            "items/2.2/outcomes",
            [{"when": {"answers": {"moon": True}}, "lead": ["tongjiang.chengguan"]}],
            "no question is called 'moon'",
        ),
        (
            "items/2.2/outcomes",
            [{"when": {"answers": {"smoke": "cigar"}}, "lead": ["tongjiang.chengguan"]}],
            "'cigar' is no answer to 'smoke'",
        ),
        (
            "items/2.2/outcomes",
            [{"when": {"answers": {"permit": {"gte": 2}}}, "lead": ["tongjiang.chengguan"]}],
            "'permit' is not answered by a number",
        ),
        (
            "items/2.2/outcomes",
            [{"when": {"working_daytime": True}, "lead": ["tongjiang.chengguan"]}],
            "a condition asks for the working daytime, whose hours `working_daytime` tells",
        ),
        (
            "items/2.2/outcomes",
            [{"lead": ["tongjiang.chengguan"]}, {"lead": ["tongjiang.shengtai"]}],
            "a row without a condition is the last one: those after it never decide anything",
        ),
        ("items/2.2/outcomes", [{"lead": ["tongjiang.shengtai"] * 2}], "a unit stands twice in the same row"),
        (
            "items/2.2/outcomes",
            [{"lead": ["tongjiang.shengtai"], "helpers": [{"unit": "tongjiang.shengtai", "role": "guide"}]}],
            "a unit answers and helps in the same row",
        ),
        (
            "items/2.2/outcomes",
            [{"when": {"answers": {"permit": True}}, "lead": ["tongjiang.shengtai"]}] * 2,
            "an earlier row has the same condition",
        ),
        (
            "items/2.19/outcomes",
            [
                {"when": {"answers": {"permit": False}}, "lead": ["tongjiang.jiaoyu"]},
                {"when": {"answers": {"permit": False, "licence": False}}, "lead": ["tongjiang.shichang"]},
            ],
            "an earlier row holds wherever this one does: it never decides anything",
        ),
        ("items/2.2/outcomes", [{"when": {}, "lead": ["tongjiang.chengguan"]}], NOTHING_NAMED),
        (
            "items/2.2/helpers",
            [{"unit": "tongjiang.nongye", "role": "guide"}, {"unit": "tongjiang.nongye", "role": "assist"}],
            "'tongjiang.nongye' helps twice in the same matter",
        ),
        (
            "items/2.5/helpers",
            [{"unit": "tongjiang.nongye", "role": "guide"}],
            "'tongjiang.nongye' helps twice in the same matter",
        ),
        (
            "items/2.2/helpers",
            [{"unit": "tongjiang.nongye", "role": "guide", "qualifier": "街面"}],
            "the qualifier '街面' narrows nothing: `when` says what it means",
        ),
        ("references/local_police/kind", "space_station", "no kind of unit is called 'space_station'"),
        ("questions/moon", {"label": "月亮圆吗？", **ONE}, "no item refers to it"),
        ("items/2.2/outcomes", [{}], "a row says who answers, or what is done instead, or `nobody: true`"),
        (
            "items/2.2/outcomes",
            [{"lead": ["a.one"], "joint": ["a.two"]}],
            "a row names units in one manner: lead, joint, by_function or nobody",
        ),
        (
            "items/2.2/outcomes",
            [{"nobody": True, "helpers": [{"unit": "a.one", "role": "guide"}]}],
            "a row without a unit that answers has nobody to help",
        ),
        (
            "questions/smoke",
            {"label": "几次？", "options": {"a": "一", "b": "二"}, "counted_in": "次", **ONE},
            "a question is answered by an option or by a number, not by both",
        ),
    ],
)
def test_a_slip_in_the_catalogue_is_refused_in_a_sentence(tongjiang: Pack, place: str, to: Any, said: str) -> None:
    assert said in spoilt(tongjiang, place, to)


AREA = {"rule": "TJ-2.1", "assumption": "试", "label": "几平方米？", "counted_in": "平方米"}
"""A question that is answered by a number, for a city that asks none."""


def asking(*tests: dict[str, int]) -> dict[str, Any]:
    rows = [{"when": {"answers": {"area": test}}, "lead": ["tongjiang.chengguan"]} for test in tests]
    return {"title": "某项", "class": "noise", "outcomes": rows, **ONE}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([{"gte": 300, "lte": 5}], "no number passes the test of 'area'"),
        ([{"eq": 3, "gte": 4}], "no number passes the test of 'area'"),
        ([{"gte": -1}], "'area' is counted from 0 on: no test of it names a number below"),
        (
            [{"gte": 100}, {"gte": 300}],
            "an earlier row holds wherever this one does: it never decides anything",
        ),
    ],
)
def test_a_number_that_cannot_be_or_never_decides_is_refused(
    tongjiang: Pack, tests: list[dict[str, int]], said: str
) -> None:
    content: Any = tongjiang.dump()
    content["catalogue"]["questions"]["area"] = AREA
    content["catalogue"]["items"]["2.2"] = asking({"gte": 300}, {"gte": 100})
    assert examine(content)[1] == []
    content["catalogue"]["items"]["2.2"] = asking(*tests)
    [problem] = examine(content)[1]
    assert (problem.sentence, problem.place[:3]) == (said, ("catalogue", "items", "2.2"))


def quoted(*validity: dict[str, str]) -> list[dict[str, Any]]:
    return [{"statute": "public_security", "articles": [f"第{n}条"], **one} for n, one in enumerate(validity)]


@pytest.mark.parametrize(
    ("validity", "said"),
    [
        (
            [{"from": "2026-01-01", "to": "2025-12-31"}],
            "the articles are quoted until 2025-12-31, before they are quoted from 2026-01-01 on",
        ),
        (
            [{"to": "2026-01-01"}, {"from": "2026-01-01"}],
            "the statute 'public_security' is quoted twice on the same day",
        ),
        ([{}, {"from": "2026-01-01"}], "the statute 'public_security' is quoted twice on the same day"),
        (
            [{"from": "2026-01-02"}, {"to": "2025-12-31"}],
            "between 2025-12-31 and 2026-01-02 the statute 'public_security' is not quoted",
        ),
    ],
)
def test_the_numbers_of_a_statute_follow_each_other_day_by_day(
    tongjiang: Pack, validity: list[dict[str, str]], said: str
) -> None:
    assert spoilt(tongjiang, "items/2.11/legal_basis", quoted(*validity)) == [said]
    assert spoilt(tongjiang, "items/2.11/legal_basis", quoted({"from": "2026-01-01"}, {"to": "2025-12-31"})) == []


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"from": "09:00", "to": "09:00"}, "hours from 09:00 to 09:00 are no part of the day"),
        ({"from": "17:00", "to": "09:00"}, "the working daytime ends at 09:00, before it begins at 17:00"),
    ],
)
def test_the_working_daytime_is_a_part_of_one_day(zhenru: Pack, hours: dict[str, str], said: str) -> None:
    assert spoilt(zhenru, "working_daytime", {**hours, "rule": "ZR-A4", "assumption": "试"}) == [said]
    if hours["from"] == hours["to"]:
        rows = [{"when": {"hours": hours}, "lead": ["zone"]}]
        assert said in spoilt(zhenru, "items/84/outcomes", rows)


def test_hours_inside_earlier_hours_never_decide(zhenru: Pack) -> None:
    night, evening = {"from": "17:00", "to": "09:00"}, {"from": "18:00", "to": "23:00"}
    rows = [{"when": {"hours": hours}, "lead": ["zone"]} for hours in (night, evening)]
    assert spoilt(zhenru, "items/84/outcomes", rows) == [
        "an earlier row holds wherever this one does: it never decides anything"
    ]
    assert spoilt(zhenru, "items/84/outcomes", rows[::-1]) == []


# Words by which the document calls a unit in the clause of an item, where not by the name in the register.
CALLED = {
    "消防救援大队": "消防部门",
    "辖区派出所": "派出所",
    "属地街道": "街道",
    "自然资源局": "自然资源主管部门",
    "税务局": "税务部门",
}


def test_a_row_is_quoted_in_words_that_name_its_own_units(tongjiang: Pack) -> None:
    catalogue = catalogue_of(tongjiang)
    names = {unit.code: unit.name for unit in tongjiang.units}
    names |= {code: reference.label for code, reference in (catalogue.references or {}).items()}
    for number, duty in catalogue.items.items():
        for row in duty.outcomes:
            quote = duty.basis_of(row).quote or ""
            for unit in row.addressees:
                name = names[unit]
                assert name in quote or CALLED.get(name, name) in quote, f"{number}: {name} is not in {quote}"


def test_where_no_row_decides_nobody_is_named_in_the_quote(tongjiang: Pack) -> None:
    items = catalogue_of(tongjiang).items
    open_ = {number: duty for number, duty in items.items() if duty.outcomes[-1].when is not None}
    assert list(open_) == ["2.4", "2.7", "2.9", "2.12", "2.15", "2.19", "2.20", "2.23"]
    for duty in open_.values():
        quote = decide(duty, known()).basis.quote or ""
        assert not [unit.name for unit in tongjiang.units if unit.name in quote]
    unstated = decide(items["2.19"], known(adult_exam=False, academic=False, permit=True, licence=True))
    assert (unstated.manner, unstated.basis.quote) == ("person", "非学科类纠纷退费问题（如成人公考、艺术类退费问题）")


def possible(question: Question, duty: Item) -> tuple[Answer, ...]:
    """Answers that tell the rows apart: every option, yes and no, and the numbers around each that a row names."""
    if question.options is not None:
        return tuple(question.options)
    if question.counted_in is None:
        return (True, False)
    tests = [test for one in duty.conditions() for test in (one.answers or {}).values() if isinstance(test, NumberTest)]
    named = {number for test in tests for number in (test.eq, test.gte, test.lte) if number is not None}
    return tuple(sorted({near for number in named for near in (number - 1, number, number + 1)}))


@pytest.mark.parametrize("city", ["tongjiang", "zhenru"])
def test_when_everything_is_answered_nothing_is_left_to_ask(city: str, request: pytest.FixtureRequest) -> None:
    pack: Pack = request.getfixturevalue(city)
    catalogue = catalogue_of(pack)
    units, references = {unit.code for unit in pack.units}, catalogue.references or {}
    questions = catalogue.questions or {}
    tried = 0
    for duty in catalogue.items.values():
        asked = list(dict.fromkeys(code for one in duty.conditions() for code in one.answers or {}))
        for answers in product(*(possible(questions[code], duty) for code in asked)):
            for at, daytime in ((NOON, True), (time(20), False)):
                found = decide(duty, Circumstances(at, daytime, dict(zip(asked, answers, strict=True))))
                tried += 1
                assert found.manner != "ask"
                assert found.unanswered == ()
                assert all(one in units or one in references for one in found.addressees)
    assert tried > 2 * len(catalogue.items)
