"""What is refused as a calendar year, and how a year travels."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.calendar import (
    CalendarRefused,
    CalendarsContradict,
    CalendarYear,
    NoCalendar,
    OutsideCalendar,
    assemble,
    deserialise,
    doubts,
    first_difference,
    load_calendar,
    parse_year,
    read_year,
    serialise,
)

FOLDER = Path(__file__).parents[2] / "policies" / "calendar"
GOOD = """\
year: 2024
notice:
  title: 国务院办公厅关于2024年部分节假日安排的通知
  number: 国办发明电〔2023〕7号
  published_on: 2023-10-25
days_off:
  - {holiday: 元旦, first: 2024-01-01}
  - {holiday: 国庆节, first: 2024-10-01, last: 2024-10-07}
makeup_days: [2024-09-29, 2024-10-12]
"""
CORRECTION = """\
corrections:
  - notice: {title: 更正, number: null, published_on: 2024-01-02}
"""


def published(year: int) -> CalendarYear:
    return read_year(FOLDER / f"{year}.yaml")


def test_a_year_is_read_as_it_stands() -> None:
    year = parse_year(GOOD)
    assert year.year == 2024
    assert year.notice.number == "国办发明电〔2023〕7号"
    assert list(year.off()) == [date(2024, 1, 1), *(date(2024, 10, day) for day in range(1, 8))]
    assert year.makeup() == {date(2024, 9, 29), date(2024, 10, 12)}


def test_a_number_that_nobody_could_verify_is_null() -> None:
    assert parse_year(GOOD.replace("国办发明电〔2023〕7号", "null")).notice.number is None


@pytest.mark.parametrize(
    ("change", "into", "line", "sentence"),
    [
        (
            "2024-10-12]",
            "2024-10-12, 2024-10-06]",
            9,
            "2024-10-06 is both a day off (国庆节) and a make-up working day",
        ),
        ("2024-10-12]", "2024-09-29]", 9, "2024-09-29 is a make-up working day twice"),
        (
            "2024-10-12]",
            "2024-10-11]",
            9,
            "2024-10-11 is a Friday: only a Saturday or Sunday can be made a working day",
        ),
        ("2024-10-12]", "2025-10-12]", 9, "2025-10-12 is not a day that the arrangement for 2024 can speak of"),
        ("2024-10-12]", "2023-10-14]", 9, "2023-10-14 is not a day that the arrangement for 2024 can speak of"),
        ("2024-10-12]", "2024-10-32]", 9, "makeup_days.1: Input should be a valid date"),
        ("2024-10-12]", "1728691200]", 9, "makeup_days.1: Value error, a day is written as 2024-10-01"),
        ("first: 2024-01-01", "first: 2024-10-03", 8, "2024-10-03 is a day off twice: 元旦 and 国庆节"),
        (
            "first: 2024-01-01",
            "first: 2025-01-01",
            7,
            "2025-01-01 is not a day that the arrangement for 2024 can speak of",
        ),
        (
            "last: 2024-10-07",
            "last: 2025-10-07",
            8,
            "2025-10-07 is not a day that the arrangement for 2024 can speak of",
        ),
        ("last: 2024-10-07", "last: 2024-09-07", 8, "国庆节 ends on 2024-09-07, before it begins on 2024-10-01"),
        ("holiday: 元旦", "holiday: ''", 7, "days_off.0.holiday: String should have at least 1 character"),
        ("holiday: 元旦", "name: 元旦", 7, "days_off.0.holiday: Field required"),
        ("year: 2024", "year: 2024\nregion: 全国", 2, "region: Extra inputs are not permitted"),
        ("year: 2024", "year: 1024", 1, "year: Input should be greater than or equal to 2008"),
        ("year: 2024", "year: 2024\nyear: 2025", 2, "year: stands here twice"),
        ("published_on: 2023-10-25", "published_on: 2032-10-25", 5, "a notice of 2032-10-25 does not arrange 2024"),
        ("published_on: 2023-10-25", "published_on: 2022-12-31", 5, "a notice of 2022-12-31 does not arrange 2024"),
        ("published_on: 2023-10-25", "published_on: 2023-10-25\n  url: x", 6, "notice.url: Extra inputs are not"),
        ("  title: 国务院办公厅关于2024年部分节假日安排的通知\n", "", 2, "notice.title: Field required"),
        ("first: 2024-01-01}", "first: 2024-01-01, weeks: 1}", 7, "days_off.0.weeks: Extra inputs are not permitted"),
        ("元旦, first: 2024-01-01", "元旦, first: 2024-10-01, last: 2024-10-02", 8, "2024-10-01 is a day off twice"),
        # 6 October 2024 is a Sunday of the holiday: it cannot be worked as well.
        ("[2024-09-29,", "[2024-10-06,", 9, "2024-10-06 is both a day off (国庆节) and a make-up working day"),
        ("  published_on: 2023-10-25\n", "", 2, "notice.published_on: Field required"),
        ("makeup_days: [2024-09-29, 2024-10-12]\n", "", 1, "makeup_days: Field required"),
        ("makeup_days: [", "makeup_days: {", 9, "is not YAML"),
        ("makeup_days: [2024-09-29, 2024-10-12]", "makeup_days: &a [*a]", 9, "anchors and aliases have no place"),
        ("year: 2024", "year: 2024\n? [a, b]\n: c", 2, "a key is a word"),
    ],
)
def test_what_is_no_calendar_is_refused_with_its_line(change: str, into: str, line: int, sentence: str) -> None:
    assert change in GOOD
    with pytest.raises(CalendarRefused) as refused:
        parse_year(GOOD.replace(change, into), "2024.yaml")
    assert sentence in str(refused.value)
    assert str(refused.value).startswith(f"2024.yaml:{line}: ")


@pytest.mark.parametrize(
    ("correction", "sentence"),
    [
        ("    no_longer_makeup: [2024-10-13]\n", "2024-10-13 cannot be taken back: it was not so arranged"),
        ("    no_longer_off: [2024-10-08]\n", "2024-10-08 cannot be taken back: it was not so arranged"),
        ("    makeup_days: [2024-10-12]\n", "2024-10-12 is a make-up working day twice"),
        ("    makeup_days: [2024-10-05]\n", "2024-10-05 is both a day off (国庆节) and a make-up working day"),
        (
            "    days_off:\n      - {holiday: 国庆节, first: 2024-10-12}\n",
            "2024-10-12 is both a day off (国庆节) and a make-up working day",
        ),
        ("    days_off:\n      - {holiday: 国庆节, first: 2024-10-07}\n", "2024-10-07 is a day off twice"),
    ],
)
def test_a_correction_must_fit_what_it_corrects(correction: str, sentence: str) -> None:
    with pytest.raises(CalendarRefused, match=r"corrections\.0") as refused:
        parse_year(GOOD + CORRECTION + correction)
    assert sentence in str(refused.value)


def test_a_correction_is_published_after_what_it_corrects() -> None:
    with pytest.raises(CalendarRefused, match="published after what it corrects"):
        parse_year(GOOD + CORRECTION.replace("2024-01-02", "2023-01-02"))


def test_a_correction_changes_the_year_and_keeps_what_was_published() -> None:
    corrected = parse_year(
        GOOD + CORRECTION + "    days_off: [{holiday: 国庆节, first: 2024-10-12}]\n    no_longer_makeup: [2024-10-12]\n"
    )
    assert date(2024, 10, 12) in corrected.off()
    assert corrected.makeup() == {date(2024, 9, 29)}
    assert corrected.makeup_days == parse_year(GOOD).makeup_days


@pytest.mark.parametrize(
    "text", ["", "- 2024", "2024", "\x00", "year: [" * 50, "[" * 2000, "year: !!python/object:os.system x"]
)
def test_what_is_not_even_a_mapping_is_refused(text: str) -> None:
    with pytest.raises(CalendarRefused):
        parse_year(text)


def test_a_missing_notice_is_refused() -> None:
    written = yaml.safe_load(GOOD)
    del written["notice"]
    with pytest.raises(CalendarRefused, match="notice: Field required"):
        deserialise(written)


def test_every_fault_is_told_not_only_the_first() -> None:
    with pytest.raises(CalendarRefused, match=r"and 1 more") as refused:
        parse_year(GOOD.replace("2024-09-29, 2024-10-12", "2024-09-30, 2024-10-11"))
    assert [fault.path for fault in refused.value.faults] == [("makeup_days", 0), ("makeup_days", 1)]


def test_a_file_under_the_name_of_another_year_is_refused(tmp_path: Path) -> None:
    (tmp_path / "2025.yaml").write_text(GOOD)
    with pytest.raises(CalendarRefused, match=r"2025\.yaml: year: the file's name says 2025, its content 2024"):
        load_calendar(tmp_path)


@pytest.mark.parametrize("name", ["2025.yml", "2O25.yaml", "2025 (1).yaml", "draft"])
def test_a_file_that_would_silently_be_no_part_of_the_calendar_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "2024.yaml").write_text(GOOD)
    (tmp_path / ".keep").touch()
    assert [year.year for year in load_calendar(tmp_path).years] == [2024]
    (tmp_path / name).write_text(GOOD)
    with pytest.raises(CalendarRefused, match=f"{re.escape(name)}: is not named <year>.yaml"):
        load_calendar(tmp_path)


def test_what_may_be_a_slip_is_told_before_a_year_is_published() -> None:
    assert [doubts(published(year)) for year in range(2018, 2027)] == [()] * 9
    told = [
        doubt.sentence
        for doubt in doubts(parse_year(GOOD.replace("first: 2024-01-01", "first: 2024-01-01, last: 2024-01-15")))
    ]
    assert told[0] == "2024-02-10 is 春节 by law and is not let off"
    assert told[-1] == "元旦 lasts 15 days"


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"\xff\xfe", "is not UTF-8 text"), (b"#" * 100_001, "is larger than 100000 bytes")]
)
def test_a_file_that_is_no_text_of_a_page_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "2024.yaml"
    file.write_bytes(content)
    with pytest.raises(CalendarRefused, match=sentence):
        read_year(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarRefused, match=r"2024\.yaml: cannot be read"):
        read_year(tmp_path / "2024.yaml")


def test_a_folder_without_years_is_no_calendar(tmp_path: Path) -> None:
    with pytest.raises(NoCalendar):
        load_calendar(tmp_path)


@pytest.mark.parametrize("year", range(2018, 2027))
def test_a_year_travels_as_json_and_arrives_the_same(year: int) -> None:
    found = published(year)
    assert deserialise(json.loads(json.dumps(serialise(found)))) == found


@pytest.mark.parametrize("broken", [{}, {"year": 2024}, {"year": None}, {"days_off": 7}])
def test_what_arrives_and_is_no_year_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(CalendarRefused):
        deserialise(broken)


def test_the_same_years_have_the_same_version_in_any_order_and_another_day_has_another() -> None:
    years = [published(2024), published(2025)]
    version = assemble(years).version
    assert assemble(reversed(years)).version == version
    fewer = replace(years[0], makeup_days=years[0].makeup_days[:-1])
    assert assemble([fewer, years[1]]).version != version


def test_the_same_year_twice_is_refused() -> None:
    with pytest.raises(CalendarsContradict, match="the year 2024 was given twice"):
        assemble([published(2024), published(2024)])


def test_two_years_may_not_arrange_the_same_day() -> None:
    reaching = replace(published(2023), makeup_days=(*published(2023).makeup_days, date(2022, 12, 24)))
    other = replace(published(2022), makeup_days=(*published(2022).makeup_days, date(2022, 12, 24)))
    with pytest.raises(CalendarsContradict, match="2022-12-24 is arranged by the notice for 2022 and by that for 2023"):
        assemble([other, reaching])


def test_a_gap_between_published_years_is_not_published() -> None:
    calendar = assemble([published(2023), published(2025)])
    assert calendar.published_through == date(2023, 12, 31)
    assert calendar.describe(date(2024, 10, 12)).provisional
    assert not calendar.describe(date(2025, 10, 12)).provisional


def test_days_far_from_all_published_years_are_refused() -> None:
    calendar = assemble([published(2024)])
    for far in (date(1, 1, 1), date(2013, 12, 31), date(2045, 1, 1), date(9999, 12, 31)):
        with pytest.raises(OutsideCalendar, match="the calendar reaches from 2014-01-01 to 2044-12-31"):
            calendar.describe(far)


def test_publishing_a_year_tells_from_which_day_deadlines_can_move() -> None:
    until_2025 = assemble([published(2024), published(2025)])
    until_2026 = assemble([published(2024), published(2025), published(2026)])
    assert first_difference(until_2025, until_2026) == date(2026, 1, 1)
    assert first_difference(until_2026, until_2026) is None


def test_a_notice_that_reaches_into_december_moves_deadlines_of_the_year_before() -> None:
    assert first_difference(assemble([published(2018)]), assemble([published(2018), published(2019)])) == date(
        2018, 12, 29
    )


def test_a_correction_moves_deadlines_from_its_first_changed_day() -> None:
    corrected = published(2020)
    assert first_difference(assemble([replace(corrected, corrections=())]), assemble([corrected])) == date(2020, 1, 31)
