"""The working calendar and the arithmetic of time limits: pure, and able to explain its own result."""

from common.calendar.changes import ChangedDay, changed_days
from common.calendar.explain import lines, sentences
from common.calendar.load import load_calendar, parse_year, read_year, read_years
from common.calendar.many import due_many
from common.calendar.model import CalendarYear, Correction, DaysOff, Fault, Notice, doubts
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
from common.calendar.remaining import resumed
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
    "ChangedDay",
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
    "changed_days",
    "deserialise",
    "doubts",
    "due",
    "due_many",
    "first_difference",
    "lines",
    "load_calendar",
    "parse_year",
    "read_year",
    "read_years",
    "readd",
    "reckon",
    "resumed",
    "sentences",
    "serialise",
]
