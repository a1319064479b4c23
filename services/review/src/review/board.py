"""The lists of cases: which of them somebody may see, one page at a time, and one case by its id.

A topic says what it shows of a case, a ``view`` over its own table and the ticket's docket, and what only its own list
asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import ColumnElement, Select, Table, any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from common.events.envelope import Jurisdiction
from common.security.access import Principal, visible_jurisdiction
from common.web.inputs import ApiModel
from common.web.problems import invalid, not_found
from common.web.reading import Cursor, Page, PageSize, cursor_of, position_of
from review.docket import DOCKET


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What every list takes."""

    jurisdiction: Annotated[Jurisdiction | None, Query()] = None
    ticket: Annotated[UUID | None, Query()] = None
    size: PageSize = 50
    cursor: Cursor = None


Asked = Annotated[Narrowed, Depends()]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases a list shows; None: all. ``units``: those the cases are about; ``after``: where the page begins."""

    jurisdictions: frozenset[str] | None = None
    units: frozenset[str] | None = None
    state: str | None = None
    ticket: UUID | None = None
    after: UUID | None = None
    most: int = 50


def wanted(
    caller: Principal, asked: Narrowed, *, units: frozenset[str] | None = None, state: str | None = None
) -> Wanted:
    """What was asked for, as far as ``caller`` sees it; ``units`` are those that he sees."""
    return Wanted(
        jurisdictions=within(asked.jurisdiction, visible_jurisdiction(caller)),
        units=units,
        state=state,
        ticket=asked.ticket,
        after=_after(asked.cursor),
        most=asked.size,
    )


def within(asked: str | None, allowed: str | None) -> frozenset[str] | None:
    """What was asked for, as far as it is allowed; None: everything on both sides."""
    limits = [frozenset({limit}) for limit in (asked, allowed) if limit is not None]
    return frozenset.intersection(*limits) if limits else None


def _after(cursor: str | None) -> UUID | None:
    """The id after which the page begins; 422 for a cursor that is none of ours."""
    if cursor is None:
        return None
    try:
        return UUID(position_of(cursor, (str,))[0])
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None


class Shown(ApiModel):
    id: UUID


class CaseSeen(Shown):
    """What is shown of every case: the ticket it is about, and the round it belongs to."""

    ticket: UUID
    number: str
    jurisdiction: str
    policy: str
    round: int


Item = TypeVar("Item", bound=Shown)


def page(items: list[Item], most: int) -> Page[Item]:
    """A full page names where the next one begins."""
    return Page(items=items, next=cursor_of(str(items[-1].id)) if len(items) == most else None)


def view(cases: Table, *more: ColumnElement[Any]) -> Select[Any]:
    """The cases with their tickets; ``more``: further columns of the docket, or of what the topic joins to it."""
    columns = (*cases.c, DOCKET.c.number, DOCKET.c.jurisdiction, DOCKET.c.policy, *more)
    return select(*columns).select_from(cases.join(DOCKET, DOCKET.c.ticket == cases.c.ticket))


async def one(connection: AsyncConnection, view: Select[Any], cases: Table, case: UUID) -> Any:
    """One case as the view shows it; 404 for one that is not there."""
    row = (await connection.execute(view.where(cases.c.id == case))).first()
    if row is None:
        raise not_found()
    return row


async def listed(
    connection: AsyncConnection, view: Select[Any], cases: Table, wanted: Wanted, *further: ColumnElement[bool]
) -> Sequence[Any]:
    """A page of cases as the view shows them, in the order in which they began; ``further``: what else must hold."""
    query = view.where(*further).order_by(cases.c.id).limit(wanted.most)
    if wanted.jurisdictions is not None:
        whose = cases if "jurisdiction" in cases.c else DOCKET  # a case that need not be of a ticket says its own
        query = query.where(whose.c.jurisdiction.in_(wanted.jurisdictions))
    if wanted.units is not None:
        query = query.where(cases.c.unit.in_(wanted.units))
    if wanted.state is not None:
        query = query.where(cases.c.state == wanted.state)
    if wanted.ticket is not None:
        query = query.where(cases.c.ticket == wanted.ticket)
    if wanted.after is not None:
        query = query.where(cases.c.id > wanted.after)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


READERS: Final = (DOCKET.c.unit.label("holder"), DOCKET.c.co_handlers.label("helpers"), DOCKET.c.sub_units)
"""Columns for a view whose cases are read by those that may read the ticket."""


def readers(row: Any) -> tuple[str, ...]:
    """The units that may read the ticket of a row that shows ``READERS``."""
    holder = (row.holder,) if row.holder is not None else ()
    return (*holder, *row.helpers, *row.sub_units)


def read_by(unit: str, *invited: ColumnElement[Any]) -> ColumnElement[bool]:
    """The cases whose ticket the unit may read; ``invited``: lists of units that may read the case besides."""
    lists = (DOCKET.c.co_handlers, DOCKET.c.sub_units, *invited)
    return or_(DOCKET.c.unit == unit, *(literal(unit) == any_(one) for one in lists))
