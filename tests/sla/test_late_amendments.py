"""An amendment that arrives behind what it preceded takes back even what had been judged under the one before."""

from tests.sla.desk import LEAD, Desk

from common.events.dispatch import ProgressReported


async def test_a_duty_that_never_applied_keeps_no_verdict(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")  # at 16:00
    await desk.tell(desk.amended(ticket, "marks", when="2024-09-27 15:50", type="help", marks=("special",)))
    desk.set("2024-09-27 17:30")
    await desk.tell(desk.fact(ProgressReported, ticket, unit=LEAD, concludes_part=False, text="正在抢修"))
    assert (await desk.row(ticket, "first_response")).verdict == "met"
    await desk.tell(desk.amended(ticket, "marks", when="2024-09-27 15:55", type="help"))
    row = await desk.row(ticket, "first_response")
    assert (row.state, row.verdict, row.fact_event) == ("superseded", None, None)
    assert (await desk.told(ticket, "first_response"))[-1] == "DeadlineStopped"
    assert await desk.parked() == []
