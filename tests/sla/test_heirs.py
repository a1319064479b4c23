"""A unit ends in the middle of a round: same round, same clocks, and its heir goes on with them."""

from tests.sla.desk import LEAD, OTHER, Desk

from common.events.dispatch import SignedIn, UnitSucceeded

HEIR, LATER = "shuangyashan.zhujianju", "shuangyashan.zhujianbu"


async def test_what_the_heir_does_counts_for_the_unit_that_ended_also_an_heir_of_an_heir(desk: Desk) -> None:
    ticket = await desk.register(type="help")
    await desk.tell(desk.dispatched(ticket, co_handlers=(OTHER,)))
    desk.set("2024-09-27 17:00")
    await desk.tell(desk.fact(UnitSucceeded, ticket, unit=LEAD, successor=HEIR))
    assert (await desk.get(f"tickets/{ticket}/deadlines", "unit", HEIR)).status_code == 200
    await desk.tell(desk.fact(UnitSucceeded, ticket, unit=HEIR, successor=LATER))
    assert (await desk.get(f"tickets/{ticket}/deadlines/sign_in/explanation", unit=LATER)).status_code == 200
    await desk.tell(desk.fact(SignedIn, ticket, unit=LATER))
    signed = {row.unit: row.verdict for row in await desk.rows(ticket, "sign_in")}
    assert signed == {LEAD: "met", OTHER: None}
    # An amendment counts the same rows again, and none is owed anew.
    await desk.tell(desk.amended(ticket, "type", type="complaint"))
    assert [row.unit for row in await desk.rows(ticket, "closing")] == [LEAD]
    assert await desk.parked() == []


async def test_a_new_round_names_the_heir_itself(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(desk.fact(UnitSucceeded, ticket, unit=LEAD, successor=HEIR))
    await desk.tell(desk.round_ended(ticket, "2024-09-27 16:30"), desk.dispatched(ticket, 2, HEIR))
    assert (await desk.row(ticket, "closing", 2)).unit == HEIR
    await desk.tell(desk.fact(SignedIn, ticket, round_=2, unit=HEIR))
    assert (await desk.row(ticket, "sign_in", 2)).verdict == "met"
