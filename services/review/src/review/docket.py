"""What review knows of a ticket: who has it, in which round and status, as dispatch told.

Filled from events alone. Whoever decides about a ticket holds its docket row first: commands and events of one ticket
stand in one queue.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypedDict
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, Integer, Table, Text, Uuid, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant, metadata
from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    Dispatched,
    HandlingStopped,
    Reissued,
    RulingApplied,
    SignedIn,
    SubAssigned,
    UnitSucceeded,
)
from common.events.envelope import Actor, Event, TicketFact, subject_of_ticket
from common.events.intake import TicketAmended, TicketCreated
from common.events.sla import PolicyApplied
from common.events.vocabulary import Designation
from common.messaging.parking import is_parked
from common.messaging.room import Transaction
from common.messaging.tables import add_event_tables
from common.policy.matching import Situation
from common.policy.pack import Pack
from common.runtime.packs import PackShelf
from common.security.access import Principal, require
from common.web.idempotency import idempotency_table
from common.web.problems import Problem, not_found
from review.statuses import ENDED, HELD

METADATA: Final = metadata()
EVENTS: Final = add_event_tables(METADATA)
IDEMPOTENCY: Final = idempotency_table(METADATA)
SHELF: Final = PackShelf(METADATA)

DOCKET: Final = Table(
    "docket",
    METADATA,
    Column("ticket", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("type", Text),
    Column("status", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("redo", Boolean, nullable=False, comment="the round began with Reissued"),
    Column("round_event", Uuid, comment="the event with which the round began"),
    Column("round_ended", Boolean, nullable=False),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text), nullable=False),
    Column("designated", Boolean, nullable=False),
    Column("dispatched_at", Instant),
    Column("category", Text),
    Column("channel", Text),
    Column("marks", ARRAY(Text), nullable=False),
    Column("designation", JSONB(none_as_null=True), comment="what bound the unit, where it is designated"),
    Column(
        "sub_units", ARRAY(Text), nullable=False, comment="units that the holder passed the ticket on to; they may read"
    ),
)


@dataclass(frozen=True, slots=True)
class Docket:
    """One ticket as review knows it. ``unit`` is the lead, None while nobody holds it.

    ``redo``: the round is a 重新办理. ``round_event``: the event that began it, which sla names as the cause of its
    deadlines. ``designation``: what bound the unit, where that was told. ``sub_units``: those inside or below the
    holders that the ticket was passed on to (双鸭山 第九条): they may read, and decide nothing.
    """

    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    type: str | None
    status: str
    round: int
    redo: bool
    round_event: UUID | None
    round_ended: bool
    unit: str | None
    co_handlers: tuple[str, ...]
    designated: bool
    dispatched_at: datetime | None
    category: str | None
    channel: str | None
    marks: tuple[str, ...]
    designation: Designation | None
    sub_units: tuple[str, ...]

    @property
    def holders(self) -> tuple[str, ...]:
        """The units that work on the ticket: the lead and the co-handlers."""
        return ((self.unit,) if self.unit else ()) + self.co_handlers

    @property
    def readers(self) -> tuple[str, ...]:
        """The units that may read what concerns the ticket: those that work on it, and those they passed it on to."""
        return (*self.holders, *self.sub_units)

    @property
    def situation(self) -> Situation:
        """What the pack's rules may look at."""
        return Situation(self.type, self.channel, self.category, None, frozenset(self.marks), max(self.round, 1))

    def lives(self, round: int) -> bool:
        """Whether what a unit filed in that round, and nobody has decided, can still be."""
        return round == self.round and self.status in HELD and not self.round_ended


def _docket(row: Any) -> Docket:
    return _valued(dict(row._mapping))


def _valued(row: dict[str, Any]) -> Docket:
    lists = {name: tuple(row[name]) for name in ("co_handlers", "marks", "sub_units")}
    bound = row["designation"]
    return Docket(**{**row, **lists, "designation": Designation(**bound) if isinstance(bound, dict) else bound})


async def load(connection: AsyncConnection, ticket: UUID, *, lock: bool = False) -> Docket | None:
    """The docket; locked, its row is held until the transaction ends."""
    query = select(DOCKET).where(DOCKET.c.ticket == ticket)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else _docket(row)


async def take(
    tx: Transaction, caller: Principal, action: str, ticket: UUID, own: Iterable[str] | None = None
) -> Docket:
    """Load and lock the docket for a command of ``caller``.

    ``own``: the units whose matter it is, where these are not simply those that hold the ticket. 404 for an absent
    ticket and, the same, for one that is not the caller's; 503 ``ticket_parked`` while events of the ticket wait.
    """
    docket = await load(tx.connection, ticket, lock=True)
    if docket is not None:
        holders = docket.holders if own is None else tuple(own)
        require(action, caller, jurisdiction=docket.jurisdiction, holders=holders)
    if await is_parked(tx.connection, subject_of_ticket(ticket)):
        raise Problem(503, "ticket_parked", "工单暂停处理", "该工单有事件待人工处理，请稍后重试。", retry_after=5)
    if docket is None:
        raise not_found()
    return docket


async def pack_of(connection: AsyncConnection, docket: Docket) -> Pack:
    """The pack the ticket is under; ``Transient`` while it has not come."""
    return await SHELF.version(connection, docket.policy)


BY_RULE: Final = Actor(role="system")


def acting(caller: Principal) -> Actor:
    return Actor(role=caller.role, unit=caller.unit, account=caller.account)


class TicketFields(TypedDict):
    """What every event about a ticket carries."""

    jurisdiction: str
    policy: str
    ticket: UUID
    number: str
    round: int
    occurred_at: datetime
    accepted_at: datetime
    actor: Actor
    basis: tuple[Basis, ...]


def fact(docket: Docket, round: int, at: datetime, actor: Actor, basis: Iterable[Basis] = ()) -> TicketFields:
    """The common fields of a fact of that round which happened, and was accepted, at ``at``."""
    return TicketFields(
        jurisdiction=docket.jurisdiction,
        policy=docket.policy,
        ticket=docket.ticket,
        number=docket.number,
        round=round,
        occurred_at=at,
        accepted_at=at,
        actor=actor,
        basis=tuple(basis),
    )


def _first(data: TicketFact) -> dict[str, Any]:
    """The columns of a ticket of which nothing else is known yet."""
    return {
        "ticket": data.ticket,
        "number": data.number,
        "jurisdiction": data.jurisdiction,
        "policy": data.policy,
        "status": "awaiting_dispatch",
        "round": data.round,
        "redo": False,
        "round_ended": False,
        "co_handlers": [],
        "designated": False,
        "marks": [],
        "sub_units": [],
    }


def told_by(events: Iterable[Event]) -> Docket | None:
    """The docket after these events of one ticket, as ``follow`` leaves its row; None: none of them is of a ticket."""
    docket: Docket | None = None
    for event in events:
        assert isinstance(event.data, TicketFact)
        row: dict[str, Any] = dict.fromkeys(Docket.__dataclass_fields__) | _first(event.data)
        if docket is not None:
            row = {name: getattr(docket, name) for name in row}
        docket = _valued(row | _changes(event))
        docket = _valued({name: getattr(docket, name) for name in row} | _further_changes(docket, event))
    return docket


async def follow(tx: Transaction, event: Event) -> Docket:
    """Bring the docket up to this event of intake, dispatch or sla, and hold its row."""
    data = event.data
    assert isinstance(data, TicketFact)
    changed = _changes(event)
    upsert = (
        insert(DOCKET)
        .values(_first(data) | changed)
        .on_conflict_do_update(index_elements=["ticket"], set_=changed or {"ticket": data.ticket})
        .returning(DOCKET)
    )
    docket = _docket((await tx.connection.execute(upsert)).one())
    further = _further_changes(docket, event)
    if not further:
        return docket
    changing = update(DOCKET).where(DOCKET.c.ticket == data.ticket).values(further).returning(DOCKET)
    return _docket((await tx.connection.execute(changing)).one())


async def designate(connection: AsyncConnection, docket: Docket, designation: Designation) -> Docket:
    """Say better what bound the unit: the topic whose case it was knows its form."""
    stored = designation.model_dump(mode="json")
    changing = update(DOCKET).where(DOCKET.c.ticket == docket.ticket)
    await connection.execute(changing.values(designated=True, designation=stored))
    return replace(docket, designated=True, designation=designation)


def _further_changes(docket: Docket, event: Event) -> dict[str, Any]:
    """What an event changes depending on what the docket says."""
    match event.data:
        case RulingApplied() as applied:
            ending = applied.ended_round == docket.round and not docket.round_ended
            bound = applied.designated is not None and applied.designated == docket.unit
            return ({"round_ended": True} if ending else {}) | (_bound_by(applied) if bound else {})
        case SubAssigned(to_unit=str(below)) if below not in docket.sub_units:
            return {"sub_units": [*docket.sub_units, below]}
        case Dispatched() | Reissued() if docket.sub_units:
            return {"sub_units": []}  # who holds it now passes it on anew
        case UnitSucceeded(unit=unit, successor=successor) if unit in docket.readers:
            passed = {
                name: [successor if one == unit else one for one in getattr(docket, name)]
                for name in ("co_handlers", "sub_units")
            }
            return passed | ({"unit": successor} if docket.unit == unit else {})
        case _:
            return {}


def _bound_by(applied: RulingApplied) -> dict[str, Any]:
    """The designation that a ruling brought to the unit which holds the ticket."""
    by: Literal["consultation", "escalation"] = "escalation" if applied.kind == "escalation" else "consultation"
    designation = Designation(by=by, case=applied.ruling)
    return {"designated": True, "designation": designation.model_dump(mode="json")}


def _changes(event: Event) -> dict[str, Any]:
    """The columns that an event changes."""
    match event.data:
        case TicketCreated() | TicketAmended() as told:
            said = {"type": told.type, "category": told.category, "marks": list(told.marks)}
            return {**said, "channel": told.channel} if isinstance(told, TicketCreated) else said
        case Dispatched() | Reissued() as begun:
            return {
                "status": "dispatched",
                "round": begun.round,
                "redo": isinstance(begun, Reissued),
                "round_event": event.id,
                "round_ended": False,
                "unit": begun.unit,
                "co_handlers": list(begun.co_handlers),
                "designated": begun.designated,
                "designation": None if begun.designation is None else begun.designation.model_dump(mode="json"),
                "dispatched_at": begun.occurred_at,
            }
        case SignedIn(part="lead") | ClosingSentBack():
            return {"status": "signed_in"}  # a co-handler signs for its own part and moves nothing
        case ClosingReported():
            return {"status": "closing_filed"}
        case Closed():
            return {"status": "closed", "round_ended": True}
        case HandlingStopped():
            return {"status": "stopped", "round_ended": True}
        case Archived():
            return {"status": "archived", "round_ended": True}
        case RulingApplied(new_status="awaiting_dispatch"):
            freed: dict[str, Any] = {"unit": None, "co_handlers": [], "sub_units": []}
            return {"status": "awaiting_dispatch", "round_ended": True} | freed
        case RulingApplied(new_status=status):
            return {"status": status} | ({"round_ended": True} if status in ENDED else {})
        case PolicyApplied(to_policy=policy):
            return {"policy": policy}
        case _:
            return {}
