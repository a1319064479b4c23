"""An extension and what happens at the same time: one outcome, explained, on the real database."""

import asyncio
from collections import Counter

from tests.review.desk import Desk
from tests.review.extending import CLOSING, ask, asked, decide, extendable, limits, seen


async def test_a_unit_that_asks_twice_at_once_has_one_extension_and_one_answer_for_the_same_key(desk: Desk) -> None:
    ticket, other = await extendable(desk), await extendable(desk)
    answers = await asyncio.gather(*(ask(desk, ticket) for _ in range(5)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
    same = await asyncio.gather(*(ask(desk, other, key="once") for _ in range(4)))
    assert {answer.status_code for answer in same} == {201}
    assert len({answer.json()["id"] for answer in same}) == 1
    assert await ticket.told() == await other.told() == ["ExtensionRequested"]


async def test_of_reviewers_who_rule_at_once_the_first_decides(desk: Desk) -> None:
    ticket = await extendable(desk)
    filed = await asked(desk, ticket)
    answers = await asyncio.gather(*(decide(desk, filed["id"], one) for one in ("grant", "deny", "grant", "deny")))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"extension_decided"}
    asking, ruling = await ticket.told()
    assert (asking, ruling in ("ExtensionGranted", "ExtensionDenied")) == ("ExtensionRequested", True)


async def test_a_ruling_and_the_closing_meet_and_the_extension_ends_once(desk: Desk) -> None:
    for _ in range(4):
        ticket = await extendable(desk)
        filed = await asked(desk, ticket)
        ruled, _closed = await asyncio.gather(decide(desk, filed["id"]), ticket.closed())
        if ruled.status_code == 201:
            await ticket.overtaken(filed["id"], kind="extension")
            assert (await seen(desk, filed["id"]))["state"] == "overtaken"
            assert await ticket.told() == ["ExtensionRequested", "ExtensionGranted", "ExtensionLapsed"]
        else:
            assert ruled.json()["code"] == "extension_decided"
            assert await ticket.told() == ["ExtensionRequested", "ExtensionLapsed"]


async def test_an_extension_and_a_return_of_the_same_round_cross_and_each_has_its_own_end(desk: Desk) -> None:
    for _ in range(3):
        ticket = await extendable(desk)
        await desk.wire.deliver(ticket.window(cause=ticket.id))
        extension, returned = await asyncio.gather(ask(desk, ticket), desk.file(ticket))
        assert (extension.status_code, returned.status_code) == (201, 201)
        case, filing = extension.json()["id"], returned.json()["id"]
        granted, approved = await asyncio.gather(decide(desk, case), desk.rule(filing))
        assert (granted.json()["state"], approved.json()["state"]) == ("granted", "approved")
        await ticket.applied(filing, "awaiting_dispatch")  # dispatch saw the return first
        await ticket.overtaken(case, "awaiting_dispatch", kind="extension")
        assert (await seen(desk, case))["state"] == "overtaken"
        assert await desk.state(filing) == "applied"
        assert Counter(await ticket.told()) == Counter(
            ("ExtensionRequested", "Returned", "ExtensionGranted", "ReturnApproved", "ExtensionLapsed")
        )


async def test_a_request_and_its_limit_meet_and_the_rule_decides_once(desk: Desk) -> None:
    for _ in range(4):
        ticket = await desk.ticket(window=False)
        answer, _limits = await asyncio.gather(
            ask(desk, ticket, reason=None), desk.wire.deliver(limits(ticket, CLOSING))
        )
        assert answer.json()["state"] in ("pending", "denied")
        assert (await seen(desk, answer.json()["id"]))["decision"]["ground"] == "missing_reason"
        assert await ticket.told() == ["ExtensionRequested", "ExtensionDenied"]
