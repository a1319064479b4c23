"""Judging a callback: what a rule settles, what a person decides (双鸭山 第二十二条).

Where nobody is reached the pack's ``not_reached`` holds: an unanswered callback settles nothing by itself and is no
ground for redoing the work; a person may archive on the last one, with a reason.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.policy.callbacks import Callbacks, Judgement
from review.refusals import Refused

State = Literal["queued", "not_reached", "judged", "applied", "overtaken", "lapsed", "superseded"]
"""``queued``: a person decides. ``not_reached``: nobody answered; a later attempt makes it ``superseded``. ``judged``:
dispatch has not answered yet; ``applied`` or ``overtaken`` is its answer. ``lapsed``: the ticket went on without it."""

OPEN: Final[tuple[State, ...]] = ("queued", "not_reached")
Outcome = Literal["archive", "redo"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("archive", "redo")

NOT_REACHED: Final = "not_reached"
"""The ground of archiving a ticket whose requester nobody reached."""

_WORDS: Final[dict[State, str]] = {
    "queued": "待审核",
    "not_reached": "回访不通",
    "judged": "已审核，待派单环节生效",
    "applied": "已审核并生效",
    "overtaken": "已审核，但到达派单环节时已不能生效",
    "lapsed": "已因工单进入下一环节而失效",
    "superseded": "已有后一次回访",
}


class CallbackJudged(Refused):
    code = "callback_judged"


class NotReached(Refused):
    code = "not_reached"


class GroundNotOfOutcome(Refused):
    """``allowed`` are the grounds on which this outcome can rest."""

    code = "ground_not_allowed"


class GroundMissing(GroundNotOfOutcome):
    """The work is redone on one of the pack's grounds only (双鸭山 第二十二条)."""

    code = "ground_missing"


@dataclass(frozen=True, slots=True)
class Judgment:
    """What follows from a callback."""

    outcome: Outcome
    by_rule: bool
    ground: str | None
    note: str | None
    basis: tuple[Basis, ...]


@dataclass(frozen=True, slots=True)
class Callback:
    """One attempt to ask the requester, and what was said. ``satisfaction`` is a step of the pack's scale."""

    id: UUID
    ticket: UUID
    round: int
    state: State
    outcome: Literal["reached", "not_reached"]
    responded: bool | None
    resolved: bool | None
    satisfaction: str | None
    attempt: int
    occurred_at: datetime
    remark: str | None

    @property
    def answers(self) -> dict[str, str | bool]:
        """What was answered, by the pack's questions."""
        asked = {"responded": self.responded, "resolved": self.resolved, "satisfaction": self.satisfaction}
        return {question: answer for question, answer in asked.items() if answer is not None}


def archived_by_rule(callbacks: Callbacks, callback: Callback) -> Judgment | None:
    """Archived without a person when every answer is the pack's best; None: a person decides."""
    if callback.outcome != "reached" or not callbacks.archives(callback.answers):
        return None
    return Judgment("archive", True, None, None, (callbacks.archive_when.basis,))


def over(round: int, current_round: int, status: str, ended: Collection[str]) -> bool:
    """Whether the ticket has gone on without this callback: another round, or no life any more."""
    return round != current_round or status in ended


def judgements_for(callbacks: Callbacks, state: State) -> tuple[Judgement, ...]:
    """The outcomes a person may choose now, as the pack names them."""
    open_to = OUTCOMES if state == "queued" else OUTCOMES[:1]
    return tuple(callbacks.judgements[outcome] for outcome in open_to if outcome in callbacks.judgements)


def judged(callbacks: Callbacks, callback: Callback, outcome: Outcome, ground: str | None, note: str) -> Judgment:
    """A reviewer's judgement: 应办未办, or unsatisfied with a reasonable demand, goes back to the unit."""
    if callback.state not in OPEN:
        raise CallbackJudged(f"该回访{_WORDS[callback.state]}，不能再次审核。")
    if callback.state == "not_reached":
        unreached = (callbacks.not_reached.basis,)
        if outcome != "archive":
            raise NotReached("回访不通不作为再次办理的依据，请再次回访。", allowed=["archive"], basis=unreached)
        return Judgment("archive", False, NOT_REACHED, note, unreached)
    grounds = callbacks.redo_when if outcome == "redo" else {}
    if grounds and ground is None:
        raise GroundMissing("退回再次办理须选择理由。", allowed=tuple(grounds))
    if ground is not None and ground not in grounds:
        raise GroundNotOfOutcome("所选理由不适用于此项决定。", allowed=tuple(grounds))
    named = (grounds[ground].basis,) if ground is not None else ()
    return Judgment(outcome, False, ground, note, (*named, callbacks.judgements[outcome].basis))
