"""What ought to become of a story under 双鸭山's rules, reckoned apart from the suite.

Nothing of the suite's own calendar, packs or life cycle is used: working days are the chinesecalendar package's, the
numbers of days are written here from 第十六条 and 第十八条.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import chinese_calendar

from hotline.demo.stories import Assign, Callback, Close, Judge, Register, Return, Rule, SignIn
from hotline.demo.timeline import Moved

BEIJING = timezone(timedelta(hours=8))
#: 第十六条: 咨询2个工作日；求助、意见建议、表扬5个；投诉、举报15个.
CLOSING_DAYS = {"inquiry": 2, "help": 5, "suggestion": 5, "praise": 5, "complaint": 15, "tip_off": 15}
#: 第十六条签收、第十八条退单: 1个工作日.
ONE_DAY = {"sign_in": 1, "return_window": 1}


@dataclass(frozen=True, order=True)
class Row:
    """One line of the table: a limit, the fact, and how it ended."""

    story: str
    round: int
    kind: str
    unit: str
    due_at: datetime
    fact_at: datetime | None = None
    ended: str = "open"


def first_late_instant(since: datetime, days: int) -> datetime:
    """The day itself is not counted; the last working day ends at 24:00 (民法典 第二百零一条、第二百零三条)."""
    day = since.astimezone(BEIJING).date()
    while days:
        day += timedelta(days=1)
        days -= chinese_calendar.is_workday(day)
    return midnight_after(day)


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), BEIJING)


class Reckoning:
    """Walks through one story."""

    def __init__(self, moved: Moved) -> None:
        self._story = moved.story.story
        self._rows: dict[tuple[int, str], Row] = {}
        self._days: dict[str, int] = {}
        self._round = 0
        self._unit: str | None = None
        self._filed: datetime | None = None
        self._closed = False
        for step in moved.story.steps:
            self._walk(step, moved.at(step.at))

    def rows(self) -> list[Row]:
        """The table once every limit has passed: a window that nobody used is no line of it."""
        late = {"open": "late, nothing done"}
        return [
            replace(row, ended=late.get(row.ended, row.ended))
            for row in self._rows.values()
            if row.kind != "return_window" or row.fact_at is not None
        ]

    def _walk(self, step: Any, at: datetime) -> None:
        match step:
            case Register():
                self._days = {**ONE_DAY, "closing": CLOSING_DAYS[step.type]}
            case Assign() if self._unit is None and not self._closed:
                self._begin(step.unit, at)
            case SignIn():
                self._fact("sign_in", at)
            case Close():
                self._fact("closing", at)
                self._closed = True
            case Return():
                self._fact("return_window", at)
                if step.why and step.legal_basis:  # 第十九条（二）: 未注明理由和依据的，不予通过
                    self._filed = at
            case Rule() if self._filed is not None:
                if step.decision == "approve":  # 第十八条: 另行转派，办理期限重新计算
                    self._end_round(self._filed)
                    self._unit = None
                self._filed = None
            case Callback() if step.satisfaction == "satisfied":
                self._end_round(at)
            case Judge() if step.outcome == "redo":
                self._end_round(at)
                self._closed = False
                assert self._unit is not None
                self._begin(self._unit, at)

    def _begin(self, unit: str, at: datetime) -> None:
        self._round, self._unit = self._round + 1, unit
        for kind, days in self._days.items():
            self._rows[self._round, kind] = Row(self._story, self._round, kind, unit, first_late_instant(at, days))

    def _fact(self, kind: str, at: datetime) -> None:
        row = self._rows[self._round, kind]
        if row.fact_at is None:
            self._rows[self._round, kind] = replace(row, fact_at=at, ended="met" if at < row.due_at else "missed")

    def _end_round(self, at: datetime) -> None:
        for key, row in self._rows.items():
            if key[0] == self._round and row.ended == "open":
                self._rows[key] = replace(row, ended="missed" if row.due_at <= at else "superseded")


def expected(cases: Iterable[Moved]) -> list[Row]:
    return sorted(row for moved in cases for row in Reckoning(moved).rows())
