"""What the services tell reaches reporting in every order that the bus can deliver, some of it twice (C7): what is
counted of a ticket ends the same as if all had come when it happened.
"""

from typing import Any, Final
from uuid import uuid4

from hypothesis import given
from sqlalchemy import select, text
from tests.reporting.test_counts import UNIT, created, deadline_set, dispatched, fact, verdict
from tests.support.arrivals import CASES, FEW, Step, Story, deliver, stories
from tests.support.wire import Wire, at

from common.events import dispatch, intake, review, sla
from common.events.envelope import Payload
from common.events.vocabulary import Anchor
from common.runtime.service import Service
from reporting.store import deadline, occurrence, ticket

BEGAN: Final = at("2025-03-03 11:00")
DUE: Final = at("2025-03-05 00:00")
RETURN, EXTENSION, REPORT, SUPERVISION, CONSULTATION = CASES
OTHER, HEIR = "shuangyashan.chengguan", "shuangyashan.xinjuzhu"


def amended(name: str, type_: str, *marks: str) -> Step:
    said = {"type": type_, "category": "城市管理", "address": "某路", "marks": marks, "changed": ("type", "marks")}
    return Step(name, intake.TicketAmended, said | {"legal_limit": None, "reason": "核实后更正"})


def asked(name: str, satisfaction: str, attempt: int) -> Step:
    said = {"outcome": "reached", "responded": True, "resolved": True, "satisfaction": satisfaction}
    return Step(name, intake.CallbackRecorded, said | {"callback": uuid4(), "attempt": attempt})


def lamp(name: str, type_: type[Payload], *after: str, **more: Any) -> Step:
    said = {"kind": "closing", "unit": UNIT, "due_at": DUE, "generation": 1}
    return Step(name, type_, said | more, after)


def applied(name: str, kind: str, *after: str, status: str = "signed_in", **more: Any) -> Step:
    said = {"kind": kind, "outcome": "granted", "ruling": RETURN, "new_status": status}
    return Step(name, dispatch.RulingApplied, said | more, after)


MOVED: Final = {
    "anchor": Anchor(event=uuid4(), at=BEGAN),
    "original_due_at": DUE,
    "old_due_at": DUE,
    "due_at": at("2025-03-10 00:00"),
    "window": False,
    "provisional": False,
    "calendar": "2025",
    "generation": 2,
}
RULED: Final = {"case": RETURN, "unit": UNIT, "filed_at": BEGAN, "by_rule": False, "late": True}
ABOUT_REPORT: Final = {"report": REPORT, "unit": UNIT}
SUPERVISED: Final = {"case": SUPERVISION, "unit": UNIT, "text": "将到期"}
RETURNED = Step("returned", review.Returned, {"case": RETURN, "unit": UNIT})
FILED = Step("filed", dispatch.ClosingReported, ABOUT_REPORT | {"result": "已修复。"})
BREACHED = lamp("breached", sla.DeadlineBreached)

GROUPS: Final = (
    (amended("amended", "help", "special"), amended("amended again", "inquiry")),
    (asked("dissatisfied", "dissatisfied", 1), asked("satisfied", "satisfied", 2)),
    (Step("urged", intake.TicketUrged, {"times": 1}),),
    (Step("signed in", dispatch.SignedIn, {"unit": UNIT}),),
    (Step("its part signed", dispatch.SignedIn, {"unit": OTHER, "part": "co_handler"}),),
    (Step("its heir", dispatch.UnitSucceeded, {"unit": UNIT, "successor": HEIR}),),
    (RETURNED, Step("denied", review.ReturnDenied, RULED, ("returned",))),
    (
        RETURNED,
        Step("approved", review.ReturnApproved, RULED, ("returned",)),
        applied("taken away", "return", "approved", status="awaiting_dispatch", ended_round=1),
        lamp("over", sla.DeadlineStopped, "taken away", reason="superseded"),
        Step("dispatched anew", dispatch.Dispatched, {"unit": OTHER}, ("taken away",), round=2),
    ),
    (
        FILED,
        lamp("lamp off", sla.DeadlineStopped, "filed", reason="closing_filed"),
        Step("closed", dispatch.Closed, ABOUT_REPORT | {"filed_at": BEGAN, "decided_by_rule": True}, ("filed",)),
        lamp("missed", sla.DeadlineMissed, "closed", "lamp off"),
    ),
    (
        FILED,
        Step("sent back", dispatch.ClosingSentBack, {"report": REPORT, "reasons": ("未附照片",)}, ("filed",)),
        lamp("lit again", sla.DeadlineResumed, "sent back", reason="closing_sent_back"),
    ),
    (
        BREACHED,
        lamp("lit no more", sla.BreachWithdrawn, "breached", reason="fact_in_time"),
        lamp("met", sla.DeadlineMet, "lit no more"),
    ),
    (
        BREACHED,
        Step("granted", review.ExtensionGranted, RULED | {"case": EXTENSION, "kind": "ordinary", "late": None}),
        applied("extended", "extension", "granted"),
        lamp("moved", sla.DeadlineMoved, "extended", "breached", reason="extension", **MOVED),
        lamp("withdrawn", sla.BreachWithdrawn, "moved", reason="extension"),
    ),
    (
        lamp("approaching", sla.DeadlineApproaching),
        Step(
            "supervised", review.SupervisionIssued, SUPERVISED | {"form": "phone", "reply_due": True}, ("approaching",)
        ),
        Step("replied", review.SupervisionReplied, SUPERVISED, ("supervised",)),
    ),
    (
        Step(
            "convened",
            review.ConsultationConvened,
            {"case": CONSULTATION, "form": "coordination", "participants": (UNIT, OTHER), "subject": "谁管"},
        ),
        Step(
            "unresolved",
            review.ConsultationConcluded,
            {"case": CONSULTATION, "form": "coordination", "outcome": "unresolved"},
            ("convened",),
        ),
    ),
)


async def lived(service: Service, wire: Wire, story: Story, arrives: tuple[str, ...]) -> dict[str, list[Any]]:
    """The rows of a new ticket after these facts in this order, without what tells it from another."""
    new = uuid4()
    await wire.deliver(created(new), dispatched(new), deadline_set(new, "sign_in", "closing", "extension_window"))
    await deliver(wire, story, arrives, fact(new, 1, "2025-03-03 10:05"), BEGAN)
    found: dict[str, list[Any]] = {}
    async with service.room.database.engine.connect() as connection:
        for table in (ticket, deadline, occurrence):
            columns = [column for column in table.c if column.name not in ("ticket", "event", "identity")]
            rows = await connection.execute(select(*columns).where(table.c.ticket == new))
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


@FEW
@given(story=stories(GROUPS))
async def test_the_order_of_arrival_changes_nothing(service: Service, wire: Wire, story: Story) -> None:
    assert await lived(service, wire, story, story.arrives) == await lived(service, wire, story, story.in_time)
    async with service.room.database.engine.connect() as connection:
        assert (await connection.execute(text("select reason from parked"))).all() == []


async def test_a_verdict_that_is_taken_back_is_not_counted(service: Service, wire: Wire) -> None:
    told: tuple[tuple[type[sla.OneDeadline], dict[str, Any]], ...] = (
        (sla.DeadlineMissed, {}),
        (sla.DeadlineStopped, {"reason": "superseded"}),
        (sla.DeadlineMissed, {}),
        (sla.DeadlineMet, {}),
        (sla.DeadlineResumed, {"reason": "clock_resumed"}),
        (sla.DeadlineBreached, {}),
        (sla.DeadlineStopped, {"reason": "closing_filed"}),
        (sla.BreachWithdrawn, {"reason": "extension"}),
    )
    new, seen = uuid4(), []
    await wire.deliver(created(new), dispatched(new), deadline_set(new, "closing"))
    for model, more in told:
        await wire.deliver(verdict(model, new, "closing", **more))
        async with service.room.database.engine.connect() as connection:
            query = select(deadline.c.state, deadline.c.verdict, ticket.c.overdue).where(deadline.c.ticket == new)
            row = (await connection.execute(query.join(ticket, ticket.c.ticket == deadline.c.ticket))).one()
            seen.append(tuple(row))
    assert seen == [
        ("closed", "missed", True),
        ("superseded", None, False),
        ("closed", "missed", True),
        ("closed", "met", False),
        ("armed", None, False),
        ("breached", None, False),
        ("stopped", None, False),
        ("stopped", None, False),
    ]
