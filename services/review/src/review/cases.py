"""What the cases of all topics have in common: finding one, holding its ticket, and where it ends."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging.room import Transaction
from common.web.problems import not_found
from review import docket as dockets
from review.docket import Docket


class OfTicket(Protocol):
    @property
    def ticket(self) -> UUID: ...


Case = TypeVar("Case", bound=OfTicket)
State = TypeVar("State", bound=str)
Load = Callable[[AsyncConnection, UUID], Awaitable[Case | None]]


async def found(tx: Transaction, load: Load[Case], case: UUID) -> Case:
    """The case, read without a lock: its ticket never changes. 404 for none."""
    known = await load(tx.connection, case)
    if known is None:
        raise not_found()
    return known


async def held(tx: Transaction, load: Load[Case], case: UUID) -> tuple[Docket, Case]:
    """The ticket's docket, its row held, and then the case as it stands."""
    docket = await dockets.load(tx.connection, (await found(tx, load, case)).ticket, lock=True)
    assert docket is not None
    return docket, await found(tx, load, case)


async def unsettled(
    connection: AsyncConnection, cases: Table, ticket: UUID, states: Collection[State], round: int | None = None
) -> State | None:
    """The state of the ticket's case, or of the round's, that is in one of these states, if there is one."""
    query = select(cases.c.state).where(cases.c.ticket == ticket, cases.c.state.in_(states))
    if round is not None:
        query = query.where(cases.c.round == round)
    state: State | None = (await connection.execute(query)).scalar()
    return state


async def answer(
    connection: AsyncConnection, cases: Table, case: UUID, decided: str, state: str, because: str | None
) -> Any | None:
    """Dispatch's answer to a case in the state ``decided``, once: its row; None when it was answered before."""
    answered = update(cases).where(cases.c.id == case, cases.c.state == decided)
    values = answered.values(state=state, overtaken_because=because)
    return (await connection.execute(values.returning(*cases.c))).first()


async def lapse(connection: AsyncConnection, cases: Table, ticket: UUID, state: str) -> None:
    """The ticket's life has ended while a case of it was in this state."""
    open_ones = update(cases).where(cases.c.ticket == ticket, cases.c.state == state)
    await connection.execute(open_ones.values(state="lapsed"))
