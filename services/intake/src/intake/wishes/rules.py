"""When a requester may add to a ticket, urge it or withdraw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from common.basis import Basis

Wish = Literal["supplement", "urging", "withdrawal"]

_BEFORE_CLOSING: Final = ("awaiting_dispatch", "dispatched", "signed_in", "closing_filed")


@dataclass(frozen=True, slots=True)
class Possible:
    """The statuses in which a wish can be met, why, and what an official is told otherwise."""

    statuses: tuple[str, ...]
    otherwise: str
    basis: Basis


POSSIBLE: Final[Mapping[Wish, Possible]] = {
    "supplement": Possible(
        (*_BEFORE_CLOSING, "closed"),
        "工单已经终结，不再补充。",
        Basis(rule="G-3", assumption="工单归档之前诉求人都可以补充情况，回访时补充的也一并记录。"),
    ),
    "urging": Possible(
        _BEFORE_CLOSING,
        "工单已经办结或者终结，不再催办。",
        Basis(rule="G-3", assumption="催单是催促办理；已经办结的，诉求人的意见在回访中登记。"),
    ),
    "withdrawal": Possible(
        _BEFORE_CLOSING,
        "工单已经办结或者终结，不再撤单。",
        Basis(rule="G-3", assumption="诉求人可以在办结之前撤回诉求；已经办结的，没有可以撤回的办理。"),
    ),
}


class NotNow(ValueError):
    """The ticket's status does not allow it."""

    def __init__(self, possible: Possible) -> None:
        super().__init__("not in this status")
        self.possible = possible


def check(wish: Wish, status: str | None) -> None:
    """Silent when the wish can be met in that status; ``NotNow`` otherwise."""
    possible = POSSIBLE[wish]
    if status not in possible.statuses:
        raise NotNow(possible)
