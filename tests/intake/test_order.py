"""What the other services tell of a ticket reaches intake in every order that the bus can deliver, some of it twice
(C7): the docket ends the same as if all had come when it happened.
"""

from collections import Counter
from typing import Any, Final
from uuid import UUID

from hypothesis import given
from sqlalchemy import select, text
from tests.intake.centre import LEAD, OTHER, Centre
from tests.support.arrivals import CASES, FEW, Step, Story, deliver, stories
from tests.support.wire import at

from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    Dispatched,
    RulingApplied,
    SignedIn,
    SubAssigned,
    UnitSucceeded,
)
from common.events.review import ExtensionGranted, ReturnApproved, ReturnDenied, Returned, SupervisionIssued
from common.events.sla import BreachWithdrawn, DeadlineBreached
from intake.docket import TICKET, TIMELINE

BEGAN: Final = at("2025-09-26 16:10")
RETURN, EXTENSION, REPORT, SUPERVISION, ASSIGNMENT = CASES
HEIR, BELOW, THIRD = "shuangyashan.xinjuzhu", "shuangyashan.xiashu", "shuangyashan.chengguan"
LATE: Final = {"case": RETURN, "unit": LEAD, "filed_at": BEGAN, "by_rule": False, "late": True}
LAMP: Final = {"kind": "closing", "unit": LEAD, "due_at": BEGAN, "generation": 1}
RETURNED = Step("returned", Returned, {"case": RETURN, "unit": LEAD})
GRANTED = {"kind": "extension", "outcome": "granted", "ruling": EXTENSION, "new_status": "signed_in"}
APPROVED = {
    "kind": "return",
    "outcome": "approved",
    "ruling": RETURN,
    "new_status": "awaiting_dispatch",
    "ended_round": 1,
}
FILED = Step("filed", ClosingReported, {"report": REPORT, "unit": LEAD, "result": "已修复。"})

GROUPS: Final = (
    (Step("signed in", SignedIn, {"unit": LEAD}),),
    (Step("its part signed", SignedIn, {"unit": OTHER, "part": "co_handler"}),),
    (Step("passed on inside", SubAssigned, {"assignment": ASSIGNMENT, "unit": LEAD, "to_unit": BELOW}),),
    (RETURNED, Step("denied", ReturnDenied, LATE, ("returned",))),
    (
        RETURNED,
        Step("approved", ReturnApproved, LATE, ("returned",)),
        Step("taken away", RulingApplied, APPROVED, ("approved",)),
        Step("dispatched anew", Dispatched, {"unit": THIRD, "co_handlers": (LEAD,)}, ("taken away",), round=2),
    ),
    (
        Step(
            "granted",
            ExtensionGranted,
            {"case": EXTENSION, "unit": LEAD, "kind": "ordinary"} | {"filed_at": BEGAN, "by_rule": False},
        ),
        Step("extended", RulingApplied, GRANTED, ("granted",)),
    ),
    (
        FILED,
        Step(
            "closed",
            Closed,
            {"report": REPORT, "unit": LEAD, "filed_at": BEGAN, "decided_by_rule": True},
            ("filed",),
        ),
        Step("archived", Archived, {"how": "callback"}, ("closed",)),
    ),
    (FILED, Step("sent back", ClosingSentBack, {"report": REPORT, "reasons": ("未附照片",)}, ("filed",))),
    (Step("the lead's heir", UnitSucceeded, {"unit": LEAD, "successor": HEIR}),),
    (Step("the co-handler's heir", UnitSucceeded, {"unit": OTHER, "successor": HEIR}),),
    (Step("breached", DeadlineBreached, LAMP), Step("lit no more", BreachWithdrawn, LAMP | {"reason": "extension"})),
    (
        Step(
            "supervised",
            SupervisionIssued,
            {"case": SUPERVISION, "unit": LEAD, "form": "special", "text": "请尽快办理", "reply_due": True},
        ),
    ),
)


async def lived(centre: Centre, story: Story, arrives: tuple[str, ...]) -> dict[str, Any]:
    """The docket of a new ticket after these facts in this order, and how much its story tells."""
    ticket = await centre.register()
    common = centre.facts(ticket, 1)
    await centre.wire.deliver(Dispatched(**common, unit=LEAD, co_handlers=(OTHER,)))
    await deliver(centre.wire, story, arrives, common, BEGAN)
    async with centre.service.room.database.engine.connect() as connection:
        docket = (await connection.execute(select(*COMPARED).where(TICKET.c.id == UUID(ticket["id"])))).one()
        told = await connection.execute(select(TIMELINE.c.type).where(TIMELINE.c.ticket == UUID(ticket["id"])))
        return {**docket._mapping, "marks": {*docket.marks}, "told": Counter(told.scalars())}


COMPARED: Final = [
    TICKET.c[name]
    for name in ("status", "unit", "co_handlers", "sub_units", "round", "closed_at", "marks", "policy", "revision")
]


@FEW
@given(story=stories(GROUPS))
async def test_the_order_of_arrival_changes_nothing(centre: Centre, story: Story) -> None:
    assert await lived(centre, story, story.arrives) == await lived(centre, story, story.in_time)
    async with centre.service.room.database.engine.connect() as connection:
        assert (await connection.execute(text("select reason from parked"))).all() == []


async def test_the_heir_of_a_co_handler_does_not_lead(centre: Centre) -> None:
    by_name = {step.name: step for group in GROUPS for step in group}
    heirs = (by_name["the co-handler's heir"], by_name["passed on inside"], by_name["the lead's heir"])
    found = []
    for count in (1, 2, 3):
        story = Story(heirs[:count], tuple(step.name for step in heirs[:count]), 1)
        docket = await lived(centre, story, story.in_time)
        found.append((docket["unit"], docket["co_handlers"], docket["sub_units"]))
    assert found == [
        (LEAD, [HEIR], []),
        (LEAD, [HEIR], [BELOW]),
        (HEIR, [], [BELOW]),
    ], "and nobody stands twice"
