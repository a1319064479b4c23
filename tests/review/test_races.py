"""What happens at once ends as if one had come after the other, on the real database."""

import asyncio
from collections import Counter

from tests.review.desk import Desk, Ticket

from common.clock import new_id
from common.events.dispatch import Closed
from common.events.review import CallbackJudged


async def close(ticket: Ticket) -> None:
    await ticket.closed()


async def test_a_unit_that_files_twice_at_once_has_one_return(desk: Desk) -> None:
    ticket = await desk.ticket()
    answers = await asyncio.gather(*(desk.file(ticket) for _ in range(6)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert await ticket.told() == ["Returned"]


async def test_the_same_filing_sent_twice_at_once_has_one_answer(desk: Desk) -> None:
    ticket = await desk.ticket()
    answers = await asyncio.gather(*(desk.file(ticket, key="once") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await ticket.told() == ["Returned"]


async def test_of_reviewers_who_rule_at_once_the_first_decides(desk: Desk) -> None:
    ticket = await desk.ticket()
    filed = await desk.filed(ticket)
    answers = await asyncio.gather(
        desk.rule(filed["id"]),
        desk.rule(filed["id"], "deny", "other_lawful"),
        desk.rule(filed["id"], "approve", "outside_scope"),
        desk.rule(filed["id"], "deny", "needs_further_inquiry"),
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"return_decided"}
    filing, ruling = await ticket.told()
    assert filing == "Returned"
    assert ruling in ("ReturnApproved", "ReturnDenied")


async def test_a_ruling_and_the_closing_meet_and_the_return_ends_once(desk: Desk) -> None:
    for closing_first in (False, True) * 3:
        ticket = await desk.ticket()
        filed = await desk.filed(ticket)
        closing = asyncio.create_task(close(ticket)) if closing_first else None
        ruled, _closed = await asyncio.gather(desk.rule(filed["id"]), closing or close(ticket))
        if ruled.status_code == 201:
            assert await ticket.told() == ["Returned", "ReturnApproved"]
            await ticket.overtaken(filed["id"])
            assert await desk.state(filed["id"]) == "overtaken"
            assert await ticket.told() == ["Returned", "ReturnApproved", "ReturnLapsed"]
        else:
            assert ruled.json()["code"] == "return_decided"
            assert await ticket.told() == ["Returned", "ReturnLapsed"]


async def test_a_filing_and_its_window_row_meet_and_the_rule_decides_once(desk: Desk) -> None:
    for _ in range(6):
        ticket = await desk.ticket(window=False)
        answer, _window = await asyncio.gather(desk.file(ticket, reason=None), ticket.windowed())
        assert answer.json()["state"] in ("pending", "denied")
        assert await desk.state(answer.json()["id"]) == "denied"
        assert await ticket.told() == ["Returned", "ReturnDenied"]


async def test_a_filing_and_the_closing_meet_and_nothing_stays_open(desk: Desk) -> None:
    for _ in range(6):
        ticket = await desk.ticket()
        answer, _closed = await asyncio.gather(desk.file(ticket), close(ticket))
        if answer.status_code == 201:
            assert await desk.state(answer.json()["id"]) == "lapsed"
            assert await ticket.told() == ["Returned", "ReturnLapsed"]
        else:
            assert answer.json()["code"] == "not_returnable"
            assert await ticket.told() == []


async def test_of_reviewers_who_judge_a_callback_at_once_the_first_decides(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    recorded = ticket.called_back(resolved=False)
    await desk.wire.deliver(recorded)
    answers = await asyncio.gather(
        *(desk.judge(recorded.callback, outcome) for outcome in ("redo", "archive", "redo", "archive"))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    [told] = await ticket.announced("CallbackJudged")
    assert isinstance(told.data, CallbackJudged)
    [won] = [answer for answer in answers if answer.status_code == 201]
    assert told.data.outcome == won.json()["judgement"]["outcome"]


async def test_every_event_delivered_twice_has_one_effect(desk: Desk) -> None:
    ticket = await desk.ticket(window=False)
    filed = await desk.filed(ticket, legal_basis=None)
    window = desk.wire.message(ticket.window())
    recorded = desk.wire.message(ticket.called_back())
    closed = desk.wire.message(
        Closed(**ticket.fields(), report=new_id(), unit=ticket.unit, filed_at=desk.clock.now(), decided_by_rule=True)
    )
    for message in (window, window, closed, recorded, window, closed, recorded):
        await desk.wire.deliver(message)
    assert await desk.state(filed["id"]) == "denied"
    assert await ticket.told() == ["Returned", "ReturnDenied", "CallbackJudged"]
