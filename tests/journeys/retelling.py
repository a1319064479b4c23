"""A ticket's story, read against the table of the life cycle: dispatch may have said only what the table lists."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from common.events.vocabulary import Status
from dispatch.lifecycle import FOREIGN, HELD, MOVES, Command, trigger

RULINGS: Final = frozenset(
    {"ReturnApproved", "ExtensionGranted", "ConsultationConcluded", "EscalationDecided", "CallbackJudged"}
    | {"RepeatRegistered", "TicketMerged", "TicketWithdrawn"}
)
"""Facts that dispatch answers once each. ``Returned`` is answered only where it came too late."""
ANSWERS: Final = ("RulingApplied", "RulingOvertaken")
_COMMANDS: Final[Mapping[str, Command]] = {
    "ClosingReported": "report_closing",
    "ClosingSentBack": "send_back_closing",
    "Closed": "accept_closing",
    "HandlingStopped": "stop_handling",
    "ProgressReported": "report_progress",
    "StatementSubmitted": "submit_statement",
    "SubAssigned": "sub_assign",
}

Story = Sequence[Mapping[str, Any]]


def unanswered(story: Story) -> list[str]:
    """Rulings that dispatch did not answer exactly once, in words."""
    asked = Counter(one["data"]["case"] for one in story if one["type"] in RULINGS)
    filed = {one["data"]["case"] for one in story if one["type"] == "Returned"}
    answered = Counter(one["data"]["ruling"] for one in story if one["type"] in ANSWERS)
    wrong = []
    for case in asked.keys() | answered.keys():
        most = asked[case] + (1 if case in filed else 0)
        if not asked[case] <= answered[case] <= most:
            wrong.append(f"{case}: {asked[case]} rulings, {answered[case]} answers")
    return wrong


def retold(story: Story) -> Status:
    """The status in which the story ends; ``AssertionError`` at the first step that the table does not list."""
    causes = {one["data"]["case"]: one for one in story if one["type"] in RULINGS}
    judged = [one for one in story if one["type"] == "CallbackJudged"]
    told = sorted((one for one in story if one["source"] == "dispatch"), key=lambda one: int(one["sequence"]))
    status: Status = "awaiting_dispatch"
    unit: str | None = None
    co: Sequence[str] = ()
    by_ruling = False
    for one in told:
        kind, data = one["type"], one["data"]
        match kind:
            case "Dispatched" | "Reissued":
                if not by_ruling:
                    status = _moved(status, "claim" if data["claimed"] else "assign", kind)
                assert status == "dispatched", kind
                unit, co = data["unit"], data["co_handlers"]
            case "SignedIn":
                status = _moved(status, "sign_in" if data["part"] == "lead" else "sign_in_part", kind)
            case "RequesterContacted":
                status = _moved(status, "explain" if data["purpose"] == "explanation" else "record_contact", kind)
            case "Archived" if data["how"] == "no_contact":
                status = _moved(status, "archive_without_callback", kind)
            case "RulingApplied":
                cause = judged.pop(0) if data["kind"] == "callback" else causes[data["ruling"]]
                named = _trigger(cause, unit if status in HELD else None, co)
                met = FOREIGN[named][status]
                assert met.answer == "apply", (status, named)
                assert data["new_status"] == (met.becomes or status), (status, named)
                status = data["new_status"]
            case "RulingOvertaken":
                if data["kind"] == "callback":
                    judged.pop(0)
                assert data["status"] == status, kind
            case _ if kind in _COMMANDS:
                status = _moved(status, _COMMANDS[kind], kind)
        by_ruling = kind == "RulingApplied" and status == "dispatched"
    return status


def _moved(status: Status, command: Command, kind: str) -> Status:
    assert (status, command) in MOVES, f"{kind} in {status}"
    return MOVES[status, command].becomes


def _trigger(cause: Mapping[str, Any], holds: str | None, co: Sequence[str]) -> str:
    data = cause["data"]
    same = data.get("unit") == holds and set(data.get("co_handlers", ())) <= set(co)
    return trigger(cause["type"], data.get("outcome"), "unit_confirmed" if same else "unit_named")
