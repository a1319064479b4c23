"""What a step of a story sends, and where: the round that the ticket is seen in, the case that waits for it."""

import secrets
from collections.abc import Mapping
from typing import Any

from .desk import Desk
from .stories import (
    Assign,
    Callback,
    Close,
    Conclude,
    Contact,
    Convene,
    Judge,
    Minutes,
    Opinion,
    Progress,
    Register,
    Reply,
    Return,
    Rule,
    SignIn,
    Step,
    Supervise,
)

READER = "supervisor"
Attempt = tuple[str, dict[str, Any]]
"""The path and the body."""


class Attempts:
    """Turns steps into requests at a running suite."""

    def __init__(self, desk: Desk, jurisdiction: str) -> None:
        self._desk = desk
        self._jurisdiction = jurisdiction

    async def of(self, step: Step, ticket: str | None, after: str | None) -> Attempt | None:
        """None when there is nothing to act on, such as no return that waits."""
        if isinstance(step, Register):
            return "/intake/v1/tickets", self._registration(step)
        if ticket is None:
            return None
        found = await self._desk.get(READER, f"/intake/v1/tickets/{ticket}", after=after)
        seen = {"round": found["round"]}
        attempt = self._of_unit(step, ticket) or await self._of_authority(step, ticket, after)
        return attempt and (attempt[0], {**seen, **attempt[1]})

    def full(self, code: str) -> str:
        return f"{self._jurisdiction}.{code}"

    def _registration(self, step: Register) -> dict[str, Any]:
        """What a softphone posts. The requester is nobody: the country code +999 is given to no country."""
        return {
            "jurisdiction": self._jurisdiction,
            "channel": step.channel,
            "type": step.type,
            "category": step.category,
            "statement": step.statement,
            "address": step.address,
            "marks": list(step.marks),
            "requester": {"name": "演示诉求人", "phone": f"+999{secrets.randbelow(10**8):08}"},
        }

    def _of_unit(self, step: Step, ticket: str) -> Attempt | None:
        """What goes to the ticket itself."""
        dispatch, review = f"/dispatch/v1/tickets/{ticket}", f"/review/v1/tickets/{ticket}"
        match step:
            case Assign():
                return f"{dispatch}/assignments", {"unit": self.full(step.unit), "principle": step.principle}
            case SignIn():
                return f"{dispatch}/sign-ins", {}
            case Contact():
                return f"{dispatch}/contacts", {"outcome": step.outcome}
            case Progress():
                return f"{dispatch}/progress-reports", {
                    "text": step.text,
                    "concludes_part": step.concludes_part,
                }
            case Close():
                return f"{dispatch}/closing-reports", {"result": step.result}
            case Return():
                return f"{review}/returns", self._return(step)
            case Callback():
                body = step.model_dump(include={"outcome", "responded", "resolved", "satisfaction"}, exclude_none=True)
                return f"/intake/v1/tickets/{ticket}/callbacks", {"means": "phone", **body}
            case Supervise():
                return f"{review}/supervisions", step.model_dump(include={"form", "ground", "text"})
            case Convene():
                body = step.model_dump(include={"form", "ground", "subject"})
                return f"{review}/consultations", {**body, "participants": [*map(self.full, step.participants)]}
        return None

    async def _of_authority(self, step: Step, ticket: str, after: str | None) -> Attempt | None:
        """What goes to a case of the ticket that waits for it."""
        board, state, door, body = self._at_board(step)
        params = {"ticket": ticket, **({"state": state} if state else {})}
        items = (await self._desk.get(READER, f"/review/v1/{board}", params, after=after))["items"]
        waiting = [one for one in items if board != "supervisions" or (one["reply_due"] and one["reply"] is None)]
        return (f"/review/v1/{board}/{waiting[0]['id']}/{door}", dict(body)) if waiting else None

    def _at_board(self, step: Step) -> tuple[str, str | None, str, Mapping[str, Any]]:
        """Which board it stands on, in which state it waits, by which door, and what is said."""
        match step:
            case Rule():
                said = {"decision": step.decision, "ground": step.ground, "note": step.note}
                return "returns", "queued", "rulings", said
            case Judge():
                return (
                    "callbacks",
                    "queued",
                    "judgements",
                    {
                        "outcome": step.outcome,
                        "ground": step.ground,
                        "reason": step.why,
                    },
                )
            case Opinion():
                said = {"opinion": step.opinion, "legal_basis": step.legal_basis}
                return "consultations", "convened", "opinions", said
            case Minutes():
                return "consultations", "convened", "minutes", {"text": step.text}
            case Conclude():
                return "consultations", "convened", "conclusions", self._conclusion(step)
            case Reply():
                return "supervisions", None, "replies", {"text": step.text}
        raise AssertionError(f"{step.does} is no step that is played")

    def _return(self, step: Return) -> dict[str, Any]:
        return {
            "ground": step.ground,
            "reason": step.why,
            "legal_basis": step.legal_basis,
            "suggested_unit": step.suggested_unit and self.full(step.suggested_unit),
        }

    def _conclusion(self, step: Conclude) -> dict[str, Any]:
        days = step.working_days
        return {
            "outcome": "unit_named",
            "unit": self.full(step.unit),
            "co_handlers": [*map(self.full, step.co_handlers)],
            "principle": step.principle,
            "limit": days and {"amount": days, "unit": "working_days"},
            "solution": step.solution,
            "reply_wording": step.reply_wording,
        }
