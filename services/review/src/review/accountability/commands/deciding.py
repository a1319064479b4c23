"""What people bring forward, and what they decide of it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from common.clock import local_date, new_id
from common.events.review import NoticeIssued, ReferralSent
from common.messaging.room import Transaction
from common.observability import logger
from common.policy.accountability import Accountability, Ground
from common.policy.pack import Pack
from common.security.access import RECUSAL, Principal, require
from common.security.refusals import OwnUnit
from common.web.problems import invalid, not_found
from review import docket as dockets
from review import register
from review.accountability import store
from review.accountability.commands.keeping import Matter, subject_of, tell_prepared, tickets_of, told
from review.accountability.rules import (
    Decision,
    FindingOpen,
    Follows,
    NobodyAccountable,
    concerned,
    decided,
    kind_of_notice,
    month_of,
)
from review.accountability.store import Finding
from review.clauses import stored_basis
from review.docket import SHELF, acting, pack_of
from review.refusals import FieldRefused

_log = logger("review")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person brings forward. ``said`` is masked already. ``month``: any day of the month it is about. ``kind``:
    what the notice should be.
    """

    follows: Follows
    jurisdiction: str
    ground: str
    said: str
    unit: str | None = None
    account: str | None = None
    ticket: UUID | None = None
    month: date | None = None
    events: tuple[UUID, ...] = ()
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides; ``text`` is masked already: the notice's, the referral's, or why nothing follows.

    ``kind``: what the notice is; None: as it was brought forward, else as the pack says.
    """

    decision: Decision
    text: str
    addressee: str | None = None
    kind: str | None = None


async def propose(tx: Transaction, caller: Principal, pack: Pack, proposal: Proposal) -> UUID:
    """Bring forward what no rule finds: the centre's own staff, falsification, the rota."""
    pack, matter = await _matter(tx, pack, proposal)
    accountability = pack.accountability
    if accountability is None:
        raise NobodyAccountable("本地区的规定没有责任追究。")
    ground = _ground(accountability, proposal)
    if proposal.kind is not None:
        kind_of_notice(accountability, proposal.kind)
    concerned = await _concerned(tx, ground, proposal)
    finding_id = new_id()
    finding = Finding(
        id=finding_id,
        follows=proposal.follows,
        state="open",
        jurisdiction=matter.jurisdiction,
        policy=matter.policy,
        ground=ground.code,
        concerned=concerned,
        about=matter.about(finding_id),
        unit=proposal.unit,
        ticket=matter.ticket,
        round=matter.round,
        month=matter.month,
        months=[],
        by_rule=False,
        said=proposal.said,
        evidence=[{"event": str(event)} for event in proposal.events],
        basis=stored_basis((ground.basis,)),
        found_at=tx.now,
        proposed_by=caller.account,
        kind=proposal.kind,
    )
    if not await store.add(tx.connection, finding):
        raise FindingOpen("同一事项已有一件待决定，请先作出决定。", basis=(ground.basis,))
    tell_prepared(tx, accountability, finding, matter.number, acting(caller))
    _log.info("finding brought forward", finding=str(finding_id), ground=ground.code, about=finding.about)
    return finding_id


def _ground(accountability: Accountability, proposal: Proposal) -> Ground:
    choices = {ground.code: ground for ground in accountability.by_hand(proposal.follows)}
    ground = choices.get(proposal.ground)
    if ground is None:
        raise invalid("ground", "choice", f"应为：{'、'.join(choices)}。")
    return ground


async def _concerned(tx: Transaction, ground: Ground, proposal: Proposal) -> str:
    """Whom it concerns: a unit of the register, or an account of the centre's own staff, as the ground says."""
    named = concerned(ground, unit=proposal.unit, account=proposal.account)
    if proposal.unit is not None:
        await register.require_standing(tx, proposal.jurisdiction, "unit", (proposal.unit,))
    return named


async def _matter(tx: Transaction, pack: Pack, proposal: Proposal) -> tuple[Pack, Matter]:
    """What it is about, and the pack that decides: the ticket's own, else the one in force."""
    if proposal.ticket is not None and proposal.month is not None:
        raise invalid("month", "one_of", "工单和月份只写一项。")
    if proposal.ticket is None:
        month = None if proposal.month is None else proposal.month.replace(day=1)
        if month is not None and month > month_of(tx.now):
            raise invalid("month", "in_future", "不得晚于当前月份。")
        return pack, Matter(proposal.jurisdiction, pack.version, month=month)
    docket = await dockets.load(tx.connection, proposal.ticket, lock=True)
    if docket is None or docket.jurisdiction != proposal.jurisdiction:
        raise invalid("ticket", "unknown_ticket", "没有该工单。")
    own = await pack_of(tx.connection, docket)
    return own, Matter(docket.jurisdiction, docket.policy, docket.ticket, docket.number, docket.round)


async def may_decide(tx: Transaction, caller: Principal, finding: UUID, follows: Follows) -> None:
    """404 for what is not there or not the caller's to see; 403 for what concerns the own unit, or oneself."""
    found = await store.load(tx.connection, finding)
    if found is None or found.follows != follows:
        raise not_found()
    require("accountability.decide", caller, jurisdiction=found.jurisdiction, holders=(found.concerned,))
    if found.unit is None and found.concerned == caller.account:
        raise OwnUnit("accountability.decide", basis=(RECUSAL,))


async def decide(tx: Transaction, caller: Principal, finding: UUID, choice: Choice) -> None:
    """A person issues the notice, sends the referral, or dismisses the finding. ``may_decide`` has been asked."""
    found = await store.load(tx.connection, finding)
    assert found is not None
    state = decided(found.state, found.follows, choice.decision)
    if choice.kind is not None and state != "issued":
        raise FieldRefused("kind", "not_of_decision", "不予通报的，不写种类。")
    accountability = (await SHELF.version(tx.connection, found.policy)).accountability
    assert accountability is not None, "the finding rests on this section"
    kind, basis = kind_of_notice(accountability, choice.kind or found.kind)
    addressee = (choice.addressee or accountability.addressee.name) if state == "sent" else None
    number = None if found.ticket is None else await store.number_of(tx.connection, found.ticket)
    await store.change(
        tx.connection,
        finding,
        state=state,
        text=choice.text,
        addressee=addressee,
        kind=kind if state == "issued" else found.kind,
        decided_by=caller.account,
        decided_at=tx.now,
    )
    fields = told(found, number, tx.now, acting(caller))
    if state == "issued":
        fields["basis"] = tuple(dict.fromkeys((*fields["basis"], *basis)))
        issued = NoticeIssued(
            **fields,
            case=found.id,
            unit=found.unit,
            kind=kind,
            ground=found.ground,
            tickets=tickets_of(found),
            text=choice.text,
        )
        tx.announce(issued, subject_of(found))
    if state == "sent" and found.unit is not None and addressee is not None:
        sent = ReferralSent(**fields, case=found.id, unit=found.unit, addressee=addressee, sent_on=local_date(tx.now))
        tx.announce(sent, subject_of(found))
    _log.info("finding decided", finding=str(finding), ground=found.ground, state=state)
