"""What makes a command impossible as things stand (409), or a field unfit by the pack (422), as the edge answers."""

from collections.abc import Sequence

from common.basis import Basis


class Refused(Exception):
    """The command cannot be carried out now. ``detail`` is what an official reads."""

    code = "refused"

    def __init__(self, detail: str, *, allowed: Sequence[str] = (), basis: Sequence[Basis] = ()) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.allowed = tuple(allowed)
        self.basis = tuple(basis)


class StaleRound(Refused):
    code = "stale_round"

    def __init__(self, current: int) -> None:
        super().__init__(f"工单现为第 {current} 轮，请按现轮次办理。")
        self.current = current


def require_round(named: int, current: int) -> None:
    """Every command names the round it saw; another one than the present is ``StaleRound``."""
    if named != current:
        raise StaleRound(current)


class FieldRefused(Exception):
    """What a field says cannot be, by a rule of the pack; the edge turns it into a 422 naming field and rule."""

    def __init__(self, field: str, rule: str, detail: str, *, basis: Sequence[Basis] = ()) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.detail = detail
        self.basis = tuple(basis)
