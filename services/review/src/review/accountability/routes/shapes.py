"""What is shown of a finding, to the centre and to the unit that a notice was issued to."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.basis import Basis
from common.messaging.runner import Transient
from common.policy.accountability import Accountability
from common.web.inputs import ApiModel
from common.web.problems import not_found
from review.accountability import store
from review.accountability.rules import CARRIED_OUT, Follows, State
from review.board import Shown
from review.clauses import basis_of
from review.docket import SHELF
from review.edge import Choice, choices


class Evidence(ApiModel):
    """One event that the finding rests on, as far as it is known what it says."""

    event: UUID
    kind: str | None = None
    ticket: UUID | None = None
    round: int | None = None
    at: datetime | None = None
    duty: str | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    case: UUID | None = None
    ground: str | None = None


class MonthSeen(ApiModel):
    """A month of the row: how many tickets were asked about, how many requesters were satisfied."""

    month: date
    asked: int
    satisfied: int


class DecisionSeen(ApiModel):
    """``by`` null: later facts took the ground away before anybody decided."""

    state: State
    text: str
    addressee: str | None
    by: str | None
    at: datetime


class FindingSeen(Shown):
    """A notice or referral with what it rests on. ``label``: the ground in words; null while its pack has not come.

    ``kind``: what the notice is, or was brought forward as; ``kinds``: what it may be, while it waits for a decision.
    """

    follows: Follows
    state: State
    jurisdiction: str
    policy: str
    ground: str
    label: str | None
    unit: str | None
    account: str | None
    ticket: UUID | None
    number: str | None
    month: date | None
    months: list[MonthSeen]
    kind: str | None
    kind_label: str | None
    kinds: list[Choice]
    by_rule: bool
    proposed_by: str | None
    said: str
    evidence: list[Evidence]
    basis: tuple[Basis, ...]
    found_at: datetime
    allowed: list[str]
    decision: DecisionSeen | None


async def one_seen(
    connection: AsyncConnection, follows: Follows, finding: UUID, *, by_unit: bool = False
) -> FindingSeen:
    row = await store.view(connection, finding)
    if row.follows != follows:
        raise not_found()
    return (await seen(connection, [row], by_unit=by_unit))[0]


_COPIED = (
    "id", "follows", "state", "jurisdiction", "policy", "ground", "unit", "ticket", "number", "month", "by_rule",
    "said", "found_at", "kind",
)  # fmt: skip


async def seen(connection: AsyncConnection, rows: Sequence[Any], *, by_unit: bool = False) -> list[FindingSeen]:
    """The rows as they are shown; a unit is not told who brought it forward."""
    return [_seen(row, await _rules(connection, row), by_unit=by_unit) for row in rows]


def _seen(row: Any, rules: Accountability | None, *, by_unit: bool) -> FindingSeen:
    grounds = rules.grounds if rules else {}
    kinds = rules.notice_kinds.kinds if rules and rules.notice_kinds and row.follows == "notice" else {}
    return FindingSeen(
        **{name: getattr(row, name) for name in _COPIED},
        label=grounds[row.ground].label if row.ground in grounds else None,
        kind_label=kinds[row.kind].label if row.kind in kinds else None,
        kinds=choices(kinds.values()) if row.state == "open" else [],
        proposed_by=None if by_unit else row.proposed_by,
        account=row.concerned if row.unit is None else None,
        months=[MonthSeen(**one) for one in row.months],
        evidence=[Evidence(**one) for one in row.evidence],
        basis=basis_of(row.basis),
        allowed=[CARRIED_OUT[row.follows], "dismiss"] if row.state == "open" else [],
        decision=_decision(row),
    )


def _decision(row: Any) -> DecisionSeen | None:
    if row.state == "open":
        return None
    return DecisionSeen(state=row.state, text=row.text, addressee=row.addressee, by=row.decided_by, at=row.decided_at)


async def _rules(connection: AsyncConnection, row: Any) -> Accountability | None:
    try:
        return (await SHELF.version(connection, row.policy)).accountability
    except Transient:
        return None
