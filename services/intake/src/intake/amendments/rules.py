"""What of a ticket may be corrected, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from common.basis import Basis
from common.events.intake import AmendedField
from common.events.vocabulary import LegalLimit
from common.policy import Pack
from intake.registration.rules import Fault, NotInPack, RegistrationRefused

UNTIL_CLOSING: Final = Basis(
    rule="G-3",
    assumption="登记内容在办结之前可以更正，时限随之重新计算；办结之后回访和评价都以办结时的内容为准，不再更正。",
)


class NothingChanged(RegistrationRefused):
    """The amendment says what the ticket says already."""

    code = "nothing_changed"
    title = "内容没有变化"


@dataclass(frozen=True, slots=True)
class Content:
    """What may be corrected of a ticket. ``address`` in its original words."""

    type: str
    category: str
    address: str | None
    marks: tuple[str, ...]
    legal_limit: LegalLimit | None


FIELDS: Final[tuple[AmendedField, ...]] = ("type", "category", "address", "marks", "legal_limit")


def amend(standing: Content, given: Mapping[str, Any], pack: Pack) -> tuple[Content, tuple[AmendedField, ...]]:
    """The content as amended, and the fields that changed. ``RegistrationRefused`` when it cannot stand."""
    amended = replace(standing, **given)
    faults = (*_type(amended, pack), *_marks(standing.marks, amended.marks, pack))
    if faults:
        raise NotInPack(faults)
    changed = tuple(name for name in FIELDS if _said(amended, name) != _said(standing, name))
    if not changed:
        raise NothingChanged((Fault("body", "nothing_changed", "没有填写与现有内容不同的更正。"),))
    return amended, changed


def _said(content: Content, name: AmendedField) -> object:
    return frozenset(content.marks) if name == "marks" else getattr(content, name)


def _type(amended: Content, pack: Pack) -> tuple[Fault, ...]:
    known = pack.ticket.types
    if amended.type in known:
        return ()
    return (Fault("type", "choice", f"不在允许的取值之内：{'、'.join(known)}。"),)


def _marks(standing: tuple[str, ...], wanted: tuple[str, ...], pack: Pack) -> tuple[Fault, ...]:
    """Agents enter and drop their own marks; those of rules stay as they are."""
    by_rule = pack.ticket.marks_of_rules
    settable = [code for code in pack.ticket.marks if code not in by_rule]
    faults = [
        Fault(f"marks.{place}", "choice", f"不在允许的取值之内：{'、'.join(settable)}。")
        for place, mark in enumerate(wanted)
        if mark not in settable and mark not in standing
    ]
    dropped = [mark for mark in standing if mark in by_rule and mark not in wanted]
    if dropped:
        labels = "、".join(pack.ticket.marks[mark].label for mark in dropped)
        faults.append(Fault("marks", "set_by_rule", f"由规则设置的标记不能取消：{labels}。"))
    return tuple(faults)
