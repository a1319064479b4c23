"""The working calendar and the arithmetic of time limits: pure, and able to explain its own result."""

from common.calendar.explain import lines, sentences
from common.calendar.load import load_calendar, parse_year, read_year
from common.calendar.model import CalendarYear, Correction, DaysOff, Fault, Notice
from common.calendar.reckon import (
    Allowance,
    AllowanceRefused,
    DayLine,
    Due,
    Reckoning,
    Unit,
    before,
    due,
    readd,
    reckon,
)
from common.calendar.shape import CalendarRefused, CalendarYearShape, deserialise, serialise
from common.calendar.working import (
    CalendarsContradict,
    DayKind,
    NoCalendar,
    OutsideCalendar,
    WorkingCalendar,
    assemble,
    first_difference,
)

__all__ = [
    "Allowance",
    "AllowanceRefused",
    "CalendarRefused",
    "CalendarYear",
    "CalendarYearShape",
    "CalendarsContradict",
    "Correction",
    "DayKind",
    "DayLine",
    "DaysOff",
    "Due",
    "Fault",
    "NoCalendar",
    "Notice",
    "OutsideCalendar",
    "Reckoning",
    "Unit",
    "WorkingCalendar",
    "assemble",
    "before",
    "deserialise",
    "due",
    "first_difference",
    "lines",
    "load_calendar",
    "parse_year",
    "read_year",
    "readd",
    "reckon",
    "sentences",
    "serialise",
]
