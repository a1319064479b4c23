"""The hotline's centre in tests: registers, asks, and hears from the other services what a test lets them say."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.support.wire import Wire, at

from common.clock import SimulatedClock, new_id
from common.events.dispatch import Closed, Dispatched, SignedIn
from common.events.envelope import Actor, Message, Payload
from common.events.sla import PolicyActivated
from common.policy import Pack, load_pack
from common.runtime.service import Service
from common.security.access import Role
from common.security.development import DevelopmentIssuer

HERE = "shuangyashan"
LEAD = "shuangyashan.zhujianju"
OTHER = "shuangyashan.shuiwu"
SYSTEM = Actor(role="system")
NAME, PHONE = "欧阳金丝雀", "13904691234"
STATEMENT = f"新兴广场南侧路灯灯杆螺丝脱落，我是{NAME}，电话{PHONE}，请尽快处理"
ADDRESS = f"新兴广场南侧3号灯杆，{NAME}家楼下"


def demand(**changed: Any) -> dict[str, Any]:
    """A complaint as a softphone posts it; fields given as None stay as null, those given as ``...`` are left out."""
    body: dict[str, Any] = {
        "jurisdiction": HERE,
        "channel": "phone",
        "type": "complaint",
        "category": "城市管理/路灯",
        "statement": STATEMENT,
        "address": ADDRESS,
        "marks": ["urgent"],
        "requester": {"name": NAME, "phone": PHONE, "anonymous": False, "confidential": False},
    }
    return {name: value for name, value in (body | changed).items() if value is not ...}


@dataclass(slots=True)
class Centre:
    service: Service
    wire: Wire
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    clock: SimulatedClock
    admin_url: str
    service_url: str
    _keys: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def pack(self) -> Pack:
        return load_pack(Path("policies") / HERE)

    async def activate(self, changed: Pack | None = None) -> None:
        pack = changed or self.pack
        fact = PolicyActivated(
            occurred_at=self.clock.now(),
            accepted_at=self.clock.now(),
            actor=SYSTEM,
            jurisdiction=pack.jurisdiction,
            version=pack.version,
            effective_from=pack.effective_from,
            effective_to=pack.effective_to,
            pack=pack.dump(),
        )
        await self.wire.deliver(fact, subject=f"policy/{pack.jurisdiction}")

    def token(self, role: Role = "agent", unit: str | None = None, jurisdiction: str | None = HERE) -> str:
        return self.issuer.issue(role, unit, jurisdiction)

    async def post(
        self,
        path: str,
        body: Any,
        *,
        role: Role = "agent",
        unit: str | None = None,
        jurisdiction: str | None = HERE,
        key: str | None = "",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """``key`` empty: a fresh one; None: no key."""
        sent = {"Authorization": f"Bearer {self.token(role, unit, jurisdiction)}", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key or f"key-{next(self._keys)}"
        if isinstance(body, bytes):
            return await self.client.post(path, content=body, headers={**sent, "Content-Type": "application/json"})
        return await self.client.post(path, json=body, headers=sent)

    async def get(
        self,
        path: str,
        query: dict[str, str | int] | None = None,
        *,
        role: Role = "agent",
        unit: str | None = None,
        jurisdiction: str | None = HERE,
    ) -> httpx.Response:
        token = self.token(role, unit, jurisdiction)
        return await self.client.get(path, params=query, headers={"Authorization": f"Bearer {token}"})

    async def register(self, **changed: Any) -> dict[str, Any]:
        """A registered ticket's answer."""
        answer = await self.post("/tickets", demand(**changed))
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def facts(self, ticket: dict[str, Any], round: int, **more: Any) -> dict[str, Any]:
        """The fields that every event about the ticket carries."""
        return {
            "jurisdiction": HERE,
            "policy": ticket["policy"],
            "ticket": UUID(ticket["id"]),
            "number": ticket["number"],
            "round": round,
            "occurred_at": self.clock.now(),
            "accepted_at": self.clock.now(),
            "actor": SYSTEM,
            **more,
        }

    async def dispatched(self, ticket: dict[str, Any], unit: str = LEAD, **more: Any) -> None:
        await self.wire.deliver(Dispatched(**self.facts(ticket, 1), unit=unit, **more))

    async def closed(self, ticket: dict[str, Any]) -> None:
        """The ticket went to the lead, was signed in and closed."""
        await self.dispatched(ticket)
        await self.wire.deliver(
            SignedIn(**self.facts(ticket, 1), unit=LEAD),
            Closed(
                **self.facts(ticket, 1), report=new_id(), unit=LEAD, filed_at=self.clock.now(), decided_by_rule=True
            ),
        )

    async def hear_itself(self) -> None:
        """What intake announced comes back to it on the bus."""
        for event in await self.wire.announced():
            await self._hear(event.data, event.id, event.subject)

    async def _hear(self, data: Payload, event_id: UUID, subject: str) -> None:
        message: Message = self.wire.message(data, subject=subject, event_id=event_id)
        await self.service.runners[0].apply([message])

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """A look into the database past all rights."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        (row,) = await self.rows(f"select count(*) from intake.{table}")
        return int(row[0])

    async def pass_to(self, moment: str) -> None:
        self.clock.set(at(moment))
