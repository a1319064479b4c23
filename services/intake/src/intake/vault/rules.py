"""Who may see what the vault holds of a requester (双鸭山 第二十八条)."""

from dataclasses import dataclass
from typing import Final, Literal

from common.basis import Basis

Field = Literal["contact", "original"]
"""What is asked for: name and telephone number, or the original statement and address."""

FIELDS_OF: Final[dict[Field, tuple[str, ...]]] = {"contact": ("name", "phone"), "original": ("statement", "address")}

CONFIDENTIALITY: Final = Basis(
    rule="G-1",
    assumption="诉求人要求信息保密的，承办单位不直接取得其联系方式和原话，需要联系时经热线中心进行；各地文件未作细化规定。",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One ticket of a look. ``by_unit``: a unit asks, not the centre."""

    is_open: bool
    confidential: bool
    by_unit: bool


class Confidential(Exception):
    """信息保密: only the centre speaks with this requester."""

    basis = CONFIDENTIALITY


class NotHeldNow(Exception):
    """The unit's work on the ticket has ended: there is nothing left to ask the requester for."""


def check(asked: Asked) -> None:
    """Silent when the look is allowed to whom the table of access admits."""
    if asked.by_unit and not asked.is_open:
        raise NotHeldNow
    if asked.by_unit and asked.confidential:
        raise Confidential
