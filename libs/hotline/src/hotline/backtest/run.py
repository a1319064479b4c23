"""A backtest from the record to the tables."""

import json
from collections.abc import Callable
from typing import TextIO

from rich.console import Console

from common.calendar import WorkingCalendar
from hotline.backtest.codes import Codes
from hotline.backtest.printing import Lists, Printer
from hotline.backtest.record import Record
from hotline.backtest.tally import Tally, trials
from hotline.backtest.telling import figures, rows


def backtested(
    record: Record,
    codes: Codes,
    calendar: WorkingCalendar | None = None,
    *,
    console: Console,
    out: TextIO | None = None,
    tell: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Judge the whole record again and print it; ``out`` takes the rows as JSON lines as they come.

    ``calendar``: the other pack's, the record's own where none is given. ``tell`` hears how many tickets are done.
    """
    tally, lists = Tally(record.head.as_of), Lists()
    for trial in trials(record, codes, calendar or record.calendar):
        tally.add(trial)
        lists.add(trial, tally)
        if out is not None:
            out.writelines(map(_line, rows(trial, tally)))
        tell(tally.tickets)
    used = {version: pack for version, pack in record.packs.items() if version in tally.policies}
    if out is not None:
        out.write(_line(figures(tally, record.head, used, codes)))
    Printer(console, record.head, used, codes).tell(tally, lists)
    return tally


def _line(row: object) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
