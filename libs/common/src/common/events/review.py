"""What review announces: filings, rulings, difficult tickets, supervision, what follows from them."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.envelope import Count, JurisdictionFact, TicketFact, UnitCode, WiderFact
from common.events.vocabulary import Designation, Limit, Passage, Slug

ConsultationForm = Literal["designation", "coordination", "consultation"]
ExtensionKind = Literal["ordinary", "special"]


class Returned(TicketFact):
    """退单 was filed. What a filing lacks is null: a rule answers that (双鸭山 第十九条)."""

    case: UUID
    unit: UnitCode
    ground: str | None = Field(default=None, description="The pack's id of the ground that the unit names.")
    reason: str | None = Field(default=None, description="Masked.")
    legal_basis: str | None = None
    suggested_unit: UnitCode | None = None
    papers: tuple[UUID, ...] = Field(default=(), description="Attachments.")
    explanation: str | None = Field(default=None, description="详细情况说明 (真如 三(二)3), masked.")
    guided: bool = Field(default=False, description="提出指引后退回 (清远 二(二)(三)).")


class ReturnRuling(TicketFact):
    """A return was decided. Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    unit: UnitCode
    filed_at: AwareDatetime
    ground: str | None = Field(default=None, description="The pack's id of the ground of the decision.")
    by_rule: bool = Field(description="Decided at once by a rule, without a reviewer.")
    window_due_at: AwareDatetime | None = Field(default=None, description="The window that was compared with.")
    late: bool | None = Field(default=None, description="Filed after the window; null when no window applies.")
    note: str | None = Field(default=None, description="What the rule or the reviewer says to it, masked.")
    designation: Designation | None = Field(default=None, description="What bound the unit, where that decided.")


class ReturnApproved(ReturnRuling):
    """The unit was not responsible: the round ends at the filing."""


class ReturnDenied(ReturnRuling):
    """The unit goes on; its limits count from its first receipt."""


class ReturnLapsed(TicketFact):
    """The round ended before the return was decided."""

    case: UUID
    reason: str
    unit: UnitCode | None = None


class ExtensionRequested(TicketFact):
    """延期申请."""

    case: UUID
    unit: UnitCode
    kind: ExtensionKind
    requested: Limit | None = Field(default=None, description="How much longer.")
    requested_until: AwareDatetime | None = Field(default=None, description="Instead of a span, an instant.")
    reason: str | None = Field(default=None, description="Masked.")
    plan: str | None = Field(default=None, description="Plan and milestones, masked.")
    papers: tuple[UUID, ...] = ()
    nth: Count = Field(description="Which it is of the requests that the pack counts together.")
    formalities: tuple[str, ...] = Field(
        default=(), description="The pack's ids of what the unit declares to have been done, such as a signature."
    )
    head_approval: str | None = Field(default=None, description="Account of the unit's head who approved it.")


class ExtensionRuling(TicketFact):
    """An extension was decided."""

    case: UUID
    unit: UnitCode
    kind: ExtensionKind
    filed_at: AwareDatetime
    by_rule: bool
    window_due_at: AwareDatetime | None = None
    late: bool | None = None
    note: str | None = Field(default=None, description="Why, where the decision departs from the rule; masked.")


class ExtensionGranted(ExtensionRuling):
    """How much longer; sla turns it into an instant. Effective when dispatch answers ``RulingApplied``."""

    granted: Limit | None = None
    granted_until: AwareDatetime | None = Field(default=None, description="Instead of a span, an instant.")


class ExtensionDenied(ExtensionRuling):
    """The limit stands."""

    ground: str | None = Field(default=None, description="The pack's id of the ground.")


class ExtensionLapsed(TicketFact):
    """The round ended before the extension was decided."""

    case: UUID
    reason: str
    unit: UnitCode | None = None


class ClosingFlagged(TicketFact):
    """What the pack's checks found in a closing report; a person decides at dispatch."""

    report: UUID
    unit: UnitCode
    passages: tuple[Passage, ...] = ()
    missing: tuple[Slug, ...] = Field(default=(), description="Required elements that the report lacks.")


class MarkedDifficult(TicketFact):
    """疑难工单 (清远 一)."""

    case: UUID
    ground: str = Field(description="The pack's id of the ground.")
    principle: str | None = None
    by_rule: bool
    note: str | None = Field(default=None, description="Masked.")


class MarkedShirked(TicketFact):
    """推诿工单, established by the record (清远 三(三))."""

    case: UUID
    unit: UnitCode
    dispatches: Count = Field(description="How often the unit was sent the ticket.")
    refusals: tuple[UUID, ...] = Field(description="The returns on record.")


class ConsultationConvened(TicketFact):
    """指定, 协调 or 会商 begins."""

    case: UUID
    form: ConsultationForm
    convener: UnitCode | None = Field(default=None, description="Null when the authority convenes.")
    participants: tuple[UnitCode, ...]
    subject: str = Field(description="Masked.")
    ground: str | None = Field(default=None, description="The pack's id of the ground.")
    meets_at: AwareDatetime | None = None


class OpinionGiven(TicketFact):
    """A participant's opinion."""

    case: UUID
    unit: UnitCode
    opinion: str = Field(description="Masked.")
    legal_basis: str | None = None


class MinutesRecorded(TicketFact):
    """会商纪要."""

    case: UUID
    text: str = Field(description="Masked.")


class ConsultationConcluded(TicketFact):
    """What it came to. Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    form: ConsultationForm
    outcome: Literal["unit_named", "unresolved"]
    unit: UnitCode | None = Field(default=None, description="The lead; it may not refuse.")
    co_handlers: tuple[UnitCode, ...] = ()
    principle: str | None = None
    limit: Limit | None = Field(default=None, description="Goes before the pack's table.")
    solution: str | None = Field(default=None, description="Masked.")
    reply_wording: str | None = Field(default=None, description="What the requester is told, masked.")


class Escalated(TicketFact):
    """专报: reported upward."""

    case: UUID
    ground: str
    addressee: str = Field(description="The body reported to.")
    consultation: UUID | None = Field(default=None, description="The consultation that stayed unresolved.")
    report: str = Field(description="Masked.")
    reply_line: str | None = Field(default=None, description="解释口径 meanwhile, masked.")


class EscalationDecided(TicketFact):
    """The way back. Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    outcome: Literal["unit_named", "answered", "sent_back"]
    unit: UnitCode | None = None
    co_handlers: tuple[UnitCode, ...] = ()
    limit: Limit | None = None
    instruction: str = Field(description="Masked.")
    reply_line: str | None = Field(default=None, description="Masked.")


class SupervisionIssued(TicketFact):
    """督办 (双鸭山 第三十二条)."""

    case: UUID
    unit: UnitCode
    form: Literal["phone", "consultation", "special"]
    level: Literal["street", "district", "city"] | None = None
    text: str = Field(description="Masked.")
    reply_due: bool = Field(description="Whether a written reply is owed.")
    ground: str | None = Field(default=None, description="The pack's id of the ground.")
    by_rule: bool = Field(default=False, description="Issued by a rule, without a supervisor.")
    consultation: UUID | None = Field(default=None, description="The consultation that it led to, if it did.")


class SupervisionReplied(TicketFact):
    """The unit's written reply."""

    case: UUID
    unit: UnitCode
    text: str = Field(description="Masked.")
    attachments: tuple[UUID, ...] = ()


class CallbackJudged(TicketFact):
    """What follows from a callback (双鸭山 第二十二条). Effective when dispatch answers ``RulingApplied``."""

    case: UUID = Field(description="Id of the callback.")
    outcome: Literal["archive", "redo", "explanation", "statement"]
    by_rule: bool
    unit: UnitCode | None = None
    ground: str | None = None
    note: str | None = Field(default=None, description="Masked.")


class RepeatRegistered(TicketFact):
    """存电 (真如 附件9). Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    ground: str
    linked: tuple[UUID, ...] = Field(description="The tickets of the same person and matter.")
    calls: Count


class NoticeIssued(WiderFact):
    """通报, proposed by a rule and decided by a person."""

    case: UUID
    unit: UnitCode | None = Field(default=None, description="Null when it concerns the centre's own staff.")
    kind: Literal["criticism", "prompt", "talk"] = Field(description="通报批评, 工作提示, 约谈.")
    ground: str
    tickets: tuple[UUID, ...] = ()
    text: str = Field(description="Masked.")


class CardIssued(WiderFact):
    """红黄牌."""

    case: UUID
    unit: UnitCode
    colour: Literal["yellow", "red"]
    ground: str
    tickets: tuple[UUID, ...] = ()


class ReferralPrepared(WiderFact):
    """The record was packaged for the competent authority; a person decides."""

    case: UUID
    unit: UnitCode
    ground: str
    addressee: str
    tickets: tuple[UUID, ...] = ()


class ReferralSent(WiderFact):
    """A person sent the package."""

    case: UUID
    unit: UnitCode
    addressee: str
    sent_on: date


class LookBackRecorded(TicketFact):
    """回头看 (清远 三(三))."""

    case: UUID
    unit: UnitCode
    result: Literal["good", "poor"]
    text: str = Field(description="Masked.")


class CatalogueChangeProposed(JurisdictionFact):
    """Rulings that do not fit the responsibility catalogue propose a change of it."""

    case: UUID = Field(description="The proposal.")
    policy: str
    item: str | None = Field(default=None, description="The item to change; null for a new one.")
    text: str
    unit: UnitCode | None = None
    rulings: tuple[UUID, ...] = Field(description="The cases it rests on.")
