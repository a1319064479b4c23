"""The calendars in ``policies/calendar`` against two independent sources, the law, and what officials remember."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from common.calendar import WorkingCalendar, load_calendar, read_year, serialise
from common.calendar.statutory import assumed_days_off, statutory_days

FOLDER = Path(__file__).parents[2] / "policies" / "calendar"
YEARS = range(2018, 2027)


@pytest.fixture(scope="module")
def calendar() -> WorkingCalendar:
    return load_calendar(FOLDER)


def every_day(first: int, last: int) -> Iterator[date]:
    day = date(first, 1, 1)
    while day.year <= last:
        yield day
        day += timedelta(1)


def test_all_years_from_2018_to_2026_are_published(calendar: WorkingCalendar) -> None:
    assert [year.year for year in calendar.years] == list(YEARS)
    assert calendar.published_through == date(2026, 12, 31)


def test_chinesecalendar_knows_no_other_working_day(calendar: WorkingCalendar) -> None:
    assert [d for d in every_day(2018, 2026) if calendar.describe(d).counts != chinese_calendar.is_workday(d)] == []


def test_holidays_knows_no_other_working_day(calendar: WorkingCalendar) -> None:
    china = holidays.country_holidays("CN", years=YEARS)
    assert [d for d in every_day(2018, 2026) if calendar.describe(d).counts != china.is_working_day(d)] == []


def test_make_up_days_are_the_same_as_chinesecalendars(calendar: WorkingCalendar) -> None:
    ours = {day for year in calendar.years for day in year.makeup()}
    assert ours == {day for day in chinese_calendar.constants.workdays if day.year in YEARS}


@pytest.mark.parametrize("year", YEARS)
def test_each_year_cites_its_notice(year: int) -> None:
    notice = read_year(FOLDER / f"{year}.yaml").notice
    assert notice.title == f"国务院办公厅关于{year}年部分节假日安排的通知"
    assert notice.number is not None
    assert notice.number.startswith(f"国办发明电〔{year - 1}〕")
    assert notice.published_on.year == year - 1


@pytest.mark.parametrize("year", YEARS)
def test_each_year_lets_off_every_day_that_the_law_names(year: int, calendar: WorkingCalendar) -> None:
    assert [day for day in statutory_days(year) if calendar.describe(day).counts] == []


@pytest.mark.parametrize("year", YEARS)
def test_a_year_written_out_differs_from_its_file_in_nothing(year: int) -> None:
    found = read_year(FOLDER / f"{year}.yaml")
    assert serialise(found)["year"] == year
    assert len(found.off()) >= 23


@pytest.mark.parametrize("year", range(2018, 2037))
def test_the_statutory_days_are_where_the_lunar_calendar_puts_them(year: int) -> None:
    china = holidays.country_holidays("CN", years=year, observed=False, language="en_US")
    named = {day for day, name in china.items() if "substituted" not in name and "Extended" not in name}
    assert set(statutory_days(year)) == named


def test_for_2027_the_law_alone_gives_these_days() -> None:
    """春节 2027-02-06 is a Saturday: the eve counts since 2025, and two days are made up for."""
    assert sorted(day for day in assumed_days_off(2027) if day.month == 2) == [
        date(2027, 2, day) for day in range(5, 11)
    ]
    assert sorted(day for day in assumed_days_off(2027) if day.month == 5) == [
        date(2027, 5, day) for day in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("on", "counts", "why"),
    [
        (date(2024, 9, 29), True, "调休上班"),
        (date(2024, 10, 12), True, "调休上班"),
        (date(2024, 10, 1), False, "国庆节放假"),
        (date(2024, 9, 28), False, "周末"),
        (date(2024, 9, 30), True, "工作日"),
        (date(2024, 2, 9), True, "工作日"),  # 除夕: only encouraged in 2024
        (date(2025, 1, 28), False, "春节放假"),  # 除夕: by law since 2025
        (date(2025, 1, 26), True, "调休上班"),
        (date(2025, 2, 8), True, "调休上班"),
        (date(2025, 10, 6), False, "国庆节、中秋节放假"),
        (date(2020, 1, 31), False, "春节放假"),  # the correction of 2020-01-27
        (date(2020, 2, 1), False, "春节放假"),  # a make-up Saturday until then
        (date(2020, 2, 3), True, "工作日"),
        (date(2019, 5, 3), False, "劳动节放假"),  # the correction of 2019-03-22
        (date(2019, 4, 28), True, "调休上班"),
        (date(2018, 12, 29), True, "调休上班"),  # by the notice for 2019
        (date(2018, 12, 31), False, "元旦放假"),
        (date(2022, 12, 31), False, "元旦放假"),
    ],
)
def test_a_day_is_known_with_its_reason(calendar: WorkingCalendar, on: date, counts: bool, why: str) -> None:
    kind = calendar.describe(on)
    assert (kind.counts, kind.why, kind.provisional) == (counts, why, False)


@pytest.mark.parametrize(
    ("on", "counts", "why"),
    [
        (date(2027, 1, 1), False, "元旦放假（日历未公布，推定）"),
        (date(2027, 2, 8), False, "春节放假（日历未公布，推定）"),
        (date(2027, 9, 15), False, "中秋节放假（日历未公布，推定）"),
        (date(2027, 1, 2), False, "周末（日历未公布，推定）"),
        (date(2027, 1, 4), True, "工作日（日历未公布，推定）"),
        (date(2017, 6, 1), True, "工作日（日历未公布，推定）"),
        (date(2040, 10, 1), False, "国庆节放假（日历未公布，推定）"),
    ],
)
def test_a_year_that_is_not_published_is_not_a_year_without_holidays(
    calendar: WorkingCalendar, on: date, counts: bool, why: str
) -> None:
    kind = calendar.describe(on)
    assert (kind.counts, kind.why, kind.provisional) == (counts, why, True)
