"""What dispatchers and units do at dispatch, as the model has it."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.journeys.living.life import BELOW_A, COUNTY, UNITS, A, Call, Life, Step, first_failing

from dispatch.lifecycle import MOVES


def _at_dispatch(
    life: Life, who: str, path: str, body: Mapping[str, Any], *checks: tuple[bool, int], then: Callable[[Any], None]
) -> Call:
    """The first check that fails decides; 404 for a unit that does not work on the ticket comes before all."""
    seen = (who in life.workers or "." not in who, 404)
    return Call(who, f"/dispatch/v1/tickets/{life.ticket}/{path}", body, first_failing(seen, *checks), then)


def assign(life: Life, step: Step) -> Call:
    unit, co = UNITS[step.pick % 5], (UNITS[step.who % 5],) if step.who % 2 else ()
    known = step.pick % 7 != 6
    designation = {"by": "superior", "reference": "批示第1号"}
    body: dict[str, Any] = {
        "round": life.named(step),
        "unit": unit if known else "shuangyashan.nowhere",
        "principle": "function",
        "co_handlers": co,
        "designated": not step.yes,
        "designation": None if step.yes else designation,
        "territory": COUNTY,
    }
    checks = (step.fresh, 409), (life.listed("assign"), 409), (known and unit not in co, 422)
    then = lambda _: life.begin_round(unit, co, designated=not step.yes)  # noqa: E731
    return _at_dispatch(life, "dispatcher", "assignments", body, *checks, then=then)


def claim(life: Life, step: Step) -> Call:
    unit = UNITS[step.who % 5]
    expect = 201 if step.fresh and life.listed("claim") else 409
    then = lambda _: life.begin_round(unit, (), designated=False)  # noqa: E731
    body = {"round": life.named(step), "territory": COUNTY}
    return Call(unit, f"/dispatch/v1/tickets/{life.ticket}/claims", body, expect, then)


def sign_in(life: Life, step: Step) -> Call:
    who, body = life.somebody(step), {"round": max(1, life.named(step))}
    if who in life.co:
        checks = (step.fresh, 409), (life.listed("sign_in_part"), 409), (who not in life.signed, 409)
        return _at_dispatch(life, who, "sign-ins", body, *checks, then=lambda _: life.signed.add(who))
    checks = (step.fresh, 409), (life.listed("sign_in"), 409), (who == life.unit, 403)
    return _at_dispatch(life, who, "sign-ins", body, *checks, then=lambda _: life.moved("sign_in"))


def sub_assign(life: Life, step: Step) -> Call:
    who = life.somebody(step)
    checks = (
        (step.fresh, 409),
        (life.listed("sub_assign"), 409),
        (who not in life.subs, 403),
        (who == A, 422),
        (BELOW_A not in life.workers, 409),
    )
    body = {"round": max(1, life.named(step)), "to_unit": BELOW_A}

    def then(_: Any) -> None:
        life.subs = (BELOW_A,)

    return _at_dispatch(life, who, "sub-assignments", body, *checks, then=then)


def contact(life: Life, step: Step) -> Call:
    who, body = life.somebody(step), {"round": max(1, life.named(step)), "outcome": "reached"}
    checks = (step.fresh, 409), (life.listed("record_contact"), 409)
    return _at_dispatch(life, who, "contacts", body, *checks, then=lambda _: None)


def progress(life: Life, step: Step) -> Call:
    who = life.somebody(step)
    body = {"round": max(1, life.named(step)), "text": "正在办理", "concludes_part": not step.yes}
    may_conclude = step.yes or who in life.co
    checks = (step.fresh, 409), (life.listed("report_progress"), 409), (may_conclude, 422)
    return _at_dispatch(life, who, "progress-reports", body, *checks, then=lambda _: None)


def close(life: Life, step: Step) -> Call:
    who, body = life.somebody(step), {"round": max(1, life.named(step)), "result": "已办结"}

    def then(_: Any) -> None:
        life.end_round()
        life.status = MOVES[MOVES[life.status, "report_closing"].becomes, "accept_closing"].becomes
        if not life.has_contact:
            life.ended(MOVES[life.status, "archive_without_callback"].becomes)

    checks = (step.fresh, 409), (life.listed("report_closing"), 409), (who == life.unit, 403)
    return _at_dispatch(life, who, "closing-reports", body, *checks, then=then)


def stop(life: Life, step: Step) -> Call:
    who = life.somebody(step)
    body = {"round": max(1, life.named(step)), "ground": "repeated", "explained": step.yes, "statement": "已答复"}
    told = step.yes or not life.has_contact
    checks = (step.fresh, 409), (life.listed("stop_handling"), 409), (who == life.unit, 403), (told, 422)
    then = lambda _: life.ended(MOVES[life.status, "stop_handling"].becomes)  # noqa: E731
    return _at_dispatch(life, who, "cessations", body, *checks, then=then)


def explain(life: Life, step: Step) -> Call:
    who = life.somebody(step)
    body = {"round": max(1, life.named(step)), "outcome": "reached", "purpose": "explanation"}
    checks = (step.fresh, 409), (life.listed("explain"), 409), (who == life.unit, 403)
    return _at_dispatch(life, who, "contacts", body, *checks, then=lambda _: _deed(life, "explained"))


def state(life: Life, step: Step) -> Call:
    who, body = life.somebody(step), {"round": max(1, life.named(step)), "text": "无法满足", "evidence": ["批复"]}
    checks = (step.fresh, 409), (life.listed("submit_statement"), 409), (who == life.unit, 403)
    return _at_dispatch(life, who, "statements", body, *checks, then=lambda _: _deed(life, "stated"))


def _deed(life: Life, what: str) -> None:
    back = life.callback
    if back is not None and back.state in ("queued", "awaiting_unit"):
        setattr(back, what, True)
        back.state = "queued"
