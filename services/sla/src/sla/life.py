"""What each fact does to a ticket's docket and deadlines. Pure: the same facts in the same order come to the same."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Final
from uuid import UUID

from common.events.sla import MoveReason
from common.events.vocabulary import LegalLimit
from common.policy import Pack

from .deadlines import Deadline
from .facts import Fact
from .known import Change, Known
from .moves import counted_again, extended, named_limit, newly_owed, promised, resumed, stopped
from .plan import CLOSINGS, DECIDES, MEETS, Rules, anchored, opened
from .verdicts import (
    EndReason,
    Step,
    closing_accepted,
    closing_filed,
    closing_sent_back,
    judged,
    lifted,
    round_ended,
)

OUTLIVES: Final = ("look_back",)
"""Kinds that are owed also when the ticket has ended."""

ENDS: Final[Mapping[str, EndReason]] = {"withdrawn": "withdrawn", "merged": "merged", "archived": "superseded"}
"""Status in which a ticket ends with a ruling → why its deadlines stop."""


def change(known: Known, fact: Fact, rules: Rules) -> Change:
    """What the fact does. ``NoRuleApplies``, ``OutsideCalendar``, ``DecisionUnknown``.

    What the heir of a unit does counts for the unit; a dispatch names units as they are.
    """
    if fact.unit in known.docket.heirs.values() and fact.type not in ("Dispatched", "Reissued"):
        fact = replace(fact, unit=known.docket.known_as(fact.unit))
    return _DOES[fact.type](known, fact, rules)


def _begin_round(known: Known, fact: Fact, rules: Rules) -> Change:
    """Dispatched, Reissued: the round's own clocks begin to run; those of an earlier one are over."""
    steps = _ended(known.open(), fact.at, "superseded", fact, last=fact.round - 1) if known.docket.round else ()
    docket = replace(
        known.docket.released(),
        round=fact.round,
        unit=fact.unit,
        co_handlers=tuple(fact.more.get("co_handlers", ())),
        begun=anchored(fact),
        handling=True,
    )
    return Change(docket, opened(docket, rules, fact), steps)


def _meet(known: Known, fact: Fact, rules: Rules) -> Change:
    """A fact that meets duties of its unit in its round, or a filing that judges a window.

    What happened before the limit began does not meet it: a response to a matter that was not special yet.
    """
    rows = known.open(*MEETS[fact.type], round_=fact.round)
    met = [row for row in rows if row.unit == fact.unit and (fact.at >= row.anchor.at or row.counting.counted_from)]
    return Change(known.docket, steps=tuple(_judged(row, fact, rules) for row in met))


def _judged(row: Deadline, fact: Fact, rules: Rules) -> Step:
    """The deadline is met or missed by the fact; a clock that stands still runs again first."""
    again = resumed((row,), fact.at, fact.event, rules)
    step = judged(again[0].deadline if again else row, fact.event, fact.at)
    return Step(step.deadline, (*again[0].told, *step.told)) if again else step


def _contact(known: Known, fact: Fact, rules: Rules) -> Change:
    """RequesterContacted: level 1 by the centre, at any time; level 2 by the unit in its round (真如 三（二）1)."""
    if fact.more.get("level") != 1:
        return _meet(known, fact, rules)
    return Change(known.docket, steps=tuple(_judged(row, fact, rules) for row in known.open("level1_contact")))


def _sign_in(known: Known, fact: Fact, rules: Rules) -> Change:
    """SignedIn: what runs from the lead's taking it on begins; who has convened the co-handlers already owes no
    convening (同江 三（二））."""
    met = _meet(known, fact, rules)
    begins = fact.more.get("part", "lead") == "lead" and fact.round == known.docket.round and known.docket.handling
    if not begins:
        return met
    earlier = takewhile(lambda one: one.event != fact.event, known.facts)
    convened = any(one.type == "ConsultationConvened" and one.round == fact.round for one in earlier)
    begun = [row for row in opened(known.docket, rules, fact) if not (convened and row.kind == "convening")]
    return replace(met, opened=tuple(begun))


def _decide(known: Known, fact: Fact, rules: Rules) -> Change:
    """A fact that meets the duty of its case."""
    rows = known.open(*DECIDES[fact.type], case=fact.case)
    return Change(known.docket, steps=tuple(_judged(row, fact, rules) for row in rows))


def _report_progress(known: Known, fact: Fact, rules: Rules) -> Change:
    """ProgressReported: a co-handler may conclude its part with it; the lead may promise a date, and where the pack
    says so, has reported the result with that (同江 三（一））."""
    met = _meet(known, fact, rules)
    parts = known.open("co_handler_part", round_=fact.round) if fact.more.get("concludes_part") else []
    steps = [_judged(row, fact, rules) for row in parts if row.unit == fact.unit]
    if not fact.more.get("promised_at") or fact.unit != known.docket.unit or not known.docket.handling:
        return replace(met, steps=(*met.steps, *steps))
    interim, fresh = rules.pack.limits.interim, tuple[Deadline, ...]()
    if interim is not None and interim.value == "meets_closing":
        steps += [_judged(row, fact, rules) for row in known.open("closing", round_=fact.round) if row.filed_at is None]
    if "promised" in rules.pack.limits.tables:
        fresh, moves = promised(known, fact, rules)
        steps += moves
    return Change(known.docket, fresh, (*met.steps, *steps))


def _file_return(known: Known, fact: Fact, rules: Rules) -> Change:
    """Returned: judges the window, and the ruling on it has its own limit."""
    begun = () if known.docket.ended_at else opened(known.docket, rules, fact)
    return replace(_meet(known, fact, rules), opened=begun)


def _lapse_return(known: Known, fact: Fact, rules: Rules) -> Change:
    """ReturnLapsed: nobody rules on it any more."""
    return Change(known.docket, steps=_ended(known.open("ruling", case=fact.case), fact.at, "superseded", fact))


def _closings(known: Known, fact: Fact) -> list[Deadline]:
    """What the closing of this round meets: the round's own limits, and the whole limit, which is the ticket's."""
    return [row for row in known.open(*CLOSINGS) if row.round == fact.round or not row.of_the_round]


def _file_closing(known: Known, fact: Fact, rules: Rules) -> Change:
    """ClosingReported: the lamp goes off until the report is decided."""
    steps: list[Step] = []
    for row in _closings(known, fact):
        again = resumed((row,), fact.at, fact.event, rules)
        step = closing_filed(again[0].deadline if again else row, fact.event, fact.at)
        steps.append(Step(step.deadline, (*again[0].told, *step.told)) if again else step)
    return Change(known.docket, steps=(*steps, *_meet(known, fact, rules).steps))


def _send_closing_back(known: Known, fact: Fact, rules: Rules) -> Change:
    """ClosingSentBack: the same deadline is lit again."""
    filed = [row for row in _closings(known, fact) if row.filed_at is not None]
    return Change(known.docket, steps=tuple(closing_sent_back(row, fact.event, fact.at) for row in filed))


def _accept_closing(known: Known, fact: Fact, rules: Rules) -> Change:
    """Closed: judged by when the accepted report was filed. What the co-handlers still owed ends with that filing, and
    so does what is not owed any more once the result is there (真如 三（二）1: done and answered in time)."""
    filed_at = fact.instant("filed_at") or fact.at
    steps = [closing_accepted(row, fact.event, filed_at) for row in _closings(known, fact)]
    lifts = {kind for kind, table in rules.pack.limits.tables.items() if table.lifted_by is not None}
    excused = [row for row in known.open() if row.kind in lifts and filed_at < row.due_at]
    steps += [lifted(row, filed_at, fact.event) for row in excused]
    owed = [row for row in known.open(round_=fact.round) if row.unit in known.docket.co_handlers and row.case is None]
    docket = replace(known.docket, handling=False) if fact.round == known.docket.round else known.docket
    return Change(docket, opened(docket, rules, fact), (*steps, *_ended(owed, filed_at, "superseded", fact)))


def _stop_clock(known: Known, fact: Fact, rules: Rules) -> Change:
    """ClockStopped: what the ground stops stands still."""
    return Change(known.docket, steps=stopped(known, fact, rules))


def _resume_clock(known: Known, fact: Fact, rules: Rules) -> Change:
    """ClockResumed: it runs on with the time that was left."""
    return Change(known.docket, steps=resumed(known.open(round_=fact.round), fact.at, fact.event, rules))


def _call_back(known: Known, fact: Fact, rules: Rules) -> Change:
    """CallbackRecorded: the requester was called, reached or not."""
    return Change(known.docket, steps=tuple(judged(row, fact.event, fact.at) for row in known.open("callback")))


def _look_back(known: Known, fact: Fact, rules: Rules) -> Change:
    """LookBackRecorded (清远 三（三）2)."""
    return Change(known.docket, steps=tuple(judged(row, fact.event, fact.at) for row in known.open("look_back")))


def _owe(known: Known, fact: Fact, rules: Rules) -> Change:
    """PushIssued, KnowledgeDue: a unit owes an answer, or an entry."""
    return Change(known.docket, opened(known.docket, rules, fact))


def _convene(known: Known, fact: Fact, rules: Rules) -> Change:
    """ConsultationConvened: its own limit begins; where it follows an unresolved one, no report upward is due yet."""
    begun = () if known.docket.ended_at else opened(known.docket, rules, fact)
    met = [_judged(row, fact, rules) for row in known.open("convening", round_=fact.round)]
    return Change(known.docket, begun, (*met, *_ended(known.open("escalation"), fact.at, "superseded", fact)))


def _conclude(known: Known, fact: Fact, rules: Rules) -> Change:
    """ConsultationConcluded: its limit is met; unresolved, the limit of the report upward begins."""
    unresolved = fact.more["outcome"] == "unresolved" and known.docket.ended_at is None
    return replace(_decide(known, fact, rules), opened=opened(known.docket, rules, fact) if unresolved else ())


def _escalate(known: Known, fact: Fact, rules: Rules) -> Change:
    """Escalated: the report upward was made."""
    named = fact.more.get("consultation")
    rows = known.open("escalation", case=UUID(named) if named else None)
    return Change(known.docket, steps=tuple(judged(row, fact.event, fact.at) for row in rows))


def _supervise(known: Known, fact: Fact, rules: Rules) -> Change:
    """SupervisionIssued: the written reply, where one is wanted, has its limit; also of a ticket that has ended."""
    return Change(known.docket, opened(known.docket, rules, fact) if fact.more.get("reply_due") else ())


def _apply_ruling(known: Known, fact: Fact, rules: Rules) -> Change:
    """RulingApplied: a round may end with it, or the ticket; an extension or a named limit takes effect with it.

    A denied return ends nothing: the first clock runs on (双鸭山 第十八条).
    """
    docket, steps, last = known.docket, tuple[Step, ...](), fact.more.get("ended_round")
    at = fact.instant("round_ended_at") or fact.at
    why = ENDS.get(fact.more["new_status"])
    if last is not None:
        steps = _ended(known.open(), at, why or "superseded", fact, last=last)
        docket = docket.released() if last == docket.round else docket
    if why is not None:
        done = {step.deadline.id for step in steps}
        kept = OUTLIVES if why == "superseded" else ()
        over = [row for row in known.open() if row.id not in done and row.kind not in kept]
        steps += _ended(over, fact.at, why, fact)
        return Change(replace(docket.released(), ended_at=fact.at), steps=steps)
    if fact.more["kind"] == "extension" and last is None:
        return Change(docket, steps=extended(known, fact, rules))
    if fact.more["kind"] in ("consultation", "escalation"):
        docket = named_limit(replace(known, docket=docket), fact)
        if docket.concluded != known.docket.concluded and last is None and docket.handling:
            steps += counted_again(replace(known, docket=docket), fact, rules, fact.more["kind"])
    return Change(docket, steps=steps)


def _amend(known: Known, fact: Fact, rules: Rules) -> Change:
    """TicketAmended: the open round's deadlines follow what the ticket says from now on; closed rounds do not."""
    law = fact.more.get("legal_limit")
    docket = replace(
        known.docket,
        type=fact.more["type"],
        category=fact.more["category"],
        marks=tuple(fact.more["marks"]),
        legal_limit=LegalLimit.model_validate(law) if law else None,
    )
    if not docket.handling or fact.round > docket.round:
        return Change(docket)
    reason: MoveReason = "legal_limit" if fact.more["changed"] == ["legal_limit"] else "amendment"
    again = counted_again(replace(known, docket=docket), fact, rules, reason)
    fresh, revived = newly_owed(replace(known, docket=docket), fact, rules)
    return Change(docket, fresh, (*again, *revived))


def _stop_handling(known: Known, fact: Fact, rules: Rules) -> Change:
    """HandlingStopped (双鸭山 第二十三条): the ticket ends."""
    return _over(known, fact, "handling_stopped")


def _archive(known: Known, fact: Fact, rules: Rules) -> Change:
    """Archived: nothing runs any more."""
    return _over(known, fact, "superseded")


def _over(known: Known, fact: Fact, reason: EndReason) -> Change:
    docket = replace(known.docket.released(), ended_at=fact.at)
    over = [row for row in known.open() if row.kind not in OUTLIVES]
    return Change(docket, steps=_ended(over, fact.at, reason, fact))


def _pass_on(known: Known, fact: Fact, rules: Rules) -> Change:
    """SubAssigned (双鸭山 第九条): who works on it inside the unit may read; the unit stays answerable."""
    docket, to, account = known.docket, fact.more.get("to_unit"), fact.more.get("to_account")
    if fact.round != docket.round:
        return Change(docket)
    if account is not None and fact.unit is not None:
        heir = docket.heirs.get(fact.unit, fact.unit)
        return Change(replace(docket, officers={**docket.officers, fact.unit: account, heir: account}))
    return Change(replace(docket, readers=tuple(dict.fromkeys((*docket.readers, to)))) if to else docket)


def _succeed(known: Known, fact: Fact, rules: Rules) -> Change:
    """UnitSucceeded: same round, same clocks; the successor goes on with them."""
    if fact.unit is None or fact.round != known.docket.round:
        return Change(known.docket)
    return Change(known.docket.succeeded(fact.unit, fact.more["successor"]))


def _change_pack(known: Known, fact: Fact, rules: Rules) -> Change:
    """PolicyApplied (G-3): what the open round still owes follows the pack that applies from now on.

    What was due by then stands, lamp or not: a pack withdraws no red one. So does what was filed, and every case.
    """
    docket = replace(known.docket, policy=fact.more["to_policy"])
    if not docket.handling or fact.round < docket.round:
        return Change(docket)
    ahead = [row for row in known.rows if row.due_at > fact.at and row.filed_at is None]
    again = counted_again(replace(known, docket=docket, rows=ahead), fact, rules, "policy")
    gone = [lifted(row, fact.at, fact.event) for row in ahead if _unknown_to(rules.pack, row, docket.round)]
    fresh, revived = newly_owed(replace(known, docket=docket), fact, rules)
    return Change(docket, fresh, tuple(_under(docket.policy, step) for step in (*again, *gone, *revived)))


def _unknown_to(pack: Pack, row: Deadline, round_: int) -> bool:
    """Whether it runs in that round, of a kind that the pack does not have."""
    ours = row.open and row.case is None and row.round == round_ and row.kind != "promised"
    return ours and row.kind not in pack.limits.tables


def _under(policy: str, step: Step) -> Step:
    """The deadline as another pack counts it."""
    told = tuple(replace(one, reason="policy") if one.name == "DeadlineMoved" else one for one in step.told)
    return Step(replace(step.deadline, policy=policy), told)


def _only_kept(known: Known, fact: Fact, rules: Rules) -> Change:
    """A decision that takes effect with dispatch's answer."""
    return Change(known.docket)


def _ended(
    rows: Iterable[Deadline], at: datetime, reason: EndReason, fact: Fact, *, last: int | None = None
) -> tuple[Step, ...]:
    """These deadlines end; with ``last``, those that end with a round up to that one."""
    over = [row for row in rows if last is None or (row.of_the_round and row.round <= last)]
    return tuple(round_ended(row, at, reason, fact.event) for row in over)


_DOES: Final[Mapping[str, Callable[[Known, Fact, Rules], Change]]] = {
    "Dispatched": _begin_round,
    "Reissued": _begin_round,
    "SignedIn": _sign_in,
    "RequesterContacted": _contact,
    "ProgressReported": _report_progress,
    "Returned": _file_return,
    "ReturnApproved": _decide,
    "ReturnDenied": _decide,
    "ReturnLapsed": _lapse_return,
    "ClosingReported": _file_closing,
    "ClosingSentBack": _send_closing_back,
    "Closed": _accept_closing,
    "ClockStopped": _stop_clock,
    "ClockResumed": _resume_clock,
    "CallbackRecorded": _call_back,
    "LookBackRecorded": _look_back,
    "PushIssued": _owe,
    "PushAnswered": _decide,
    "KnowledgeDue": _owe,
    "KnowledgeEntered": _decide,
    "ExtensionGranted": _only_kept,
    "ConsultationConvened": _convene,
    "ConsultationConcluded": _conclude,
    "Escalated": _escalate,
    "EscalationDecided": _only_kept,
    "SupervisionIssued": _supervise,
    "SupervisionReplied": _decide,
    "RulingApplied": _apply_ruling,
    "TicketAmended": _amend,
    "SubAssigned": _pass_on,
    "HandlingStopped": _stop_handling,
    "Archived": _archive,
    "UnitSucceeded": _succeed,
    "PolicyApplied": _change_pack,
}
READ: Final = tuple(name for name in _DOES if name != "PolicyApplied")
"""Types of events that a ticket's clocks depend on, beside its registration; the pack is applied here."""
