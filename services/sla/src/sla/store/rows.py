"""Deadlines as rows: found, locked, written; and what became of them, announced in the same transaction."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.events.vocabulary import Anchor
from common.messaging.room import Transaction
from sla.announcements import announcement
from sla.counting import Counting
from sla.deadlines import Deadline
from sla.docket import Docket
from sla.verdicts import Step

from .tables import DEADLINE


async def add_deadlines(connection: AsyncConnection, deadlines: Iterable[Deadline]) -> None:
    """Enter new deadlines; one whose identity stands already is a fault of the caller."""
    await connection.execute(insert(DEADLINE), [_fixed(one) | _changing(one) for one in deadlines])


async def deadlines_of(connection: AsyncConnection, ticket: UUID) -> list[Deadline]:
    """All deadlines of a ticket, by round and due time."""
    query = select(DEADLINE).where(DEADLINE.c.ticket == ticket)
    rows = await connection.execute(query.order_by(DEADLINE.c.round, DEADLINE.c.due_at, DEADLINE.c.kind))
    return [_deadline(row) for row in rows.mappings()]


async def deadlines_by_ticket(connection: AsyncConnection, tickets: Collection[UUID]) -> dict[UUID, list[Deadline]]:
    """The deadlines of these tickets, by ticket."""
    found: dict[UUID, list[Deadline]] = {}
    for row in (await connection.execute(select(DEADLINE).where(DEADLINE.c.ticket.in_(tickets)))).mappings():
        found.setdefault(row["ticket"], []).append(_deadline(row))
    return found


async def locked_deadlines(connection: AsyncConnection, ticket: UUID) -> list[Deadline]:
    """All deadlines of the ticket, locked, those due first first; the docket was locked before."""
    query = select(DEADLINE).where(DEADLINE.c.ticket == ticket).order_by(DEADLINE.c.due_at, DEADLINE.c.id)
    return [_deadline(row) for row in (await connection.execute(query.with_for_update())).mappings()]


async def lock_deadlines(connection: AsyncConnection, ids: Collection[UUID]) -> list[Deadline]:
    """Those deadlines as they stand now, locked; one that somebody else works on is left to him."""
    query = select(DEADLINE).where(DEADLINE.c.id.in_(ids)).order_by(DEADLINE.c.id)
    rows = await connection.execute(query.with_for_update(skip_locked=True))
    return [_deadline(row) for row in rows.mappings()]


async def write(connection: AsyncConnection, deadlines: Iterable[Deadline]) -> None:
    """Write down what has changed of them; the rows are locked."""
    values = [{"row_id": one.id} | _changing(one) for one in deadlines]
    if values:
        await connection.execute(_WRITE, values)


async def record(tx: Transaction, docket: Docket, steps: Sequence[Step]) -> None:
    """Write what became of a ticket's deadlines, and announce it."""
    await write(tx.connection, (step.deadline for step in steps))
    for step in steps:
        for told in step.told:
            tx.announce(announcement(docket, step.deadline, told, tx.now), docket.subject)


def _fixed(one: Deadline) -> dict[str, Any]:
    return {
        "id": one.id,
        "subject": one.subject,
        "ticket": one.ticket,
        "kind": one.kind,
        "unit": one.unit,
        "round": one.round,
        "case_id": one.case,
        "is_window": one.window,
        "partition": one.partition,
    }


def _changing(one: Deadline) -> dict[str, Any]:
    return {
        "anchor_event": one.anchor.event,
        "anchor_type": one.anchor.type,
        "anchor_at": one.anchor.at,
        "allowance": one.counting.dump(),
        "basis": [basis.model_dump(mode="json") for basis in one.basis],
        "warn_at": one.warn_at,
        "due_at": one.due_at,
        "original_due_at": one.original_due_at,
        "next_at": one.next_at,
        "state": one.state,
        "verdict": one.verdict,
        "fact_at": one.fact_at,
        "fact_event": one.fact_event,
        "filed_at": one.filed_at,
        "warned_at": one.warned_at,
        "breached_at": one.breached_at,
        "generation": one.generation,
        "policy": one.policy,
        "calendar": one.calendar,
        "provisional": one.provisional,
    }


_CHANGING = (
    "anchor_event", "anchor_type", "anchor_at", "allowance", "basis", "warn_at", "due_at", "original_due_at", "next_at",
    "state", "verdict", "fact_at", "fact_event", "filed_at", "warned_at", "breached_at", "generation", "policy",
    "calendar", "provisional",
)  # fmt: skip
_WRITE = (
    update(DEADLINE).where(DEADLINE.c.id == bindparam("row_id")).values({name: bindparam(name) for name in _CHANGING})
)


_PLAIN = (
    "warn_at", "due_at", "original_due_at", "state", "verdict", "fact_at", "fact_event", "filed_at", "warned_at",
    "breached_at", "generation", "calendar", "provisional",
)  # fmt: skip


def _deadline(row: RowMapping) -> Deadline:
    return Deadline(
        id=row["id"],
        subject=row["subject"],
        ticket=row["ticket"],
        kind=row["kind"],
        unit=row["unit"],
        round=row["round"],
        case=row["case_id"],
        window=row["is_window"],
        anchor=Anchor(event=row["anchor_event"], at=row["anchor_at"], type=row["anchor_type"]),
        counting=Counting.parse(row["allowance"]),
        policy=row["policy"],
        basis=tuple(Basis.model_validate(each) for each in row["basis"]),
        partition=row["partition"],
        **{name: row[name] for name in _PLAIN},
    )
