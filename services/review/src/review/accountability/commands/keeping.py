"""Keeping what was found: brought forward once, with more evidence as it comes, lapsed when its ground falls away."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict
from uuid import UUID

from common.basis import Basis
from common.clock import new_id
from common.events.envelope import Actor, subject_of_ticket
from common.events.review import ReferralPrepared
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.accountability import Accountability, Ground
from review.accountability import store
from review.accountability.rules import Found
from review.accountability.store import Finding
from review.clauses import basis_of, stored_basis
from review.docket import BY_RULE

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Matter:
    """What a finding is about: a ticket, or months that end with ``month``, or neither."""

    jurisdiction: str
    policy: str
    ticket: UUID | None = None
    number: str | None = None
    round: int = 0
    month: date | None = None

    def about(self, finding: UUID) -> str:
        if self.ticket is not None:
            return subject_of_ticket(self.ticket)
        return f"case/{finding}" if self.month is None else f"month/{self.month:%Y-%m}"


class WiderFields(TypedDict):
    """What every event about a finding carries."""

    jurisdiction: str
    policy: str
    ticket: UUID | None
    number: str | None
    round: int
    occurred_at: datetime
    accepted_at: datetime
    actor: Actor
    basis: tuple[Basis, ...]


def told(finding: Finding, number: str | None, at: datetime, actor: Actor) -> WiderFields:
    return WiderFields(
        jurisdiction=finding.jurisdiction,
        policy=finding.policy,
        ticket=finding.ticket,
        number=number,
        round=finding.round if finding.ticket is not None else 0,
        occurred_at=at,
        accepted_at=at,
        actor=actor,
        basis=basis_of(finding.basis),
    )


def subject_of(finding: Finding) -> str:
    return f"case/{finding.id}" if finding.ticket is None else subject_of_ticket(finding.ticket)


def tickets_of(finding: Finding) -> tuple[UUID, ...]:
    return () if finding.ticket is None else (finding.ticket,)


async def settle(
    tx: Transaction,
    accountability: Accountability,
    matter: Matter,
    ground: Ground,
    unit: str,
    standing: Finding | None,
    found: Found | None,
    months: list[dict[str, Any]] | None = None,
) -> None:
    """Make what is open the same as what the rule finds. ``standing``: what is open, if anything is."""
    if found is None:
        if standing is not None and standing.by_rule:
            said = f"“{ground.label}”：按现有事实已不成立。"
            await store.change(tx.connection, standing.id, state="lapsed", text=said, decided_at=tx.now)
            _log.info("finding lapsed", finding=str(standing.id), ground=ground.code, unit=unit)
        return
    evidence = [store.stored_fact(fact) for fact in found.facts]
    if standing is not None:
        if standing.by_rule and evidence != standing.evidence:
            await store.change(tx.connection, standing.id, evidence=evidence, said=found.said, months=months or [])
        return
    finding_id = new_id()
    finding = Finding(
        id=finding_id,
        follows=ground.follows,
        state="open",
        jurisdiction=matter.jurisdiction,
        policy=matter.policy,
        ground=ground.code,
        concerned=unit,
        about=matter.about(finding_id),
        unit=unit,
        ticket=matter.ticket,
        round=matter.round,
        month=matter.month,
        months=months or [],
        by_rule=True,
        said=found.said,
        evidence=evidence,
        basis=stored_basis(found.basis),
        found_at=tx.now,
        proposed_by=None,
    )
    if await store.add(tx.connection, finding):
        tell_prepared(tx, accountability, finding, matter.number, BY_RULE)
        _log.info("finding", finding=str(finding_id), ground=ground.code, unit=unit, about=finding.about)


def tell_prepared(
    tx: Transaction, accountability: Accountability, finding: Finding, number: str | None, actor: Actor
) -> None:
    """A referral is announced when its record is packaged; a notice only when a person issues it."""
    if finding.follows != "referral" or finding.unit is None:
        return
    prepared = ReferralPrepared(
        **told(finding, number, tx.now, actor),
        case=finding.id,
        unit=finding.unit,
        ground=finding.ground,
        addressee=accountability.addressee.name,
        tickets=tickets_of(finding),
    )
    tx.announce(prepared, subject_of(finding))
