"""How a calendar year is written down: in a file, in a request body, in the event ``CalendarPublished``."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from common.calendar.model import CalendarYear, Correction, DaysOff, Fault, Notice, faults

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


def _written_day(value: object) -> object:
    """Only 2024-10-01: pydantic would also take seconds since 1970 and midnights."""
    if isinstance(value, str) and len(value) != len("2024-10-01"):
        raise ValueError("a day is written as 2024-10-01")
    if not isinstance(value, (str, date)) or isinstance(value, datetime):
        raise ValueError("a day is written as 2024-10-01")
    return value


_Day = Annotated[date, BeforeValidator(_written_day)]
_Days = Annotated[tuple[_Day, ...], Field(max_length=100)]


class CalendarRefused(ValueError):
    """A calendar year that cannot be used. ``faults`` says what and where; ``file`` and ``line`` when it was a file."""

    def __init__(self, faults: tuple[Fault, ...], file: str | None = None, line: int | None = None) -> None:
        self.faults = faults
        self.file = file
        self.line = line
        place = ":".join(str(part) for part in (file, line) if part is not None)
        path = ".".join(str(part) for part in faults[0].path)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(": ".join(part for part in (place, path, faults[0].sentence) if part) + more)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoticeShape(_Shape):
    """Title, number (null when it could not be verified) and day of publication of a notice."""

    title: _Words
    number: _Words | None
    published_on: _Day

    def notice(self) -> Notice:
        return Notice(self.title, self.number, self.published_on)


class DaysOffShape(_Shape):
    """Days off for one holiday, ``first`` to ``last``; ``last`` may be left out for a single day."""

    holiday: _Words
    first: _Day
    last: _Day | None = None

    def days_off(self) -> DaysOff:
        return DaysOff(self.holiday, self.first, self.last or self.first)


class CorrectionShape(_Shape):
    """What a later notice changed."""

    notice: NoticeShape
    days_off: Annotated[tuple[DaysOffShape, ...], Field(max_length=100)] = ()
    makeup_days: _Days = ()
    no_longer_off: _Days = ()
    no_longer_makeup: _Days = ()

    def correction(self) -> Correction:
        return Correction(
            notice=self.notice.notice(),
            days_off=tuple(span.days_off() for span in self.days_off),
            makeup_days=self.makeup_days,
            no_longer_off=self.no_longer_off,
            no_longer_makeup=self.no_longer_makeup,
        )


class CalendarYearShape(_Shape):
    """One year's arrangement."""

    year: Annotated[int, Field(ge=2008, le=2100)]  # since 2008 the holidays are those of today
    notice: NoticeShape
    days_off: Annotated[tuple[DaysOffShape, ...], Field(min_length=1, max_length=100)]
    makeup_days: _Days
    corrections: Annotated[tuple[CorrectionShape, ...], Field(max_length=20)] = ()


def serialise(year: CalendarYear) -> dict[str, object]:
    """The year as JSON-able values: what ``deserialise`` reads, and what the content hash is taken of."""
    written: dict[str, object] = {
        "year": year.year,
        "notice": _notice(year.notice),
        "days_off": [_span(span) for span in year.days_off],
        "makeup_days": [day.isoformat() for day in year.makeup_days],
    }
    if year.corrections:
        written["corrections"] = [
            {
                "notice": _notice(correction.notice),
                "days_off": [_span(span) for span in correction.days_off],
                "makeup_days": [day.isoformat() for day in correction.makeup_days],
                "no_longer_off": [day.isoformat() for day in correction.no_longer_off],
                "no_longer_makeup": [day.isoformat() for day in correction.no_longer_makeup],
            }
            for correction in year.corrections
        ]
    return written


def deserialise(written: Mapping[str, object]) -> CalendarYear:
    """The year that was written down; ``CalendarRefused`` names each value that keeps it from being a calendar."""
    try:
        shape = CalendarYearShape.model_validate(written)
    except ValidationError as invalid:
        raise CalendarRefused(
            tuple(Fault(tuple(error["loc"]), error["msg"]) for error in invalid.errors(include_url=False))
        ) from None
    year = CalendarYear(
        year=shape.year,
        notice=shape.notice.notice(),
        days_off=tuple(span.days_off() for span in shape.days_off),
        makeup_days=shape.makeup_days,
        corrections=tuple(correction.correction() for correction in shape.corrections),
    )
    found = faults(year)
    if found:
        raise CalendarRefused(found)
    return year


def _notice(notice: Notice) -> dict[str, object]:
    return {"title": notice.title, "number": notice.number, "published_on": notice.published_on.isoformat()}


def _span(span: DaysOff) -> dict[str, object]:
    return {"holiday": span.holiday, "first": span.first.isoformat(), "last": span.last.isoformat()}
