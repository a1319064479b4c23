"""What is counted, filled from events: a row a ticket, a row a deadline, a row whatever may happen several times."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from sqlalchemy import case, exists, or_, update
from sqlalchemy.dialects.postgresql import insert

from common.events import dispatch, intake, review, sla
from common.events.envelope import Event, TicketFact, WiderFact, ticket_of_subject
from common.messaging.room import Transaction
from common.messaging.runner import Handler
from reporting.store import deadline, occurrence, ticket

_STATUS = {
    "Dispatched": "dispatched",
    "Reissued": "dispatched",
    "SignedIn": "signed_in",
    "ClosingReported": "closing_filed",
    "ClosingSentBack": "signed_in",
    "Closed": "closed",
    "Archived": "archived",
    "HandlingStopped": "stopped",
}
"""Event of dispatch → the status that it leaves behind."""

_STATE: dict[str, dict[str, Any]] = {
    "DeadlineApproaching": {"state": "approaching"},
    "DeadlineBreached": {"state": "breached"},
    "BreachWithdrawn": {"state": case((deadline.c.state == "breached", "armed"), else_=deadline.c.state)},
    "DeadlineMet": {"state": "closed", "verdict": "met"},
    "DeadlineMissed": {"state": "closed", "verdict": "missed"},
    "DeadlineResumed": {"state": "armed", "verdict": None},
}
"""Event of sla → what it says of the row. A clock that stops or runs again has no verdict, or none any more."""


async def registered(tx: Transaction, event: Event) -> None:
    """A ticket came, with one of the four outcomes of registration."""
    data = event.data
    assert isinstance(
        data, intake.TicketCreated | intake.TicketAnswered | intake.TicketDeclined | intake.TicketTransferred
    )
    outcome = {"TicketCreated": "work_order", "TicketAnswered": "answered", "TicketDeclined": "declined"}.get(
        event.type, "transferred"
    )
    row: dict[str, Any] = {
        "number": data.number,
        "jurisdiction": data.jurisdiction,
        "type": data.type,
        "outcome": outcome,
        "received_at": data.received_at or data.occurred_at,
        "policy": data.policy,
    }
    if isinstance(data, intake.TicketCreated):
        row["marks"] = list(data.marks)
    status = "awaiting_dispatch" if outcome == "work_order" else "archived"
    # A fact of dispatch may have been counted first: what it said of the status stands.
    await tx.connection.execute(
        insert(ticket)
        .values(ticket=data.ticket, status=status, round=0, **row)
        .on_conflict_do_update(index_elements=["ticket"], set_=row)
    )


async def amended(tx: Transaction, event: Event) -> None:
    """The ticket says something else from now on, or stands under another version of its pack."""
    data = event.data
    assert isinstance(data, intake.TicketAmended | sla.PolicyApplied)
    change: dict[str, Any] = (
        {"policy": data.to_policy}
        if isinstance(data, sla.PolicyApplied)
        else {"type": data.type, "marks": list(data.marks)}
    )
    await tx.connection.execute(update(ticket).where(ticket.c.ticket == data.ticket).values(**change))


async def answered(tx: Transaction, event: Event) -> None:
    """The requester was asked; of several callbacks the last one that was answered counts."""
    data = event.data
    assert isinstance(data, intake.CallbackRecorded)
    said = {"responded": data.responded, "resolved": data.resolved, "satisfaction": data.satisfaction}
    if data.outcome != "reached" or all(answer is None for answer in said.values()):
        return
    latest = or_(ticket.c.answered_at.is_(None), ticket.c.answered_at <= data.occurred_at)
    await tx.connection.execute(
        update(ticket).where(ticket.c.ticket == data.ticket, latest).values(**said, answered_at=data.occurred_at)
    )


async def succeeded(tx: Transaction, event: Event) -> None:
    """The successor of a unit has the ticket."""
    data = event.data
    assert isinstance(data, dispatch.UnitSucceeded)
    passed = update(ticket).where(ticket.c.ticket == data.ticket, ticket.c.unit == data.unit)
    await tx.connection.execute(passed.values(unit=data.successor))


async def occurred(tx: Transaction, event: Event) -> None:
    """Something that may happen more than once in a ticket's life, or that is about something wider."""
    data = event.data
    assert isinstance(data, TicketFact | WiderFact)
    row = {
        "event": event.id,
        "jurisdiction": data.jurisdiction,
        "ticket": data.ticket,
        "unit": getattr(data, "unit", None),
        "matter": getattr(data, "case", None),
        "at": data.occurred_at,
    }
    names = [{**row, "name": name} for name in _names(data)]
    await tx.connection.execute(insert(occurrence).on_conflict_do_nothing(), names)


def _names(data: TicketFact | WiderFact) -> tuple[str, ...]:
    """What it is counted as."""
    name = OCCURRENCES[type(data).__name__]
    match data:
        case review.SupervisionIssued(form=form):
            return (f"supervision_{form}",)
        case review.NoticeIssued(kind="prompt" | "talk" as kind):
            return (f"{kind}_issued",)
        case review.ConsultationConcluded(outcome="unresolved"):
            return ("consultation_unresolved",)
        case review.ReturnRuling(late=True):
            return (name, "return_late")
        case _:
            return (name,)


OCCURRENCES = {
    "Returned": "returned",
    "ReturnApproved": "return_approved",
    "ReturnDenied": "return_denied",
    "ExtensionRequested": "extension_requested",
    "ExtensionGranted": "extension_granted",
    "ExtensionDenied": "extension_denied",
    "ConsultationConvened": "consultation_convened",
    "ConsultationConcluded": "consultation_concluded",
    "Escalated": "escalated",
    "EscalationDecided": "escalation_decided",
    "SupervisionIssued": "supervision_special",
    "SupervisionReplied": "supervision_replied",
    "TicketUrged": "urged",
    "NoticeIssued": "notice_issued",
    "ReferralPrepared": "referral_prepared",
    "ReferralSent": "referral_sent",
}
"""Event → what it is counted as, where its content says nothing more exact."""


async def moved_on(tx: Transaction, event: Event) -> None:
    """Dispatch moved the ticket to another status, unit or round. A co-handler's sign-in moves nothing."""
    data = event.data
    assert isinstance(data, TicketFact)
    if isinstance(data, dispatch.SignedIn) and data.part == "co_handler":
        return
    change: dict[str, Any] = {"round": data.round}
    if isinstance(data, dispatch.RulingApplied):
        change["status"] = data.new_status
        if data.new_status == "awaiting_dispatch":
            change["unit"] = None
    else:
        change["status"] = _STATUS[event.type]
    if isinstance(data, dispatch.Dispatched | dispatch.Reissued):
        change["unit"] = data.unit
    await tx.connection.execute(update(ticket).where(ticket.c.ticket == data.ticket).values(**change))


async def returned(tx: Transaction, event: Event) -> None:
    """A unit asked to give the ticket back."""
    data = event.data
    assert isinstance(data, review.Returned)
    await tx.connection.execute(
        update(ticket).where(ticket.c.ticket == data.ticket).values(returns=ticket.c.returns + 1)
    )
    await occurred(tx, event)


async def return_decided(tx: Transaction, event: Event) -> None:
    """A return that was filed late makes the ticket one handled late, whatever was decided (双鸭山 第十八条)."""
    data = event.data
    assert isinstance(data, review.ReturnRuling)
    await occurred(tx, event)
    if data.late:
        await _overdue(tx, data.ticket)


async def _overdue(tx: Transaction, of: UUID) -> None:
    """Whether it was returned late or closed late, as things stand: a verdict may be given anew."""
    late = exists().where(occurrence.c.ticket == of, occurrence.c.name == "return_late")
    missed = exists().where(deadline.c.ticket == of, deadline.c.kind == "closing", deadline.c.verdict == "missed")
    await tx.connection.execute(update(ticket).where(ticket.c.ticket == of).values(overdue=or_(late, missed)))


def _identity(subject: str, row: sla.DeadlineRow | sla.OneDeadline, number: int) -> str:
    return f"{subject} {row.kind} {row.unit or '-'} {number} {row.case or '-'}"


async def deadlines_set(tx: Transaction, event: Event) -> None:
    """sla set deadlines."""
    data = event.data
    assert isinstance(data, sla.DeadlineSet)
    rows = [
        {
            "identity": _identity(event.subject, row, row.round),
            "ticket": ticket_of_subject(event.subject),
            "jurisdiction": data.jurisdiction,
            "kind": row.kind,
            "unit": row.unit,
            "round": row.round,
            "window": row.window,
            "due_at": row.due_at,
            "state": "armed",
        }
        for row in data.deadlines
    ]
    if rows:
        await tx.connection.execute(insert(deadline).on_conflict_do_nothing(), rows)


async def deadline_moved(tx: Transaction, event: Event) -> None:
    """A deadline has a new instant. Its lamps go on as they are, but for a yellow one whose instant is ahead again;
    a red one that goes off is told apart (``BreachWithdrawn``)."""
    data = event.data
    assert isinstance(data, sla.DeadlineMoved)
    ahead = data.warn_at is not None and data.warn_at > data.occurred_at
    unlit = case((deadline.c.state == "approaching", "armed"), else_=deadline.c.state)
    await tx.connection.execute(
        update(deadline)
        .where(deadline.c.identity == _identity(event.subject, data, data.round))
        .values(due_at=data.due_at, state=unlit if ahead else deadline.c.state)
    )


async def deadline_told(tx: Transaction, event: Event) -> None:
    """sla said what became of a deadline."""
    data = event.data
    assert isinstance(data, sla.OneDeadline)
    change = _STATE.get(event.type)
    if isinstance(data, sla.DeadlineStopped):
        ended = data.reason in ("superseded", "withdrawn", "merged", "handling_stopped")
        change = {"state": "superseded" if ended else "stopped", "verdict": None}
    if change is None:
        return
    await tx.connection.execute(
        update(deadline).where(deadline.c.identity == _identity(event.subject, data, data.round or 0)).values(**change)
    )
    closed = ticket_of_subject(event.subject)
    if data.kind == "closing" and "verdict" in change and closed is not None:
        await _overdue(tx, closed)


def _each(handler: Callable[[Transaction, Event], Coroutine[Any, Any, None]], *types: str) -> dict[str, Handler]:
    return dict.fromkeys(types, handler)


HANDLERS: dict[str, Handler] = {
    **_each(occurred, *OCCURRENCES),
    **_each(amended, "TicketAmended", "PolicyApplied"),
    **_each(answered, "CallbackRecorded"),
    **_each(succeeded, "UnitSucceeded"),
    **_each(registered, "TicketCreated", "TicketAnswered", "TicketDeclined", "TicketTransferred"),
    **_each(moved_on, *_STATUS, "RulingApplied"),
    **_each(returned, "Returned"),
    **_each(return_decided, "ReturnApproved", "ReturnDenied"),
    **_each(deadlines_set, "DeadlineSet"),
    **_each(deadline_moved, "DeadlineMoved"),
    **_each(deadline_told, *_STATE, "DeadlineStopped"),
}
