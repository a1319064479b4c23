"""先行联系, 进展 and the explanation after a callback: facts that change no status."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from common.basis import Basis
from common.events.dispatch import ProgressReported, RequesterContacted
from common.messaging.room import Transaction
from common.policy.dispatching import Told
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.inputs import not_before, not_in_future
from common.web.problems import FieldError, Problem, conflict, invalid
from dispatch.contacts.rules import ExplanationRefused, check_legal_explanation
from dispatch.docket import SHELF, Docket, acting, fact, holder_of, moved, require_lead, take


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact with the requester. ``occurred_at`` None: now. The free texts are masked. ``level`` 1: by the centre,
    2: by the unit (真如 三（二）1).

    ``purpose`` explanation: what the lead owes on an unsatisfied ticket, after its closing (双鸭山 第二十二条).
    legal_explanation: the demand is against the law, and the requester was told the ``provisions`` to be kept and the
    ``consequences`` in law (双鸭山 第二十一条（三）).
    """

    round: int
    outcome: Literal["reached", "attempts_exhausted"]
    level: Literal[1, 2] = 2
    occurred_at: datetime | None = None
    proof: str | None = None
    attempts: int | None = None
    purpose: Literal["contact", "explanation", "legal_explanation"] = "contact"
    remark: str | None = None
    provisions: str | None = None
    consequences: str | None = None

    @property
    def law(self) -> dict[Told, str | None]:
        """What was told of the law."""
        return {"provisions": self.provisions, "consequences": self.consequences}


async def record_contact(tx: Transaction, caller: Principal, ticket: UUID, contact: Contact) -> Docket:
    """A unit has spoken to the requester, or has tried enough. An earlier instant needs its proof and may lie neither
    before the dispatch nor in the future. Explaining is the lead's; the law may be explained for it by a unit to which
    it passed the ticket on."""
    if contact.level == 1:
        return await _record_centre_contact(tx, caller, ticket, contact)
    docket = await take(tx, caller, "contact.create", ticket, contact.round)
    basis: tuple[Basis, ...] = ()
    if contact.purpose == "explanation":
        moved(docket, "explain")
        require_lead(docket, caller, await SHELF.version(tx.connection, docket.policy))
    else:
        moved(docket, "record_contact")
    if contact.purpose == "legal_explanation":
        basis = _of_the_law(docket, caller, await SHELF.version(tx.connection, docket.policy), contact)
    else:
        for field, words in contact.law.items():
            if words is not None:
                raise invalid(field, "not_of_purpose", "仅在普法告知时填写。")
    _check_instant(tx, contact, docket.round_began_at, "派单时间")
    tx.announce(
        RequesterContacted(
            **{**fact(tx, docket, acting(caller), contact.occurred_at), "basis": basis},
            unit=holder_of(docket, caller),
            level=2,
            outcome=contact.outcome,
            proof=contact.proof,
            attempts=contact.attempts,
            purpose=contact.purpose,
            remark=contact.remark,
            provisions=contact.provisions,
            consequences=contact.consequences,
        ),
        docket.subject,
    )
    return docket


async def _record_centre_contact(tx: Transaction, caller: Principal, ticket: UUID, contact: Contact) -> Docket:
    """The centre has spoken to the requester (真如 三（二）1): at any time before the result is there."""
    docket = await take(tx, caller, "contact.create_centre", ticket, contact.round)
    moved(docket, "record_centre_contact")
    if contact.purpose != "contact":
        raise invalid("purpose", "not_of_level", "中心先行联系仅登记联系情况。")
    _check_instant(tx, contact, docket.registered_at, "登记时间")
    tx.announce(
        RequesterContacted(
            **fact(tx, docket, acting(caller), contact.occurred_at),
            level=1,
            outcome=contact.outcome,
            proof=contact.proof,
            attempts=contact.attempts,
            remark=contact.remark,
        ),
        docket.subject,
    )
    return docket


def _check_instant(tx: Transaction, contact: Contact, earliest: datetime | None, of_what: str) -> None:
    """An earlier instant needs its proof and lies neither in the future nor before what the contact is about."""
    if contact.occurred_at is None:
        return
    not_in_future("occurred_at", contact.occurred_at, tx.now)
    if earliest is not None:
        not_before("occurred_at", contact.occurred_at, earliest, of_what)
    if contact.proof is None and contact.occurred_at < tx.now:
        raise invalid("proof", "required", "补记较早的联系须附通话或者录音编号。")


def _of_the_law(docket: Docket, caller: Principal, pack: Pack, contact: Contact) -> tuple[Basis, ...]:
    """On what a legal explanation rests. 409 ``not_provided`` where the pack knows none; 422 for one that leaves out
    what the pack wants told.
    """
    section = pack.dispatching.legal_explanation
    if section is None:
        raise conflict("not_provided", "本地规则没有普法告知。")
    if holder_of(docket, caller) != docket.unit:
        require_lead(docket, caller, pack)
    try:
        return check_legal_explanation(section, contact.law, reached=contact.outcome == "reached")
    except ExplanationRefused as refusal:
        fields = (FieldError(refusal.field, refusal.rule, refusal.message),)
        raise Problem(
            422, "invalid_input", "输入有误", "有字段不符合要求。", fields=fields, basis=refusal.basis
        ) from None


async def report_progress(
    tx: Transaction,
    caller: Principal,
    ticket: UUID,
    round: int,
    words: str,
    *,
    concludes_part: bool,
    promised_at: datetime | None = None,
) -> Docket:
    """Lead or co-handler, or a unit that works for one of them, tells how it goes, in masked words; a co-handler itself
    may conclude its part (双鸭山 第十四条). ``promised_at``: when the lead will be done, as it told the requester
    (同江 三（一））."""
    docket = await take(tx, caller, "progress.create", ticket, round)
    moved(docket, "report_progress")
    unit = holder_of(docket, caller)
    if concludes_part and unit == docket.unit:
        raise invalid("concludes_part", "co_handlers_only", "主办单位以办结报告结束办理。")
    if concludes_part and caller.unit in docket.sub_units:
        raise invalid("concludes_part", "holders_only", "本单位部分的结束由协办单位自行报告。")
    if promised_at is not None and unit != docket.unit:
        raise invalid("promised_at", "lead_only", "办结时间由主办单位承诺。")
    if promised_at is not None and promised_at <= tx.now:
        raise invalid("promised_at", "in_future", "承诺的时间应当晚于现在。")
    tx.announce(
        ProgressReported(
            **fact(tx, docket, acting(caller)),
            unit=unit,
            concludes_part=concludes_part,
            text=words,
            promised_at=promised_at,
        ),
        docket.subject,
    )
    return docket
