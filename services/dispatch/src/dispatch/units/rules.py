"""What a row of the unit register must be, and which units can be sent a ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from common.policy.units import UnitRegister


@dataclass(frozen=True, slots=True)
class Unit:
    """A row of the register. ``ended_on`` is the first day on which the unit no longer exists."""

    code: str
    name: str
    kind: str
    parent: str | None = None
    leader: str | None = None
    handlers: tuple[str, ...] = ()
    kafka_feed: bool = False
    ended_on: date | None = None
    successor: str | None = None

    @property
    def jurisdiction(self) -> str:
        return self.code.partition(".")[0]

    def flags(self, held_to: UnitRegister | None) -> tuple[str, ...]:
        """What the register's keeper should see to; nothing where the pack in force is silent."""
        few = held_to is not None and held_to.too_few_handlers(len(self.handlers))
        return ("too_few_handlers",) if few else ()

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
