"""连续三个月满意率低: found when the month is over, on the real database (双鸭山 第三十四条（二）2)."""

from tests.review.desk import CHENGGUAN, Desk, Ticket
from tests.review.test_accountability import findings
from tests.support.wire import at

from common.events.intake import CallbackRecorded
from review.accountability.commands.months import Months


async def test_three_low_months_are_found_when_the_third_is_over_and_an_answer_that_comes_late_counts(
    desk: Desk,
) -> None:
    months = Months(desk.service.room)

    async def answered(day: str, good: bool, *marks: str) -> CallbackRecorded:
        ticket = Ticket(desk, desk.pack)
        await desk.wire.deliver(ticket.created().model_copy(update={"marks": marks}))
        await ticket.dispatched()
        await ticket.closed()
        recorded = ticket.called_back(satisfaction="satisfied" if good else "dissatisfied")
        return recorded.model_copy(update={"occurred_at": at(day)})

    for month in ("07", "08", "09"):
        day = f"2025-{month}-10 10:00"
        five = [await answered(day, good) for good in (True, False, False, False, False)]
        await desk.wire.deliver(*five, await answered(day, True, "mediation"))
    assert await months.next_due() == at("2025-10-01 00:00")
    await months.close()
    assert await findings(desk) == []
    desk.clock.set(at("2025-10-01 00:00"))
    assert await months.unfinished() == ["months to close"]
    await months.close()
    assert await months.unfinished() == []
    [one] = await findings(desk)
    assert (one["ground"], one["unit"], one["ticket"]) == ("low_satisfaction", CHENGGUAN, None)
    assert one["month"] == "2025-09-01"
    assert one["months"] == [
        {"month": f"2025-{month}-01", "asked": 5, "satisfied": 1} for month in ("07", "08", "09")
    ], "mediation is not counted where units are compared"
    assert len(one["evidence"]) == 12
    await Months(desk.service.room).close()
    assert len(await findings(desk)) == 1, "another worker, or the next start, finds nothing new"
    await desk.wire.deliver(await answered("2025-09-28 10:00", False))
    [grown] = await findings(desk)
    assert (grown["id"], grown["months"][2]) == (one["id"], {"month": "2025-09-01", "asked": 6, "satisfied": 1})
    await desk.wire.deliver(*[await answered("2025-09-29 10:00", True) for _ in range(7)])
    assert [each["state"] for each in await findings(desk)] == ["lapsed"]
