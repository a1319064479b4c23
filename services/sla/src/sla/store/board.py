"""What is due, read for the board: in the order of limits, by the indexes made for it, in one statement."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.database import Instant
from sla.board import Counts, Ends, Row, Scope, counted

_RUNS: Final = "d.state in ('armed', 'approaching', 'breached') and not d.is_window"
_LAMP: Final = """
    case when d.state = 'breached' then 'red' when d.due_at <= :now then 'unconfirmed'
         when d.state = 'approaching' then 'yellow' else 'none' end
"""
_HELD_BY: Final = "coalesce(k.heirs ->> d.unit, d.unit)"
_OF_A_UNIT: Final = (
    # its own
    "d.unit = :unit and not k.heirs ? cast(:unit as text)",
    # of the holder that passed the ticket on to it
    "d.ticket in (select ticket from docket where readers @> array[cast(:unit as text)] and ended_at is null)"  # noqa: S608 - ours
    f" and d.unit = k.unit and {_HELD_BY} <> :unit",
    # of a unit that has ended, for which it goes on
    """d.ticket in (select h.ticket from docket h where h.heirs <> '{}' and h.ended_at is null
                    and exists (select from jsonb_each_text(h.heirs) e where e.value = :unit))
        and k.heirs ->> d.unit = :unit""",
)
_OF_A_JURISDICTION: Final = ("k.jurisdiction = :jurisdiction",)
_OF_THE_OFFICER: Final = " and k.officers @> jsonb_build_object(cast(:unit as text), cast(:officer as text))"


def _due_by(until: str) -> tuple[str, str]:
    """Each part by an index of its own. A lit yellow lamp belongs to every span, however far off its limit."""
    return f"{_RUNS} and d.due_at <= :{until}", f"d.state = 'approaching' and not d.is_window and d.due_at > :{until}"


def _branches(scope: Scope, columns: str, until: str, more: str = "", order: str = "") -> str:
    which = _OF_A_UNIT if scope.unit is not None else _OF_A_JURISDICTION
    only = _OF_THE_OFFICER if scope.officer is not None else ""
    return " union all ".join(
        f"(select {columns} from deadline d join docket k on k.ticket = d.ticket "  # noqa: S608 - as above
        f"where {due} and {one}{only}{more} {order})"
        for due in _due_by(until)
        for one in which
    )


def page_query(scope: Scope, *, after: bool) -> TextClause:
    """The rows of one page. ``after``: of a later one."""
    columns = f"""
        d.id, k.about, d.ticket, k.number, d.kind, {_HELD_BY} as held_by, d.round, d.case_id, d.due_at, d.state,
        {_LAMP} as lamp, d.provisional, d.basis -> 0 as basis, k.policy
    """
    more = " and (d.due_at, d.id) > (:after_at, :after_id)" if after else ""
    order = "order by due_at, id limit :most"
    query = text(f"select * from ({_branches(scope, columns, 'until', more, order)}) due {order}")  # noqa: S608 - as above
    types = [bindparam("now", type_=Instant), bindparam("until", type_=Instant)]
    if after:
        types += [bindparam("after_at", type_=Instant), bindparam("after_id", type_=PgUUID)]
    return query.bindparams(*types, *_named(scope))


def count_query(scope: Scope) -> TextClause:
    """How many per lamp are due now, today and this week."""
    inner = _branches(scope, f"{_LAMP} as lamp, d.due_at", "week")
    by = "count(*) filter (where lamp = 'yellow' or due_at <= :{})"
    counting = f"{by.format('now')}, {by.format('today')}, count(*)"
    query = text(f"select lamp, {counting} from ({inner}) due group by lamp")  # noqa: S608 - as above
    return query.bindparams(*(bindparam(name, type_=Instant) for name in ("now", "today", "week")), *_named(scope))


def _named(scope: Scope) -> list[Any]:
    return [bindparam(name, type_=TEXT) for name in _names(scope)]


def _names(scope: Scope) -> dict[str, str]:
    given = {"unit": scope.unit, "officer": scope.officer}
    if scope.unit is None:
        given = {"jurisdiction": scope.jurisdiction}
    return {name: value for name, value in given.items() if value is not None}


async def board_page(
    connection: AsyncConnection,
    scope: Scope,
    now: datetime,
    until: datetime,
    most: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Row]:
    """What is due by ``until`` and whatever is lit, by limit, at most so many."""
    arguments: dict[str, Any] = {"now": now, "until": until, "most": most, **_names(scope)}
    if after is not None:
        arguments |= {"after_at": after[0], "after_id": after[1]}
    rows = await connection.execute(page_query(scope, after=after is not None), arguments)
    return [_row(row) for row in rows.mappings()]


async def board_counts(connection: AsyncConnection, scope: Scope, now: datetime, until: Ends) -> Counts:
    """How many per span and lamp."""
    arguments = {"now": now, "today": until.today, "week": until.week, **_names(scope)}
    return counted([tuple(row) for row in await connection.execute(count_query(scope), arguments)])


async def board_ordinal(connection: AsyncConnection) -> tuple[int, int]:
    """Two counters, one of which moves with whatever the board shows: what is announced, and what is taken in.

    They move before the change is visible: who sees one move looks again a moment later.
    """
    found = (await connection.execute(_ORDINAL)).one()
    return int(found[0]), int(found[1])


_ORDINAL = text("select (select last_value from outbox_id_seq), (select last_value from fact_ordinal_seq)")


def _row(row: RowMapping) -> Row:
    return Row(
        id=row["id"],
        about=row["about"],
        ticket=row["ticket"],
        number=row["number"],
        kind=row["kind"],
        held_by=row["held_by"],
        round=row["round"],
        case=row["case_id"],
        due_at=row["due_at"],
        state=row["state"],
        lamp=row["lamp"],
        provisional=row["provisional"],
        basis=Basis.model_validate(row["basis"] or {}),
        policy=row["policy"],
    )
