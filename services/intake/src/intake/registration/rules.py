"""What may be registered, and as what (双鸭山 第二条、第十一条至第十三条)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal

from common.basis import Basis
from common.events.vocabulary import ImposedLimit
from common.policy import Pack
from common.policy.acceptance import Ground

Outcome = Literal["work_order", "answered", "declined", "transferred"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that breaks one rule; ``message`` is read by an official and never repeats what was entered."""

    field: str
    rule: str
    message: str


class RegistrationRefused(ValueError):
    """The demand cannot be registered as it was entered. ``basis`` names the clauses that ask for more."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, faults: tuple[Fault, ...], basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(self.code)
        self.faults = faults
        self.basis = basis


class ElementMissing(RegistrationRefused):
    """A required element of a work order is absent (双鸭山 第二条)."""

    code = "element_missing"
    title = "工单要素不全"


class NotInPack(RegistrationRefused):
    """A type, channel, mark, ground or outcome that the jurisdiction does not know."""

    code = "not_in_pack"
    title = "本地办法没有这一项"


class ConsentMissing(RegistrationRefused):
    """A call was passed on without the caller's consent (双鸭山 第十三条)."""

    code = "consent_missing"
    title = "未经诉求人同意"


class CallerNotTold(RegistrationRefused):
    """A demand is declined, and the caller was not told so and why (双鸭山 第十二条)."""

    code = "caller_not_told"
    title = "未告知诉求人"


class OutcomeIncomplete(RegistrationRefused):
    """What belongs to the outcome is absent, or what belongs to another outcome is given."""

    code = "invalid_input"
    title = "输入有误"


class ReferenceMissing(RegistrationRefused):
    """A ticket that another platform handed down does not name its number there (双鸭山 第十一条（二）)."""

    code = "element_missing"
    title = "工单要素不全"


class LimitNotImposable(RegistrationRefused):
    """Nobody above has imposed the limit, nothing is left to do under it, or it has passed already."""

    code = "invalid_input"
    title = "输入有误"


class ReceivedInFuture(RegistrationRefused):
    """The demand is said to have come later than it was entered."""

    code = "invalid_input"
    title = "输入有误"


class AnonymousWithName(RegistrationRefused):
    """Somebody who stays anonymous has no name on record; who only wants secrecy is confidential."""

    code = "invalid_input"
    title = "输入有误"


@dataclass(frozen=True, slots=True)
class Requester:
    """诉求人. ``phone`` is as it was entered; that it is a number has been checked."""

    kind: str = "natural_person"
    name: str | None = None
    phone: str | None = None
    anonymous: bool = False
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an outcome other than a work order states; the rest is None.

    ``legal_basis``: the law and article by which a demand is declined. ``unit_told``: the unit that was told of an
    emergency at once; intake knows no register, whoever notifies it looks.
    """

    answer: str | None = None
    ground: str | None = None
    told: bool | None = None
    right_body: str | None = None
    legal_basis: str | None = None
    unit_told: str | None = None
    transferred_to: str | None = None
    consent: bool | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """诉求 as it was entered. ``received_at`` is when it reached the hotline.

    ``external_ref``, ``imposed_limit`` and ``imposed_whole_limit`` (整体时限, 真如 六（三）) come from the platform
    that handed the ticket down.
    """

    outcome: Outcome
    type: str | None
    channel: str
    category: str
    marks: tuple[str, ...]
    statement: str | None
    address: str | None
    requester: Requester
    received_at: datetime
    settlement: Settlement = Settlement()
    external_ref: str | None = None
    imposed_limit: ImposedLimit | None = None
    imposed_whole_limit: ImposedLimit | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the pack says to the demand: the clauses, and what the caller is told when it is declined.

    ``right_body``: who is in charge instead, as entered or as the ground determines. ``emergency``: 报警求助, to be
    told to the units concerned at once.
    """

    basis: tuple[Basis, ...]
    tell: str | None
    right_body: str | None = None
    emergency: bool = False


_NEEDS: Final[Mapping[Outcome, tuple[str, ...]]] = {
    "work_order": (),
    "answered": ("answer",),
    "declined": ("ground", "told"),
    "transferred": ("transferred_to", "consent", "mode"),
}
_MAY_HAVE: Final[Mapping[Outcome, tuple[str, ...]]] = {
    **_NEEDS,
    "declined": ("ground", "told", "right_body", "legal_basis", "unit_told"),
}


def accept(demand: Demand, pack: Pack, accepted_at: datetime) -> Acceptance:
    """The acceptance of the demand under the pack; ``RegistrationRefused`` says what stands against it."""
    if demand.received_at > accepted_at:
        raise ReceivedInFuture((Fault("received_at", "in_future", "不得晚于当前时间。"),))
    if demand.requester.anonymous and demand.requester.name is not None:
        sentence = "匿名诉求不登记姓名；诉求人留下姓名但要求保密的，请选信息保密。"
        raise AnonymousWithName((Fault("requester.name", "anonymous", sentence),), (pack.ticket.anonymity.basis,))
    _in_pack(demand, pack)
    _complete(demand, pack)
    _handed_down(demand, pack, accepted_at)
    return _settled(demand, pack)


def _in_pack(demand: Demand, pack: Pack) -> None:
    ticket = pack.ticket
    settable = {code: mark for code, mark in ticket.marks.items() if mark.set_by == "agent"}
    chosen: tuple[tuple[str, str | None, Mapping[str, object]], ...] = (
        ("outcome", demand.outcome, pack.acceptance.outcomes),
        ("type", demand.type, ticket.types),
        ("channel", demand.channel, ticket.channels),
        ("requester.kind", demand.requester.kind, ticket.requester_kinds),
        *((f"marks.{place}", mark, settable) for place, mark in enumerate(demand.marks)),
    )
    faults = tuple(
        Fault(field, "choice", f"不在允许的取值之内：{'、'.join(known)}。")
        for field, code, known in chosen
        if code is not None and code not in known
    )
    if faults:
        raise NotInPack(faults)


_ELEMENT_FIELDS: Final[Mapping[str, str]] = {"requester": "requester.name", "contact": "requester.phone"}
"""Where the elements of a work order are entered that are not fields of the same name."""


def _complete(demand: Demand, pack: Pack) -> None:
    """The elements of 第二条 are those of a work order; whatever is settled at once needs what the pack says."""
    given = {
        element
        for element, value in (
            ("requester", demand.requester.name),
            ("contact", demand.requester.phone),
            ("type", demand.type),
            ("statement", demand.statement),
            ("address", demand.address),
        )
        if value is not None
    }
    settled = demand.outcome != "work_order"
    missing = pack.ticket.missing_elements(given, anonymous=demand.requester.anonymous, settled=settled)
    if missing:
        faults = tuple(
            Fault(_ELEMENT_FIELDS.get(element.code, element.code), "required", f"缺少工单要素：{element.label}。")
            for element in missing
        )
        asked = [*(element.basis for element in missing), *((pack.ticket.settled_elements.basis,) if settled else ())]
        raise ElementMissing(faults, tuple(dict.fromkeys(asked)))


def _handed_down(demand: Demand, pack: Pack, accepted_at: datetime) -> None:
    """国家、省平台交办 (双鸭山 第十一条（二）): its number there is owed; only such a ticket has an imposed limit."""
    channel = pack.ticket.channels[demand.channel]
    if channel.handed_down and demand.external_ref is None:
        sentence = f"“{channel.label}”的诉求应当填写交办平台的工单编号。"
        raise ReferenceMissing((Fault("external_ref", "required", sentence),), (channel.basis,))
    if demand.imposed_whole_limit is not None and "closing_whole" not in pack.limits.kinds():
        sentence = "本地规则没有整体时限。"
        raise LimitNotImposable((Fault("imposed_whole_limit", "not_in_pack", sentence),), (channel.basis,))
    given, whole = demand.imposed_limit, demand.imposed_whole_limit
    for field, imposed in (("imposed_limit", given), ("imposed_whole_limit", whole)):
        if imposed is None:
            continue
        if not channel.handed_down:
            known = "、".join(each.label for each in pack.ticket.channels.values() if each.handed_down) or "无"
            sentence = f"只有上级平台交办的诉求可以带交办时限：{known}。"
            raise LimitNotImposable((Fault(field, "not_handed_down", sentence),), (channel.basis,))
        if demand.outcome != "work_order":
            raise LimitNotImposable((Fault(field, "other_outcome", "不属于所选的处置方式。"),))
        if imposed.due_at is not None and imposed.due_at <= accepted_at:
            raise LimitNotImposable((Fault(f"{field}.due_at", "passed", "交办时限应当晚于受理时间。"),))


def imposed_under(imposed: ImposedLimit | None, demand: Demand, pack: Pack) -> ImposedLimit | None:
    """交办时限 under the rule that lets the demand's channel bring one; its paper as entered."""
    if imposed is None:
        return None
    rule = pack.ticket.channels[demand.channel].basis.rule
    return imposed.model_copy(update={"basis": imposed.basis.model_copy(update={"rule": rule})})


def _settled(demand: Demand, pack: Pack) -> Acceptance:
    outcome = pack.acceptance.outcomes[demand.outcome]
    _states_its_own(demand, outcome.basis)
    settlement = demand.settlement
    if settlement.ground is not None:
        ground = pack.acceptance.grounds.get(settlement.ground)
        if ground is None:
            known = "、".join(pack.acceptance.grounds)
            raise NotInPack((Fault("ground", "choice", f"不在允许的取值之内：{known}。"),), (outcome.basis,))
        if settlement.told is not True:
            raise CallerNotTold((Fault("told", "told", "应当告知诉求人不予受理及其依据。"),), (outcome.basis,))
        return _declined(ground, settlement, pack)
    if settlement.mode is not None and settlement.mode not in outcome.means:
        known = "、".join(outcome.means)
        raise NotInPack((Fault("mode", "choice", f"不在允许的取值之内：{known}。"),), (outcome.basis,))
    if outcome.consent_required and settlement.consent is not True:
        raise ConsentMissing((Fault("consent", "consent", "须经诉求人同意后方可转接。"),), (outcome.basis,))
    emergency = pack.acceptance.emergency_of(transferred_to=settlement.transferred_to)
    if emergency is not None:
        return Acceptance((outcome.basis, emergency.basis), None, emergency=True)
    return Acceptance((outcome.basis,), None)


def _declined(ground: Ground, settlement: Settlement, pack: Pack) -> Acceptance:
    """What the caller is told of the ground, and of who is in charge where it can be determined (第十二条)."""
    emergency = pack.acceptance.emergency_of(ground=ground.code)
    if ground.needs_legal_basis and settlement.legal_basis is None:
        sentence = "应当填写不予受理所依据的法律、法规、规章及其条款。"
        raise OutcomeIncomplete((Fault("legal_basis", "required", sentence),), (ground.basis,))
    for field, fits in (("legal_basis", ground.needs_legal_basis), ("unit_told", emergency is not None)):
        if not fits and getattr(settlement, field) is not None:
            raise OutcomeIncomplete((Fault(field, "other_ground", "不属于所选的不予受理情形。"),), (ground.basis,))
    body, words, basis = settlement.right_body, pack.acceptance.right_body, [ground.basis]
    tell = ground.told(settlement.legal_basis)
    if body is not None and words is not None:
        basis.append(words.basis)
        tell += words.tell.format(body=body)
    if emergency is not None:
        basis.append(emergency.basis)
    return Acceptance(tuple(basis), tell, right_body=body or ground.right_body, emergency=emergency is not None)


def _states_its_own(demand: Demand, basis: Basis) -> None:
    settlement = demand.settlement
    stated = {name for name in Settlement.__dataclass_fields__ if getattr(settlement, name) is not None}
    faults = [Fault(name, "required", "此处置方式必须填写。") for name in _NEEDS[demand.outcome] if name not in stated]
    faults += [
        Fault(name, "other_outcome", "不属于所选的处置方式。")
        for name in sorted(stated - set(_MAY_HAVE[demand.outcome]))
    ]
    if faults:
        raise OutcomeIncomplete(tuple(faults), (basis,))
