"""Recorded lives without a suite: what the other services announced about a ticket, and what sla makes of it.

sla's own functions announce, fact by fact, as its consumer does; only database and bus are left out.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from tests.support.wire import at

from common.calendar import WorkingCalendar, serialise
from common.clock import new_id
from common.events.catalogue import CATALOGUE
from common.events.codec import encode
from common.events.dispatch import Closed, ClosingReported, Dispatched, RulingApplied, SignedIn
from common.events.envelope import Actor, Event, Payload, subject_of_ticket
from common.events.intake import TicketCreated
from common.events.review import ExtensionGranted, ExtensionRequested, ReturnApproved, ReturnDenied, Returned
from common.events.sla import CalendarPublished, PolicyActivated
from common.events.vocabulary import Limit, Requester
from common.policy import Pack
from hotline.backtest.record import Head, Story
from sla.announcements import announcement, set_of
from sla.consumers import docket_of
from sla.deadlines import Deadline, Identity
from sla.docket import Docket
from sla.facts import Fact, fact_of, placed
from sla.known import Known
from sla.life import READ, change
from sla.plan import Rules, opened
from sla.verdicts import Step

P = TypeVar("P", bound=Payload)


@dataclass
class Told:
    """One ticket's story as it goes along, in one jurisdiction."""

    pack: Pack
    calendar: WorkingCalendar
    ticket: UUID = field(default_factory=new_id)
    events: list[Event] = field(default_factory=list)
    docket: Docket | None = None
    rows: dict[Identity, Deadline] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    _numbers: Counter[str] = field(default_factory=Counter)

    @property
    def unit(self) -> str:
        return f"{self.pack.jurisdiction}.chengguan"

    def story(self) -> Story:
        return Story(self.ticket, tuple(self.events))

    def common(self, when: str, round_: int = 1) -> dict[str, Any]:
        return {
            "jurisdiction": self.pack.jurisdiction,
            "policy": self.pack.version,
            "ticket": self.ticket,
            "number": f"SYS20250303{self.ticket.int % 10**6:06d}",
            "round": round_,
            "occurred_at": at(when),
            "accepted_at": at(when),
            "actor": Actor(role="unit", unit=self.unit),
        }

    # --- what the others announce ---

    def say(self, fact: type[Payload], when: str, round_: int = 1, **more: Any) -> "Told":
        return self.tell(fact.model_validate({**self.common(when, round_), "unit": self.unit, **more}))

    def created(self, when: str, **more: Any) -> "Told":
        given: dict[str, Any] = {
            "type": "complaint",
            "channel": "phone",
            "category": "城市管理/路灯",
            "address": "某路",
            "statement": "路灯不亮",
            "requester": Requester(anonymous=False, has_contact=True, confidential=False),
            "received_at": at(when),
        }
        return self.say(TicketCreated, when, 0, **(given | more))

    def dispatched(self, when: str, round_: int = 1, **more: Any) -> "Told":
        return self.say(Dispatched, when, round_, **more)

    def signed_in(self, when: str, round_: int = 1) -> "Told":
        return self.say(SignedIn, when, round_)

    def closed(self, filed: str, when: str, round_: int = 1) -> "Told":
        report = new_id()
        self.say(ClosingReported, filed, round_, report=report, result="已修复")
        return self.say(Closed, when, round_, report=report, filed_at=at(filed), decided_by_rule=True)

    def returned(self, when: str, round_: int = 1, **more: Any) -> UUID:
        case = new_id()
        papers: dict[str, Any] = {"reason": "非本单位职责", "legal_basis": "有关规定"} | more
        self.say(Returned, when, round_, case=case, **papers)
        return case

    def return_denied(self, case: UUID, when: str, filed: str, *, by_rule: bool, late: bool, ground: str) -> "Told":
        ruled: dict[str, Any] = {
            "case": case,
            "filed_at": at(filed),
            "by_rule": by_rule,
            "late": late,
            "ground": ground,
        }
        return self.say(ReturnDenied, when, **ruled)

    def return_approved(self, case: UUID, when: str, filed: str, *, late: bool) -> "Told":
        ruled: dict[str, Any] = {"filed_at": at(filed), "by_rule": False, "late": late, "ground": "not_this_units_duty"}
        self.say(ReturnApproved, when, case=case, **ruled)
        ended: dict[str, Any] = {"ended_round": 1, "round_ended_at": at(filed), "new_status": "awaiting_dispatch"}
        return self.say(RulingApplied, when, ruling=case, kind="return", outcome="approved", **ended)

    def extended(self, asked: str, granted: str, days: int, nth: int = 1, **more: Any) -> "Told":
        """Asked for with a reason, and granted by a reviewer as asked; it takes effect at once."""
        case, span = new_id(), Limit(amount=days, unit="working_days")
        request: dict[str, Any] = {"case": case, "kind": "ordinary"}
        papers: dict[str, Any] = {"reason": "情况复杂", "requested": span, "nth": nth} | more
        self.say(ExtensionRequested, asked, **request, **papers)
        ruled: dict[str, Any] = {"filed_at": at(asked), "by_rule": False, "late": False, "granted": span}
        self.say(ExtensionGranted, granted, **request, **ruled)
        took: dict[str, Any] = {"kind": "extension", "outcome": "granted", "new_status": "signed_in"}
        return self.say(RulingApplied, granted, ruling=case, **took)

    # --- what sla says to it ---

    def tell(self, data: Payload) -> "Told":
        """The fact lies on the bus, and sla takes it in."""
        event = self._announce(data)
        if event.type == "TicketCreated":
            self.docket = docket_of(event)
            self.facts.append(fact_of(event))
            found = opened(self.docket, Rules(self.pack, self.calendar), self.facts[0])
            self._begin(found, self.facts[0])
        elif event.type in READ:
            assert self.docket is not None
            fact, _ = placed(fact_of(event), self.facts)
            self.facts.append(fact)
            self._take_in(fact)
        return self

    def _take_in(self, fact: Fact) -> None:
        assert self.docket is not None
        known = Known(self.docket, tuple(self.rows.values()), self.facts)
        done = change(known, fact, Rules(self.pack, self.calendar))
        self.docket = done.docket
        self._record(done.steps, fact)
        self._begin(done.opened, fact)
        self._record(done.then, fact)

    def _begin(self, found: tuple[Deadline, ...], fact: Fact) -> None:
        assert self.docket is not None
        if found:
            self.rows |= {row.identity: row for row in found}
            self._announce(set_of(self.docket, found, fact.event, fact.at, fact.at))

    def _record(self, steps: Sequence[Step], fact: Fact) -> None:
        assert self.docket is not None
        for step in steps:
            self.rows[step.deadline.identity] = step.deadline
            for told in step.told:
                self._announce(announcement(self.docket, step.deadline, told, fact.at))

    def _announce(self, data: Payload) -> Event:
        name = type(data).__name__
        source = CATALOGUE[name].owner
        self._numbers[source] += 1
        when = data.occurred_at  # type: ignore[attr-defined]  # every fact has it
        event = Event(new_id(), source, name, subject_of_ticket(self.ticket), when, self._numbers[source], data)
        self.events.append(event)
        return event


def record_lines(packs: Sequence[Pack], calendar: WorkingCalendar, told: Sequence[Told], as_of: str) -> list[str]:
    """The same as a file of recorded lines."""
    head = Head(jurisdiction=packs[0].jurisdiction, as_of=at(as_of), tickets=len(told))
    when: dict[str, Any] = {"occurred_at": at(as_of), "accepted_at": at(as_of), "actor": Actor(role="system")}
    reference = [
        *(
            (f"policy/{pack.jurisdiction}", PolicyActivated(
                **when, jurisdiction=pack.jurisdiction, version=pack.version, effective_from=pack.effective_from,
                pack=pack.dump(),
            ))
            for pack in packs
        ),
        *(
            (f"calendar/{year.year}", CalendarPublished(
                **when, year=year.year, version=f"{year.year}@0", content=serialise(year),
            ))
            for year in calendar.years
        ),
    ]  # fmt: skip
    events = [
        Event(new_id(), "sla", type(data).__name__, subject, at(as_of), nth, data)
        for nth, (subject, data) in enumerate(reference, 1)
    ]
    events += [event for one in told for event in one.events]
    return [head.model_dump_json(), *(_line(event, offset) for offset, event in enumerate(events))]


def _line(event: Event, offset: int) -> str:
    message = encode(event, CATALOGUE[event.type].topic)
    value = {"subject": event.subject, "headers": message.headers, "value": message.value.decode()}
    return json.dumps({"topic": message.topic, "partition": 0, "offset": offset, **value}, ensure_ascii=False)
