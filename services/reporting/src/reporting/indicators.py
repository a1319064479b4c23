"""Figures, each with its definition, its numerator and its denominator."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, RowMapping, and_, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from common.policy.callbacks import Indicator
from reporting.store import deadline, occurrence, ticket

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


ENDED = ("archived", "withdrawn", "merged", "stopped")


async def occurrences(connection: AsyncConnection, span: Span, by: By = "none") -> Sequence[RowMapping]:
    """How often what happened, in the tickets of the span; what is about no one ticket, by when it happened."""
    group = func.coalesce(occurrence.c.unit, "") if by == "unit" else _group(by)
    query = (
        select(group.label("group"), occurrence.c.name.label("value"), func.count().label("count"))
        .select_from(occurrence.outerjoin(ticket, ticket.c.ticket == occurrence.c.ticket))
        .where(or_(and_(occurrence.c.ticket.is_not(None), span.holds()), _wider(span)))
        .group_by("group", "value")
        .order_by("group", "value")
    )
    return (await connection.execute(query)).mappings().all()


def _wider(span: Span) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [occurrence.c.ticket.is_(None)]
    if span.jurisdiction is not None:
        parts.append(occurrence.c.jurisdiction == span.jurisdiction)
    if span.received_from is not None:
        parts.append(occurrence.c.at >= span.received_from)
    if span.received_to is not None:
        parts.append(occurrence.c.at < span.received_to)
    return and_(*parts)


async def consultations_open(connection: AsyncConnection, span: Span) -> int:
    """协调、会商 of tickets of the span that were convened and not concluded, while the ticket lives."""
    concluded = occurrence.alias()
    settled = (
        select(concluded.c.event)
        .where(concluded.c.matter == occurrence.c.matter)
        .where(concluded.c.name.in_(("consultation_concluded", "consultation_unresolved")))
    )
    query = (
        select(func.count())
        .select_from(occurrence.join(ticket, ticket.c.ticket == occurrence.c.ticket))
        .where(occurrence.c.name == "consultation_convened", ~settled.exists(), ticket.c.status.not_in(ENDED))
        .where(span.holds())
    )
    return int((await connection.execute(query)).scalar_one())


async def answers(connection: AsyncConnection, span: Span, by: By = "none") -> list[dict[str, Any]]:
    """What requesters answered, counted by answers, marks and pack; a ticket counts by its last answered callback."""
    columns = [ticket.c[name] for name in ("policy", "marks", *QUESTIONS)]
    query = (
        select(_group(by).label("group"), *columns, func.count().label("count"))
        .where(span.holds(), ticket.c.answered_at.is_not(None))
        .group_by("group", *columns)
        .order_by("group")
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


Scope = Literal["all", "without_marked"]
SCOPES: tuple[Scope, ...] = ("all", "without_marked")
QUESTIONS = ("responded", "resolved", "satisfaction")


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate. ``scope``: of all tickets, or without those whose rate is not to be chased (双鸭山 第二十二条);
    ``ranks``: whether this scope is the one that units are compared by."""

    group: str
    question: str
    scope: Scope
    numerator: int
    denominator: int
    ranks: bool


def rates(counted: Iterable[Mapping[str, Any]], indicator_of: Callable[[str], Indicator | None]) -> list[Rate]:
    """Response, resolution and satisfaction with and without marked tickets. ``counted``: rows as ``answers`` gives.

    Tickets under a pack that names no indicator are not counted.
    """
    sums: dict[tuple[str, str, Scope], list[int]] = {}
    ranking: dict[Scope, bool] = dict.fromkeys(SCOPES, True)
    for row in counted:
        indicator = indicator_of(row["policy"])
        if indicator is None:
            continue
        for scope in SCOPES:
            ranking[scope] = ranking[scope] and indicator.ranks == scope
            if scope == "without_marked" and indicator.set_apart(row["marks"]):
                continue
            for question in QUESTIONS:
                if row[question] is not None:
                    found = sums.setdefault((row["group"], question, scope), [0, 0])
                    found[0] += row["count"] if indicator.good(question, row[question]) else 0
                    found[1] += row["count"]
    return [
        Rate(group, question, scope, numerator, denominator, ranking[scope])
        for (group, question, scope), (numerator, denominator) in sorted(
            sums.items(), key=lambda one: (one[0][0], QUESTIONS.index(one[0][1]), SCOPES.index(one[0][2]))
        )
    ]


def _group(by: By) -> ColumnElement[str]:
    if by == "none":
        return literal("")
    return func.coalesce(ticket.c[by], "")
