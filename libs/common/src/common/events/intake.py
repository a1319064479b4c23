"""What intake announces: registration, content, requesters' wishes, clusters, callbacks, restrictions."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.envelope import Count, JurisdictionFact, TicketFact, UnitCode, Whole
from common.events.vocabulary import ImposedLimit, LegalLimit, Requester, Slug, TicketType

AmendedField = Literal["type", "category", "address", "marks", "legal_limit"]
AttachmentPurpose = Literal[
    "request", "supplement", "contact_proof", "site_photo", "signature", "return_paper", "extension_paper", "evidence"
]
ClusterReason = Literal["mass", "natural_disaster", "public_opinion", "sensitive", "threat", "other"]


class TicketCreated(TicketFact):
    """受理, to be handled by a unit: the only outcome of registration that has a life in dispatch."""

    type: TicketType
    channel: Slug
    category: str = Field(description="Path of the category, such as 城市管理/市政道路.")
    marks: tuple[Slug, ...] = ()
    address: str = Field(description="涉事地址, masked.")
    statement: str = Field(description="诉求事实, masked.")
    requester: Requester
    received_at: AwareDatetime = Field(description="When the report reached the hotline; not after occurred_at.")
    legal_limit: LegalLimit | None = None
    imposed_limit: ImposedLimit | None = None
    imposed_whole_limit: ImposedLimit | None = Field(
        default=None, description="整体时限 beside the given one (真如 六(三)), where the platform above set one."
    )
    external_ref: str | None = Field(default=None, description="The ticket's id at the platform it came from.")
    call_id: str | None = None


class TicketAnswered(TicketFact):
    """直接答复: settled at registration."""

    type: TicketType
    category: str
    answer: str = Field(description="What the requester was told, masked.")
    channel: Slug | None = None
    received_at: AwareDatetime | None = None
    call_id: str | None = None


class TicketDeclined(TicketFact):
    """不予受理 (双鸭山 第十二条, 真如 三(一)1)."""

    type: TicketType
    category: str
    ground: str = Field(description="The pack's id of the ground.")
    told: bool = Field(description="Whether the requester was told the ground.")
    right_body: str | None = Field(default=None, description="The body that is in charge, where it can be determined.")
    legal_basis: str | None = Field(default=None, description="The law and article, where the ground asks; masked.")
    unit_told: UnitCode | None = Field(
        default=None, description="The unit told of an emergency at once (双鸭山 第十一条)."
    )
    channel: Slug | None = None
    received_at: AwareDatetime | None = None
    call_id: str | None = None


class TicketTransferred(TicketFact):
    """Three-way call or call transfer, with the caller's consent (双鸭山 第十三条)."""

    type: TicketType
    category: str
    transferred_to: str = Field(description="The body or emergency line, such as 119.")
    consent: bool = Field(description="Whether the caller agreed.")
    mode: Literal["three_way", "transfer"]
    channel: Slug | None = None
    received_at: AwareDatetime | None = None
    call_id: str | None = None


class TicketAmended(TicketFact):
    """What the ticket says from now on; limits follow. Fields not in ``changed`` repeat the standing values."""

    type: TicketType
    category: str
    address: str = Field(description="Masked.")
    marks: tuple[Slug, ...]
    legal_limit: LegalLimit | None
    changed: tuple[AmendedField, ...] = Field(min_length=1)
    reason: str = Field(description="Masked.")


class TicketSupplemented(TicketFact):
    """补充: the requester adds to the matter."""

    text: str = Field(description="Masked.")
    attachments: tuple[UUID, ...] = ()
    call_id: str | None = None


class TicketUrged(TicketFact):
    """催单."""

    times: Count = Field(description="How often the ticket has been urged, this time included.")
    text: str | None = Field(default=None, description="Masked.")
    call_id: str | None = None


class TicketWithdrawn(TicketFact):
    """撤单, asked for by the requester. Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    reason: str = Field(description="Masked.")
    call_id: str | None = None


class TicketMerged(TicketFact):
    """并单, on the subject of the ticket that ends. Effective when dispatch answers ``RulingApplied``."""

    case: UUID
    survivor: UUID
    survivor_number: str
    reason: str = Field(description="Masked.")


class TicketAbsorbed(TicketFact):
    """并单, on the subject of the ticket that lives on."""

    case: UUID
    merged: UUID
    merged_number: str


class AttachmentAdded(TicketFact):
    """A file was stored with the ticket. Its original name stays with intake: people write names into it."""

    attachment: UUID
    purpose: AttachmentPurpose
    media_type: str
    size: Whole = Field(description="Bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    unit: UnitCode | None = Field(default=None, description="The unit that handed it in, if one did.")


class ClusterDetected(JurisdictionFact):
    """Concentrated demands reached the pack's number (真如 三(五))."""

    cluster: UUID
    policy: str
    category: str
    place: str = Field(description="What the tickets' places share, masked.")
    tickets: tuple[UUID, ...] = Field(min_length=1)
    count: Count
    window_from: AwareDatetime
    window_to: AwareDatetime
    unit: UnitCode | None = Field(default=None, description="The unit most of them went to.")


class PushIssued(JurisdictionFact):
    """预警信息推送单 to a unit (真如 附件8)."""

    cluster: UUID
    push: UUID
    number: str = Field(description="The push's own number.")
    policy: str
    unit: UnitCode
    co_handlers: tuple[UnitCode, ...] = ()
    tickets: tuple[UUID, ...]
    count: Count
    channels: tuple[Slug, ...] = ()
    content: str = Field(description="Masked.")
    reason: ClusterReason
    level: Slug
    times_pushed: Count


class PushAnswered(JurisdictionFact):
    """The unit's feedback on a push."""

    cluster: UUID
    push: UUID
    policy: str
    unit: UnitCode
    text: str = Field(description="Masked.")
    measure: str | None = Field(default=None, description="The long-term measure (双鸭山 第八条(五)), masked.")


class KnowledgeDue(JurisdictionFact):
    """A policy takes effect that the unit which leads it enters in the knowledge base (双鸭山 第二十五条)."""

    duty: UUID
    policy: str
    unit: UnitCode
    title: str = Field(description="The policy's title.")
    level: Literal["national", "provincial", "city"]
    effective_on: date


class KnowledgeEntered(JurisdictionFact):
    """The policy was entered."""

    duty: UUID
    policy: str
    unit: UnitCode


class CallbackRecorded(TicketFact):
    """回访: one attempt and, when reached, what the requester said."""

    callback: UUID
    outcome: Literal["reached", "not_reached"]
    responded: bool | None = None
    resolved: bool | None = None
    satisfaction: Slug | None = Field(default=None, description="A step of the pack's scale.")
    attempt: Count
    channel: Slug | None = None
    proof: str | None = Field(default=None, description="Call or recording id.")
    remark: str | None = Field(default=None, description="Masked.")


class RestrictionImposed(JurisdictionFact):
    """A caller's telephone use is limited for a time (双鸭山 第三十五条). Who it is stays in the vault."""

    case: UUID
    policy: str
    ground: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    approver: str = Field(description="Account of the official who approved.")
    referred_to_police: bool = False


class RestrictionLifted(JurisdictionFact):
    """A restriction ends before its time."""

    case: UUID
    policy: str
    reason: str = Field(description="Masked.")
