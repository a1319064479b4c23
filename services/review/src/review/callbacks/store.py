"""The callbacks that were recorded, and what was judged of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from review import board
from review.board import Wanted
from review.callbacks.rules import OPEN, Callback, Judgment, State
from review.clauses import stored_basis
from review.docket import DOCKET, METADATA

CALLBACK: Final = Table(
    "callback",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("responded", Boolean),
    Column("resolved", Boolean),
    Column("satisfaction", Text),
    Column("attempt", Integer, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("remark", Text),
    Column("judgement", Text),
    Column("by_rule", Boolean),
    Column("ground", Text),
    Column("note", Text),
    Column("basis", JSONB),
    Column("judged_at", Instant),
    Column("explained", JSONB, comment="when and how the unit explained itself to the requester"),
    Column("stated", JSONB, comment="the unit's statement with its evidence"),
    Column("earlier", JSONB, nullable=False, comment="judgements that asked something of the unit, oldest first"),
)
Index("callback_ticket_idx", CALLBACK.c.ticket, CALLBACK.c.id)
Index("callback_state_idx", CALLBACK.c.state, CALLBACK.c.id)

_CALLBACK: Final = tuple(CALLBACK.c[name] for name in Callback.__dataclass_fields__)


def callback_of(row: Any) -> Callback:
    """The callback in a row that shows more than it."""
    return Callback(**{name: getattr(row, name) for name in Callback.__dataclass_fields__})


async def load(connection: AsyncConnection, callback: UUID) -> Callback | None:
    """One callback, as of now: the caller holds the docket's row."""
    row = (await connection.execute(select(*_CALLBACK).where(CALLBACK.c.id == callback))).first()
    return None if row is None else Callback(**row._mapping)


async def add(connection: AsyncConnection, callback: Callback) -> bool:
    """Keep a recorded callback; False when its id is known already."""
    columns = {name: getattr(callback, name) for name in Callback.__dataclass_fields__} | {"earlier": []}
    added = insert(CALLBACK).values(columns).on_conflict_do_nothing().returning(CALLBACK.c.id)
    return (await connection.execute(added)).first() is not None


async def supersede(connection: AsyncConnection, ticket: UUID, but: UUID) -> None:
    """Earlier attempts that reached nobody are not decided on any more: there is a later one."""
    await connection.execute(
        update(CALLBACK)
        .where(CALLBACK.c.ticket == ticket, CALLBACK.c.id != but, CALLBACK.c.state == "not_reached")
        .values(state="superseded")
    )


async def lapse(connection: AsyncConnection, ticket: UUID, *, round: int | None) -> None:
    """The ticket goes on without the callbacks that nobody judged; ``round``: except those of this round."""
    query = update(CALLBACK).where(CALLBACK.c.ticket == ticket, CALLBACK.c.state.in_(OPEN))
    if round is not None:
        query = query.where(CALLBACK.c.round != round)
    await connection.execute(query.values(state="lapsed"))


async def open_of_round(connection: AsyncConnection, ticket: UUID, round: int) -> list[Callback]:
    """The answered callbacks of a round on which something is still to be decided or to be told by dispatch."""
    query = select(*_CALLBACK).where(
        CALLBACK.c.ticket == ticket,
        CALLBACK.c.round == round,
        CALLBACK.c.outcome == "reached",
        CALLBACK.c.state.in_(("queued", "awaiting_unit", "judged")),
    )
    return [Callback(**row._mapping) for row in await connection.execute(query.order_by(CALLBACK.c.id))]


async def answer(connection: AsyncConnection, callback: UUID, state: State) -> None:
    """Dispatch's answer to a judgement, once."""
    await connection.execute(
        update(CALLBACK).where(CALLBACK.c.id == callback, CALLBACK.c.state == "judged").values(state=state)
    )


async def keep_deed(
    connection: AsyncConnection, callback: UUID, column: Literal["explained", "stated"], told: dict[str, Any]
) -> None:
    """What the unit did after the callback; where that was awaited, a person judges again."""
    await connection.execute(update(CALLBACK).where(CALLBACK.c.id == callback).values({column: told}))
    awaited = update(CALLBACK).where(CALLBACK.c.id == callback, CALLBACK.c.state == "awaiting_unit")
    await connection.execute(awaited.values(state="queued"))


async def keep_judgment(connection: AsyncConnection, callback: Callback, judgment: Judgment, at: datetime) -> Callback:
    """The judgement that stands now; an earlier one, which asked something of the unit, stays on record."""
    await connection.execute(
        update(CALLBACK)
        .where(CALLBACK.c.id == callback.id)
        .values(
            state="judged",
            judgement=judgment.outcome,
            by_rule=judgment.by_rule,
            ground=judgment.ground,
            note=judgment.note,
            basis=stored_basis(judgment.basis),
            judged_at=at,
            earlier=await _earlier(connection, callback),
        )
    )
    return replace(callback, state="judged", judgement=judgment.outcome)


_JUDGEMENT: Final = ("judgement", "by_rule", "ground", "note", "basis", "judged_at")


async def _earlier(connection: AsyncConnection, callback: Callback) -> list[dict[str, Any]]:
    columns = [CALLBACK.c[name] for name in (*_JUDGEMENT, "earlier")]
    row = (await connection.execute(select(*columns).where(CALLBACK.c.id == callback.id))).one()
    if row.judgement is None:
        return list(row.earlier)
    last = {name: getattr(row, name) for name in _JUDGEMENT} | {"judged_at": row.judged_at.isoformat()}
    return [*row.earlier, last]


_VIEW: Final = board.view(CALLBACK, DOCKET.c.unit, DOCKET.c.marks)


async def view(connection: AsyncConnection, callback: UUID) -> Any:
    """One callback with its ticket, for reading; 404 for none."""
    return await board.one(connection, _VIEW, CALLBACK, callback)


async def listed(connection: AsyncConnection, wanted: Wanted, unit: str | None) -> Sequence[Any]:
    """Callbacks with their tickets, in the order in which they were recorded; ``unit``: of the tickets it has now."""
    further = [] if unit is None else [DOCKET.c.unit == unit]
    return await board.listed(connection, _VIEW, CALLBACK, wanted, *further)
