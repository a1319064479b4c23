"""What units file about their own round, a return or an extension: who may, and how it ends without a decision."""

from typing import Final
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.dispatch import Archived, Closed, Dispatched, HandlingStopped, Reissued, RulingApplied
from common.events.envelope import Event, Payload
from common.messaging.room import Transaction
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.problems import Problem
from review import docket as dockets
from review.docket import Docket, take

TOO_LATE: Final = "到达派单环节时已不能生效。"
_ENDINGS: Final[dict[type[Payload], str]] = {
    Closed: "工单已办结，本轮办理终结。",
    Archived: "工单已归档。",
    HandlingStopped: "工单已停止办理。",
    Dispatched: "工单已另行派单，本轮办理终结。",
    Reissued: "工单已重新交办，本轮办理终结。",
    RulingApplied: "其他决定已生效，本轮办理终结。",
}


async def may_file(tx: Transaction, caller: Principal, action: str, ticket: UUID, filed: Table) -> None:
    """Before the command and before its stored answer is told again.

    A unit that filed may ask again after the answer although the ticket has left it meanwhile.
    """
    docket = await dockets.load(tx.connection, ticket, lock=True)
    own = () if docket is None else (*docket.holders, *await _filers(tx.connection, filed, ticket))
    await take(tx, caller, action, ticket, own)


async def _filers(connection: AsyncConnection, filed: Table, ticket: UUID) -> tuple[str, ...]:
    """The units that ever filed one of the ticket."""
    query = select(filed.c.unit).where(filed.c.ticket == ticket).distinct()
    return tuple((await connection.execute(query)).scalars())


def lead_of(docket: Docket, pack: Pack, caller: Principal, refusal: str) -> str:
    """The unit that files: the ticket's lead; 403 for a person of another unit that works on it."""
    assert docket.unit is not None, "a ticket in a unit's hands has a unit"
    if caller.role == "unit" and caller.unit != docket.unit:
        raise Problem(403, "not_the_lead", "非主办单位", refusal, basis=pack.dispatching.basis_of_lead())
    return docket.unit


def ending(event: Event) -> str | None:
    """What is said of a filing that this fact leaves without a round; None: such a fact ends none."""
    return _ENDINGS.get(type(event.data))


async def set_state(connection: AsyncConnection, filed: Table, case: UUID, state: str, because: str | None) -> None:
    """``because``: why it lapsed."""
    changed = {"state": state} | ({"lapsed_because": because} if because else {})
    await connection.execute(update(filed).where(filed.c.id == case).values(changed))
