"""What ought to become of a story under 双鸭山's rules, reckoned apart from the suite.

Nothing of the suite's own calendar, packs or life cycle is used: working days are the chinesecalendar package's, the
numbers of days are written here from 第十五条, 第十六条 and 第十八条.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import chinese_calendar

from hotline.demo.stories import (
    Assign,
    Callback,
    Close,
    Conclude,
    Convene,
    Judge,
    Progress,
    Register,
    Return,
    Rule,
    SignIn,
)
from hotline.demo.timeline import Moved

BEIJING = timezone(timedelta(hours=8))
#: 第十六条: 咨询2个工作日；求助、意见建议、表扬5个；投诉、举报15个.
CLOSING_DAYS = {"inquiry": 2, "help": 5, "suggestion": 5, "praise": 5, "complaint": 15, "tip_off": 15}
#: 第十六条签收、第十八条退单: 1个工作日.
ONE_DAY = {"sign_in": 1, "return_window": 1}
#: 第十五条: 协调、明确承办单位3个工作日；会商5个；退单的审核比照3个.
CASE_DAYS = {"ruling": 3, "designation": 3, "coordination": 3, "consultation": 5}
CENTRE = ""


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
        self._rows: list[Row] = []
        self._days: dict[str, int] = {}
        self._round = 0
        self._unit: str | None = None
        self._helpers: tuple[str, ...] = ()
        self._filed: datetime | None = None
        self._designated = False
        self._closed = False
        for step in moved.story.steps:
            self._walk(step, moved.at(step.at))

    def rows(self) -> list[Row]:
        """The table once every limit has passed: a window that nobody used is no line of it."""
        late = {"open": "late, nothing done"}
        return [
            replace(row, ended=late.get(row.ended, row.ended))
            for row in self._rows
            if row.kind != "return_window" or row.fact_at is not None
        ]

    def _walk(self, step: Any, at: datetime) -> None:
        match step:
            case Register():
                self._days = {**ONE_DAY, "closing": CLOSING_DAYS[step.type]}
            case Assign() if self._unit is None and not self._closed:
                self._begin(step.unit, at)
            case SignIn():
                self._fact("sign_in", at, step.who)
            case Progress() if step.concludes_part:
                self._fact("co_handler_part", at, step.who)
            case Close():
                self._fact("closing", at, step.who)
                self._closed = True
            case Return() if step.who == self._unit:
                self._return(step, at)
            case Rule() if self._filed is not None:
                self._fact("ruling", at)
                if step.decision == "approve":  # 第十八条: 另行转派，办理期限重新计算
                    self._end_round(self._filed)
                    self._unit = None
                self._filed = None
            case Convene():
                self._open(step.form, CENTRE, at, CASE_DAYS[step.form])
            case Conclude():
                for form in ("designation", "coordination", "consultation"):
                    self._fact(form, at)
                self._conclude(step, at)
            case Callback() if step.satisfaction == "satisfied":
                self._end_round(at)
            case Judge() if step.outcome == "redo":
                self._end_round(at)
                self._closed = False
                assert self._unit is not None
                self._begin(self._unit, at)

    def _begin(self, unit: str, at: datetime, helpers: tuple[str, ...] = ()) -> None:
        self._round, self._unit, self._helpers = self._round + 1, unit, helpers
        for kind, days in self._days.items():
            self._open(kind, unit, at, days)
        for helper in helpers:  # 第十四条: 协办单位按时将办理意见反馈给主办部门
            self._open("sign_in", helper, at, ONE_DAY["sign_in"])
            self._open("co_handler_part", helper, at, self._days["closing"])

    def _return(self, step: Return, at: datetime) -> None:
        self._fact("return_window", at, step.who)
        self._open("ruling", CENTRE, at, CASE_DAYS["ruling"])
        if self._designated or not (step.why and step.legal_basis):  # 第十九条（二）、（四）: 当即不予通过
            self._fact("ruling", at)
        else:
            self._filed = at

    def _conclude(self, step: Conclude, at: datetime) -> None:
        """第三十二条（二）: 指定承办单位; the one that has the ticket already keeps its round, with the limit set."""
        self._designated = True
        if (step.unit, step.co_handlers) != (self._unit, self._helpers):
            self._end_round(at)
            self._begin(step.unit, at, step.co_handlers)
        elif step.working_days is not None:
            moved = first_late_instant(at, step.working_days)
            self._rows = [
                replace(row, due_at=moved) if (row.kind, row.ended) == ("closing", "open") else row
                for row in self._rows
            ]

    def _open(self, kind: str, unit: str, at: datetime, days: int) -> None:
        self._rows.append(Row(self._story, self._round, kind, unit, first_late_instant(at, days)))

    def _fact(self, kind: str, at: datetime, unit: str = CENTRE) -> None:
        for place, row in enumerate(self._rows):
            if (row.kind, row.unit, row.ended) == (kind, unit, "open") and row.round == self._round:
                self._rows[place] = replace(row, fact_at=at, ended="met" if at < row.due_at else "missed")

    def _end_round(self, at: datetime) -> None:
        for place, row in enumerate(self._rows):
            if row.round == self._round and row.ended == "open" and row.unit != CENTRE:
                self._rows[place] = replace(row, ended="missed" if row.due_at <= at else "superseded")


def expected(cases: Iterable[Moved]) -> list[Row]:
    return sorted(row for moved in cases for row in Reckoning(moved).rows())
