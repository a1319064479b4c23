"""Packs that apply to open tickets: what moves and what stands, in order, after a crash, and whatever arrives late."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.sla.desk import PACK, Desk
from tests.support.wire import at

from common.events.dispatch import SubAssigned
from common.events.sla import DeadlineMoved, PolicyApplied
from common.policy import Pack, parse_pack
from sla.applying import Applying, Version, successors
from sla.plan import NoRuleApplies
from sla.registry import SYSTEM, activate
from sla.store import load_docket

STATED = {"rule": "G-3", "assumption": "测试：本版规则适用于在办工单。", "value": True}


def pack(inquiry_days: int = 3, **more: Any) -> Pack:
    """双鸭山's pack with another limit for inquiries, which applies to open tickets."""
    content = PACK.dump()
    content["limits"]["kinds"]["closing"]["rules"][0]["allowance"]["amount"] = inquiry_days
    return parse_pack(content | {"applies_to_open_tickets": STATED} | more)


async def put_in_force(desk: Desk, new: Pack) -> None:
    async with desk.service.room.transaction() as tx:
        await activate(tx, new, SYSTEM)


async def apply_all(desk: Desk, most: int = 100) -> int:
    applying, applied = Applying(desk.service.room, most=most), 0
    while step := await applying.step():
        applied += step
    return applied


async def policy_of(desk: Desk, ticket: UUID) -> str:
    async with desk.service.room.database.engine.connect() as connection:
        docket = await load_docket(connection, ticket)
    assert docket is not None
    return docket.policy


async def test_an_open_ticket_changes_its_pack_before_what_it_owes_moves(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    before = await desk.row(ticket, "closing")
    desk.set("2024-09-27 17:00")
    new = pack()
    await put_in_force(desk, new)
    assert await apply_all(desk) == 1
    after = await desk.row(ticket, "closing")
    assert (before.due_at, after.due_at) == (at("2024-10-01 00:00"), at("2024-10-09 00:00"))
    assert (before.policy, after.policy, after.generation) == (PACK.version, new.version, 2)
    events = [event for event in await desk.events(ticket) if event.type != "DeadlineSet"]
    applied, moved = events[0].data, events[1].data
    assert isinstance(applied, PolicyApplied)
    assert (applied.from_policy, applied.to_policy, applied.policy) == (PACK.version, new.version, new.version)
    assert applied.basis[0].rule == "G-3"
    assert isinstance(moved, DeadlineMoved)
    assert (moved.reason, moved.cause, moved.old_due_at) == ("policy", events[0].id, before.due_at)
    assert {event.data.policy for event in events} == {new.version}  # type: ignore[attr-defined]
    assert await policy_of(desk, ticket) == new.version
    assert await apply_all(desk) == 0


async def test_a_pack_that_does_not_say_so_leaves_every_open_ticket_alone(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    content = pack().dump()
    del content["applies_to_open_tickets"]
    await put_in_force(desk, parse_pack(content))
    assert await apply_all(desk) == 0
    assert await policy_of(desk, ticket) == PACK.version
    assert not await desk.events(ticket, "PolicyApplied")


async def test_a_red_lamp_stands_and_what_was_filed_is_not_decided_again(desk: Desk) -> None:
    late, filed = await desk.dispatch(type="inquiry"), await desk.dispatch(type="inquiry")
    desk.set("2024-09-30 12:00")
    await desk.tell(desk.closing_reported(filed))
    await desk.reach("2024-10-08 12:00")
    due = (await desk.row(late, "closing")).due_at
    await put_in_force(desk, pack(20))
    assert await apply_all(desk) == 2
    row = await desk.row(late, "closing")
    assert (row.state, row.due_at, row.policy) == ("breached", due, PACK.version)
    assert "BreachWithdrawn" not in await desk.told(late, "closing")
    pending = await desk.row(filed, "closing")
    assert (pending.state, pending.due_at, pending.policy) == ("stopped", due, PACK.version)
    assert await policy_of(desk, late) == await policy_of(desk, filed) == pack(20).version


async def test_closed_rounds_and_tickets_that_have_ended_keep_what_they_had(desk: Desk) -> None:
    ended, waiting = await desk.dispatch(type="inquiry"), await desk.dispatch(type="inquiry")
    closed = (desk.closing_reported(ended), desk.closed(ended, "2024-09-27 16:00"), desk.archived(ended))
    await desk.tell(*closed)
    await desk.tell(desk.closing_reported(waiting), desk.closed(waiting, "2024-09-27 16:00"))
    await put_in_force(desk, pack())
    assert await apply_all(desk) == 1  # the one that waits for its callback
    assert (await policy_of(desk, ended), await policy_of(desk, waiting)) == (PACK.version, pack().version)
    for ticket in (ended, waiting):
        row = await desk.row(ticket, "closing")
        assert (row.verdict, row.policy, row.generation) == ("met", PACK.version, 1)
        assert not await desk.events(ticket, "DeadlineMoved")


async def test_what_is_owed_only_now_begins_and_what_is_owed_no_longer_ends(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    content = pack().dump()
    silent = {"rule": "SYS-16", "assumption": "测试：没有签收时限。", "no_limit": True}
    content["limits"]["kinds"]["sign_in"]["rules"] = [silent]
    lean = parse_pack(content)
    desk.set("2024-09-27 17:00")
    await put_in_force(desk, lean)
    await apply_all(desk)
    assert (await desk.row(ticket, "sign_in")).state == "superseded"
    desk.set("2024-09-28 09:00")
    await put_in_force(desk, pack(4))
    await apply_all(desk)
    again = await desk.row(ticket, "sign_in")
    assert (again.state, again.policy, again.anchor.at) == ("armed", pack(4).version, at("2024-09-28 09:00"))
    [moved] = [event.data for event in await desk.events(ticket, "DeadlineMoved", kind="sign_in")]
    assert isinstance(moved, DeadlineMoved)
    assert moved.reason == "policy"


async def test_a_worker_cut_off_in_a_batch_leaves_whole_tickets_and_another_goes_on(desk: Desk) -> None:
    tickets = [await desk.dispatch(type="inquiry") for _ in range(5)]
    await put_in_force(desk, pack())
    worker = Applying(desk.service.room, most=2)
    assert await worker.step() == 2
    async with desk.service.room.database.engine.begin() as holding:
        await holding.execute(text("lock table outbox"))
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.step(), 0.3)
    assert len(await desk.wire.announced("PolicyApplied")) == 2
    assert await policy_of(desk, tickets[2]) == PACK.version
    other = Applying(desk.service.room)
    assert await other.unfinished()
    assert await apply_all(desk) == 3
    assert not await other.unfinished()
    told = [event.subject for event in await desk.wire.announced("PolicyApplied")]
    assert told == [f"ticket/{ticket}" for ticket in tickets]  # oldest first, each once


async def test_a_ticket_that_a_pack_could_not_take_is_taken_by_the_mended_one_without_a_restart(desk: Desk) -> None:
    class Refuses(Applying):
        """Cannot apply the first pack."""

        async def _apply(self, tickets: Sequence[UUID], following: Mapping[str, str]) -> int:
            if broken in following.values():
                raise NoRuleApplies("closing")
            return await super()._apply(tickets, following)

    ticket = await desk.dispatch(type="inquiry")
    broken, mended = pack(4).version, pack(5).version
    await put_in_force(desk, pack(4))
    worker = Refuses(desk.service.room)
    assert await worker.step() == 0
    assert not await worker.unfinished()
    await put_in_force(desk, pack(5))
    assert await worker.unfinished()
    assert await worker.step() == 1
    assert await policy_of(desk, ticket) == mended


async def test_a_ticket_registered_under_the_old_version_afterwards_changes_too(desk: Desk) -> None:
    await put_in_force(desk, pack())
    late = await desk.register(type="inquiry")
    assert await apply_all(desk) == 1
    await desk.tell(desk.dispatched(late))  # dispatch has not heard of it yet and names the old version
    assert (await desk.row(late, "closing")).policy == pack().version


async def test_a_pack_that_begins_later_is_applied_on_its_first_day(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    later = pack(5, effective={"from": "2024-09-29"})
    await put_in_force(desk, later)
    assert await apply_all(desk) == 0
    assert await Applying(desk.service.room).next_due() == at("2024-09-29 00:00")
    desk.set("2024-09-29 00:00")
    assert await apply_all(desk) == 1
    assert (await desk.row(ticket, "closing")).policy == later.version


async def test_what_happened_before_the_pack_applied_is_judged_as_it_was_then(desk: Desk) -> None:
    """Signed in by the old limit, which was still to come; heard of only after the new one had taken effect."""
    ticket = await desk.dispatch(type="inquiry")
    content = pack().dump()
    [rule] = content["limits"]["kinds"]["sign_in"]["rules"]
    rule["allowance"] = {"amount": 1, "unit": "clock_hours"}
    desk.set("2024-09-27 18:00")
    signed = desk.signed_in(ticket, "2024-09-27 17:30")
    await put_in_force(desk, parse_pack(content))
    await apply_all(desk)
    assert (await desk.row(ticket, "sign_in")).due_at == at("2024-09-27 17:00")
    await desk.tell(signed)
    row = await desk.row(ticket, "sign_in")
    assert (row.verdict, row.policy) == ("met", PACK.version)


async def test_to_whom_a_unit_passed_a_ticket_is_known_until_the_round_ends(desk: Desk) -> None:
    ticket = await desk.dispatch()
    unit = "shuangyashan.zhujianju"
    await desk.tell(desk.fact(SubAssigned, ticket, assignment=ticket, unit=unit, to_account="li"))
    async with desk.service.room.database.engine.connect() as connection:
        docket = await load_docket(connection, ticket)
    assert docket is not None
    assert docket.officers == {unit: "li"}


def version(name: str, begins: str, activated: int, *, applies: bool, ends: str | None = None) -> Version:
    last = date.fromisoformat(ends) if ends else None
    activated_at = datetime(2025, 1, 1, activated, tzinfo=UTC)
    return Version(name, "x", date.fromisoformat(begins), last, activated_at, applies)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        # a then b: b applies
        ([("a", "2025-01-01", 1, False, None), ("b", "2025-02-01", 2, True, None)], {"a": "b"}),
        # c came after b and leaves open tickets alone: what is still under a goes to b, what is under b stays
        (
            [
                ("a", "2025-01-01", 1, False, None),
                ("b", "2025-02-01", 2, True, None),
                ("c", "2025-03-01", 3, False, None),
            ],
            {"a": "b"},
        ),
        # b has not begun
        ([("a", "2025-01-01", 1, False, None), ("b", "2025-12-01", 2, True, None)], {}),
        # b is over
        ([("a", "2025-01-01", 1, False, None), ("b", "2025-02-01", 2, True, "2025-03-31")], {}),
        # a was put in force again after b, of the same first day
        ([("a", "2025-01-01", 3, False, None), ("b", "2025-01-01", 2, True, None)], {}),
    ],
)
def test_which_version_follows_which(versions: list[Any], expected: dict[str, str]) -> None:
    given = [version(name, begins, when, applies=applies, ends=ends) for name, begins, when, applies, ends in versions]
    assert successors(given, date(2025, 6, 1)) == expected
