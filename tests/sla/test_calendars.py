"""Limits across holidays and make-up days, by an independent count; years not yet published; corrections (G-4, G-5)."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import chinese_calendar
from tests.sla.desk import Desk
from tests.support.wire import at

from common.calendar import CalendarYear, DaysOff, Notice, read_year
from common.clock import SHANGHAI
from common.events.sla import DeadlineMoved
from sla.recompute import Recount
from sla.registry import SYSTEM, publish_years

WORKING_DAYS = {"inquiry": 2, "help": 5, "suggestion": 5, "praise": 5, "complaint": 15, "tip_off": 15}


def end_of_working_day(after: datetime, n: int) -> datetime:
    """24:00 of the n-th working day after, counted on the fingers with somebody else's calendar."""
    day = after.astimezone(SHANGHAI).date()
    while n:
        day += timedelta(1)
        n -= chinese_calendar.is_workday(day)
    return datetime.combine(day + timedelta(1), time(), SHANGHAI)


MOMENTS = (
    "2024-09-27 16:00",  # before Sunday 29 September, worked
    "2024-09-28 10:00",  # on the Saturday between
    "2024-09-29 23:59:59",  # on the make-up Sunday itself
    "2024-10-11 17:00",  # before Saturday 12 October, worked
    "2024-10-12 00:00",
    "2025-01-26 09:00",  # the make-up Sunday before the Spring Festival
    "2025-09-26 16:00",
)


async def test_limits_end_where_an_independent_calendar_says(desk: Desk) -> None:
    for moment in MOMENTS:
        desk.set(moment)
        begun = at(moment)
        for type_, days in WORKING_DAYS.items():
            ticket = await desk.dispatch(type=type_)
            assert (await desk.row(ticket, "sign_in")).due_at == end_of_working_day(begun, 1)
            assert (await desk.row(ticket, "return_window")).due_at == end_of_working_day(begun, 1)
            closing = await desk.row(ticket, "closing")
            assert closing.due_at == end_of_working_day(begun, days), (moment, type_)
            assert closing.warn_at == max(begun, end_of_working_day(begun, days - 1)), (moment, type_)


async def test_the_same_case_a_week_later_ends_on_another_day_of_the_week(desk: Desk) -> None:
    friday = await desk.dispatch()
    desk.set("2024-10-18 16:00")
    plain_friday = await desk.dispatch()
    assert (await desk.row(friday, "sign_in")).due_at == at("2024-09-30 00:00")
    assert (await desk.row(plain_friday, "sign_in")).due_at == at("2024-10-22 00:00")


async def test_a_limit_past_the_published_years_is_provisional_and_moves_when_the_year_is_published(desk: Desk) -> None:
    desk.set("2026-12-28 10:00")
    ticket = await desk.dispatch()
    before = await desk.row(ticket, "closing")
    assert (before.provisional, before.due_at) == (True, at("2027-01-20 00:00"))
    desk.set("2026-12-29 10:00")
    async with desk.service.room.transaction() as tx:
        [published] = await publish_years(tx, [_made_up_2027()], SYSTEM)
    assert await desk.service.unfinished() == ["deadlines to count again"]
    await Recount(desk.service.room).step()
    assert await desk.service.unfinished() == []
    row = await desk.row(ticket, "closing")
    assert (row.provisional, row.due_at, row.generation) == (False, at("2027-01-22 00:00"), 2)
    assert (row.original_due_at, row.state) == (row.due_at, "armed")
    [moved] = await desk.events(ticket, "DeadlineMoved", kind="closing")
    assert isinstance(moved.data, DeadlineMoved)
    assert (moved.data.kind, moved.data.old_due_at, moved.data.reason) == ("closing", before.due_at, "calendar")
    assert (moved.data.cause, moved.data.generation, moved.data.provisional) == (published.event, 2, False)


async def test_a_provisional_limit_that_stays_where_it_was_is_announced_as_certain(desk: Desk) -> None:
    desk.set("2026-12-28 10:00")
    ticket = await desk.dispatch(type="help")
    assert (await desk.row(ticket, "closing")).provisional
    plain = replace(_made_up_2027(), days_off=(DaysOff("元旦", date(2027, 1, 1), date(2027, 1, 1)),))
    async with desk.service.room.transaction() as tx:
        await publish_years(tx, [plain], SYSTEM)
    await Recount(desk.service.room).step()
    [moved] = await desk.events(ticket, "DeadlineMoved", kind="closing")
    assert isinstance(moved.data, DeadlineMoved)
    assert (moved.data.due_at, moved.data.provisional) == (moved.data.old_due_at, False)


async def test_a_correction_moves_what_is_unfired_and_undoes_nothing_that_fired(desk: Desk) -> None:
    waiting, fired = await desk.dispatch(), await desk.dispatch()
    await desk.reach("2024-09-29 17:00")
    assert (await desk.row(waiting, "sign_in")).state == "approaching"
    await desk.tell(desk.signed_in(fired))
    await desk.take_back_make_up_day()
    await Recount(desk.service.room).step()
    row = await desk.row(waiting, "sign_in")
    assert (row.due_at, row.warn_at, row.state) == (at("2024-10-01 00:00"), at("2024-09-30 16:00"), "armed")
    assert (await desk.row(fired, "sign_in")).due_at == at("2024-09-30 00:00")
    await desk.reach("2024-10-01 00:00")
    assert await desk.told(waiting, "sign_in") == [
        "DeadlineApproaching", "DeadlineMoved", "DeadlineApproaching", "DeadlineBreached",
    ]  # fmt: skip


async def test_a_breach_is_not_undone_by_a_calendar(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-09-30 00:00")
    before = await desk.row(ticket, "sign_in")
    await desk.take_back_make_up_day()
    recount = Recount(desk.service.room)
    while await recount.step():
        pass
    assert await desk.row(ticket, "sign_in") == before
    assert (await desk.row(ticket, "closing")).due_at == at("2024-10-25 00:00")


async def test_nothing_is_counted_again_when_the_same_year_is_published_again(desk: Desk) -> None:
    ticket = await desk.dispatch()
    async with desk.service.room.transaction() as tx:
        [published] = await publish_years(tx, [read_year(Path("policies/calendar/2024.yaml"))], SYSTEM)
    assert published.event is None
    assert await Recount(desk.service.room).step() == 0
    assert await desk.events(ticket, "DeadlineMoved") == []


def _made_up_2027() -> CalendarYear:
    """An arrangement made up for the test: three days off at New Year, 9 January worked, the 18th to 20th off."""
    spans = (DaysOff("元旦", date(2027, 1, 1), date(2027, 1, 3)), DaysOff("试验", date(2027, 1, 18), date(2027, 1, 20)))
    return CalendarYear(2027, Notice("试验用安排", None, date(2026, 12, 1)), spans, (date(2027, 1, 9),))
