"""What another calendar does to deadlines that were counted with an earlier one (G-5, T10, T11)."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from tests.sla.desk import Desk
from tests.support.wire import at

from common.calendar import CalendarYear, Correction, DaysOff, Notice, deserialise
from common.events.sla import DeadlineMoved
from sla.counting import count
from sla.deadlines import Deadline
from sla.recompute import Recount
from sla.registry import SYSTEM, publish_years
from sla.store import CALENDARS, lock_dockets, year_in_force
from sla.timers import Timers

#: Made up for the tests: three days off at New Year, Saturday the 9th worked, the 18th to 20th off.
YEAR_2027 = CalendarYear(
    2027,
    Notice("试验用安排", None, date(2026, 12, 1)),
    (DaysOff("元旦", date(2027, 1, 1), date(2027, 1, 3)), DaysOff("试验", date(2027, 1, 18), date(2027, 1, 20))),
    (date(2027, 1, 9),),
)
NOTICE = Notice("更正通知", None, date(2024, 9, 27))


async def publish(desk: Desk, year: CalendarYear = YEAR_2027) -> UUID | None:
    async with desk.service.room.transaction() as tx:
        [published] = await publish_years(tx, [year], SYSTEM)
    return published.event


async def correct(desk: Desk, correction: Correction) -> UUID | None:
    """A later notice changes 2024."""
    async with desk.service.room.database.engine.connect() as connection:
        found = await year_in_force(connection, 2024)
    assert found is not None
    year = deserialise(found["content"])
    return await publish(desk, replace(year, corrections=(*year.corrections, correction)))


async def count_again(desk: Desk, most: int = 500) -> int:
    """Until nothing is left; how many deadlines were looked at."""
    recount, looked_at = Recount(desk.service.room, most=most), 0
    while batch := await recount.step():
        looked_at += batch
    assert not await recount.unfinished()
    return looked_at


async def moves(desk: Desk, ticket: UUID, kind: str = "closing") -> list[DeadlineMoved]:
    found = [event.data for event in await desk.events(ticket, "DeadlineMoved", kind=kind)]
    return [data for data in found if isinstance(data, DeadlineMoved) and data.reason == "calendar"]


async def test_an_extended_limit_is_counted_again_from_the_dispatch_through_its_extension(desk: Desk) -> None:
    desk.set("2026-12-14 10:00")
    ticket = await desk.dispatch()
    await desk.extend(ticket, 5)
    row = await desk.row(ticket, "closing")
    # 15 working days: 15 December to 5 January; 5 more to the 12th, by the law alone.
    assert (row.original_due_at, row.due_at, row.provisional) == (at("2027-01-06 00:00"), at("2027-01-13 00:00"), True)
    cause = await publish(desk)
    await count_again(desk)
    after = await desk.row(ticket, "closing")
    # Saturday the 9th is worked: 6, 7, 8, 9, 11.
    assert (after.original_due_at, after.due_at) == (at("2027-01-06 00:00"), at("2027-01-12 00:00"))
    assert (after.generation, after.provisional, after.state) == (row.generation + 1, False, "armed")
    [told] = await moves(desk, ticket)
    assert (told.old_due_at, told.due_at, told.cause) == (row.due_at, after.due_at, cause)


async def test_a_filed_closing_is_judged_by_the_moved_limit_and_runs_on_to_it(desk: Desk) -> None:
    desk.set("2026-12-21 10:00")
    accepted, sent_back = await desk.dispatch(), await desk.dispatch()
    desk.set("2026-12-25 10:00")
    for ticket in (accepted, sent_back):
        await desk.tell(desk.closing_reported(ticket))
    await publish(desk)
    await count_again(desk)
    row = await desk.row(accepted, "closing")
    assert (row.state, row.due_at, row.next_at) == ("stopped", at("2027-01-12 00:00"), None)
    await desk.tell(desk.closed(accepted, "2026-12-25 10:00"), desk.sent_back(sent_back))
    assert (await desk.row(accepted, "closing")).verdict == "met"
    resumed = await desk.row(sent_back, "closing")
    assert (resumed.state, resumed.due_at) == ("armed", row.due_at)


async def test_a_calendar_makes_nothing_late_that_was_not(desk: Desk) -> None:
    """Saturday 28 September 2024 turns out to have been worked: sign-ins of the Friday were due with it."""
    waiting, filed = await desk.dispatch(), await desk.dispatch(type="inquiry")
    desk.set("2024-09-30 10:00")
    await desk.tell(desk.closing_reported(filed))
    later = await desk.dispatch(type="inquiry")
    await correct(desk, Correction(NOTICE, makeup_days=(date(2024, 9, 28),)))
    # Two working days from Friday were due on 24:00 of Monday, and would now have been on 24:00 of Sunday.
    before = await desk.row(filed, "closing")
    assert before.due_at == at("2024-10-01 00:00")
    await count_again(desk)
    assert await desk.row(filed, "closing") == before
    assert await moves(desk, filed) == []
    await desk.tell(desk.closed(filed, "2024-09-30 10:00"))
    assert (await desk.row(filed, "closing")).verdict == "met"
    # What had not been due by then moves like everything else, also into the past if it was over anyway.
    assert (await desk.row(waiting, "sign_in")).due_at == at("2024-09-29 00:00")
    assert (await desk.row(later, "closing")).due_at == at("2024-10-10 00:00")
    assert await count_again(desk) == 0


async def test_what_fired_stands_and_both_instants_are_told(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.reach("2024-09-30 00:00")
    before = await desk.row(ticket, "sign_in")
    assert before.state == "breached"
    await desk.take_back_make_up_day()
    await count_again(desk)
    assert await desk.row(ticket, "sign_in") == before
    assert await moves(desk, ticket, "sign_in") == []
    told = (await desk.get(f"tickets/{ticket}/deadlines/sign_in/explanation")).json()
    assert (told["due_at"], told["due_at_by_later_calendar"]) == ("2024-09-29T16:00:00Z", "2024-09-30T16:00:00Z")
    assert told["explanation"][-1] == {"on": "2024-09-29", "counts": True, "why": "调休上班"}
    assert told["text"][-1] == (
        "按其后公布的日历，期限至2024年9月30日24:00届满；已经告警、办结或者当时未逾期的，不因日历更正改变。"
    )
    moved = (await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")).json()
    assert (moved["due_at_by_later_calendar"], moved["generation"]) == (None, 2)


async def test_what_fired_also_stands_when_the_clocks_are_told_again(desk: Desk) -> None:
    """An amendment that came behind the closing it preceded: all is told again, but not by another calendar."""
    ticket = await desk.dispatch()
    await desk.reach("2024-09-30 09:00")
    before = await desk.row(ticket, "sign_in")
    await desk.take_back_make_up_day()
    await count_again(desk)
    desk.set("2024-09-30 11:00")
    await desk.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-09-30 11:00"))
    await desk.tell(desk.amended(ticket, "address", when="2024-09-30 10:00"))
    assert await desk.row(ticket, "sign_in") == before
    assert await desk.told(ticket, "sign_in") == ["DeadlineApproaching", "DeadlineBreached"]


async def test_a_window_that_lapsed_unused_moves_and_a_judged_one_stands(desk: Desk) -> None:
    unused, used = await desk.dispatch(), await desk.dispatch()
    await desk.tell(desk.returned(used))
    await desk.reach("2024-09-30 10:00")
    await desk.take_back_make_up_day()
    await count_again(desk)
    assert (await desk.row(unused, "return_window")).due_at == at("2024-10-01 00:00")
    assert (await desk.row(used, "return_window")).due_at == at("2024-09-30 00:00")


async def test_closed_rounds_are_not_touched(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(desk.signed_in(ticket), desk.round_ended(ticket, "2024-09-27 16:00"))
    before = await desk.rows(ticket)
    assert not any(row.open for row in before)
    await desk.take_back_make_up_day()
    assert await count_again(desk) == 0
    assert await desk.rows(ticket) == before


async def test_a_day_off_more_and_a_day_off_less_move_it_there_and_back(desk: Desk) -> None:
    ticket = await desk.dispatch()
    before = await desk.row(ticket, "closing")
    more = Correction(NOTICE, days_off=(DaysOff("试验", date(2024, 10, 14), date(2024, 10, 14)),))
    first = await correct(desk, more)
    await count_again(desk)
    second = await correct(desk, replace(Correction(NOTICE), no_longer_off=(date(2024, 10, 14),)))
    await count_again(desk)
    told = await moves(desk, ticket)
    assert [(one.cause, one.generation) for one in told] == [(first, 2), (second, 3)]
    assert [one.due_at for one in told] == [at("2024-10-25 00:00"), before.due_at]
    assert (await desk.row(ticket, "closing")).due_at == before.due_at


async def test_a_year_that_comes_back_as_it_was_is_in_force_again(desk: Desk) -> None:
    ticket = await desk.dispatch()
    before = await desk.row(ticket, "closing")
    async with desk.service.room.database.engine.connect() as connection:
        found = await year_in_force(connection, 2024)
    assert found is not None
    await correct(desk, Correction(NOTICE, days_off=(DaysOff("试验", date(2024, 10, 14), date(2024, 10, 14)),)))
    await count_again(desk)
    await publish(desk, deserialise(found["content"]))
    await count_again(desk)
    after = await desk.row(ticket, "closing")
    assert (after.due_at, after.calendar, after.generation) == (before.due_at, before.calendar, 3)


async def test_a_ticket_that_somebody_works_on_waits_and_the_others_do_not(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(6)]
    await desk.take_back_make_up_day()
    recount = Recount(desk.service.room, most=3)
    async with desk.service.room.transaction() as working:
        await lock_dockets(working.connection, tickets[:2])
        while await recount.step():
            pass
        rows = [await desk.row(ticket, "closing") for ticket in tickets]
        assert [row.generation for row in rows] == [1, 1, 2, 2, 2, 2]
        assert await recount.unfinished()
    assert await count_again(desk) == 2 * 4  # four kinds of each of the two
    assert [(await desk.row(ticket, "closing")).generation for ticket in tickets] == [2] * 6


async def test_several_at_once_announce_each_move_once(desk: Desk) -> None:
    tickets = [await desk.dispatch() for _ in range(30)]
    await desk.take_back_make_up_day()

    async def work() -> None:
        worker = Recount(desk.service.room, most=7)
        while await worker.step():
            pass

    await asyncio.gather(work(), work())
    assert await count_again(desk) == 0
    assert [len(await moves(desk, ticket)) for ticket in tickets] == [1] * 30


async def test_what_cannot_be_counted_again_stands_and_stops_nobody(desk: Desk) -> None:
    broken, other = await desk.dispatch(), await desk.dispatch()
    before = await desk.row(broken, "closing")
    async with desk.service.room.transaction() as tx:
        far = text(
            "update deadline set allowance = jsonb_set(allowance, '{amount}', '99999') where ticket = :ticket"
            " and kind = 'closing'"
        )
        await tx.connection.execute(far, {"ticket": broken})
    await desk.take_back_make_up_day()
    await count_again(desk)
    assert (await desk.row(broken, "closing")).due_at == before.due_at
    assert (await desk.row(other, "closing")).generation == 2


async def test_whatever_is_corrected_each_deadline_adds_up_by_the_calendar_it_names(desk: Desk) -> None:
    """T11: corrections made up by dice while tickets are signed in, filed, returned and warned about."""
    dice = random.Random(11)
    tickets: list[UUID] = []
    days_off: set[date] = set()
    for day in range(15):
        desk.set(f"2024-10-{day + 8:02d} 10:00")
        await desk.catch_up()
        await desk.fire()
        tickets.append(await desk.dispatch(type=dice.choice(("complaint", "help", "inquiry"))))
        ticket = dice.choice(tickets)
        fact = dice.choice((desk.signed_in, desk.closing_reported, desk.returned))
        await desk.tell(fact(ticket))
        if day % 3:
            continue
        changed = date(2024, 10, 8) + timedelta(dice.randrange(30))
        if changed in days_off:
            await correct(desk, Correction(NOTICE, no_longer_off=(changed,)))
        elif changed.weekday() < 5:
            await correct(desk, Correction(NOTICE, days_off=(DaysOff("试验", changed, changed),)))
        days_off ^= {changed} if changed.weekday() < 5 else set()
        before = {row.id: row for ticket in tickets for row in await desk.rows(ticket)}
        await count_again(desk, most=dice.choice((1, 7, 500)))
        await _consistent(desk, tickets, before)
    assert len(days_off) > 1


async def _consistent(desk: Desk, tickets: list[UUID], before: dict[UUID, Deadline]) -> None:
    async with desk.service.room.database.engine.connect() as connection:
        in_force = await CALENDARS.current(connection)
        for row in [row for ticket in tickets for row in await desk.rows(ticket)]:
            was, named = before[row.id], await CALENDARS.version(connection, row.calendar)
            assert row.due_at == count(named, row.anchor.at, row.counting).due_at
            assert row.generation == was.generation + (row.due_at != was.due_at)
            if not row.open or row.breached_at is not None:
                assert row == was
            elif row.calendar != in_force.version:
                late = count(in_force, row.anchor.at, row.counting).due_at
                assert late <= (row.filed_at or desk.clock.now()) < row.due_at


async def test_a_thousand_provisional_limits_become_certain_while_lamps_are_lit_and_none_twice(
    desk: Desk,
) -> None:
    """T10 on a thousand, the million is ``make bench NAME=p5-recount``. Half are about to fire as the year comes."""
    desk.set("2026-12-28 10:00")
    first = await desk.dispatch()
    await _multiply(desk, first, 1_000)
    # At 24:00 of 20 January, where the provisional limits end; by the year as published they end two days later.
    desk.set("2027-01-20 00:00")
    await desk.catch_up()
    await publish(desk)

    async def fire() -> None:
        worker = Timers(desk.service.room, desk.knowledge, most=50)
        for _ in range(30):
            await worker.fire()

    async def recount() -> None:
        await count_again(desk, most=50)

    await asyncio.gather(fire(), recount())
    await count_again(desk)
    async with desk.service.room.database.engine.connect() as connection:
        rows = (await connection.execute(_CLOSINGS)).all()
    announced = await desk.wire.announced("DeadlineMoved", "DeadlineBreached")
    said = Counter((event.type, event.subject) for event in announced if getattr(event.data, "kind", "") == "closing")
    assert len(rows) == 1_001
    for row in rows:
        fired = row.state == "breached"
        assert (row.generation, row.provisional) == ((1, True) if fired else (2, False))
        assert said["DeadlineBreached", row.subject] == fired
        assert said["DeadlineMoved", row.subject] == (not fired)
    await desk.reach("2027-01-22 00:00")
    again = await desk.wire.announced("DeadlineBreached")
    closings = [event.subject for event in again if getattr(event.data, "kind", "") == "closing"]
    assert (len(closings), len(set(closings))) == (1_001, 1_001)


async def _multiply(desk: Desk, ticket: UUID, number: int) -> None:
    """As many more tickets like this one, with its closing."""
    async with desk.service.room.transaction() as tx:
        for statement in _LIKE_IT:
            await tx.connection.execute(text(statement), {"ticket": ticket, "number": number})


_CLOSINGS = text("select subject, state, generation, provisional from deadline where kind = 'closing'")
_LIKE_IT = (
    """
    insert into docket select (jsonb_populate_record(k, jsonb_build_object('ticket', md5(n::text)::uuid))).*
    from docket k, generate_series(1, :number) n where k.ticket = :ticket
    """,
    """
    insert into deadline
    select (jsonb_populate_record(d, jsonb_build_object(
        'id', md5(n::text)::uuid, 'ticket', md5(n::text)::uuid, 'subject', 'ticket/' || md5(n::text)::uuid))).*
    from deadline d, generate_series(1, :number) n where d.ticket = :ticket and d.kind = 'closing'
    """,
)
