"""What must be said before a unit stops handling a demand (双鸭山 第二十三条)."""

from common.basis import Basis
from common.policy.cessation import Cessation, CessationGround


class CessationRefused(Exception):
    """A cessation that cannot be: the field, the rule broken, its sentence, and the clause behind it."""

    def __init__(self, field: str, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.message = message
        self.basis = basis


def check_cessation(section: Cessation, ground: str, *, explained: bool, has_contact: bool) -> CessationGround:
    """The ground on which the unit stops. Raises ``CessationRefused`` for one that the pack does not list, or when the
    requester, who can be reached, was not told why.
    """
    listed = section.grounds.get(ground)
    if listed is None:
        known = "、".join(f"{one.code}（{one.label}）" for one in section.grounds.values())
        raise CessationRefused("ground", "unknown_ground", f"本地规则的停止办理情形为：{known}。")
    if section.explanation_owed(has_contact=has_contact) and not explained:
        told = "停止办理前应当向诉求人做好解释。"
        raise CessationRefused("explained", "required", told, (section.explained.basis,))
    return listed
