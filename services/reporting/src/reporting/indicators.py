"""Figures, each with its definition, its numerator and its denominator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, RowMapping, and_, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from reporting.store import deadline, ticket

By = Literal["none", "unit", "type"]


@dataclass(frozen=True, slots=True)
class Span:
    """Which tickets are counted: of a jurisdiction, received in [from, to)."""

    jurisdiction: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None

    def holds(self) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = [true()]
        if self.jurisdiction is not None:
            parts.append(ticket.c.jurisdiction == self.jurisdiction)
        if self.received_from is not None:
            parts.append(ticket.c.received_at >= self.received_from)
        if self.received_to is not None:
            parts.append(ticket.c.received_at < self.received_to)
        return and_(*parts)


async def counts(connection: AsyncConnection, span: Span, column: str, by: By = "none") -> Sequence[RowMapping]:
    """Tickets by ``status``, ``outcome`` or ``type``, within each group of ``by``."""
    group = _group(by)
    query = (
        select(group.label("group"), ticket.c[column].label("value"), func.count().label("count"))
        .where(span.holds())
        .group_by("group", "value")
        .order_by("group", "value")
    )
    return (await connection.execute(query)).mappings().all()


async def deadlines(connection: AsyncConnection, span: Span, by: By = "none") -> Sequence[RowMapping]:
    """Duties by kind: judged met, judged missed, open, open and late. Superseded ones and windows are left out."""
    group = deadline.c.unit if by == "unit" else _group(by)
    query = (
        select(
            group.label("group"),
            deadline.c.kind,
            func.count().filter(deadline.c.verdict == "met").label("met"),
            func.count().filter(deadline.c.verdict == "missed").label("missed"),
            func.count().filter(deadline.c.verdict.is_(None), deadline.c.state != "superseded").label("open"),
            func.count().filter(deadline.c.verdict.is_(None), deadline.c.state == "breached").label("open_late"),
        )
        .join(ticket, ticket.c.ticket == deadline.c.ticket)
        .where(span.holds(), deadline.c.window.is_(False))
        .group_by("group", deadline.c.kind)
        .order_by("group", deadline.c.kind)
    )
    return (await connection.execute(query)).mappings().all()


async def returns(connection: AsyncConnection, span: Span) -> int:
    """退单次数: how often units asked to give a ticket of the span back."""
    query = select(func.coalesce(func.sum(ticket.c.returns), 0)).where(span.holds())
    return int((await connection.execute(query)).scalar_one())


async def overdue(connection: AsyncConnection, span: Span) -> int:
    """超期办理件: tickets of the span that were returned late or closed late."""
    query = select(func.count()).select_from(ticket).where(span.holds(), ticket.c.overdue)
    return int((await connection.execute(query)).scalar_one())


def _group(by: By) -> ColumnElement[str]:
    if by == "none":
        return literal("")
    return func.coalesce(ticket.c[by], "")
