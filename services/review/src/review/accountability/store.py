"""The facts that say something about accountability, what was found in them, and what people decided of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from common.database import Instant
from common.messaging.room import Transaction
from review import board
from review.accountability.rules import Fact, Follows, State
from review.board import Wanted
from review.docket import DOCKET, METADATA, SHELF

FACT: Final = Table(
    "accountability_fact",
    METADATA,
    Column("event", Uuid, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ticket", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("duty", Text),
    Column("due_at", Instant),
    Column("done_at", Instant),
    Column("case", Uuid),
    Column("ground", Text),
    Column("because_designated", Boolean, nullable=False),
    Column("good", Boolean),
)
Index("accountability_fact_ticket_idx", FACT.c.ticket, FACT.c.unit)
Index("accountability_fact_asked_idx", FACT.c.unit, FACT.c.at, postgresql_where=text("kind = 'asked'"))

FINDING: Final = Table(
    "finding",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("follows", Text, nullable=False, comment="notice or referral"),
    Column("state", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("concerned", Text, nullable=False, comment="the unit, or the account of the centre's own staff"),
    Column("about", Text, nullable=False, comment="ticket/…, month/… or case/…: one is open at a time"),
    Column("unit", Text),
    Column("ticket", Uuid),
    Column("round", Integer, nullable=False),
    Column("month", Date, comment="the last month of the row"),
    Column("months", JSONB, nullable=False, comment="each month of the row with its figures"),
    Column("by_rule", Boolean, nullable=False),
    Column("said", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("basis", JSONB, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("proposed_by", Text),
    Column("text", Text),
    Column("addressee", Text),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("kind", Text, comment="of a notice, once somebody chose it"),
)
Index(
    "finding_open_key",
    FINDING.c.ground,
    FINDING.c.concerned,
    FINDING.c.about,
    unique=True,
    postgresql_where=text("state = 'open'"),
)
Index("finding_follows_idx", FINDING.c.follows, FINDING.c.id)
Index("finding_ticket_idx", FINDING.c.ticket, FINDING.c.concerned)
Index("finding_month_idx", FINDING.c.concerned, FINDING.c.ground, postgresql_where=text("month is not null"))

MONTH: Final = Table(
    "closed_month",
    METADATA,
    Column("jurisdiction", Text, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("closed_at", Instant, nullable=False),
)

_FACT: Final = tuple(FACT.c[name] for name in Fact.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``unit`` None: it concerns an account of the centre's own staff. ``kind``: of a notice."""

    id: UUID
    follows: Follows
    state: State
    jurisdiction: str
    policy: str
    ground: str
    concerned: str
    about: str
    unit: str | None
    ticket: UUID | None
    round: int
    month: date | None
    months: list[dict[str, Any]]
    by_rule: bool
    said: str
    evidence: list[dict[str, Any]]
    basis: list[dict[str, Any]]
    found_at: datetime
    proposed_by: str | None
    kind: str | None = None

    @property
    def events(self) -> frozenset[UUID]:
        """The events that the finding rests on."""
        return frozenset(UUID(one["event"]) for one in self.evidence)


_FINDING: Final = tuple(FINDING.c[name] for name in Finding.__dataclass_fields__)


def stored_fact(fact: Fact) -> dict[str, Any]:
    """One piece of evidence, as it is kept and shown."""
    told = {
        "event": str(fact.event),
        "kind": fact.kind,
        "ticket": str(fact.ticket),
        "round": fact.round,
        "at": fact.at.isoformat(),
        "duty": fact.duty,
        "due_at": fact.due_at and fact.due_at.isoformat(),
        "done_at": fact.done_at and fact.done_at.isoformat(),
        "case": fact.case and str(fact.case),
        "ground": fact.ground,
    }
    return {name: value for name, value in told.items() if value is not None}


async def keep_facts(connection: AsyncConnection, facts: Collection[Fact]) -> None:
    rows = [{name: getattr(fact, name) for name in Fact.__dataclass_fields__} for fact in facts]
    await connection.execute(insert(FACT).on_conflict_do_nothing(), rows)


async def facts_of(connection: AsyncConnection, ticket: UUID, unit: str) -> list[Fact]:
    """Everything known of one unit and one ticket."""
    query = select(*_FACT).where(FACT.c.ticket == ticket, FACT.c.unit == unit, FACT.c.kind != "asked")
    return [Fact(**row._mapping) for row in await connection.execute(query)]


async def pass_designations_on(connection: AsyncConnection, ticket: UUID, unit: str, successor: str) -> None:
    """The successor of a unit is designated as the unit was."""
    columns = [name for name in Fact.__dataclass_fields__ if name != "unit"]
    own = select(literal(successor, Text), *(FACT.c[name] for name in columns)).where(
        FACT.c.ticket == ticket, FACT.c.unit == unit, FACT.c.kind == "designated"
    )
    await connection.execute(insert(FACT).from_select(["unit", *columns], own).on_conflict_do_nothing())


async def of_ticket(connection: AsyncConnection, ticket: UUID, unit: str) -> list[Finding]:
    """Every finding about one unit and one ticket, held until the transaction ends."""
    query = select(*_FINDING).where(FINDING.c.ticket == ticket, FINDING.c.concerned == unit).order_by(FINDING.c.id)
    return [Finding(**row._mapping) for row in await connection.execute(query.with_for_update())]


async def of_months(connection: AsyncConnection, unit: str, ground: str) -> list[Finding]:
    """Every finding about one unit's months on that ground, held until the transaction ends."""
    query = select(*_FINDING).where(
        FINDING.c.concerned == unit, FINDING.c.ground == ground, FINDING.c.month.is_not(None)
    )
    return [Finding(**row._mapping) for row in await connection.execute(query.order_by(FINDING.c.id).with_for_update())]


async def add(connection: AsyncConnection, finding: Finding) -> bool:
    """Keep a finding; False when the same is open already."""
    row = {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
    added = insert(FINDING).values(row).on_conflict_do_nothing().returning(FINDING.c.id)
    return (await connection.execute(added)).first() is not None


async def change(connection: AsyncConnection, finding: UUID, **columns: Any) -> None:
    await connection.execute(update(FINDING).where(FINDING.c.id == finding).values(columns))


async def load(connection: AsyncConnection, finding: UUID) -> Finding | None:
    """One finding, held until the transaction ends."""
    row = (await connection.execute(select(*_FINDING).where(FINDING.c.id == finding).with_for_update())).first()
    return None if row is None else Finding(**row._mapping)


async def number_of(connection: AsyncConnection, ticket: UUID) -> str | None:
    number: str | None = (await connection.execute(select(DOCKET.c.number).where(DOCKET.c.ticket == ticket))).scalar()
    return number


async def asked(connection: AsyncConnection, unit: str, since: datetime, until: datetime) -> list[Fact]:
    """The unit's callbacks in [since, until)."""
    query = select(*_FACT).where(FACT.c.unit == unit, FACT.c.kind == "asked", FACT.c.at >= since, FACT.c.at < until)
    return [Fact(**row._mapping) for row in await connection.execute(query)]


async def units_asked_about(
    connection: AsyncConnection, jurisdiction: str, since: datetime, until: datetime
) -> Sequence[str]:
    """The jurisdiction's units that somebody was asked about in [since, until)."""
    query = (
        select(FACT.c.unit)
        .where(FACT.c.kind == "asked", FACT.c.at >= since, FACT.c.at < until)
        .where(FACT.c.unit.startswith(f"{jurisdiction}.", autoescape=True))
        .distinct()
        .order_by(FACT.c.unit)
    )
    return (await connection.execute(query)).scalars().all()


async def first_asked(connection: AsyncConnection) -> datetime | None:
    """When the first requester was asked, of all that are known."""
    return (await connection.execute(text("select min(at) from accountability_fact where kind = 'asked'"))).scalar()


async def anything_asked(connection: AsyncConnection) -> bool:
    """Whether any requester has been asked."""
    query = text("select exists (select from accountability_fact where kind = 'asked')")
    return bool((await connection.execute(query)).scalar())


async def close_month(tx: Transaction, jurisdiction: str, month: date) -> bool:
    """Note that a month was looked at; False when it has been already."""
    row = insert(MONTH).values(jurisdiction=jurisdiction, month=month, closed_at=tx.now)
    return (await tx.connection.execute(row.on_conflict_do_nothing().returning(MONTH.c.month))).first() is not None


async def jurisdictions(connection: AsyncConnection) -> Sequence[str]:
    """Those that have, or had, a pack."""
    query = select(SHELF.table.c.jurisdiction).distinct().order_by(SHELF.table.c.jurisdiction)
    return (await connection.execute(query)).scalars().all()


_VIEW: Final = select(*FINDING.c, DOCKET.c.number).select_from(
    FINDING.outerjoin(DOCKET, DOCKET.c.ticket == FINDING.c.ticket)
)


async def view(connection: AsyncConnection, finding: UUID) -> Any:
    """One finding with its ticket, for reading; 404 for none."""
    return await board.one(connection, _VIEW, FINDING, finding)


async def listed(
    connection: AsyncConnection, wanted: Wanted, follows: Follows, *, only_issued: bool = False
) -> Sequence[Any]:
    """Findings, in the order in which they were found; ``only_issued``: as those see them whom they concern."""
    issued = (FINDING.c.state == "issued",) if only_issued else ()
    return await board.listed(connection, _VIEW, FINDING, wanted, FINDING.c.follows == follows, *issued)
