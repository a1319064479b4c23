"""Carrying out a scenario against a pack: each way in which the pack says something else, in one sentence."""

from collections.abc import Iterator
from datetime import datetime

from common.calendar.reckon import before, due
from common.calendar.working import WorkingCalendar
from common.clock import SHANGHAI, local_date
from common.policy.limits import Limit
from common.policy.matching import Situation
from common.policy.pack import Pack
from common.policy.scenarios import (
    CallbackAnswered,
    ExpectedDeadline,
    OutcomeExpected,
    Redo,
    Refusal,
    Registration,
    ReturnFiled,
    Scenario,
    UnitEntered,
)


def rehearse(scenario: Scenario, pack: Pack, calendar: WorkingCalendar) -> tuple[str, ...]:
    """What does not come out as the scenario says; nothing when all of it does."""
    return tuple(_differences(scenario, pack, calendar))


def _differences(scenario: Scenario, pack: Pack, calendar: WorkingCalendar) -> Iterator[str]:
    if scenario.registration:
        yield from _registration(scenario.registration, pack)
    if scenario.refusal:
        yield from _refusal(scenario.refusal, pack)
    if scenario.outcome:
        yield from _outcome(scenario.outcome, pack)
    if scenario.callback:
        yield from _callback(scenario.callback, pack)
    if scenario.unit:
        yield from _unit(scenario.unit, pack)
    if scenario.closes_at_once is not None:
        yield from _compare(
            "a closing report closes the ticket at once", scenario.closes_at_once, not pack.closing.check
        )
    told = [scenario.deadlines, scenario.facts, scenario.filed_return, scenario.redo]
    if scenario.situation is None or scenario.dispatched_at is None:
        if any(told):
            yield "deadlines need a situation and the moment of dispatch"
        return
    clocks = _Clocks(pack, calendar, scenario.situation.situation())
    for kind, expected in (scenario.deadlines or {}).items():
        yield from _deadline(kind, expected, clocks, scenario.dispatched_at)
    for fact in scenario.facts:
        late_from = clocks.due_at(fact.kind, scenario.dispatched_at)
        actual = None if late_from is None else "met" if fact.at < late_from else "missed"
        yield from _compare(f"{fact.kind} at {_shown(fact.at)}", fact.verdict, actual)
    if scenario.filed_return:
        yield from _return(scenario.filed_return, pack, clocks, scenario.dispatched_at)
    if scenario.redo:
        yield from _redo(scenario.redo, clocks)


class _Clocks:
    """The limits of one situation, as instants."""

    def __init__(self, pack: Pack, calendar: WorkingCalendar, situation: Situation) -> None:
        self._pack = pack
        self._calendar = calendar
        self._situation = situation

    def limit(self, kind: str, anchor: datetime) -> Limit | None:
        found = self._pack.limits.find(kind, self._situation, local_date(anchor))
        return found if isinstance(found, Limit) else None

    def due_at(self, kind: str, anchor: datetime) -> datetime | None:
        limit = self.limit(kind, anchor)
        if limit is None:
            return None
        return due(self._calendar, anchor, limit.allowance, day_end=limit.day_end, roll=limit.roll).due_at

    def warn_at(self, kind: str, anchor: datetime) -> datetime | None:
        limit, due_at = self.limit(kind, anchor), self.due_at(kind, anchor)
        if limit is None or due_at is None or limit.warn_before is None:
            return None
        return max(anchor, before(self._calendar, due_at, limit.warn_before))


def _compare(what: str, expected: object, actual: object) -> Iterator[str]:
    if expected != actual:
        yield f"{what}: expected {_shown(expected)}, the pack says {_shown(actual)}"


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None else str(value)


def _deadline(kind: str, expected: ExpectedDeadline, clocks: _Clocks, anchor: datetime) -> Iterator[str]:
    limit = clocks.limit(kind, anchor)
    yield from _compare(f"{kind} due", expected.due_at, clocks.due_at(kind, anchor))
    yield from _compare(f"{kind} yellow lamp", expected.warn_at, clocks.warn_at(kind, anchor))
    yield from _compare(f"{kind} article", expected.article, limit.basis.article if limit else None)


def _return(filed: ReturnFiled, pack: Pack, clocks: _Clocks, anchor: datetime) -> Iterator[str]:
    returns, expect = pack.returns, filed.expect
    window = clocks.due_at("return_window", anchor)
    in_time = window is None or filed.filed_at < window
    allowed = (
        (in_time or returns.late.value == "reviewed_and_marked_overdue")
        and (filed.signed_in or returns.before_sign_in.value == "allowed")
        and (not filed.redo or returns.redo_round_may_be_returned.value)
    )
    ground = returns.denied_by_rule(filed.given, designated=filed.designated)
    possible = tuple(command for command in ("sign_in", "closing") if command not in returns.pending_blocks.value)
    yield from _compare("the return is looked at", expect.allowed, allowed)
    yield from _compare("the return is in time", expect.in_time, in_time)
    yield from _compare("the ticket is marked overdue", expect.marked_overdue, not in_time)
    yield from _compare("denied by rule on the ground", expect.denied_by, ground.code if ground else None)
    yield from _compare("article of the denial", expect.article, ground.basis.article if ground else None)
    yield from _compare("possible while it is reviewed", expect.still_possible, possible)
    recused = returns.reviewer_recused_for_own_unit.value
    yield from _compare("a reviewer may review the own unit's return", expect.own_unit_may_review, not recused)
    yield from _compare("closing due if denied", expect.closing_due_if_denied, clocks.due_at("closing", anchor))
    if filed.redispatched_at:
        fresh = clocks.due_at("closing", filed.redispatched_at)
        yield from _compare("closing due if re-dispatched", expect.closing_due_if_redispatched, fresh)


def _redo(redo: Redo, clocks: _Clocks) -> Iterator[str]:
    fresh = clocks.due_at("closing", redo.dispatched_at)
    yield from _compare("closing due of the redo", redo.closing_due_at, fresh)


def _registration(entered: Registration, pack: Pack) -> Iterator[str]:
    ticket = pack.ticket
    missing = ticket.missing_elements(entered.given, anonymous=entered.anonymous, settled=entered.settled)
    yield from _compare("missing elements", entered.missing, tuple(element.code for element in missing))
    if entered.number is not None:
        if entered.at is None or entered.sequence_of_day is None:
            yield "a number needs the moment of registration and its place in the day"
            return
        number = ticket.format_number(local_date(entered.at), entered.sequence_of_day)
        yield from _compare("number", entered.number, number)


def _refusal(refusal: Refusal, pack: Pack) -> Iterator[str]:
    ground = pack.acceptance.grounds.get(refusal.ground)
    yield from _compare(f"article of {refusal.ground}", refusal.article, ground.basis.article if ground else None)


def _outcome(expected: OutcomeExpected, pack: Pack) -> Iterator[str]:
    outcome = pack.acceptance.outcomes.get(expected.code)
    if outcome is None:
        yield f"the pack knows no outcome {expected.code!r}"
        return
    yield from _compare(f"{expected.code} needs consent", expected.consent_required, outcome.consent_required)
    yield from _compare(f"means of {expected.code}", expected.means, tuple(outcome.means))


def _callback(callback: CallbackAnswered, pack: Pack) -> Iterator[str]:
    yield from _compare("the file is closed by rule", callback.archives, pack.callbacks.archives(callback.answers))


def _unit(unit: UnitEntered, pack: Pack) -> Iterator[str]:
    flagged = pack.unit_register is not None and pack.unit_register.too_few_handlers(unit.handlers)
    yield from _compare(f"a unit with {unit.handlers} handlers is flagged", unit.flagged, flagged)
