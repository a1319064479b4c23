"""The same cases across make-up days: the table changes as the independent computation says."""

from datetime import date
from pathlib import Path

import chinese_calendar
import pytest
from tests.journeys.conftest import PACKS
from tests.journeys.reckoning import Row, expected
from tests.journeys.table import told

from common.policy import Pack
from hotline.demo.run import Programme, programme, staged
from hotline.demo.stories import Collection
from hotline.demo.timeline import merge, move

pytestmark = pytest.mark.database

FURTHER = {15: date(2024, 9, 29), 17: date(2024, 10, 12)}
"""Weeks further than needed → the make-up day that the case then crosses: the Sunday before the National Day holidays,
the Saturday after them."""


def window(rows: list[Row], story: str, since: date) -> str:
    """How the return window ended that was set for the story's first round on or after that day."""
    return next(
        row.ended
        for row in sorted(rows, key=lambda row: row.due_at)
        if row.story == story and row.kind == "return_window" and row.due_at.date() >= since
    )


async def test_make_up_days_change_the_table_as_computed(circular: Collection, rules: Pack, tmp_path: Path) -> None:
    assert all(chinese_calendar.is_workday(day) and day.weekday() >= 5 for day in FURTHER.values())
    stories = {story.story: story for story in circular.stories}
    whole, asphalt = stories["凤凰名店人行路"], stories["沥青喷洒"]
    pavement = whole.model_copy(update={"steps": whole.steps[:7]})  # as far as its two returns
    cases = [
        *(move(pavement, rules.effective_from, weeks) for weeks in FURTHER),
        move(asphalt, rules.effective_from, 15),
    ]
    shown = Programme(circular, rules, cases, merge(cases))
    async with staged(shown, PACKS, "embedded", tmp_path) as stage:
        await stage.player.play(shown.scenes)
        await stage.player.let_time_pass()
        found = told(await stage.player.endings())
    assert found == expected(cases)
    unmoved = expected(programme(circular, rules).cases)
    # Dispatched on Friday, returned on Monday: in time after a free weekend, late when one of its days was worked.
    assert window(unmoved, pavement.story, date(2024, 6, 13)) == "met"
    for makeup_day in FURTHER.values():
        assert window(found, pavement.story, makeup_day) == "missed"
    # Dispatched on 30 September and returned on 7 October: not one working day between.
    assert window(unmoved, asphalt.story, date(2024, 6, 13)) == "missed"
    assert window(found, asphalt.story, date(2024, 9, 30)) == "met"
