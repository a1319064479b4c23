"""What goes through review, as the model has it: returns, extensions, consultations, reports upward, callbacks."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.journeys.living.life import (
    BEFORE_CLOSING,
    COUNTY,
    UNITS,
    B,
    C,
    Call,
    Callback,
    Case,
    Life,
    Step,
    first_failing,
)

from common.clock import new_id
from dispatch.lifecycle import FOREIGN, HELD


def give_back(life: Life, step: Step) -> Call:
    who, argued = life.somebody(step), {"reason": "不属本单位", "legal_basis": "三定方案"} if step.yes else {}
    body = {"round": life.named(step), "ground": "not_this_units_duty", **argued}
    free = life.returned.state != "queued" and life.status in HELD
    checks = (who in life.holders, 404), (step.fresh and free, 409), (who == life.unit, 403)
    denied = not step.yes or life.designated

    def then(answer: dict[str, Any]) -> None:
        life.returned = Case(answer["id"], "denied" if denied else "queued", bool(answer["late"]))
        assert answer["state"] == life.returned.state
        if denied:
            _settle_return(life, "denied")

    return _at_review(life, who, f"tickets/{life.ticket}/returns", body, *checks, then=then)


def _settle_return(life: Life, state: str) -> None:
    life.returned.state = state
    if life.returned.late:
        life.set_mark("overdue")


def rule_return(life: Life, step: Step) -> Call:
    case = life.returned
    ground = "not_this_units_duty" if step.yes else "needs_further_inquiry"
    body = {"round": life.named(step), "decision": "approve" if step.yes else "deny", "ground": ground}

    def then(_: Any) -> None:
        if not step.yes:
            _settle_return(life, "denied")
            return
        _settle_return(life, "applied")
        becomes = FOREIGN["ReturnApproved"][life.status].becomes
        assert becomes is not None
        life.end_round()
        life.status, life.unit, life.co, life.subs, life.designated = becomes, None, (), (), False

    checks = (case.state != "absent", 404), (case.state == "queued" and step.fresh, 409)
    return _at_review(life, "reviewer", f"returns/{case.id}/rulings", body, *checks, then=then)


def extend(life: Life, step: Step) -> Call:
    who = life.somebody(step)
    body: dict[str, Any] = {"round": life.named(step), "requested": {"amount": 3, "unit": "working_days"}}
    body |= {"reason": "情况复杂"} if step.yes else {}
    free = life.extension.state != "queued" and life.status in HELD

    def then(answer: dict[str, Any]) -> None:
        life.asked[who] = life.asked.get(who, 0) + 1
        denied = not step.yes or life.asked[who] > 2 or bool(answer["late"])
        life.extension = Case(answer["id"], "denied" if denied else "queued")
        assert answer["state"] == life.extension.state

    checks = (who in life.holders, 404), (step.fresh and free, 409), (who == life.unit, 403)
    return _at_review(life, who, f"tickets/{life.ticket}/extensions", body, *checks, then=then)


def rule_extension(life: Life, step: Step) -> Call:
    case = life.extension
    body: dict[str, Any] = {"round": life.named(step), "note": "确有必要"}
    body |= {"decision": "grant"} if step.yes else {"decision": "deny", "ground": "not_complex"}

    def then(_: Any) -> None:
        case.state = "applied" if step.yes else "denied"
        if step.yes:
            life.set_mark("extended")

    checks = (case.state != "absent", 404), (case.state == "queued" and step.fresh, 409)
    return _at_review(life, "reviewer", f"extensions/{case.id}/rulings", body, *checks, then=then)


def convene(life: Life, step: Step) -> Call:
    form = ("designation", "coordination", "consultation")[step.pick % 3]
    body: dict[str, Any] = {"round": life.named(step), "form": form, "participants": [B, C], "subject": "权责不清"}
    body |= {"ground": "overlapping_functions"} if form == "consultation" else {}
    free = life.consultation.state != "convened" and life.status in BEFORE_CLOSING

    def then(answer: dict[str, Any]) -> None:
        life.consultation = Case(answer["id"], "convened", form=form, participants=tuple(answer["participants"]))

    path = f"tickets/{life.ticket}/consultations"
    return _at_review(life, "supervisor", path, body, (step.fresh and free, 409), then=then)


def speak(life: Life, step: Step) -> Call:
    case, who = life.consultation, (B, C, COUNTY)[step.who % 3]
    body = {"round": life.named(step), "opinion": "建议由主管部门承办"}
    checks = (who in case.participants, 404), (case.state == "convened" and step.fresh, 409)
    return _at_review(life, who, f"consultations/{case.id}/opinions", body, *checks, then=lambda _: None)


def conclude(life: Life, step: Step) -> Call:
    case, unit = life.consultation, UNITS[step.pick % 4]
    found = {"outcome": "unit_named", "unit": unit, "principle": "competent_responsible"}
    body = {"round": life.named(step), **(found if step.yes else {"outcome": "unresolved"})}
    open_still = case.state == "convened" and life.status in BEFORE_CLOSING

    def then(_: Any) -> None:
        case.state = "applied"
        life.unresolved = case.form != "designation"
        if step.yes:
            _name(life, unit)

    checks = (case.state != "absent", 404), (open_still and step.fresh, 409)
    return _at_review(life, "supervisor", f"consultations/{case.id}/conclusions", body, *checks, then=then)


def _name(life: Life, unit: str) -> None:
    """指定: another unit begins a round; the one that holds the ticket may not return it from now on."""
    life.unresolved = False
    if life.status in HELD and unit == life.unit:
        life.designated = True
        if life.returned.state == "queued":
            _settle_return(life, "denied")
    else:
        life.begin_round(unit, (), designated=True)


def escalate(life: Life, step: Step) -> Call:
    body = {"round": life.named(step), "ground": "cross_department", "report": "请示"}
    free = life.escalation.state != "reported" and life.status in BEFORE_CLOSING and life.unresolved

    def then(answer: dict[str, Any]) -> None:
        life.escalation = Case(answer["id"], "reported")

    path = f"tickets/{life.ticket}/escalations"
    return _at_review(life, "supervisor", path, body, (step.fresh and free, 409), then=then)


def decide(life: Life, step: Step) -> Call:
    case, unit = life.escalation, UNITS[step.pick % 4]
    outcome = ("unit_named", "answered", "sent_back")[step.who % 3]
    body: dict[str, Any] = {"round": life.named(step), "outcome": outcome, "instruction": "照办"}
    body |= {"unit": unit} if outcome == "unit_named" else {"reply_line": "如实答复"}
    open_still = case.state == "reported" and life.status in BEFORE_CLOSING

    def then(_: Any) -> None:
        case.state = "applied"
        if outcome == "unit_named":
            _name(life, unit)
        elif outcome == "answered":
            life.unresolved = False

    checks = (case.state != "absent", 404), (open_still and step.fresh, 409)
    return _at_review(life, "supervisor", f"escalations/{case.id}/decisions", body, *checks, then=then)


def judge(life: Life, step: Step) -> Call:
    back = life.callback
    if back is None:
        path = f"callbacks/{new_id()}/judgements"
        return _at_review(
            life, "reviewer", path, {"outcome": "archive", "reason": "x"}, (False, 404), then=lambda _: None
        )
    outcome = ("archive", "redo", "explanation", "statement")[step.pick % 4]
    grounds = {"redo": "not_handled", "statement": "unreasonable"}
    said = {"outcome": outcome, "reason": "核实", "ground": grounds.get(outcome), "round": life.named(step)}

    def then(_: Any) -> None:
        if outcome == "archive":
            back.state = "applied"
            life.ended("archived")
        elif outcome == "redo":
            assert life.unit is not None
            life.begin_round(life.unit, life.co, designated=life.designated)
        else:
            back.state, back.asked = "awaiting_unit", outcome

    fresh = step.fresh and life.status == "closed"
    checks = ((outcome in _judgements(life, back) and fresh, 409),)
    return _at_review(life, "reviewer", f"callbacks/{back.id}/judgements", said, *checks, then=then)


def _judgements(life: Life, back: Callback) -> set[str]:
    match back.state:
        case "not_reached":
            return {"archive"}
        case "awaiting_unit":
            return {"redo"}
        case "queued":
            may = {"redo"} if not back.satisfied and not (back.explained or back.stated) else {"redo", "archive"}
            may |= {"explanation"} if not back.satisfied and not back.explained else set()
            return may | ({"statement"} if not back.stated else set())
    return set()


def _at_review(
    life: Life, who: str, path: str, body: Mapping[str, Any], *checks: tuple[bool, int], then: Callable[[Any], None]
) -> Call:
    return Call(who, f"/review/v1/{path}", body, first_failing(*checks), then)
