"""What sla announced of a ticket that changed its pack, judged again under the packs of the record."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from tests.sla.desk import PACK, Desk
from tests.sla.test_applying import apply_all, pack, put_in_force
from tests.support.wire import PACKS, at

from common.calendar import CalendarYear, Correction, Notice, WorkingCalendar, assemble, load_calendar
from common.events.codec import decode
from common.events.envelope import Event, Payload
from common.policy import Pack
from hotline.backtest.codes import codes_for
from hotline.backtest.record import Head, Record, Story
from hotline.backtest.tally import Trial, trials

CALENDAR = load_calendar(PACKS / "calendar")


class Recorder:
    """Keeps what is told to sla, as the archive does."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.heard: list[Event] = []

    async def tell(self, *facts: Payload) -> None:
        for fact in facts:
            message = self.desk.wire.message(fact)
            await self.desk.wire.deliver(message)
            self.heard.append(decode(message))

    async def trial(self, ticket: UUID, *packs: Pack, under: Pack, calendar: WorkingCalendar = CALENDAR) -> Trial:
        events = sorted((*self.heard, *await self.desk.events(ticket)), key=lambda one: one.time)
        head = Head(jurisdiction="shuangyashan", as_of=self.desk.clock.now(), tickets=1)
        known = {one.version: one for one in packs}
        record = Record(head, known, calendar, iter([Story(ticket, tuple(events))]))
        [found] = trials(record, codes_for(under, {}), calendar)
        return found


async def test_a_ticket_that_changed_its_pack_comes_to_no_difference_under_both(desk: Desk) -> None:
    recorder, ticket = Recorder(desk), UUID(int=77)
    await recorder.tell(desk.created(ticket, type="inquiry"), desk.dispatched(ticket))
    desk.set("2024-09-27 17:00")
    new = pack()
    await put_in_force(desk, new)
    assert await apply_all(desk) == 1
    await desk.reach("2024-10-08 10:00")
    await recorder.tell(desk.signed_in(ticket))
    await recorder.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-10-08 10:00"))
    found = await recorder.trial(ticket, PACK, new, under=PACK)
    assert (found.checked, found.differences, found.unchecked) == (True, (), ())
    closing = [one for identity, one in found.before.items() if identity[0] == "closing"]
    assert [(one.due_at, one.verdict) for one in closing] == [(at("2024-10-09 00:00"), "met")]
    # Had it stayed under the first pack, it would have been late: 2 working days, the 29th and 30th of September.
    assert found.after is not None
    then = [one for identity, one in found.after.limits.items() if identity[0] == "closing"]
    assert [(one.due_at, one.verdict) for one in then] == [(at("2024-10-01 00:00"), "missed")]


async def test_a_calendar_that_was_corrected_since_is_counted_apart(desk: Desk) -> None:
    recorder, ticket = Recorder(desk), UUID(int=78)
    await recorder.tell(desk.created(ticket, type="inquiry"), desk.dispatched(ticket))
    await recorder.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-09-27 16:00"))
    later = assemble(_corrected(year) if year.year == 2024 else year for year in CALENDAR.years)
    found = await recorder.trial(ticket, PACK, under=PACK, calendar=later)
    assert (found.checked, found.differences) == (True, ())
    assert found.by_calendar > 0


def _corrected(year: CalendarYear) -> CalendarYear:
    """A later notice, made up for the test: Sunday 29 September 2024 is not worked after all."""
    notice = Notice("更正通知", None, date(2024, 10, 27))
    correction = Correction(notice, no_longer_makeup=(date(2024, 9, 29),))
    return replace(year, corrections=(*year.corrections, correction))
