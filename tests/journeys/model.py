"""A small model of a ticket's life: what a command answers when everybody is up to date, and what it leaves.

The statuses come from the table of ``dispatch.lifecycle``; who may act, and what review and intake keep beside it, is
written down here once more, in the plainest way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from common.clock import new_id
from common.events.vocabulary import Status
from dispatch.lifecycle import FOREIGN, HELD, MOVES, Command

A, B, C, COUNTY, BELOW_A = (f"shuangyashan.{name}" for name in ("a", "b", "c", "county", "below-a"))
UNITS: Final = (A, B, C, COUNTY, BELOW_A)
BEFORE_CLOSING: Final = ("awaiting_dispatch", *HELD)
AT_HAND: Final = ("queued", "not_reached", "awaiting_unit")
MARKS: Final = ((), ("urgent",), ("special",), ("mediation", "urgent"))
TYPES: Final = ("inquiry", "help", "complaint")


@dataclass(frozen=True, slots=True)
class Step:
    """One command as it is drawn: the ``which``-th, of those that are possible now or, ``wild``, of all.

    ``who`` and ``pick`` choose among what the life offers; ``fresh`` False names a round or a version that has passed;
    ``yes`` is the command's own yes or no.
    """

    which: int
    wild: bool = False
    who: int = 0
    pick: int = 0
    fresh: bool = True
    yes: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the status it must be answered with, and what it leaves when it is carried out."""

    who: str
    path: str
    body: Mapping[str, Any]
    expect: int
    then: Callable[[dict[str, Any]], None] = lambda _: None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """Something filed with review. ``late``: filed after its window."""

    id: str
    state: str
    late: bool = False
    form: str = ""
    participants: tuple[str, ...] = ()


@dataclass(slots=True)
class Callback:
    id: str
    state: str
    satisfied: bool
    asked: str = ""
    explained: bool = False
    stated: bool = False


def none() -> Case:
    """Nothing has been filed: whoever names it names what is not there."""
    return Case(str(new_id()), "absent")


@dataclass(slots=True)
class Life:
    """One ticket. ``subs``: units that a holder passed it on to; ``asked``: extensions asked for, by unit."""

    ticket: str
    has_contact: bool
    type: str = "complaint"
    status: Status = "awaiting_dispatch"
    round: int = 0
    unit: str | None = None
    co: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()
    signed: set[str] = field(default_factory=set)
    designated: bool = False
    marks: set[str] = field(default_factory=set)
    revision: int = 1
    urged: int = 0
    returned: Case = field(default_factory=none)
    extension: Case = field(default_factory=none)
    asked: dict[str, int] = field(default_factory=dict)
    consultation: Case = field(default_factory=none)
    unresolved: bool = False
    escalation: Case = field(default_factory=none)
    callback: Callback | None = None

    @property
    def holders(self) -> tuple[str, ...]:
        return ((self.unit,) if self.unit else ()) + self.co

    @property
    def workers(self) -> tuple[str, ...]:
        return (*self.holders, *self.subs)

    def choose(self, step: Step) -> tuple[str, Call]:
        """The command that the step comes to. What ends a life comes seldom, or few would grow old."""
        calls: dict[str, Call] = {name: getattr(self, name)(step) for name in COMMANDS}
        possible = [name for name, call in calls.items() if step.wild or call.expect == 201]
        calm = [name for name in possible if name not in ENDINGS or step.which % 7 == 0]
        chosen = (calm or list(COMMANDS))[step.which % len(calm or COMMANDS)]
        return chosen, calls[chosen]

    def somebody(self, step: Step) -> str:
        """The lead three times out of six, or one of those beside it, or a stranger."""
        choices = [self.unit or A] * 3 + [self.co[0] if self.co else B, (*self.subs, BELOW_A)[0], COUNTY]
        return choices[step.who % len(choices)]

    def named(self, step: Step) -> int:
        """The round that the command names."""
        return self.round if step.fresh else self.round + 3

    def listed(self, command: Command) -> bool:
        return (self.status, command) in MOVES

    def moved(self, command: Command) -> None:
        self.status = MOVES[self.status, command].becomes

    def begin_round(self, unit: str, co: tuple[str, ...], *, designated: bool) -> None:
        """A round ends what was pending on the one before."""
        self.end_round()
        self.status, self.round, self.unit, self.co = "dispatched", self.round + 1, unit, co
        self.designated, self.subs, self.signed, self.callback = designated, (), set(), None

    def end_round(self) -> None:
        for case in (self.returned, self.extension):
            if case.state == "queued":
                case.state = "lapsed"

    def ended(self, status: Status) -> None:
        """The ticket's life is over."""
        self.status = status
        self.end_round()
        if self.consultation.state == "convened":
            self.consultation.state = "lapsed"
        if self.escalation.state == "reported":
            self.escalation.state = "lapsed"

    def set_mark(self, mark: str) -> None:
        """A rule's mark; who amends must have read it."""
        if mark not in self.marks:
            self.marks.add(mark)
            self.revision += 1

    # what units and dispatchers do

    def at_dispatch(
        self, who: str, path: str, body: Mapping[str, Any], *checks: tuple[bool, int], then: Callable[[Any], None]
    ) -> Call:
        """The first check that fails decides; 404 for a unit that does not work on the ticket comes before all."""
        seen = (who in self.workers or "." not in who, 404)
        expect = next((status for holds, status in (seen, *checks) if not holds), 201)
        return Call(who, f"/dispatch/v1/tickets/{self.ticket}/{path}", body, expect, then)

    def assign(self, step: Step) -> Call:
        unit, co = UNITS[step.pick % 5], (UNITS[step.who % 5],) if step.who % 2 else ()
        known = step.pick % 7 != 6
        designation = {"by": "superior", "reference": "批示第1号"}
        body: dict[str, Any] = {
            "round": self.named(step),
            "unit": unit if known else "shuangyashan.nowhere",
            "principle": "function",
            "co_handlers": co,
            "designated": not step.yes,
            "designation": None if step.yes else designation,
        }
        checks = (step.fresh, 409), (self.listed("assign"), 409), (known and unit not in co, 422)
        then = lambda _: self.begin_round(unit, co, designated=not step.yes)  # noqa: E731
        return self.at_dispatch("dispatcher", "assignments", body, *checks, then=then)

    def claim(self, step: Step) -> Call:
        unit = UNITS[step.who % 5]
        expect = 201 if step.fresh and self.listed("claim") else 409
        then = lambda _: self.begin_round(unit, (), designated=False)  # noqa: E731
        body = {"round": self.named(step)}
        return Call(unit, f"/dispatch/v1/tickets/{self.ticket}/claims", body, expect, then)

    def sign_in(self, step: Step) -> Call:
        who, body = self.somebody(step), {"round": max(1, self.named(step))}
        if who in self.co:
            checks = (step.fresh, 409), (self.listed("sign_in_part"), 409), (who not in self.signed, 409)
            return self.at_dispatch(who, "sign-ins", body, *checks, then=lambda _: self.signed.add(who))
        checks = (step.fresh, 409), (self.listed("sign_in"), 409), (who == self.unit, 403)
        return self.at_dispatch(who, "sign-ins", body, *checks, then=lambda _: self.moved("sign_in"))

    def sub_assign(self, step: Step) -> Call:
        who = self.somebody(step)
        checks = (
            (step.fresh, 409),
            (self.listed("sub_assign"), 409),
            (who not in self.subs, 403),
            (who == A, 422),
            (BELOW_A not in self.workers, 409),
        )
        body = {"round": max(1, self.named(step)), "to_unit": BELOW_A}

        def then(_: Any) -> None:
            self.subs = (BELOW_A,)

        return self.at_dispatch(who, "sub-assignments", body, *checks, then=then)

    def contact(self, step: Step) -> Call:
        who, body = self.somebody(step), {"round": max(1, self.named(step)), "outcome": "reached"}
        checks = (step.fresh, 409), (self.listed("record_contact"), 409)
        return self.at_dispatch(who, "contacts", body, *checks, then=lambda _: None)

    def progress(self, step: Step) -> Call:
        who = self.somebody(step)
        body = {"round": max(1, self.named(step)), "text": "正在办理", "concludes_part": not step.yes}
        may_conclude = step.yes or who in self.co
        checks = (step.fresh, 409), (self.listed("report_progress"), 409), (may_conclude, 422)
        return self.at_dispatch(who, "progress-reports", body, *checks, then=lambda _: None)

    def close(self, step: Step) -> Call:
        who, body = self.somebody(step), {"round": max(1, self.named(step)), "result": "已办结"}

        def then(_: Any) -> None:
            self.end_round()
            self.status = MOVES[MOVES[self.status, "report_closing"].becomes, "accept_closing"].becomes
            if not self.has_contact:
                self.ended(MOVES[self.status, "archive_without_callback"].becomes)

        checks = (step.fresh, 409), (self.listed("report_closing"), 409), (who == self.unit, 403)
        return self.at_dispatch(who, "closing-reports", body, *checks, then=then)

    def stop(self, step: Step) -> Call:
        who = self.somebody(step)
        body = {"round": max(1, self.named(step)), "ground": "repeated", "explained": step.yes, "statement": "已答复"}
        told = step.yes or not self.has_contact
        checks = (step.fresh, 409), (self.listed("stop_handling"), 409), (who == self.unit, 403), (told, 422)
        then = lambda _: self.ended(MOVES[self.status, "stop_handling"].becomes)  # noqa: E731
        return self.at_dispatch(who, "cessations", body, *checks, then=then)

    def explain(self, step: Step) -> Call:
        who = self.somebody(step)
        body = {"round": max(1, self.named(step)), "outcome": "reached", "purpose": "explanation"}
        checks = (step.fresh, 409), (self.listed("explain"), 409), (who == self.unit, 403)
        return self.at_dispatch(who, "contacts", body, *checks, then=lambda _: self._deed("explained"))

    def state(self, step: Step) -> Call:
        who, body = self.somebody(step), {"round": max(1, self.named(step)), "text": "无法满足", "evidence": ["批复"]}
        checks = (step.fresh, 409), (self.listed("submit_statement"), 409), (who == self.unit, 403)
        return self.at_dispatch(who, "statements", body, *checks, then=lambda _: self._deed("stated"))

    def _deed(self, what: str) -> None:
        back = self.callback
        if back is not None and back.state in ("queued", "awaiting_unit"):
            setattr(back, what, True)
            back.state = "queued"

    # what goes through review

    def give_back(self, step: Step) -> Call:
        who, argued = self.somebody(step), {"reason": "不属本单位", "legal_basis": "三定方案"} if step.yes else {}
        body = {"round": self.named(step), "ground": "not_this_units_duty", **argued}
        free = self.returned.state != "queued" and self.status in HELD
        checks = (who in self.holders, 404), (step.fresh and free, 409), (who == self.unit, 403)
        denied = not step.yes or self.designated

        def then(answer: dict[str, Any]) -> None:
            self.returned = Case(answer["id"], "denied" if denied else "queued", bool(answer["late"]))
            assert answer["state"] == self.returned.state
            if denied:
                self._settle_return("denied")

        return self._at_review(who, f"tickets/{self.ticket}/returns", body, *checks, then=then)

    def _settle_return(self, state: str) -> None:
        self.returned.state = state
        if self.returned.late:
            self.set_mark("overdue")

    def rule_return(self, step: Step) -> Call:
        case = self.returned
        ground = "not_this_units_duty" if step.yes else "needs_further_inquiry"
        body = {"round": self.named(step), "decision": "approve" if step.yes else "deny", "ground": ground}

        def then(_: Any) -> None:
            if not step.yes:
                self._settle_return("denied")
                return
            self._settle_return("applied")
            becomes = FOREIGN["ReturnApproved"][self.status].becomes
            assert becomes is not None
            self.end_round()
            self.status, self.unit, self.co, self.subs, self.designated = becomes, None, (), (), False

        checks = (case.state != "absent", 404), (case.state == "queued" and step.fresh, 409)
        return self._at_review("reviewer", f"returns/{case.id}/rulings", body, *checks, then=then)

    def extend(self, step: Step) -> Call:
        who = self.somebody(step)
        body: dict[str, Any] = {"round": self.named(step), "requested": {"amount": 3, "unit": "working_days"}}
        body |= {"reason": "情况复杂"} if step.yes else {}
        free = self.extension.state != "queued" and self.status in HELD

        def then(answer: dict[str, Any]) -> None:
            self.asked[who] = self.asked.get(who, 0) + 1
            denied = not step.yes or self.asked[who] > 2 or bool(answer["late"])
            self.extension = Case(answer["id"], "denied" if denied else "queued")
            assert answer["state"] == self.extension.state

        checks = (who in self.holders, 404), (step.fresh and free, 409), (who == self.unit, 403)
        return self._at_review(who, f"tickets/{self.ticket}/extensions", body, *checks, then=then)

    def rule_extension(self, step: Step) -> Call:
        case = self.extension
        body: dict[str, Any] = {"round": self.named(step), "note": "确有必要"}
        body |= {"decision": "grant"} if step.yes else {"decision": "deny", "ground": "not_complex"}

        def then(_: Any) -> None:
            case.state = "applied" if step.yes else "denied"
            if step.yes:
                self.set_mark("extended")

        checks = (case.state != "absent", 404), (case.state == "queued" and step.fresh, 409)
        return self._at_review("reviewer", f"extensions/{case.id}/rulings", body, *checks, then=then)

    def convene(self, step: Step) -> Call:
        form = ("designation", "coordination", "consultation")[step.pick % 3]
        body: dict[str, Any] = {"round": self.named(step), "form": form, "participants": [B, C], "subject": "权责不清"}
        body |= {"ground": "overlapping_functions"} if form == "consultation" else {}
        free = self.consultation.state != "convened" and self.status in BEFORE_CLOSING

        def then(answer: dict[str, Any]) -> None:
            self.consultation = Case(answer["id"], "convened", form=form, participants=tuple(answer["participants"]))

        path = f"tickets/{self.ticket}/consultations"
        return self._at_review("supervisor", path, body, (step.fresh and free, 409), then=then)

    def speak(self, step: Step) -> Call:
        case, who = self.consultation, (B, C, COUNTY)[step.who % 3]
        body = {"round": self.named(step), "opinion": "建议由主管部门承办"}
        checks = (who in case.participants, 404), (case.state == "convened" and step.fresh, 409)
        return self._at_review(who, f"consultations/{case.id}/opinions", body, *checks, then=lambda _: None)

    def conclude(self, step: Step) -> Call:
        case, unit = self.consultation, UNITS[step.pick % 4]
        found = {"outcome": "unit_named", "unit": unit, "principle": "competent_responsible"}
        body = {"round": self.named(step), **(found if step.yes else {"outcome": "unresolved"})}
        open_still = case.state == "convened" and self.status in BEFORE_CLOSING

        def then(_: Any) -> None:
            case.state = "applied"
            self.unresolved = case.form != "designation"
            if step.yes:
                self._name(unit)

        checks = (case.state != "absent", 404), (open_still and step.fresh, 409)
        return self._at_review("supervisor", f"consultations/{case.id}/conclusions", body, *checks, then=then)

    def _name(self, unit: str) -> None:
        """指定: another unit begins a round; the one that holds the ticket may not return it from now on."""
        self.unresolved = False
        if self.status in HELD and unit == self.unit:
            self.designated = True
            if self.returned.state == "queued":
                self._settle_return("denied")
        else:
            self.begin_round(unit, (), designated=True)

    def escalate(self, step: Step) -> Call:
        body = {"round": self.named(step), "ground": "cross_department", "report": "请示"}
        free = self.escalation.state != "reported" and self.status in BEFORE_CLOSING and self.unresolved

        def then(answer: dict[str, Any]) -> None:
            self.escalation = Case(answer["id"], "reported")

        path = f"tickets/{self.ticket}/escalations"
        return self._at_review("supervisor", path, body, (step.fresh and free, 409), then=then)

    def decide(self, step: Step) -> Call:
        case, unit = self.escalation, UNITS[step.pick % 4]
        outcome = ("unit_named", "answered", "sent_back")[step.who % 3]
        body: dict[str, Any] = {"round": self.named(step), "outcome": outcome, "instruction": "照办"}
        body |= {"unit": unit} if outcome == "unit_named" else {"reply_line": "如实答复"}
        open_still = case.state == "reported" and self.status in BEFORE_CLOSING

        def then(_: Any) -> None:
            case.state = "applied"
            if outcome == "unit_named":
                self._name(unit)
            elif outcome == "answered":
                self.unresolved = False

        checks = (case.state != "absent", 404), (open_still and step.fresh, 409)
        return self._at_review("supervisor", f"escalations/{case.id}/decisions", body, *checks, then=then)

    def judge(self, step: Step) -> Call:
        back = self.callback
        if back is None:
            path = f"callbacks/{new_id()}/judgements"
            return self._at_review(
                "reviewer", path, {"outcome": "archive", "reason": "x"}, (False, 404), then=lambda _: None
            )
        outcome = ("archive", "redo", "explanation", "statement")[step.pick % 4]
        grounds = {"redo": "not_handled", "statement": "unreasonable"}
        said = {"outcome": outcome, "reason": "核实", "ground": grounds.get(outcome), "round": self.named(step)}

        def then(_: Any) -> None:
            if outcome == "archive":
                back.state = "applied"
                self.ended("archived")
            elif outcome == "redo":
                assert self.unit is not None
                self.begin_round(self.unit, self.co, designated=self.designated)
            else:
                back.state, back.asked = "awaiting_unit", outcome

        fresh = step.fresh and self.status == "closed"
        checks = ((outcome in self._judgements(back) and fresh, 409),)
        return self._at_review("reviewer", f"callbacks/{back.id}/judgements", said, *checks, then=then)

    def _judgements(self, back: Callback) -> set[str]:
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
        self, who: str, path: str, body: Mapping[str, Any], *checks: tuple[bool, int], then: Callable[[Any], None]
    ) -> Call:
        expect = next((status for holds, status in checks if not holds), 201)
        return Call(who, f"/review/v1/{path}", body, expect, then)

    # what comes in at intake

    def call_back(self, step: Step) -> Call:
        """Satisfied, not satisfied, unresolved though satisfied, or not reached."""
        reached = self.callback is not None and self.callback.state != "not_reached"
        said = ((True, "satisfied"), (True, "dissatisfied"), (False, "satisfied"), None)[step.pick % 4]
        body: dict[str, Any] = {"round": self.named(step), "outcome": "not_reached"}
        if said is not None:
            body |= {"outcome": "reached", "responded": True, "resolved": said[0], "satisfaction": said[1]}

        def then(answer: dict[str, Any]) -> None:
            satisfied = said is not None and said[1] == "satisfied"
            self.callback = Callback(answer["id"], "not_reached" if said is None else "queued", satisfied)
            if said == (True, "satisfied"):
                self.callback.state = "applied"
                self.ended("archived")

        possible = step.fresh and self.status == "closed" and not reached
        return self._at_intake("callbacks", body, (possible, 409), then=then)

    def amend(self, step: Step) -> Call:
        kind, marks = TYPES[step.pick % 3], MARKS[step.who % 4]
        wanted = {*marks, *(self.marks & {"overdue", "extended"})}
        body = {"round": self.round, "reason": "核对", "type": kind, "marks": sorted(wanted)}
        open_still = self.status in BEFORE_CLOSING
        checks = (step.fresh, 412), (open_still, 409), (kind != self.type or wanted != self.marks, 422)

        def then(_: Any) -> None:
            self.type, self.marks, self.revision = kind, wanted, self.revision + 1

        version = self.revision if step.fresh else self.revision + 1
        return self._at_intake("amendments", body, *checks, then=then, headers={"If-Match": f'"{version}"'})

    def urge(self, step: Step) -> Call:
        def then(answer: dict[str, Any]) -> None:
            self.urged += 1
            assert answer["times"] == self.urged

        possible = step.fresh and self.status in BEFORE_CLOSING
        return self._at_intake("urgings", {"round": self.named(step)}, (possible, 409), then=then)

    def supplement(self, step: Step) -> Call:
        possible = step.fresh and self.status in (*BEFORE_CLOSING, "closed")
        body = {"round": self.named(step), "text": "补充"}
        return self._at_intake("supplements", body, (possible, 409), then=lambda _: None)

    def withdraw(self, step: Step) -> Call:
        def then(_: Any) -> None:
            becomes = FOREIGN["TicketWithdrawn"][self.status].becomes
            assert becomes is not None
            self.ended(becomes)

        possible = step.fresh and self.status in BEFORE_CLOSING
        body = {"round": self.named(step), "reason": "已自行解决"}
        return self._at_intake("withdrawal", body, (possible, 409), then=then)

    def _at_intake(
        self,
        path: str,
        body: Mapping[str, Any],
        *checks: tuple[bool, int],
        then: Callable[[Any], None],
        headers: Mapping[str, str] | None = None,
    ) -> Call:
        expect = next((status for holds, status in checks if not holds), 201)
        return Call("agent", f"/intake/v1/tickets/{self.ticket}/{path}", body, expect, then, headers or {})


COMMANDS: Final = (
    "assign", "claim", "sign_in", "sub_assign", "contact", "progress", "close", "stop", "explain", "state",
    "give_back", "rule_return", "extend", "rule_extension", "convene", "speak", "conclude", "escalate", "decide",
    "judge", "call_back", "amend", "urge", "supplement", "withdraw",
)  # fmt: skip
ENDINGS: Final = frozenset({"withdraw", "stop", "supplement", "urge"})
