"""What tests of extensions share: the limits as sla tells them, asking, ruling."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from tests.review.desk import YINGSHANG, Desk, Ticket
from tests.support.wire import at

from common.events.intake import TicketAmended
from common.events.sla import DeadlineMoved, DeadlineRow, DeadlineSet
from common.events.vocabulary import Anchor, Limit

CLOSING = at("2025-10-24 00:00")
"""十五个工作日, dispatched on 26 September at nine."""
FIFTEEN = Limit(amount=15, unit="working_days")


def row(ticket: Ticket, kind: Any, due: datetime, allowance: Limit | None = None, generation: int = 1) -> DeadlineRow:
    return DeadlineRow(
        kind=kind,
        unit=ticket.unit,
        round=ticket.round,
        anchor=Anchor(event=ticket.cause, at=ticket.desk.clock.now()),
        due_at=due,
        original_due_at=CLOSING,
        window=kind == "extension_window",
        provisional=False,
        calendar="2025",
        generation=generation,
        allowance=allowance,
    )


def limits(ticket: Ticket, due: datetime = CLOSING, allowance: Limit | None = FIFTEEN) -> DeadlineSet:
    """Until when the round is to be closed, and an extension of it asked for."""
    rows = (row(ticket, "closing", due, allowance), row(ticket, "extension_window", due))
    return DeadlineSet(**ticket.fields(), cause=ticket.cause, deadlines=rows)


def moved(ticket: Ticket, kind: Any, due: datetime, generation: int = 2) -> DeadlineMoved:
    new = row(ticket, kind, due, FIFTEEN if kind == "closing" else None, generation)
    return DeadlineMoved(**(ticket.fields() | new.model_dump()), old_due_at=CLOSING, reason="extension")


async def extendable(desk: Desk, *, type: Any = None, allowance: Limit | None = FIFTEEN, **dispatch: Any) -> Ticket:
    """A ticket whose limits are known; ``type``: amended to another one than 投诉."""
    ticket = await desk.ticket(window=False, **dispatch)
    if type is not None:
        told = TicketAmended(
            **ticket.fields(), type=type, category="其他", address="某路", marks=(), legal_limit=None,
            changed=("type",), reason="登记有误",
        )  # fmt: skip
        await desk.wire.deliver(told)
    await desk.wire.deliver(limits(ticket, allowance=allowance))
    return ticket


async def ask(
    desk: Desk, ticket: Ticket, unit: str | None = None, *, key: str | None = None, **body: Any
) -> httpx.Response:
    """A complete request for five working days unless said otherwise; ``None`` leaves a field out."""
    whole = {
        "round": ticket.round,
        "requested": {"amount": 5, "unit": "working_days"},
        "reason": "须等待检测报告",
    } | body
    told = {name: value for name, value in whole.items() if value is not None}
    return await desk.post(f"/tickets/{ticket.id}/extensions", told, "unit", unit or ticket.unit, key=key)


async def asked(desk: Desk, ticket: Ticket, **body: Any) -> dict[str, Any]:
    answer = await ask(desk, ticket, **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def decide(
    desk: Desk, case: str | UUID, decision: str = "grant", *, unit: str = YINGSHANG, **body: Any
) -> httpx.Response:
    told = {"round": 1, "decision": decision} | ({"ground": "not_complex"} if decision == "deny" else {}) | body
    return await desk.post(f"/extensions/{case}/rulings", told, "reviewer", unit)


async def seen(desk: Desk, case: str) -> dict[str, Any]:
    return dict((await desk.get(f"/extensions/{case}")).json())
