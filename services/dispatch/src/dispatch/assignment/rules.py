"""To whom a ticket may go by which principle, and what a designation must say."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from common.basis import Basis
from common.events.vocabulary import Designation, Helper
from common.policy.catalogue import Catalogue, is_unit
from common.policy.dispatching import Principle
from common.policy.notices import Notices
from common.policy.units import UnitKind
from dispatch.suggestion.rules import ItemRefused, check_named


class AssignmentRefused(Exception):
    """An assignment that cannot be: the field, the rule broken, its sentence, and the clause behind it."""

    def __init__(self, field: str, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.message = message
        self.basis = basis


def check_principle(
    principle: Principle, kinds: Mapping[str, UnitKind], kind: str, kinds_above: Collection[str]
) -> None:
    """Whether a unit of this kind, below units of those kinds, may be the lead by this principle.

    县（区）兜底 goes to a county or district, 直转 to a unit below one (双鸭山 第十四条、第十五条). Raises
    ``AssignmentRefused``.
    """

    def named(codes: Collection[str]) -> str:
        return "、".join(kinds[code].label for code in codes)

    if principle.for_kinds and kind not in principle.for_kinds:
        told = f"按“{principle.label}”派单的，主办单位应为：{named(principle.for_kinds)}。"
        raise AssignmentRefused("unit", "not_of_kind", told, (principle.basis,))
    if principle.below_kinds and not set(principle.below_kinds) & set(kinds_above):
        told = f"按“{principle.label}”派单的，主办单位应在单位库中列于以下单位之下：{named(principle.below_kinds)}。"
        raise AssignmentRefused("unit", "not_below", told, (principle.basis,))


BY_PAPER = frozenset({"superior", "department"})
"""Who designates by a paper of his own; everybody else by a case of review's."""


def check_designation(designated: bool, designation: Designation | None) -> None:
    """A designation says who named the unit: superiors and departments by their paper, a consultation by its case
    (双鸭山 第十九条（四）). Raises ``AssignmentRefused``.
    """
    if designated != (designation is not None):
        told = "指定承办单位的，须注明由谁指定。" if designated else "未指定承办单位的，不填指定依据。"
        raise AssignmentRefused("designation", "with_designated", told)
    if designation is None:
        return
    if designation.by in BY_PAPER and designation.reference is None:
        raise AssignmentRefused("designation.reference", "required", "上级领导或者有关部门指定的，须注明批示或者文件。")
    if designation.by not in BY_PAPER and designation.case is None:
        raise AssignmentRefused("designation.case", "required", "经协调、会商或者专报指定的，须注明所依据的案件。")


def check_territory(notices: Notices | None, kinds: Mapping[str, UnitKind], kind: str) -> None:
    """Whether a unit of this kind can be the territorial government (属地政府). Raises ``AssignmentRefused``."""
    if notices is None:
        raise AssignmentRefused("territory", "not_provided", "本地规则没有属地通报。")
    wanted = notices.territory_kind
    if kind != wanted.value:
        told = f"属地政府应为：{kinds[wanted.value].label}。"
        raise AssignmentRefused("territory", "not_of_kind", told, (wanted.basis,))


def require_territory(
    notices: Notices | None, kinds: Mapping[str, UnitKind], marks: Collection[str], held_under: Collection[str]
) -> None:
    """Whether it is known which territorial government a ticket with these marks is told to (双鸭山 第十七条).

    ``held_under``: the kinds of its holders and of the units above them. Raises ``AssignmentRefused``.
    """
    told = None if notices is None else notices.territory_told(marks)
    if notices is None or told is None or notices.territory_kind.value in held_under:
        return
    wanted = kinds[notices.territory_kind.value].label
    said = f"应当发出“{told.label}”，而承办单位不列于{wanted}之下，请填写事项所在的{wanted}。"
    raise AssignmentRefused("territory", "required", said, (told.basis,))


class Registered(Protocol):
    """A unit of the register, as far as the catalogue refers to one by its kind."""

    @property
    def kind(self) -> str: ...


def check_item(
    catalogue: Catalogue | None,
    item: str | None,
    helpers: Sequence[Helper],
    units: Mapping[str, Registered],
    on: date,
) -> None:
    """Whether the responsibility catalogue has this item, in use that day, and gives these helpers these roles.

    Who leads is not held to the item: the principle that is named decides, and a person answers for it. Raises
    ``AssignmentRefused``.
    """
    if item is None:
        if helpers:
            raise AssignmentRefused(
                "helpers", "without_item", "协助、指导、执法单位须按责任清单的某一项确定，请填写编号。"
            )
        return
    try:
        duty = check_named(catalogue, item, on)
    except ItemRefused as refused:
        raise AssignmentRefused("item", refused.rule, refused.message, refused.basis) from None
    references = {} if catalogue is None else catalogue.references or {}
    listed = [*duty.helpers, *(one for row in duty.outcomes for one in row.helpers)]
    for helper in helpers:
        roles = [one.unit for one in listed if one.role == helper.role]
        kinds = {references[code].kind for code in roles if not is_unit(code)}
        if helper.unit not in roles and not {None, units[helper.unit].kind} & kinds:
            told = f"责任清单第{item}项没有列 {helper.unit} 的这一职责。"
            raise AssignmentRefused("helpers", "not_in_item", told, (duty.basis,))
