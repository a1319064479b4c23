"""A reckoning in the words of an official: sentences in Chinese, and lines for JSON."""

from datetime import datetime, timedelta
from typing import Final

from common.calendar.reckon import Allowance, DayLine, Reckoning
from common.clock import SHANGHAI

_UNITS: Final = {
    "minutes": "分钟",
    "clock_hours": "小时",
    "natural_days": "日",
    "working_days": "个工作日",
    "rolling_working_days": "个工作日（每个工作日按24小时连续计算）",
}
_WEEKDAYS: Final = "一二三四五六日"


def lines(reckoning: Reckoning) -> list[dict[str, object]]:
    """The days as JSON-able ``{"on", "counts", "why"}``."""
    return [{"on": line.on.isoformat(), "counts": line.counts, "why": line.why} for line in reckoning.days]


def sentences(reckoning: Reckoning) -> list[str]:
    """The whole derivation, to be read to a citizen or a unit: beginning, every day, end, and what is still open."""
    told = [f"自{_moment(reckoning.anchor)}起算，期限{amount(reckoning.allowance)}。"]
    counted = 0
    for line in reckoning.days:
        counted += line.counts
        told.append(_day(line, counted, reckoning.allowance))
    told.append(f"期限至{_end(reckoning.due_at)}届满，此后办理的为超期。")
    if reckoning.provisional:
        told.append("期限涉及国务院尚未公布放假安排的年份，暂按法定节假日推定，公布后重新计算。")
    return told


def amount(allowance: Allowance) -> str:
    """``5个工作日``, ``24小时``."""
    return f"{allowance.amount}{_UNITS[allowance.unit]}"


def _day(line: DayLine, counted: int, allowance: Allowance) -> str:
    day = f"{line.on.month}月{line.on.day}日（周{_WEEKDAYS[line.on.weekday()]}）"
    if not line.counts:
        return f"{day}：{line.why}，不计。" if not line.why.endswith(("不计", "顺延")) else f"{day}：{line.why}。"
    if allowance.unit in ("natural_days", "working_days"):
        return f"{day}：{line.why}，第{counted}日。"
    return f"{day}：{line.why}，计入。"


def _moment(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{local.year}年{local.month}月{local.day}日{clock}"


def _end(due_at: datetime) -> str:
    """The end as the rules say it: 24:00 of the last day, not 00:00 of the next."""
    local = due_at.astimezone(SHANGHAI)
    if local.hour or local.minute or local.second or local.microsecond:
        return _moment(due_at)
    last = local - timedelta(days=1)
    return f"{last.year}年{last.month}月{last.day}日24:00"
