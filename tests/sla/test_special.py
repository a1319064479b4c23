"""特殊事项 and co-handlers (双鸭山 第十四条、第十七条): response by the clock, progress, each unit's own part."""

from uuid import UUID

import pytest
from tests.sla.desk import LEAD, OTHER, Desk
from tests.support.wire import at

from common.events.dispatch import Dispatched, ProgressReported, RequesterContacted, SubAssigned

THIRD = "shuangyashan.shuiwuju"


def contacted(desk: Desk, ticket: UUID, when: str | None = None, unit: str | None = LEAD) -> RequesterContacted:
    level = 2 if unit else 1
    return desk.fact(RequesterContacted, ticket, when, unit=unit, level=level, outcome="reached")


def progress(desk: Desk, ticket: UUID, unit: str = LEAD, *, done: bool = False) -> ProgressReported:
    return desk.fact(ProgressReported, ticket, unit=unit, concludes_part=done, text="正在抢修。")


@pytest.mark.parametrize(
    ("mark", "response", "progress_due"),
    [("special", "2024-09-28 03:30", "2024-10-09 00:00"), ("special_urgent", "2024-09-28 01:30", "2024-10-01 00:00")],
)
async def test_hours_run_through_the_night_and_progress_counts_working_days(
    desk: Desk, mark: str, response: str, progress_due: str
) -> None:
    """Dispatched on Friday at 23:30: the response is due in the small hours of Saturday, a day off."""
    desk.set("2024-09-27 23:30")
    ticket = await desk.dispatch(type="help", marks=(mark,))
    assert (await desk.row(ticket, "first_response")).due_at == at(response)
    assert (await desk.row(ticket, "progress")).due_at == at(progress_due)
    await desk.reach("2024-09-28 00:30" if mark == "special_urgent" else "2024-09-28 02:30")
    assert await desk.told(ticket, "first_response") == ["DeadlineApproaching"], "an hour before"
    await desk.reach(response)
    assert await desk.told(ticket, "first_response") == ["DeadlineApproaching", "DeadlineBreached"]
    told = (await desk.get(f"tickets/{ticket}/deadlines/first_response/explanation")).json()
    assert told["basis"]["article"] == "第十七条"
    assert all(day["counts"] for day in told["explanation"])


async def test_a_contact_is_a_response_and_only_progress_is_progress(desk: Desk) -> None:
    by_contact, by_progress, by_result, by_centre = [
        await desk.dispatch(type="help", marks=("special",)) for _ in range(4)
    ]
    desk.set("2024-09-27 18:00")
    await desk.tell(contacted(desk, by_contact), progress(desk, by_progress), desk.closing_reported(by_result))
    await desk.tell(contacted(desk, by_centre, unit=None), contacted(desk, by_centre, unit=OTHER))
    found = {
        ticket: ((await desk.row(ticket, "first_response")).verdict, (await desk.row(ticket, "progress")).verdict)
        for ticket in (by_contact, by_progress, by_result, by_centre)
    }
    assert found == {
        by_contact: ("met", None), by_progress: ("met", "met"), by_result: ("met", "met"), by_centre: (None, None),
    }  # fmt: skip
    desk.set("2024-09-27 21:00")
    await desk.tell(contacted(desk, by_centre))
    assert (await desk.row(by_centre, "first_response")).verdict == "missed"


async def test_a_call_before_the_limit_that_is_entered_after_it_withdraws_the_red_lamp(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help", marks=("special_urgent",))
    await desk.reach("2024-09-27 18:30")
    await desk.tell(contacted(desk, ticket, "2024-09-27 17:40"))
    assert (await desk.told(ticket, "first_response"))[-2:] == ["BreachWithdrawn", "DeadlineMet"]


async def test_matters_that_are_not_special_are_told_to_have_no_such_limit(desk: Desk) -> None:
    ticket = await desk.dispatch(type="help")
    assert {row.kind for row in await desk.rows(ticket)} == {"sign_in", "return_window", "closing", "extension_window"}
    for kind in ("first_response", "progress"):
        told = (await desk.get(f"tickets/{ticket}/deadlines/{kind}/explanation")).json()
        assert (told["exempt"], told["basis"]["rule"]) == (True, "SYS-17")
        assert told["text"][-1] == "不设时限。"


async def test_each_co_handler_signs_in_for_itself_and_a_late_one_does_not_make_the_lead_late(desk: Desk) -> None:
    ticket = await desk.register()
    await desk.tell(desk.fact(Dispatched, ticket, unit=LEAD, co_handlers=(OTHER, THIRD)))
    owed = {(row.kind, row.unit) for row in await desk.rows(ticket)}
    assert owed == {
        ("sign_in", LEAD), ("sign_in", OTHER), ("sign_in", THIRD), ("return_window", LEAD), ("closing", LEAD),
        ("extension_window", LEAD), ("co_handler_part", OTHER), ("co_handler_part", THIRD),
    }  # fmt: skip
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.signed_in(ticket), desk.signed_in(ticket, unit=THIRD))
    await desk.reach("2024-10-09 10:00")
    await desk.tell(desk.signed_in(ticket, unit=OTHER))
    signed = {row.unit: row.verdict for row in await desk.rows(ticket, "sign_in")}
    assert signed == {LEAD: "met", OTHER: "missed", THIRD: "met"}
    await desk.tell(progress(desk, ticket, THIRD), progress(desk, ticket, THIRD, done=True))
    await desk.reach("2024-10-23 12:00")
    await desk.tell(desk.closing_reported(ticket))
    await desk.reach("2024-10-24 09:00")
    await desk.tell(progress(desk, ticket, OTHER, done=True), desk.closed(ticket, "2024-10-23 12:00"))
    parts = {row.unit: (row.verdict, row.due_at) for row in await desk.rows(ticket, "co_handler_part")}
    assert parts == {OTHER: ("missed", at("2024-10-24 00:00")), THIRD: ("met", at("2024-10-24 00:00"))}
    assert (await desk.row(ticket, "closing")).verdict == "met"
    answer = await desk.get(f"tickets/{ticket}/deadlines/co_handler_part/explanation", unit=OTHER)
    assert [basis["article"] for basis in answer.json()["bases"]] == ["第十六条（三）", "第十四条"]


async def test_what_a_co_handler_still_owes_ends_with_the_accepted_report(desk: Desk) -> None:
    ticket = await desk.register()
    await desk.tell(desk.fact(Dispatched, ticket, unit=LEAD, co_handlers=(OTHER,)))
    await desk.extend(ticket)
    [part] = await desk.rows(ticket, "co_handler_part")
    assert part.due_at == at("2024-10-31 00:00"), "the part moves with the closing"
    desk.set("2024-10-08 12:00")
    await desk.tell(desk.closing_reported(ticket), desk.closed(ticket, "2024-10-08 12:00"))
    [part] = await desk.rows(ticket, "co_handler_part")
    assert (part.state, part.verdict) == ("superseded", None)


async def test_a_body_that_the_unit_passed_it_on_to_reads_its_deadlines(desk: Desk) -> None:
    ticket, path = await desk.dispatch(), "tickets/{}/deadlines"
    assert (await desk.get(path.format(ticket), "unit", THIRD)).status_code == 404
    await desk.tell(desk.fact(SubAssigned, ticket, assignment=ticket, unit=LEAD, to_unit=THIRD))
    answer = await desk.get(path.format(ticket), "unit", THIRD)
    assert {row["unit"] for row in answer.json()["items"]} == {LEAD}
    await desk.tell(desk.round_ended(ticket, "2024-09-27 16:00"), desk.dispatched(ticket, 2, OTHER))
    assert (await desk.get(path.format(ticket), "unit", THIRD)).json()["items"] == [], "it is not theirs any more"
