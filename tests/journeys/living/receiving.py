"""What comes in at intake about a ticket, as the model has it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.journeys.living.life import BEFORE_CLOSING, Call, Callback, Life, Step, first_failing

from dispatch.lifecycle import FOREIGN

MARKS: Final = ((), ("urgent",), ("special",), ("mediation", "urgent"))
TYPES: Final = ("inquiry", "help", "complaint")


def call_back(life: Life, step: Step) -> Call:
    """Satisfied, not satisfied, unresolved though satisfied, or not reached."""
    reached = life.callback is not None and life.callback.state != "not_reached"
    said = ((True, "satisfied"), (True, "dissatisfied"), (False, "satisfied"), None)[step.pick % 4]
    body: dict[str, Any] = {"round": life.named(step), "outcome": "not_reached"}
    if said is not None:
        body |= {"outcome": "reached", "responded": True, "resolved": said[0], "satisfaction": said[1]}

    def then(answer: dict[str, Any]) -> None:
        satisfied = said is not None and said[1] == "satisfied"
        life.callback = Callback(answer["id"], "not_reached" if said is None else "queued", satisfied)
        if said == (True, "satisfied"):
            life.callback.state = "applied"
            life.ended("archived")

    possible = step.fresh and life.status == "closed" and not reached
    return _at_intake(life, "callbacks", body, (possible, 409), then=then)


def amend(life: Life, step: Step) -> Call:
    kind, marks = TYPES[step.pick % 3], MARKS[step.who % 4]
    wanted = {*marks, *(life.marks & {"overdue", "extended"})}
    body = {"round": life.round, "reason": "核对", "type": kind, "marks": sorted(wanted)}
    open_still = life.status in BEFORE_CLOSING
    checks = (step.fresh, 412), (open_still, 409), (kind != life.type or wanted != life.marks, 422)

    def then(_: Any) -> None:
        life.type, life.marks, life.revision = kind, wanted, life.revision + 1

    version = life.revision if step.fresh else life.revision + 1
    return _at_intake(life, "amendments", body, *checks, then=then, headers={"If-Match": f'"{version}"'})


def urge(life: Life, step: Step) -> Call:
    def then(answer: dict[str, Any]) -> None:
        life.urged += 1
        assert answer["times"] == life.urged

    possible = step.fresh and life.status in BEFORE_CLOSING
    return _at_intake(life, "urgings", {"round": life.named(step)}, (possible, 409), then=then)


def supplement(life: Life, step: Step) -> Call:
    possible = step.fresh and life.status in (*BEFORE_CLOSING, "closed")
    body = {"round": life.named(step), "text": "补充"}
    return _at_intake(life, "supplements", body, (possible, 409), then=lambda _: None)


def withdraw(life: Life, step: Step) -> Call:
    def then(_: Any) -> None:
        becomes = FOREIGN["TicketWithdrawn"][life.status].becomes
        assert becomes is not None
        life.ended(becomes)

    possible = step.fresh and life.status in BEFORE_CLOSING
    body = {"round": life.named(step), "reason": "已自行解决"}
    return _at_intake(life, "withdrawal", body, (possible, 409), then=then)


def _at_intake(
    life: Life,
    path: str,
    body: Mapping[str, Any],
    *checks: tuple[bool, int],
    then: Callable[[Any], None],
    headers: Mapping[str, str] | None = None,
) -> Call:
    address = f"/intake/v1/tickets/{life.ticket}/{path}"
    return Call("agent", address, body, first_failing(*checks), then, headers or {})
