"""What a row of the unit register must be, and which units can be sent a ticket."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from common.policy.units import Flag, UnitRegister

Duty = Literal["leader", "handler", "duty"]
_DUTY_CONTACT: Final = re.compile(r"\+?[0-9][0-9 -]{2,30}|https?://[^\s@]+")


@dataclass(frozen=True, slots=True)
class Officer:
    """An account with its part in one unit: 分管领导, 承办人员, 值班. Without duties it is no longer with the unit."""

    unit: str
    account: str
    duties: tuple[Duty, ...] = ()
    substitute: str | None = None
    absent_from: date | None = None
    absent_to: date | None = None

    def absent(self, on: date) -> bool:
        """Whether the day lies in the absence, first and last day included; without a last day it goes on."""
        began = self.absent_from is not None and self.absent_from <= on
        return began and (self.absent_to is None or on <= self.absent_to)


@dataclass(frozen=True, slots=True)
class Unit:
    """A row of the register. ``ended_on`` is the first day on which the unit no longer exists.

    ``office``: the name of the responsible office (具体承办机构). ``function``: what the unit is to the hotline.
    ``duty_contact``: a telephone number or the address of a webhook, for notices; it is never announced.
    """

    code: str
    name: str
    kind: str
    parent: str | None = None
    leader: str | None = None
    handlers: tuple[str, ...] = ()
    kafka_feed: bool = False
    ended_on: date | None = None
    successor: str | None = None
    office: str | None = None
    function: str | None = None
    duty_contact: str | None = None

    @property
    def jurisdiction(self) -> str:
        return self.code.partition(".")[0]

    def named_handlers(self, officers: Collection[Officer]) -> int:
        """How many people are named as handlers, in the row itself or as officers."""
        return len({*self.handlers, *(one.account for one in officers if "handler" in one.duties)})

    def has_leader(self, officers: Collection[Officer]) -> bool:
        return self.leader is not None or any("leader" in one.duties for one in officers)

    def flags(self, held_to: UnitRegister | None, officers: Collection[Officer] = ()) -> tuple[Flag, ...]:
        """What the register's keeper should see to; nothing where the pack in force is silent (双鸭山 第八条（二）)."""
        if held_to is None:
            return ()
        return held_to.flags(
            kind=self.kind,
            handlers=self.named_handlers(officers),
            leader=self.has_leader(officers),
            office=self.office is not None,
            duty_contact=self.duty_contact is not None,
            function=self.function,
        )

    def ended(self, on: date) -> bool:
        return self.ended_on is not None and self.ended_on <= on


class UnitRefused(Exception):
    """A row that cannot stand, or a unit that cannot be sent a ticket: the field, the rule, and its sentence."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.message = message


def check(unit: Unit, kinds: Mapping[str, object], others: Mapping[str, Unit]) -> None:
    """Whether the row may stand beside the others of its jurisdiction; raises ``UnitRefused``."""
    if unit.kind not in kinds:
        raise UnitRefused("kind", "unknown_kind", "本地规则没有这一单位类别。")
    if len(set(unit.handlers)) < len(unit.handlers):
        raise UnitRefused("handlers", "repeated", "同一承办人员重复列出。")
    if unit.duty_contact is not None and not _DUTY_CONTACT.fullmatch(unit.duty_contact):
        raise UnitRefused("duty_contact", "format", "值班联系方式应为电话号码或者以 https:// 开头的接收地址。")
    _check_parent(unit, others)
    if unit.successor is None:
        return
    if unit.ended_on is None:
        raise UnitRefused("successor", "not_ended", "单位未终止，不能有承接单位。")
    heir = others.get(unit.successor)
    if unit.successor == unit.code or heir is None:
        raise UnitRefused("successor", "unknown_unit", f"单位库中没有 {unit.successor}，或者就是本单位。")
    if heir.ended(unit.ended_on):
        raise UnitRefused("successor", "unit_ended", f"{unit.successor} 届时也已终止。")


def check_officer(officer: Officer, unit: Unit, others: Collection[Officer]) -> None:
    """Whether the officer's row may stand; ``others`` are the unit's further officers. Raises ``UnitRefused``."""
    if len(set(officer.duties)) < len(officer.duties):
        raise UnitRefused("duties", "repeated", "同一职责重复列出。")
    began, ended = officer.absent_from, officer.absent_to
    if ended is not None and (began is None or ended < began):
        raise UnitRefused("absent_to", "before_begin", "离岗的最后一天早于第一天，或者未填第一天。")
    if officer.substitute is None:
        return
    if officer.substitute == officer.account:
        raise UnitRefused("substitute", "oneself", "代理人不能是本人。")
    if officer.substitute not in staff(unit, others):
        raise UnitRefused("substitute", "unknown_officer", "代理人不是本单位人员。")


def staff(unit: Unit, officers: Collection[Officer]) -> frozenset[str]:
    """The accounts that are with the unit."""
    named = {*unit.handlers, *((unit.leader,) if unit.leader else ())}
    return frozenset(named | {one.account for one in officers if one.duties})


def who_acts(account: str, unit: Unit, officers: Collection[Officer], on: date) -> str:
    """The account that has the work of ``account`` on that day: itself, or while it is absent its substitute, whose
    own absence passes the work on again. Raises ``UnitRefused`` when nobody is there.
    """
    rows = {one.account: one for one in officers}
    with_unit = staff(unit, officers)
    if account not in with_unit:
        raise UnitRefused("to_account", "unknown_officer", "不是本单位人员。")
    passed = set[str]()
    acting: str | None = account
    while acting is not None and acting in with_unit and acting not in passed:
        row = rows.get(acting)
        if row is None or not row.absent(on):
            return acting
        passed.add(acting)
        acting = row.substitute
    raise UnitRefused("to_account", "absent", "该人员离岗，且没有在岗的代理人。")


def _check_parent(unit: Unit, others: Mapping[str, Unit]) -> None:
    above = unit.parent
    if above is not None and above not in others:
        raise UnitRefused("parent", "unknown_unit", f"单位库中没有 {above}。")
    passed = set[str]()
    while above is not None and above not in passed:
        if above == unit.code:
            raise UnitRefused("parent", "circle", "上级单位不能是本单位或者其下级。")
        passed.add(above)
        above = others[above].parent if above in others else None


def check_addressees(named: Sequence[tuple[str, str]], found: Mapping[str, Unit], jurisdiction: str, on: date) -> None:
    """Whether each (field, unit) that an assignment names can be sent a ticket on that day; raises ``UnitRefused``."""
    seen = set[str]()
    for field, code in named:
        unit = found.get(code)
        if unit is None or unit.jurisdiction != jurisdiction:
            raise UnitRefused(field, "unknown_unit", f"单位库中没有 {code}。")
        if unit.ended(on):
            heir = f"，由 {unit.successor} 承接" if unit.successor else ""
            raise UnitRefused(field, "unit_ended", f"{code} 已于 {unit.ended_on} 终止{heir}。")
        if code in seen:
            raise UnitRefused(field, "repeated", f"{code} 重复列出。")
        seen.add(code)
