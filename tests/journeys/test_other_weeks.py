"""The same cases across a make-up weekend: the table changes as the independent computation says."""

from datetime import date
from pathlib import Path

import chinese_calendar
import pytest
from tests.journeys.conftest import PACKS
from tests.journeys.reckoning import Row, expected
from tests.journeys.table import told

from common.policy import Pack
from hotline.demo.run import programme, staged
from hotline.demo.stories import Collection

pytestmark = pytest.mark.database


def window(rows: list[Row], story: str) -> Row:
    return next(row for row in rows if (row.story, row.round, row.kind) == (story, 1, "return_window"))


@pytest.mark.parametrize(
    ("weeks", "makeup_day"),
    [
        pytest.param(15, date(2024, 9, 29), id="国庆节前的周日上班"),
        pytest.param(17, date(2024, 10, 12), id="国庆节后的周六上班"),
    ],
)
async def test_a_make_up_day_changes_the_table_as_computed(
    circular: Collection, rules: Pack, tmp_path: Path, weeks: int, makeup_day: date
) -> None:
    assert chinese_calendar.is_workday(makeup_day)
    assert makeup_day.weekday() >= 5
    stories = [story for story in circular.stories if story.story in ("凤凰名店人行路", "沥青喷洒")]
    shown = programme(Collection(circular.source, stories), rules, weeks_later=weeks)
    async with staged(shown, PACKS, "embedded", tmp_path) as stage:
        await stage.player.play(shown.scenes)
        await stage.player.let_time_pass()
        found = told(await stage.player.endings())
    assert found == expected(shown.cases)
    unmoved = expected(programme(shown.collection, rules).cases)
    # Returned on Monday morning: in time when the weekend was free, late when one of its days was worked.
    assert window(unmoved, "凤凰名店人行路").ended == "met"
    assert window(found, "凤凰名店人行路").ended == "missed"
