"""督办 (双鸭山 第三十一条、第三十二条): which supervision a rule issues, what one by hand needs, what a reply is.

Nothing here reads a clock or a table. Whether a reply is late, sla judges from the instant at which it was accepted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.clock import SHANGHAI
from common.policy.supervision import Form, Supervision
from review.refusals import FieldRefused, Refused
from review.statuses import HELD

SUPERVISED: Final = HELD | {"closed"}
"""Statuses in which a unit answers for the ticket: until it is filed away."""
GONE_THROUGH: Final = SUPERVISED | {"archived", "stopped"}
"""Statuses of the tickets that special supervision goes through (第三十二条（三）: 定期…统计研判): past ones too."""


class NotSupervisable(Refused):
    code = "not_supervisable"


class AlreadyReplied(Refused):
    code = "already_replied"


@dataclass(frozen=True, slots=True)
class Near:
    """A deadline that comes near: what sla announced of it."""

    kind: str
    unit: str
    due_at: datetime
    generation: int


@dataclass(frozen=True, slots=True)
class Order:
    """One supervision. ``kind``, ``generation`` and ``due_at`` name the deadline that a rule issued it for."""

    id: UUID
    ticket: UUID
    round: int
    unit: str
    form: Form
    ground: str | None
    text: str
    reply_due: bool
    by_rule: bool
    basis: tuple[Basis, ...]
    issued_at: datetime
    kind: str | None = None
    generation: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """What the pack makes of an intended supervision."""

    reply_due: bool
    basis: tuple[Basis, ...]


def by_phone(
    supervision: Supervision,
    near: Near,
    *,
    number: str,
    status: str,
    lead: str | None,
    current_round: int,
    round: int,
    round_ended: bool,
) -> tuple[str, Issue] | None:
    """What the unit is told by phone, by rule, when a limit comes near (第三十二条（一）); None: nothing.

    Nothing is told of a round that is over, and of signing in to a lead that has signed in meanwhile.
    """
    rule = supervision.near_limits.get(near.kind)
    if rule is None or round != current_round or round_ended or status not in HELD:
        return None
    if near.kind == "sign_in" and near.unit == lead and status != "dispatched":
        return None
    form = supervision.forms["phone"]
    text = rule.told(number, _wall_clock(near.due_at))
    return text, Issue(form.reply_due, tuple(dict.fromkeys((rule.basis, form.basis))))


def _wall_clock(due_at: datetime) -> str:
    """``2025年9月29日24时``: the first late instant as people say it; midnight is the end of the day before."""
    local = due_at.astimezone(SHANGHAI)
    if (local.hour, local.minute) == (0, 0):
        before = local.date().toordinal() - 1
        day = local.date().fromordinal(before)
        return f"{day.year}年{day.month}月{day.day}日24时"
    minute = f"{local.minute}分" if local.minute else ""
    return f"{local.year}年{local.month}月{local.day}日{local.hour}时{minute}"


def require_supervisable(form: Form, status: str, unit: str, holders: Collection[str]) -> None:
    """Whether the unit answers for the ticket now, as far as this form goes."""
    allowed = GONE_THROUGH if form == "special" else SUPERVISED
    if status not in allowed:
        raise NotSupervisable("工单的当前状态不能进行此种督办。", allowed=sorted(allowed))
    if unit not in holders:
        raise FieldRefused("unit", "holder", "督办的对象应为该工单的主办或者协办单位。")


def by_hand(supervision: Supervision, form: Form, ground: str | None) -> Issue:
    """A supervision that a person issues: the form is the pack's, and its ground one of that form's."""
    known = supervision.forms.get(form)
    if known is None:
        raise FieldRefused("form", "choice", f"督办方式应为：{'、'.join(supervision.forms)}。")
    grounds = supervision.grounds_of(form)
    if ground is None and known.needs_ground:
        raise FieldRefused("ground", "required", f"{known.label}应当选择事由：{'、'.join(grounds)}。")
    if ground is not None and ground not in grounds:
        choices = f"应为：{'、'.join(grounds)}" if grounds else "此种督办无须选择事由"
        raise FieldRefused("ground", "choice", f"事由不适用于{known.label}，{choices}。")
    named = (grounds[ground].basis,) if ground is not None else ()
    return Issue(known.reply_due, tuple(dict.fromkeys((*named, known.basis))))


def require_unanswered(replied_at: datetime | None) -> None:
    """One written reply to a supervision; what changes later is progress, not another reply."""
    if replied_at is not None:
        raise AlreadyReplied("该督办已经书面回复。")


Lateness = Literal["in_time", "late", "open", "overdue"]


def lateness(due_at: datetime | None, replied_at: datetime | None, now: datetime) -> Lateness | None:
    """How the reply stands to its limit as far as it is known; None: no limit is known."""
    if due_at is None:
        return None
    if replied_at is not None:
        return "in_time" if replied_at < due_at else "late"
    return "open" if now < due_at else "overdue"
