"""Judging a callback: what a rule settles, what a person decides (双鸭山 第二十二条).

Where nobody is reached the pack's ``not_reached`` holds: an unanswered callback settles nothing by itself and is no
ground for redoing the work; a person may archive on the last one, with a reason.

An unsatisfied requester is owed an explanation by the unit; where the demand cannot be satisfied, or is unreasonable,
the unit makes a statement with its evidence. A person asks for either, the callback waits for the unit, and then it is
judged once more: archived or redone. Redoing is never held up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from common.basis import Basis
from common.policy.callbacks import Callbacks, Judgement
from review.refusals import Refused

State = Literal["queued", "not_reached", "judged", "awaiting_unit", "applied", "overtaken", "lapsed", "superseded"]
"""``queued``: a person decides. ``not_reached``: nobody answered; a later attempt makes it ``superseded``. ``judged``:
dispatch has not answered yet; ``applied`` or ``overtaken`` is its answer. ``awaiting_unit``: the unit owes what was
asked for; with it the callback is ``queued`` again. ``lapsed``: the ticket went on without it."""

OPEN: Final[tuple[State, ...]] = ("queued", "not_reached", "awaiting_unit")
Outcome = Literal["archive", "redo", "explanation", "statement"]
ASKED_OF_UNIT: Final[frozenset[Outcome]] = frozenset({"explanation", "statement"})
"""Judgements after which the unit has something to do and the file stays open."""

NOT_REACHED: Final = "not_reached"
"""The ground of archiving a ticket whose requester nobody reached."""

_WORDS: Final[dict[State, str]] = {
    "queued": "待审核",
    "not_reached": "回访不通",
    "judged": "已审核，待派单环节生效",
    "awaiting_unit": "待承办单位说明",
    "applied": "已审核并生效",
    "overtaken": "已审核，但到达派单环节时已不能生效",
    "lapsed": "已因工单进入下一环节而失效",
    "superseded": "已有后一次回访",
}


class CallbackJudged(Refused):
    code = "callback_judged"


class NotReached(Refused):
    code = "not_reached"


class ExplanationOwed(Refused):
    """The requester is not satisfied, and the unit has neither explained nor stated anything yet."""

    code = "explanation_owed"


class UnitAwaited(Refused):
    """The unit has been asked and has not answered."""

    code = "unit_awaited"


class JudgementNotOpen(Refused):
    """The pack does not have this judgement for such a callback."""

    code = "judgement_not_open"


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
    """One attempt to ask the requester, and what was said. ``satisfaction`` is a step of the pack's scale.

    ``judgement``: the last one made. ``explained``, ``stated``: what the unit did since, as it stands in the queue.
    """

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
    judgement: Outcome | None = None
    explained: Mapping[str, Any] | None = None
    stated: Mapping[str, Any] | None = None

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


def owes_explanation(callbacks: Callbacks, callback: Callback) -> bool:
    """Whether the file may not be closed yet: the requester is not satisfied, and the unit has said nothing."""
    after = callbacks.archive_unsatisfied_after
    if after is None or not callbacks.leaves_unsatisfied(callback.answers):
        return False
    done = {"explained": callback.explained, "stated": callback.stated}
    return all(done[step] is None for step in after.value)


def open_outcomes(callbacks: Callbacks, callback: Callback) -> tuple[Outcome, ...]:
    """The judgements a person may make now, in the pack's order."""
    if callback.state == "not_reached":
        may: set[Outcome] = {"archive"}
    elif callback.state == "awaiting_unit":
        may = {"redo"}
    elif callback.state == "queued":
        may = {"redo"} if owes_explanation(callbacks, callback) else {"archive", "redo"}
        if callback.explained is None and callbacks.leaves_unsatisfied(callback.answers):
            may.add("explanation")
        if callback.stated is None and callbacks.statement_when is not None:
            may.add("statement")
    else:
        may = set()
    order: tuple[Outcome, ...] = ("archive", "redo", "explanation", "statement")
    return tuple(outcome for outcome in order if outcome in may and outcome in callbacks.judgements)


def judgements_for(callbacks: Callbacks, callback: Callback) -> tuple[Judgement, ...]:
    """The outcomes a person may choose now, as the pack names them."""
    return tuple(callbacks.judgements[outcome] for outcome in open_outcomes(callbacks, callback))


def grounds_of(callbacks: Callbacks, outcome: Outcome) -> Mapping[str, Judgement]:
    """The grounds on which a judgement rests; none: it needs none."""
    if outcome == "redo":
        return callbacks.redo_when
    return callbacks.statement_when or {} if outcome == "statement" else {}


def judged(callbacks: Callbacks, callback: Callback, outcome: Outcome, ground: str | None, note: str) -> Judgment:
    """A reviewer's judgement: 应办未办, or unsatisfied with a reasonable demand, goes back to the unit."""
    if callback.state not in OPEN:
        raise CallbackJudged(f"该回访{_WORDS[callback.state]}，不能再次审核。")
    may = open_outcomes(callbacks, callback)
    if callback.state == "not_reached":
        unreached = (callbacks.not_reached.basis,)
        if outcome not in may:
            raise NotReached("回访不通不作为再次办理的依据，请再次回访。", allowed=may, basis=unreached)
        return Judgment("archive", False, NOT_REACHED, note, unreached)
    if outcome not in may:
        raise _not_open(callbacks, callback, outcome, may)
    grounds = grounds_of(callbacks, outcome)
    if grounds and ground is None:
        word = "退回再次办理" if outcome == "redo" else callbacks.judgements[outcome].label
        raise GroundMissing(f"{word}须选择理由。", allowed=tuple(grounds))
    if ground is not None and ground not in grounds:
        raise GroundNotOfOutcome("所选理由不适用于此项决定。", allowed=tuple(grounds))
    named = (grounds[ground].basis,) if ground is not None else ()
    return Judgment(outcome, False, ground, note, (*named, callbacks.judgements[outcome].basis))


def _not_open(callbacks: Callbacks, callback: Callback, outcome: Outcome, may: tuple[Outcome, ...]) -> Refused:
    """Why this judgement cannot be made now."""
    if callback.state == "awaiting_unit" and callback.judgement is not None:
        asked = callbacks.judgements[callback.judgement]
        return UnitAwaited(
            f"已要求{asked.label.removeprefix('由')}，待其完成后再审核。", allowed=may, basis=(asked.basis,)
        )
    after = callbacks.archive_unsatisfied_after
    if outcome == "archive" and after is not None:
        detail = "诉求人不满意的工单，承办单位向诉求人说明情况或者提交情况说明后方可归档。"
        return ExplanationOwed(detail, allowed=may, basis=(after.basis,))
    return JudgementNotOpen("此项决定不适用于该回访。", allowed=may)


def answered_state(callback: Callback) -> State:
    """What an effective judgement leaves: the end, or waiting for what the unit was asked and has not done yet."""
    if callback.judgement not in ASKED_OF_UNIT:
        return "applied"
    done = callback.explained if callback.judgement == "explanation" else callback.stated
    return "awaiting_unit" if done is None else "queued"
