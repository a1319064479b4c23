"""What must be told to somebody whose demand is against the law (双鸭山 第二十一条（三）)."""

from collections.abc import Mapping
from typing import Final

from common.basis import Basis
from common.policy.dispatching import LegalExplanation, Told

_MISSING: Final[Mapping[Told, str]] = {
    "provisions": "须写明已告知诉求人应当遵守的相关规定。",
    "consequences": "须写明已告知诉求人的法律后果。",
}


class ExplanationRefused(Exception):
    """A legal explanation that explains nothing: the field, the rule broken, its sentence, and the clause behind it."""

    def __init__(self, field: str, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.message = message
        self.basis = basis


def check_legal_explanation(
    section: LegalExplanation, told: Mapping[Told, str | None], *, reached: bool
) -> tuple[Basis, ...]:
    """The clause that the explanation fulfils. Raises ``ExplanationRefused`` when nobody was reached, or when something
    was left out that the pack wants told.
    """
    basis = (section.basis,)
    if not reached:
        raise ExplanationRefused("outcome", "not_reached", "未联系到诉求人的，不能登记为普法告知。", basis)
    for field in section.tells:
        if told.get(field) is None:
            raise ExplanationRefused(field, "required", _MISSING[field], basis)
    return basis
