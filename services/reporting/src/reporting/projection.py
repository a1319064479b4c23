"""What is counted, filled from events: one row a ticket, one row a deadline."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from common.events import dispatch, intake, review, sla
from common.events.envelope import Event, TicketFact, ticket_of_subject
from common.messaging.room import Transaction
from common.messaging.runner import Handler
from reporting.store import deadline, ticket

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

_STATE = {
    "DeadlineApproaching": {"state": "approaching"},
    "DeadlineBreached": {"state": "breached"},
    "BreachWithdrawn": {"state": "armed"},
    "DeadlineMet": {"state": "closed", "verdict": "met"},
    "DeadlineMissed": {"state": "closed", "verdict": "missed"},
    "DeadlineResumed": {"state": "armed"},
}
"""Event of sla → what it says of the row."""


async def registered(tx: Transaction, event: Event) -> None:
    """A ticket came, with one of the four outcomes of registration."""
    data = event.data
    assert isinstance(
        data, intake.TicketCreated | intake.TicketAnswered | intake.TicketDeclined | intake.TicketTransferred
    )
    outcome = {"TicketCreated": "work_order", "TicketAnswered": "answered", "TicketDeclined": "declined"}.get(
        event.type, "transferred"
    )
    row = {
        "number": data.number,
        "jurisdiction": data.jurisdiction,
        "type": data.type,
        "outcome": outcome,
        "received_at": data.received_at or data.occurred_at,
    }
    status = "awaiting_dispatch" if outcome == "work_order" else "archived"
    # A fact of dispatch may have been counted first: what it said of the status stands.
    await tx.connection.execute(
        insert(ticket)
        .values(ticket=data.ticket, status=status, round=0, **row)
        .on_conflict_do_update(index_elements=["ticket"], set_=row)
    )


async def moved_on(tx: Transaction, event: Event) -> None:
    """Dispatch moved the ticket to another status, unit or round."""
    data = event.data
    assert isinstance(data, TicketFact)
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


async def return_decided(tx: Transaction, event: Event) -> None:
    """A return that was filed late makes the ticket one handled late, whatever was decided (双鸭山 第十八条)."""
    data = event.data
    assert isinstance(data, review.ReturnRuling)
    if data.late:
        await _overdue(tx, data.ticket)


async def _overdue(tx: Transaction, of: UUID) -> None:
    await tx.connection.execute(update(ticket).where(ticket.c.ticket == of).values(overdue=True))


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
    """A deadline has a new instant."""
    data = event.data
    assert isinstance(data, sla.DeadlineMoved)
    await tx.connection.execute(
        update(deadline)
        .where(deadline.c.identity == _identity(event.subject, data, data.round))
        .values(due_at=data.due_at, state="armed")
    )


async def deadline_told(tx: Transaction, event: Event) -> None:
    """sla said what became of a deadline."""
    data = event.data
    assert isinstance(data, sla.OneDeadline)
    if isinstance(data, sla.DeadlineMissed) and data.kind == "closing":
        closed = ticket_of_subject(event.subject)
        if closed is not None:
            await _overdue(tx, closed)
    change = _STATE.get(event.type)
    if isinstance(data, sla.DeadlineStopped):
        ended = data.reason in ("superseded", "withdrawn", "merged", "handling_stopped")
        change = {"state": "superseded" if ended else "stopped"}
    if change is None:
        return
    await tx.connection.execute(
        update(deadline).where(deadline.c.identity == _identity(event.subject, data, data.round or 0)).values(**change)
    )


def _each(handler: Callable[[Transaction, Event], Coroutine[Any, Any, None]], *types: str) -> dict[str, Handler]:
    return dict.fromkeys(types, handler)


HANDLERS: dict[str, Handler] = {
    **_each(registered, "TicketCreated", "TicketAnswered", "TicketDeclined", "TicketTransferred"),
    **_each(moved_on, *_STATUS, "RulingApplied"),
    **_each(returned, "Returned"),
    **_each(return_decided, "ReturnApproved", "ReturnDenied"),
    **_each(deadlines_set, "DeadlineSet"),
    **_each(deadline_moved, "DeadlineMoved"),
    **_each(deadline_told, *_STATE, "DeadlineStopped"),
}
