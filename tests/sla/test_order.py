"""The services' facts reach sla independently (C7): whatever order the bus delivers them in, duplicates among them, a
ticket's clocks end in the same state as if each had come when it happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sla.desk import LEAD, OTHER, PACK, Desk
from tests.support.arrivals import chosen, ordered, repeated
from tests.support.wire import PACKS, at

from common.calendar import WorkingCalendar, load_calendar
from common.events.catalogue import CATALOGUE
from common.events.envelope import Payload
from common.events.review import ReturnDenied
from sla.docket import Docket
from sla.facts import Fact, placed
from sla.known import Known
from sla.plan import Rules
from sla.retelling import registered, taken_in

START = at("2024-09-27 16:00")
CALENDAR: WorkingCalendar = load_calendar(PACKS / "calendar")
RULES = Rules(PACK, CALENDAR)
TICKET, RETURN, EXTENSION, CONSULTATION, SUPERVISION = (UUID(int=number) for number in range(1, 6))


@dataclass(frozen=True, slots=True)
class Planned:
    """A fact of a story; ``after`` names the facts that caused it."""

    name: str
    type: str
    more: Mapping[str, Any]
    after: tuple[str, ...] = ("dispatched",)
    unit: str | None = LEAD
    case: UUID | None = None
    round: int = 1

    @property
    def source(self) -> str:
        return CATALOGUE[self.type].owner


def _amended(name: str, type_: str, *marks: str, after: tuple[str, ...] = (), round_: int = 1) -> Planned:
    more = {"type": type_, "category": "城市管理", "marks": list(marks), "changed": ["type", "marks"]}
    return Planned(name, "TicketAmended", more, after, None, round=round_)


def _applied(name: str, kind: str, case: UUID, *after: str, **more: Any) -> Planned:
    given_ = {"kind": kind, "outcome": "granted", "new_status": "signed_in"}
    return Planned(name, "RulingApplied", given_ | more, after, None, case)


GROUPS: tuple[tuple[Planned, ...], ...] = (
    (_amended("amended to an inquiry", "inquiry"),),
    (_amended("amended to be special", "complaint", "special"),),
    (_amended("special", "help", "special"), _amended("not special", "help")),
    (Planned("signed in", "SignedIn", {"part": "lead"}),),
    (Planned("contacted", "RequesterContacted", {}),),
    (Planned("progress", "ProgressReported", {"concludes_part": False}),),
    (
        Planned("returned", "Returned", {}, case=RETURN),
        Planned("denied", "ReturnDenied", {}, ("returned",), case=RETURN),
    ),
    (
        Planned("returned", "Returned", {}, case=RETURN),
        _applied("taken from the unit", "return", RETURN, "returned", ended_round=1, new_status="awaiting_dispatch"),
        Planned("dispatched anew", "Dispatched", {}, ("taken from the unit",), OTHER, round=2),
        _amended("amended in the new round", "help", after=("dispatched anew",), round_=2),
    ),
    (
        Planned("extended", "ExtensionGranted", {"granted": {"amount": 5, "unit": "working_days"}}, case=EXTENSION),
        _applied("extension applied", "extension", EXTENSION, "extended"),
    ),
    (
        Planned("report filed", "ClosingReported", {}),
        Planned("closed", "Closed", {}, ("report filed",)),
        Planned("archived", "Archived", {}, ("closed",), unit=None),
    ),
    (
        Planned("supervised", "SupervisionIssued", {"reply_due": True}, case=SUPERVISION),
        Planned("replied", "SupervisionReplied", {}, ("supervised",), case=SUPERVISION),
    ),
    (
        Planned("convened", "ConsultationConvened", {"form": "coordination"}, unit=None, case=CONSULTATION),
        Planned("unresolved", "ConsultationConcluded", {"outcome": "unresolved"}, ("convened",), None, CONSULTATION),
        Planned("reported upward", "Escalated", {"consultation": str(CONSULTATION)}, ("unresolved",), None, uuid4()),
    ),
)


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, in time, and the order in which it arrives, with repeats."""

    happened: tuple[tuple[Planned, datetime], ...]
    arrives: tuple[str, ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    planned = chosen(draw, GROUPS)
    happened, moment = list[tuple[Planned, datetime]](), START
    for one in ordered(draw, planned, None, "dispatched"):
        at_once = {one.source, *(other.source for other, then in happened if then == moment)} - {"intake"}
        steps = (timedelta(minutes=50), timedelta(hours=7), timedelta(days=3), timedelta(0))
        moment += draw(st.sampled_from(steps if len(at_once) < 2 else steps[:3]))
        happened.append((one, moment))
    arrives = ordered(draw, planned, [one for one, _ in happened], "dispatched")
    return Story(tuple(happened), repeated(draw, [one.name for one in arrives]))


def facts_of(story: Story) -> dict[str, Fact]:
    found = {}
    for one, moment in story.happened:
        more = dict(one.more)
        if one.type == "Closed":
            more["filed_at"] = next(m for p, m in story.happened if p.name == "report filed").isoformat()
        if one.name == "taken from the unit":
            more["round_ended_at"] = next(m for p, m in story.happened if p.name == "returned").isoformat()
        found[one.name] = Fact(uuid4(), one.type, one.source, moment, moment, one.round, one.unit, one.case, more)
    return found


CREATED = Fact(
    uuid4(), "TicketCreated", "intake", START, START, 0, more={"type": "complaint", "channel": "phone", "category": "x"}
)
DISPATCHED = Fact(uuid4(), "Dispatched", "dispatch", START, START, 1, LEAD)
BLANK = Docket(
    TICKET, "SYS20240927000001", "shuangyashan", PACK.version, "", "", "", (), None, 0, None, (), (), 0
)  # fmt: skip


def after(arriving: Sequence[Fact]) -> Any:
    """What sla has made of the facts, taking in one after the other; what is superseded counts as gone."""
    docket, rows, known = registered(BLANK, [CREATED]), dict[Any, Any](), [CREATED]
    for one in (DISPATCHED, *arriving):
        if one.event in {fact.event for fact in known}:
            continue  # the inbox drops what comes twice
        fact, disturbs = placed(one, known)
        known.append(fact)
        done = taken_in(Known(docket, tuple(rows.values()), known), fact, RULES, disturbs=disturbs)
        docket = done.docket
        rows |= {step.deadline.identity: step.deadline for step in done.steps}
        rows |= {new.identity: new for new in done.opened}
        rows |= {step.deadline.identity: step.deadline for step in done.then}
    standing = {
        identity: (row.state, row.verdict, row.due_at, row.original_due_at, row.anchor.at, row.fact_at, row.basis)
        for identity, row in rows.items()
        if row.state != "superseded"
    }
    return docket, standing


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_the_order_of_arrival_changes_nothing(story: Story) -> None:
    facts = facts_of(story)
    assert after([facts[name] for name in story.arrives]) == after(list(facts.values()))


ARRIVALS = (
    "amended signed returned denied granted applied",
    "signed amended returned denied amended granted applied signed",
    "returned denied granted signed applied returned amended",
    "signed returned signed denied granted applied amended denied",
)
"""As it happened; and as the bus may deliver it, with repeats."""


async def test_through_the_bus_too_and_what_comes_twice_counts_once(desk: Desk) -> None:
    found = []
    for arrival in ARRIVALS:
        ticket, case = await desk.dispatch(), uuid4()
        returned = desk.returned(ticket, "2024-09-28 10:00")
        denied: dict[str, Any] = {
            "case": returned.case,
            "unit": LEAD,
            "filed_at": at("2024-09-28 10:00"),
            "by_rule": False,
        }
        happened: dict[str, Payload] = {
            "amended": desk.amended(ticket, "type", "marks", when="2024-09-28 09:00", type="help", marks=("special",)),
            "signed": desk.signed_in(ticket, "2024-09-28 09:30"),
            "returned": returned,
            "denied": desk.fact(ReturnDenied, ticket, "2024-09-28 15:00", **denied),
            "granted": desk.extension(ticket, case, when="2024-10-09 09:00"),
            "applied": desk.applied(ticket, case, "extension", "2024-10-09 09:05"),
        }
        messages = {name: desk.wire.message(data) for name, data in happened.items()}
        for name in arrival.split():
            await desk.tell(messages[name])
        rows = [row for row in await desk.rows(ticket) if row.state != "superseded"]
        found.append(
            {(row.kind, row.unit, row.round): (row.state, row.verdict, row.due_at, row.anchor.at) for row in rows}
        )
        assert (await desk.row(ticket, "closing")).due_at == at("2024-10-17 00:00"), "5 + 5 working days"
    assert all(one == found[0] for one in found[1:])
