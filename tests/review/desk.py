"""A reviewer's desk for the tests: the service alone, the facts of the other four told by the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import httpx
from tests.support.wire import Wire, at

from common.basis import Basis
from common.clock import SimulatedClock, new_id
from common.events.dispatch import Closed, Dispatched, Reissued, RulingApplied, RulingOvertaken, SignedIn, UnitChanged
from common.events.envelope import Actor, Event, subject_of_ticket
from common.events.intake import CallbackRecorded, TicketCreated
from common.events.sla import DeadlineRow, DeadlineSet, PolicyActivated
from common.events.vocabulary import Anchor, Requester, Status
from common.policy.pack import Pack, parse_pack
from common.policy.reading import load_pack
from common.runtime.service import Service
from common.security.access import Role
from common.security.development import DevelopmentIssuer

PACKS = Path(__file__).parents[2] / "policies"
JURISDICTION = "shuangyashan"
CHENGGUAN = "shuangyashan.chengguan"
ZHUJIAN = "shuangyashan.zhujian"
YINGSHANG = "shuangyashan.yingshang"
MORNING = at("2025-09-26 09:00")
DUE = at("2025-09-29 00:00")
SYSTEM = Actor(role="system")
UNITS = {CHENGGUAN: "市城市管理局", ZHUJIAN: "市住建局", YINGSHANG: "市营商环境局"}
"""The units that every test finds in the register."""


def pack_with(**changes: Any) -> Pack:
    """双鸭山's pack with other values in it: ``{"returns.late": "refused_and_marked_overdue"}``."""
    content = load_pack(PACKS / JURISDICTION).dump()
    for place, value in changes.items():
        section, name = place.split("__")
        content[section][name]["value"] = value
    return parse_pack(content)


@dataclass
class Ticket:
    """One ticket as the other services tell of it."""

    desk: "Desk"
    pack: Pack
    id: UUID = field(default_factory=new_id)
    round: int = 0
    unit: str = CHENGGUAN
    cause: UUID = field(default_factory=new_id)

    @property
    def subject(self) -> str:
        return subject_of_ticket(self.id)

    def fields(self) -> dict[str, Any]:
        now = self.desk.clock.now()
        return {
            "jurisdiction": self.pack.jurisdiction,
            "policy": self.pack.version,
            "ticket": self.id,
            "number": "SYS20250926000001",
            "round": self.round,
            "occurred_at": now,
            "accepted_at": now,
            "actor": SYSTEM,
        }

    def created(self) -> TicketCreated:
        return TicketCreated(
            **self.fields(),
            type="complaint",
            channel="phone",
            category="城市管理/市政道路",
            address="某路",
            statement="路灯不亮",
            requester=Requester(anonymous=False, has_contact=True, confidential=False),
            received_at=self.desk.clock.now(),
        )

    async def dispatched(
        self, *, unit: str = CHENGGUAN, designated: bool = False, co_handlers: tuple[str, ...] = ()
    ) -> None:
        self.round, self.unit = self.round + 1, unit
        told = Dispatched(**self.fields(), unit=unit, designated=designated, co_handlers=co_handlers)
        [self.cause] = await self.desk.wire.deliver(told)

    async def reissued(self) -> None:
        self.round += 1
        told = Reissued(**self.fields(), unit=self.unit, reason="不满意且诉求合理", previous_round=self.round - 1)
        [self.cause] = await self.desk.wire.deliver(told)

    def window(self, due: Any = DUE, *, kind: Any = "return_window", cause: UUID | None = None) -> DeadlineSet:
        row = DeadlineRow(
            kind=kind,
            unit=self.unit,
            round=self.round,
            anchor=Anchor(event=self.cause, at=self.desk.clock.now()),
            due_at=due,
            original_due_at=due,
            window=kind == "return_window",
            provisional=False,
            calendar="2025",
            basis=(Basis(rule="SYS-18", article="第十八条", quote="应当在1个工作日内退回"),),
        )
        return DeadlineSet(**self.fields(), cause=cause or self.cause, deadlines=(row,))

    async def windowed(self, due: Any = DUE, **how: Any) -> None:
        await self.desk.wire.deliver(self.window(due, **how))

    async def signed_in(self) -> None:
        await self.desk.wire.deliver(SignedIn(**self.fields(), unit=self.unit))

    async def closed(self) -> None:
        filed = self.desk.clock.now()
        told = Closed(**self.fields(), report=new_id(), unit=self.unit, filed_at=filed, decided_by_rule=True)
        await self.desk.wire.deliver(told)

    async def applied(self, ruling: str | UUID, status: Status, *, kind: Any = "return", ended: bool = True) -> None:
        told = RulingApplied(
            **self.fields(),
            ruling=UUID(str(ruling)),
            kind=kind,
            outcome="approved",
            ended_round=self.round if ended else None,
            round_ended_at=self.desk.clock.now() if ended else None,
            new_status=status,
        )
        await self.desk.wire.deliver(told)

    async def overtaken(self, ruling: str | UUID, status: Status = "closed", *, kind: Any = "return") -> None:
        told = RulingOvertaken(**self.fields(), ruling=UUID(str(ruling)), kind=kind, reason="已办结", status=status)
        await self.desk.wire.deliver(told)

    def called_back(
        self,
        responded: bool | None = True,
        resolved: bool | None = True,
        satisfaction: str | None = "satisfied",
        *,
        attempt: int = 1,
        reached: bool = True,
    ) -> CallbackRecorded:
        said: Mapping[str, Any] = (
            {"responded": responded, "resolved": resolved, "satisfaction": satisfaction} if reached else {}
        )
        outcome: Literal["reached", "not_reached"] = "reached" if reached else "not_reached"
        return CallbackRecorded(**self.fields(), callback=new_id(), outcome=outcome, attempt=attempt, **said)

    async def announced(self, *types: str) -> Sequence[Event]:
        return await self.desk.wire.announced(*types, about=self.subject)

    async def told(self) -> list[str]:
        """The types of what review announced of the ticket, oldest first."""
        return [event.type for event in await self.announced()]


@dataclass
class Desk:
    """The service with what a test needs around it."""

    service: Service
    wire: Wire
    clock: SimulatedClock
    issuer: DevelopmentIssuer
    client: httpx.AsyncClient
    pack: Pack

    async def ticket(self, *, pack: Pack | None = None, window: bool = True, **dispatch: Any) -> Ticket:
        """A ticket that was dispatched at nine o'clock; ``window``: sla has told until when it may be returned."""
        ticket = Ticket(self, pack or self.pack)
        await self.wire.deliver(ticket.created())
        await ticket.dispatched(**dispatch)
        if window:
            await ticket.windowed()
        return ticket

    async def closed_ticket(self) -> Ticket:
        ticket = await self.ticket()
        await ticket.signed_in()
        await ticket.closed()
        return ticket

    async def activate(self, pack: Pack) -> None:
        now = self.clock.now()
        told = PolicyActivated(
            occurred_at=now,
            accepted_at=now,
            actor=SYSTEM,
            jurisdiction=pack.jurisdiction,
            version=pack.version,
            effective_from=pack.effective_from,
            pack=pack.dump(),
        )
        await self.wire.deliver(told, subject=f"policy/{pack.jurisdiction}")

    async def enter(self, unit: str, name: str = "某单位", **row: Any) -> None:
        """Dispatch tells a row of the unit register."""
        now = self.clock.now()
        whole = {"kind": "municipal_department"} | row
        told = UnitChanged(
            occurred_at=now, accepted_at=now, actor=SYSTEM, jurisdiction=unit.partition(".")[0], unit=unit, name=name,
            **whole,
        )  # fmt: skip
        await self.wire.deliver(told, subject=f"unit/{unit}")

    def later(self, **span: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**span))

    def headers(
        self, role: Role, unit: str | None = None, *, jurisdiction: str | None = JURISDICTION
    ) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.issue(role, unit, jurisdiction)}"}

    async def post(
        self, path: str, body: object, role: Role, unit: str | None = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = {**self.headers(role, unit, **more), "Idempotency-Key": key or str(new_id())}
        return await self.client.post(f"/review/v1{path}", json=body, headers=headers)

    async def get(self, path: str, role: Role = "reviewer", unit: str | None = None, **more: Any) -> httpx.Response:
        return await self.client.get(f"/review/v1{path}", headers=self.headers(role, unit, **more))

    async def file(
        self, ticket: Ticket, unit: str | None = None, *, key: str | None = None, **body: Any
    ) -> httpx.Response:
        """A complete return unless said otherwise; ``None`` leaves a field out."""
        whole = {
            "round": ticket.round,
            "ground": "not_this_units_duty",
            "reason": "该路段由住建部门管理",
            "legal_basis": "《城市道路管理条例》第六条",
            "suggested_unit": ZHUJIAN,
        } | body
        told = {name: value for name, value in whole.items() if value is not None}
        return await self.post(f"/tickets/{ticket.id}/returns", told, "unit", unit or ticket.unit, key=key)

    async def filed(self, ticket: Ticket, **body: Any) -> dict[str, Any]:
        answer = await self.file(ticket, **body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def rule(
        self,
        case: str,
        decision: str = "approve",
        ground: str = "not_this_units_duty",
        *,
        unit: str = YINGSHANG,
        **body: Any,
    ) -> httpx.Response:
        told = {"round": 1, "decision": decision, "ground": ground} | body
        return await self.post(f"/returns/{case}/rulings", told, "reviewer", unit)

    async def judge(self, case: UUID, outcome: str, *, unit: str = YINGSHANG, **body: Any) -> httpx.Response:
        grounds = {"ground": "not_handled"} if outcome == "redo" else {}
        told = {"outcome": outcome, "reason": "经核实"} | grounds | body
        return await self.post(f"/callbacks/{case}/judgements", told, "reviewer", unit)

    async def state(self, case: str) -> str:
        return str((await self.get(f"/returns/{case}")).json()["state"])
