"""Builders: what the other services announce about a ticket, the moving clock, and what sla made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text
from tests.support.wire import Wire, at

from common.calendar import Correction, Notice, deserialise
from common.clock import SimulatedClock, new_id
from common.events.catalogue import TICKETS
from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    Dispatched,
    Reissued,
    RulingApplied,
    SignedIn,
)
from common.events.envelope import Actor, Event, Message, Payload
from common.events.intake import TicketAmended, TicketCreated
from common.events.review import ExtensionGranted, Returned
from common.events.vocabulary import Limit, Requester
from common.policy import load_pack
from common.runtime.service import Service, Surroundings
from common.security.access import Role
from common.security.development import DevelopmentIssuer
from sla.deadlines import Deadline
from sla.registry import SYSTEM, publish_years
from sla.store import deadlines_of, year_in_force
from sla.timers import Knowledge, Timers

PACK = load_pack(Path("policies/shuangyashan"))
LEAD, OTHER = "shuangyashan.zhujianju", "shuangyashan.chengguan"
CLOSING = ("closing",)
F = TypeVar("F", bound=Payload)


@dataclass
class Desk:
    """The service, its callers and its bus. ``knowledge`` and ``timers`` are one timer worker, moved by hand."""

    service: Service
    wire: Wire
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    clock: SimulatedClock
    around: Surroundings
    knowledge: Knowledge = field(init=False)
    timers: Timers = field(init=False)
    policy: str = PACK.version

    def __post_init__(self) -> None:
        self.knowledge = Knowledge(self.service.room)
        self.timers = Timers(self.service.room, self.knowledge)

    # --- time ---

    def set(self, moment: str) -> None:
        """Time passes, and sla has not read the bus since."""
        self.clock.set(at(moment))

    async def catch_up(self, *partitions: int) -> None:
        """sla reads these partitions (without any named: 0) to their end."""
        await self.knowledge.learn([(TICKETS, one) for one in partitions or (0,)], self.clock.now())

    async def fire(self) -> int:
        """All lamps that can be lit; how many deadlines fired."""
        fired = 0
        while batch := await self.timers.fire():
            fired += batch
        return fired

    async def reach(self, moment: str) -> None:
        """Time passes, everything is known, what is due fires."""
        self.set(moment)
        await self.catch_up()
        await self.fire()

    # --- what the others announce ---

    def common(self, ticket: UUID, round_: int, when: str | None = None) -> dict[str, Any]:
        now = at(when) if when else self.clock.now()
        return {
            "jurisdiction": "shuangyashan",
            "policy": self.policy,
            "ticket": ticket,
            "number": f"SYS20240927{ticket.int % 10**6:06d}",
            "round": round_,
            "occurred_at": now,
            "accepted_at": now,
            "actor": Actor(role="unit", unit=LEAD),
        }

    def created(self, ticket: UUID, **more: Any) -> TicketCreated:
        given: dict[str, Any] = {
            **self.common(ticket, 0),
            "type": "complaint",
            "channel": "phone",
            "category": "城市管理/市政道路",
            "address": "某路",
            "statement": "路灯脱落，一直无人处理。",
            "requester": Requester(anonymous=False, has_contact=True, confidential=False),
            "received_at": self.clock.now(),
        }
        return TicketCreated(**(given | more))

    def dispatched(self, ticket: UUID, round_: int = 1, unit: str = LEAD, **more: Any) -> Dispatched:
        return Dispatched(**self.common(ticket, round_), unit=unit, **more)

    def reissued(self, ticket: UUID, round_: int, unit: str = LEAD) -> Reissued:
        return Reissued(**self.common(ticket, round_), unit=unit, reason="redo", previous_round=round_ - 1)

    def signed_in(self, ticket: UUID, when: str | None = None, round_: int = 1, unit: str = LEAD) -> SignedIn:
        return SignedIn(**self.common(ticket, round_, when), unit=unit)

    def returned(self, ticket: UUID, when: str | None = None, round_: int = 1) -> Returned:
        return Returned(**self.common(ticket, round_, when), case=uuid4(), unit=LEAD, reason="x", legal_basis="y")

    def closing_reported(self, ticket: UUID, when: str | None = None, round_: int = 1) -> ClosingReported:
        return ClosingReported(**self.common(ticket, round_, when), report=uuid4(), unit=LEAD, result="已修复。")

    def sent_back(self, ticket: UUID, round_: int = 1) -> ClosingSentBack:
        return ClosingSentBack(**self.common(ticket, round_), report=uuid4(), reasons=("未附照片",), unit=LEAD)

    def closed(self, ticket: UUID, filed_at: str, round_: int = 1) -> Closed:
        common = self.common(ticket, round_)
        return Closed(**common, report=uuid4(), unit=LEAD, filed_at=at(filed_at), decided_by_rule=True)

    def round_ended(self, ticket: UUID, when: str, round_: int = 1, **more: Any) -> RulingApplied:
        given: dict[str, Any] = {"kind": "return", "outcome": "approved", "new_status": "awaiting_dispatch"}
        ended = {"ended_round": round_, "round_ended_at": at(when), "ruling": uuid4()}
        return RulingApplied(**(self.common(ticket, round_) | given | ended | more))

    def archived(self, ticket: UUID, round_: int = 1) -> Archived:
        return Archived(**self.common(ticket, round_), how="callback")

    def fact(self, fact: type[F], ticket: UUID, when: str | None = None, round_: int = 1, **more: Any) -> F:
        """Any other fact about the ticket, with what is given of it."""
        return fact(**(self.common(ticket, round_, when) | more))

    def applied(self, ticket: UUID, ruling: UUID, kind: str, when: str | None = None, **more: Any) -> RulingApplied:
        given: dict[str, Any] = {"ruling": ruling, "kind": kind, "outcome": "granted", "new_status": "signed_in"}
        return RulingApplied(**(self.common(ticket, 1, when) | given | more))

    def extension(self, ticket: UUID, case: UUID, days: int | None = 5, when: str | None = None, **more: Any) -> Any:
        """An extension that was granted, asked for a day ago, in working days."""
        given: dict[str, Any] = {
            "case": case,
            "unit": LEAD,
            "kind": "ordinary",
            "by_rule": False,
            "filed_at": self.clock.now(),
        }
        granted = Limit(amount=days, unit="working_days") if days else None
        return self.fact(ExtensionGranted, ticket, when, **(given | {"granted": granted} | more))

    async def extend(self, ticket: UUID, days: int = 5) -> UUID:
        """An extension takes effect now."""
        case = uuid4()
        await self.tell(self.extension(ticket, case, days), self.applied(ticket, case, "extension"))
        return case

    def amended(self, ticket: UUID, *changed: str, when: str | None = None, **more: Any) -> TicketAmended:
        given: dict[str, Any] = {
            "type": "complaint",
            "category": "城市管理/市政道路",
            "address": "某路",
            "marks": (),
            "legal_limit": None,
            "changed": changed,
            "reason": "核实后更正",
        }
        return TicketAmended(**(self.common(ticket, 1, when) | given | more))

    async def register(self, **more: Any) -> UUID:
        ticket = new_id()
        await self.wire.deliver(self.created(ticket, **more))
        return ticket

    async def dispatch(self, **more: Any) -> UUID:
        """A registered ticket that was dispatched to the lead just now."""
        ticket = await self.register(**more)
        await self.wire.deliver(self.dispatched(ticket))
        return ticket

    async def tell(self, *facts: Payload | Message) -> None:
        await self.wire.deliver(*facts)

    async def take_back_make_up_day(self) -> None:
        """A later notice, made up for the test: Sunday 29 September 2024 is not worked after all."""
        async with self.service.room.transaction() as tx:
            found = await year_in_force(tx.connection, 2024)
            assert found is not None
            year = deserialise(found["content"])
            notice = Notice("更正通知", None, date(2024, 9, 27))
            correction = Correction(notice, no_longer_makeup=(date(2024, 9, 29),))
            await publish_years(tx, [replace(year, corrections=(*year.corrections, correction))], SYSTEM)

    # --- what sla made of it ---

    async def rows(self, ticket: UUID, kind: str | None = None) -> list[Deadline]:
        async with self.service.room.database.engine.connect() as connection:
            rows = await deadlines_of(connection, ticket)
        return [row for row in rows if kind is None or row.kind == kind]

    async def row(self, ticket: UUID, kind: str, round_: int = 1) -> Deadline:
        [found] = [row for row in await self.rows(ticket, kind) if row.round == round_]
        return found

    async def events(self, ticket: UUID, *types: str, kind: str | None = None) -> Sequence[Event]:
        events = await self.wire.announced(*types, about=f"ticket/{ticket}")
        return [event for event in events if kind is None or getattr(event.data, "kind", kind) == kind]

    async def told(self, ticket: UUID, kind: str) -> list[str]:
        """The types of what was announced of one kind of deadline, in order, without its setting."""
        return [event.type for event in await self.events(ticket, kind=kind) if event.type != "DeadlineSet"]

    async def parked(self) -> list[str]:
        async with self.service.room.database.engine.connect() as connection:
            return list((await connection.execute(text("select reason from parked where ended_at is null"))).scalars())

    # --- the callers ---

    def headers(self, role: Role, unit: str | None = None, jurisdiction: str | None = "shuangyashan") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.issue(role, unit, jurisdiction)}"}

    async def get(self, path: str, role: Role = "viewer", of: str | None = None, **params: Any) -> httpx.Response:
        """``of`` is the token's unit; everything else stands in the query."""
        return await self.client.get(path, headers=self.headers(role, of), params=params)
