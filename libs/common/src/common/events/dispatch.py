"""What dispatch announces: who has the ticket, what they did, how every race about it ended; the unit register."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.envelope import Count, JurisdictionFact, Payload, TicketFact, UnitCode, UnitFact, Whole
from common.events.vocabulary import Designation, Helper, Slug, Status

RulingKind = Literal["return", "extension", "consultation", "escalation", "callback", "repeat", "merge", "withdrawal"]

Manner = Literal["lead", "joint", "by_function", "nobody", "routing", "ask", "person"]
"""How the catalogue has a matter answered for. ``ask``: that depends on what is open; ``person``: no row decides."""


class Answered(Payload):
    """What a question of the responsibility catalogue was answered with."""

    question: Slug
    answer: bool | int | str = Field(description="Yes or no, a whole number, or the code of an option.")


class Dispatched(TicketFact):
    """派单: a round begins."""

    unit: UnitCode = Field(description="主办单位, the lead.")
    co_handlers: tuple[UnitCode, ...] = Field(default=(), description="协办单位.")
    principle: str | None = Field(default=None, description="The principle named for the decision (双鸭山 第十五条).")
    designated: bool = Field(default=False, description="指定: the unit may not return the ticket.")
    designation: Designation | None = Field(default=None, description="Who named the unit, where it is designated.")
    helpers: tuple[Helper, ...] = ()
    item: str | None = Field(default=None, description="Item of the responsibility catalogue.")
    answers: tuple[Answered, ...] = Field(default=(), description="To the questions of the item.")
    manner: Manner | None = Field(
        default=None,
        description=(
            "How the item's rows have the matter answered for by these answers: in which way units do; "
            "`ask`: not enough was answered; `person`: no row decides. Null without an item."
        ),
    )
    claimed: bool = Field(default=False, description="主动认领: the unit asked for it.")
    territory: UnitCode | None = Field(default=None, description="属地政府, where somebody named it (双鸭山 第十七条).")
    remark: str | None = Field(default=None, description="Masked.")


class SubAssigned(TicketFact):
    """A unit passes the ticket on inside and stays answerable (双鸭山 第九条)."""

    assignment: UUID
    unit: UnitCode
    to_unit: UnitCode | None = None
    to_account: str | None = Field(default=None, description="Account of the officer, when passed to a person.")
    remark: str | None = Field(default=None, description="Masked.")


class SignedIn(TicketFact):
    """签收. Only the lead's moves the ticket on; a co-handler signs for its own part (双鸭山 第十四条)."""

    unit: UnitCode
    part: Literal["lead", "co_handler"] = "lead"


class RequesterContacted(TicketFact):
    """先行联系, level 1 by the centre, level 2 by the unit."""

    unit: UnitCode | None = Field(default=None, description="Null at level 1.")
    level: Literal[1, 2]
    outcome: Literal["reached", "attempts_exhausted"]
    proof: str | None = Field(default=None, description="Call or recording id.")
    attempts: Count | None = None
    purpose: Literal["contact", "explanation", "legal_explanation"] = Field(
        default="contact",
        description=(
            "Explanation: what the unit owes on an unsatisfied ticket (双鸭山 第二十二条). Legal "
            "explanation: owed on an unlawful demand (双鸭山 第二十一条（三）), a contact like any other besides."
        ),
    )
    remark: str | None = Field(default=None, description="Masked.")
    provisions: str | None = Field(default=None, description="Of a legal explanation: the rules told. Masked.")
    consequences: str | None = Field(default=None, description="Of a legal explanation: what follows in law. Masked.")


class ProgressReported(TicketFact):
    """Progress by lead or co-handler."""

    unit: UnitCode
    concludes_part: bool = Field(description="A co-handler's part is done with this.")
    text: str = Field(description="Masked.")
    promised_at: AwareDatetime | None = Field(default=None, description="A date promised to the requester.")
    attachments: tuple[UUID, ...] = ()


class ClosingReported(TicketFact):
    """The lead files its closing report; the lamp goes off until it is decided."""

    report: UUID
    unit: UnitCode
    result: str = Field(description="办理结果, masked.")
    facts: Literal["true", "partly_true", "untrue"] | None = Field(
        default=None, description="属实, 部分属实, 不属实 (真如 附件6)."
    )
    request: Literal["justified", "excessive", "no_policy_basis", "other"] | None = Field(
        default=None, description="合理合法, 诉求过高, 无政策依据, 其他 (真如 附件6)."
    )
    resolution: Literal["solved", "excessive", "explained"] | None = Field(
        default=None, description="实际解决, 诉求过高, 解释说明 (真如 附件6)."
    )
    attachments: tuple[UUID, ...] = ()


class ClosingSentBack(TicketFact):
    """The report is not accepted; the same deadline runs on."""

    report: UUID
    reasons: tuple[str, ...] = Field(description="Masked.")
    unit: UnitCode | None = None


class Closed(TicketFact):
    """The closing report is accepted."""

    report: UUID
    unit: UnitCode
    filed_at: AwareDatetime = Field(description="When the accepted report was filed; on-time is judged by it.")
    decided_by_rule: bool


class HandlingStopped(TicketFact):
    """停止办理 on one of the pack's grounds (双鸭山 第二十三条)."""

    cessation: UUID
    unit: UnitCode
    ground: str = Field(description="The pack's id of the ground.")
    explained: bool = Field(description="Whether the requester was told why.")
    statement: str = Field(description="The unit's statement to the hotline, masked.")


class ClockStopped(TicketFact):
    """The clocks that the pack names for this ground stand still from now on."""

    stop: UUID
    unit: UnitCode
    ground: str = Field(description="The pack's id of the ground.")
    text: str = Field(description="Why, masked.")


class ClockResumed(TicketFact):
    """What the clock waited for has come, or nobody waits for it any more."""

    stop: UUID
    unit: UnitCode
    text: str | None = Field(default=None, description="Masked.")


class StatementSubmitted(TicketFact):
    """情况说明及有效依据: why the unit cannot satisfy the demand, after the callback (双鸭山 第二十二条)."""

    statement: UUID
    unit: UnitCode
    text: str = Field(description="Masked.")
    evidence: tuple[str, ...] = Field(min_length=1, description="The papers it rests on, as the unit names them.")


class UnitNotified(TicketFact):
    """A notice to a unit reached it, or was given up, as the gateway's receipt says (双鸭山 第十三条、第三十二条)."""

    notice: UUID
    unit: UnitCode
    reason: Slug = Field(description="The pack's id of the occasion.")
    outcome: Literal["delivered", "failed"]


class Reissued(TicketFact):
    """重新派单, 重新交办: the next round begins, with its own clocks."""

    unit: UnitCode
    co_handlers: tuple[UnitCode, ...] = ()
    reason: str = Field(description="Why there is another round.")
    previous_round: Whole
    principle: str | None = None
    designated: bool = False
    designation: Designation | None = None
    helpers: tuple[Helper, ...] = ()
    item: str | None = None
    remark: str | None = Field(default=None, description="Masked.")


class Archived(TicketFact):
    """归档."""

    how: Literal["callback", "no_contact", "not_reached", "judgement", "registered_repeat"]


class RulingApplied(TicketFact):
    """A decision from elsewhere took effect on the ticket's life."""

    ruling: UUID = Field(description="Id of the return, extension, callback, merge …, as its own event names it.")
    kind: RulingKind
    outcome: str
    ended_round: Whole | None = Field(default=None, description="The round that ended with it, if one did.")
    round_ended_at: AwareDatetime | None = Field(
        default=None, description="When that round ended: for a return, its filing."
    )
    new_status: Status
    designated: UnitCode | None = Field(
        default=None, description="The unit that holds the ticket and may not return it from now on."
    )


class RulingOvertaken(TicketFact):
    """A decision from elsewhere came too late to take effect."""

    ruling: UUID
    kind: RulingKind
    reason: str
    status: Status = Field(description="The status that stands.")


class UnitChanged(UnitFact):
    """The whole row of the unit register, new or changed. A unit is never deleted."""

    name: str = Field(description="The unit's official name.")
    kind: Slug = Field(description="单位类别; the set is the pack's.")
    parent: UnitCode | None = None
    ended_on: date | None = Field(default=None, description="First day on which the unit no longer exists.")
    successor: UnitCode | None = None
    kafka_feed: bool = Field(default=False, description="Whether the unit asked for a topic of its own.")
    handlers: Whole = Field(default=0, description="How many handlers are named (双鸭山 第八条(二): two).")
    has_leader: bool = Field(default=False, description="Whether a leader in charge is named.")
    has_office: bool = Field(default=False, description="Whether a responsible office is named (双鸭山 第八条(二)).")
    function: Slug | None = Field(default=None, description="The part it plays for the hotline, as the pack names it.")


class OfficerChanged(UnitFact):
    """The whole row of an officer, new or changed: an account with its part in one unit, never a person's name."""

    account: str
    duties: tuple[Literal["leader", "handler", "duty"], ...] = Field(description="Empty: no longer with the unit.")
    substitute: str | None = Field(default=None, description="The account that stands in while absent.")
    absent_from: date | None = None
    absent_to: date | None = Field(default=None, description="Last day of the absence.")


class UnitSucceeded(TicketFact):
    """An open ticket passes to the successor of a unit that ended: same round, same clocks."""

    unit: UnitCode
    successor: UnitCode


class CatalogueAmended(JurisdictionFact):
    """A dated change of dispatch's to the pack's responsibility catalogue."""

    amendment: UUID
    item: str
    policy: str = Field(description="The pack version it changes.")
    effective_on: date
    standing: Literal["applied", "reapplied", "conflict"] = Field(
        description="Reapplied or in conflict when a new pack came."
    )
    entry: dict[str, Any] | None = Field(description="The item's content from that day; null when it is struck out.")
    proposal: UUID | None = Field(default=None, description="The proposal that was accepted, if there was one.")
