"""The public holidays that hold by law, for years whose arrangement the State Council has not yet published.

《全国年节及纪念日放假办法》 第二条 names the holidays (国务院令第644号 from 2014; 国务院令第795号 from 2025 adds 除夕
and 5月2日). By 第六条 a holiday that falls on a Saturday or Sunday is made up for on a working day. Which working day,
and which weekends are worked in exchange, only the yearly notice says: everything derived here is provisional.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

_FROM_2025: Final = 2025

#: 正月初一, 清明, 端午, 中秋 as (month, day): dates of the lunisolar calendar and of a solar term, which are astronomy
#: and known ahead. Beyond the table only the holidays with fixed dates are assumed.
_LUNAR: Final[dict[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]]] = {
    2018: ((2, 16), (4, 5), (6, 18), (9, 24)),
    2019: ((2, 5), (4, 5), (6, 7), (9, 13)),
    2020: ((1, 25), (4, 4), (6, 25), (10, 1)),
    2021: ((2, 12), (4, 4), (6, 14), (9, 21)),
    2022: ((2, 1), (4, 5), (6, 3), (9, 10)),
    2023: ((1, 22), (4, 5), (6, 22), (9, 29)),
    2024: ((2, 10), (4, 4), (6, 10), (9, 17)),
    2025: ((1, 29), (4, 4), (5, 31), (10, 6)),
    2026: ((2, 17), (4, 5), (6, 19), (9, 25)),
    2027: ((2, 6), (4, 5), (6, 9), (9, 15)),
    2028: ((1, 26), (4, 4), (5, 28), (10, 3)),
    2029: ((2, 13), (4, 4), (6, 16), (9, 22)),
    2030: ((2, 3), (4, 5), (6, 5), (9, 12)),
    2031: ((1, 23), (4, 5), (6, 24), (10, 1)),
    2032: ((2, 11), (4, 4), (6, 12), (9, 19)),
    2033: ((1, 31), (4, 4), (6, 1), (9, 8)),
    2034: ((2, 19), (4, 5), (6, 20), (9, 27)),
    2035: ((2, 8), (4, 5), (6, 10), (9, 16)),
    2036: ((1, 28), (4, 4), (5, 30), (10, 4)),
}


def statutory_days(year: int) -> dict[date, str]:
    """Day → holiday (元旦, 春节, 清明节, 劳动节, 端午节, 中秋节, 国庆节), without the days made up for."""
    since_2025 = year >= _FROM_2025
    days = {date(year, 1, 1): "元旦"}
    lunar = _LUNAR.get(year)
    if lunar is not None:
        first, tomb_sweeping, dragon_boat, mid_autumn = (date(year, month, day) for month, day in lunar)
        eve = 1 if since_2025 else 0
        days |= {first + timedelta(offset): "春节" for offset in range(-eve, 3)}
        days |= {tomb_sweeping: "清明节", dragon_boat: "端午节", mid_autumn: "中秋节"}
    days |= {date(year, 5, day): "劳动节" for day in range(1, 3 if since_2025 else 2)}
    days |= {date(year, 10, day): "国庆节" for day in range(1, 4)}
    return days


def assumed_days_off(year: int) -> dict[date, str]:
    """Day → holiday, with each holiday that falls on a weekend moved on to the next day that would be worked."""
    days = statutory_days(year)
    for lost in sorted(day for day in days if day.weekday() >= 5):
        days[next(day for day in _after(lost) if day.weekday() < 5 and day not in days)] = days[lost]
    return days


def _after(day: date) -> Iterator[date]:
    while True:
        day += timedelta(1)
        yield day
