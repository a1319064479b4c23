"""When a requester may be called back, and what an answer must hold (双鸭山 第二十二条)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal

from common.basis import Basis
from common.policy import Pack

CallbackOutcome = Literal["reached", "not_reached"]


class CallbackRefused(ValueError):
    """The callback cannot be recorded as it was entered. ``field`` breaks ``rule``; ``message`` is for officials."""

    code: ClassVar[str] = "invalid_input"

    def __init__(self, field: str, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(rule)
        self.field = field
        self.rule = rule
        self.message = message
        self.basis = basis


@dataclass(frozen=True, slots=True)
class Callback:
    """One attempt, and what the requester said. ``occurred_at`` None: now."""

    means: str
    outcome: CallbackOutcome
    responded: bool | None = None
    resolved: bool | None = None
    satisfaction: str | None = None
    occurred_at: datetime | None = None
    proof: str | None = None
    remark: str | None = None


_QUESTIONS: Final = ("responded", "resolved", "satisfaction")


def check(callback: Callback, pack: Pack, *, closed_at: datetime | None, accepted_at: datetime) -> datetime:
    """When it took place. ``CallbackRefused`` when answers are missing, too many, or from no possible time."""
    asked = pack.callbacks
    if callback.means not in asked.means:
        raise CallbackRefused("means", "choice", f"不在允许的取值之内：{'、'.join(asked.means)}。")
    for name in _QUESTIONS:
        answer = getattr(callback, name)
        question = asked.questions.get(name)
        if callback.outcome == "not_reached" or question is None:
            if answer is not None:
                raise CallbackRefused(name, "not_asked", "未联系上诉求人或者本地办法不问此项的，不得填写。")
        elif answer is None:
            raise CallbackRefused(
                name, "required", f"已联系上诉求人的，应当填写“{question.label}”。", (question.basis,)
            )
        elif isinstance(answer, str) and answer not in question.scale:
            raise CallbackRefused(
                name, "choice", f"不在允许的取值之内：{'、'.join(question.scale)}。", (question.basis,)
            )
    return _when(callback, asked.due.basis, closed_at, accepted_at)


def _when(callback: Callback, due: Basis, closed_at: datetime | None, accepted_at: datetime) -> datetime:
    """An earlier time needs proof; before the closing there was nothing to ask about."""
    at = callback.occurred_at
    if at is None or at == accepted_at:
        return accepted_at
    if at > accepted_at:
        raise CallbackRefused("occurred_at", "in_future", "不得晚于当前时间。")
    if callback.proof is None:
        raise CallbackRefused("proof", "required", "补记此前的回访，应当填写通话或者录音编号。")
    if closed_at is not None and at < closed_at:
        raise CallbackRefused("occurred_at", "too_early", "不得早于办结时间。", (due,))
    return at
