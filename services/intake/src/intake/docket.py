"""Intake's copy of a ticket: what it registered, what dispatch has said about it since, and the whole story."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    case,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant, metadata
from common.events.dispatch import (
    Closed,
    Dispatched,
    Reissued,
    RulingApplied,
    RulingOvertaken,
    SignedIn,
    SubAssigned,
    UnitSucceeded,
)
from common.events.envelope import Actor, Event, Fact, subject_of_ticket
from common.events.sla import PolicyApplied
from common.messaging.parking import is_parked
from common.messaging.room import Transaction
from common.messaging.tables import add_event_tables
from common.policy import Pack
from common.runtime.packs import PackShelf
from common.security.access import Principal, require
from common.security.audit import audit_table
from common.security.refusals import NotVisible
from common.web.idempotency import idempotency_table
from common.web.problems import Problem, conflict, stale_round

METADATA = metadata()
EVENTS = add_event_tables(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)
SHELF = PackShelf(METADATA)
AUDIT = audit_table(METADATA)

TICKET = Table(
    "ticket",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("outcome", Text, nullable=False, comment="work_order, answered, declined, transferred"),
    Column("type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("marks", ARRAY(Text), nullable=False),
    Column("statement", Text, comment="masked"),
    Column("address", Text, comment="masked"),
    Column("requester_kind", Text, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    Column("has_contact", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("settled", JSONB, comment="how it was settled at registration; null for a work order"),
    Column("legal_limit", JSONB),
    Column("imposed_limit", JSONB),
    Column("imposed_whole_limit", JSONB),
    Column("external_ref", Text),
    Column("call_id", Text),
    Column("received_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("status", Text, comment="dispatch's word; null: settled at registration"),
    Column("unit", Text),
    Column("co_handlers", ARRAY(Text), nullable=False),
    Column("round", Integer, nullable=False),
    Column("closed_at", Instant, comment="when the standing closing was accepted"),
    Column(
        "sub_units",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="units to which a holder passed it on inside",
    ),
    Column(
        "revision",
        Integer,
        nullable=False,
        server_default=text("1"),
        comment="of its content, as If-Match names it",
    ),
    Column("urged", Integer, nullable=False, server_default=text("0")),
    Column("urged_at", Instant),
    Column("withdrawal", PgUUID, comment="case of the withdrawal that waits for dispatch"),
    Column("withdrawal_at", Instant),
    UniqueConstraint("number", name="ticket_number_key"),
)
Index("ticket_jurisdiction_idx", TICKET.c.jurisdiction, TICKET.c.id)
Index("ticket_unit_idx", TICKET.c.unit, TICKET.c.id)
Index(
    "ticket_co_handlers_idx",
    TICKET.c.co_handlers,
    postgresql_using="gin",
    postgresql_where=text("co_handlers <> '{}'"),
)

Index(
    "ticket_sub_units_idx",
    TICKET.c.sub_units,
    postgresql_using="gin",
    postgresql_where=text("sub_units <> '{}'"),
)

TIMELINE = Table(
    "timeline",
    METADATA,
    Column("ticket", PgUUID, primary_key=True),
    Column("place", BigInteger, Identity(always=True), primary_key=True, comment="order in the log"),
    Column("event_id", PgUUID, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("actor", JSONB, nullable=False),
    Column("round", Integer, nullable=False),
    Column("basis", JSONB, nullable=False),
    Column("data", JSONB, nullable=False),
)


OPEN: Final = ("awaiting_dispatch", "dispatched", "signed_in", "closing_filed", "closed")
"""Statuses of a ticket whose life has not ended."""

BEFORE_CLOSING: Final = ("awaiting_dispatch", "dispatched", "signed_in", "closing_filed")
"""Statuses in which the demand is still to be handled, or being handled."""

OVERDUE: Final = "overdue"
"""The pack's code of the mark 超期办理件."""

EXTENDED: Final = "extended"
"""The pack's code of the mark 延期工单."""


@dataclass(frozen=True, slots=True)
class Docket:
    """What intake's rules read of one ticket."""

    id: UUID
    number: str
    jurisdiction: str
    policy: str
    status: str | None
    unit: str | None
    co_handlers: tuple[str, ...]
    round: int
    has_contact: bool
    anonymous: bool
    confidential: bool
    closed_at: datetime | None
    sub_units: tuple[str, ...]

    @property
    def holders(self) -> tuple[str, ...]:
        """The units that lead or co-handle the ticket, or did so last, and those they passed it on to inside."""
        lead = (self.unit,) if self.unit else ()
        return (*lead, *self.co_handlers, *self.sub_units)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


_DOCKET: Final = tuple(TICKET.c[name] for name in Docket.__dataclass_fields__)


def _docket(row: RowMapping) -> Docket:
    return Docket(**{**row, **{name: tuple(row[name]) for name in ("co_handlers", "sub_units")}})


async def load(connection: AsyncConnection, ticket: UUID, *, lock: bool = False) -> Docket | None:
    """The ticket's docket; with ``lock`` nobody else changes it until the transaction ends."""
    query = select(*_DOCKET).where(TICKET.c.id == ticket)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return None if row is None else _docket(row)


async def load_several(connection: AsyncConnection, tickets: tuple[UUID, ...]) -> dict[UUID, Docket]:
    """The dockets of those tickets that there are."""
    rows = await connection.execute(select(*_DOCKET).where(TICKET.c.id.in_(tickets)))
    return {row["id"]: _docket(row) for row in rows.mappings()}


async def load_for(tx: Transaction, action: str, caller: Principal, ticket: UUID, round: int) -> Docket:
    """The docket for a command of the centre that names the round it saw; nobody else changes it meanwhile."""
    docket = await load(tx.connection, ticket, lock=True)
    if docket is None:
        raise NotVisible(action)
    require(action, caller, jurisdiction=docket.jurisdiction)
    await require_unparked(tx.connection, ticket)
    if round != docket.round:
        raise stale_round(docket.round)
    return docket


def not_in_this_status(docket: Docket, detail: str, basis: Basis) -> Problem:
    """409 for a command of the centre; says which of them are possible now."""
    possible: tuple[str, ...] = ()
    if docket.status in BEFORE_CLOSING:
        possible = ("amend", "supplement", "urge", "withdraw")
    elif docket.status == "closed":
        possible = ("callback", "supplement")
    return conflict("not_allowed", detail, allowed=possible, basis=(basis,))


async def require_unparked(connection: AsyncConnection, ticket: UUID) -> None:
    """Refuse for now what would be decided on a docket that waits for a parked event."""
    if await is_parked(connection, subject_of_ticket(ticket)):
        raise Problem(503, "ticket_parked", "工单事件搁置", "该工单有事件尚未处理，请稍后重试。", retry_after=30)


async def follow(connection: AsyncConnection, ticket: UUID, event: Event) -> None:
    """Keep what the event changes about the ticket's place in its life, if it changes anything."""
    changes = changed_by(event.type, event.data)
    if changes:
        await connection.execute(update(TICKET).where(TICKET.c.id == ticket).values(changes))


async def mark_by_rule(connection: AsyncConnection, ticket: UUID, pack: Pack, mark: str) -> None:
    """Set a mark that no agent can enter or drop, if the pack has such a one; whoever amends must read it first."""
    if mark not in pack.ticket.marks_of_rules:
        return
    marked = func.array_append(TICKET.c.marks, mark, type_=TICKET.c.marks.type)
    unmarked = ~TICKET.c.marks.contains([mark])
    values = {"marks": marked, "revision": TICKET.c.revision + 1}
    await connection.execute(update(TICKET).where(TICKET.c.id == ticket, unmarked).values(values))


_STATUS_AFTER: Final[Mapping[str, str]] = {
    "Dispatched": "dispatched",
    "Reissued": "dispatched",
    "SignedIn": "signed_in",
    "ClosingReported": "closing_filed",
    "ClosingSentBack": "signed_in",
    "Closed": "closed",
    "Archived": "archived",
    "HandlingStopped": "stopped",
}


def changed_by(event_type: str, data: object) -> dict[str, Any]:
    """The docket's columns that this fact changes, with their new values."""
    changes: dict[str, Any] = {}
    if event_type in _STATUS_AFTER:
        changes["status"] = _STATUS_AFTER[event_type]
    match data:
        case SignedIn(part="co_handler"):
            return {}  # for its own part; only the lead's moves the ticket on
        case Dispatched() | Reissued():
            changes |= {"unit": data.unit, "co_handlers": data.co_handlers, "round": data.round, "closed_at": None}
            changes["sub_units"] = ()
        case SubAssigned(to_unit=str()):
            changes["sub_units"] = func.array_append(
                func.array_remove(TICKET.c.sub_units, data.to_unit), data.to_unit, type_=TICKET.c.sub_units.type
            )
        case Closed():
            changes["closed_at"] = data.accepted_at
        case RulingApplied():
            changes["status"] = data.new_status
            if data.new_status == "awaiting_dispatch":
                changes |= {"unit": None, "co_handlers": (), "sub_units": (), "closed_at": None}
            if data.kind == "withdrawal":
                changes |= {"withdrawal": None, "withdrawal_at": None}
        case RulingOvertaken(kind="withdrawal"):
            changes |= {"withdrawal": None, "withdrawal_at": None}
        case UnitSucceeded():
            changes |= _inherited(data.unit, data.successor)
        case PolicyApplied():
            changes["policy"] = data.to_policy
        case _:
            pass
    return changes


def _inherited(unit: str, heir: str) -> dict[str, Any]:
    """The heir in the place of the unit, lead or not; nobody stands twice."""
    lead, changes = TICKET.c.unit, dict[str, Any]()
    for column in (TICKET.c.co_handlers, TICKET.c.sub_units):
        others = func.array_remove(column, heir, type_=column.type)
        renamed = func.array_replace(others, unit, heir, type_=column.type)
        changes[column.name] = case((column.contains([unit]), renamed), else_=column)
    shared = changes["co_handlers"]
    leads = func.array_remove(shared, heir, type_=TICKET.c.co_handlers.type)
    return changes | {
        "unit": case((lead == unit, heir), else_=lead),
        "co_handlers": case((lead.in_((unit, heir)), leads), else_=shared),
    }


def facts_of(docket: Docket, accepted_at: datetime, actor: Actor) -> dict[str, Any]:
    """The fields that every event about a ticket carries; ``occurred_at`` is the instant of acceptance."""
    return {
        "jurisdiction": docket.jurisdiction,
        "policy": docket.policy,
        "ticket": docket.id,
        "number": docket.number,
        "round": docket.round,
        "occurred_at": accepted_at,
        "accepted_at": accepted_at,
        "actor": actor,
    }


def actor_of(caller: Principal) -> Actor:
    return Actor(role=caller.role, unit=caller.unit, account=caller.account)


def add_entry(tx: Transaction, ticket: UUID, event: Event) -> None:
    """Write an event down behind those that were consumed before it."""
    fact = event.data
    assert isinstance(fact, Fact)
    row = {
        "ticket": ticket,
        "event_id": event.id,
        "type": event.type,
        "source": event.source,
        "sequence": event.sequence,
        "occurred_at": fact.occurred_at,
        "accepted_at": fact.accepted_at,
        "actor": fact.actor.model_dump(mode="json"),
        "round": getattr(fact, "round", 0),
        "basis": [each.model_dump(mode="json", exclude_none=True) for each in fact.basis],
        "data": fact.model_dump(mode="json", exclude=set(COMMON_FIELDS), exclude_none=True),
    }
    tx.append(_ADD_ENTRY, row)


_ADD_ENTRY: Final = insert(TIMELINE)
COMMON_FIELDS: Final = frozenset(Fact.model_fields) | {"jurisdiction", "policy", "ticket", "number", "round"}
"""What every event about a ticket carries beside what it says itself."""
