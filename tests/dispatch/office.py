"""Builders: who calls, what the other services announce, and the moves that bring a ticket to a status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from tests.contracts.examples import example
from tests.support.wire import Wire

from common.clock import SimulatedClock, new_id
from common.events.catalogue import CATALOGUE
from common.events.envelope import Actor, Event, Message, Payload
from common.events.intake import TicketCreated
from common.events.sla import PolicyActivated
from common.events.vocabulary import Requester, Status
from common.messaging.relay import UNPUBLISHED
from common.policy.pack import Pack, parse_pack
from common.policy.reading import load_pack
from common.runtime.service import Service
from common.security.access import Role
from common.security.development import DevelopmentIssuer
from dispatch.docket import Docket, load
from dispatch.units.commands import register
from dispatch.units.rules import Unit

SHUANGYASHAN = load_pack(Path("policies/shuangyashan"))
LEAD, OTHER, THIRD = "shuangyashan.zhujianju", "shuangyashan.chengguan", "shuangyashan.shuiwu"
SYSTEM = Actor(role="system")


def checked_pack() -> Pack:
    """双鸭山's pack as it would be if a person looked at every closing report."""
    content = SHUANGYASHAN.dump()
    return parse_pack({**content, "closing": {**content["closing"], "check": True}})


def stopping_pack() -> Pack:
    """双鸭山's pack as it would be if the clock stood still while an expert opinion or the requester is waited for."""
    content = SHUANGYASHAN.dump()
    stop = {"kinds": ["closing"], "rule": "G-4", "assumption": "试行"}
    grounds = {
        "opinion": {**stop, "label": "检验、检测、鉴定", "agreed_by": "notice"},
        "papers": {**stop, "label": "诉求人补充材料", "agreed_by": "reviewer"},
    }
    return parse_pack({**content, "limits": {**content["limits"], "clock_stops": grounds}})


@dataclass(repr=False)
class Office:
    """The service, its callers, and the bus."""

    service: Service
    wire: Wire
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    clock: SimulatedClock
    pack: Pack = SHUANGYASHAN
    _tokens: dict[tuple[str, ...], str] = field(default_factory=dict)
    _echoed: int = 0

    # --- the callers ---

    def headers(self, role: Role, unit: str | None = None, jurisdiction: str = "shuangyashan") -> dict[str, str]:
        who = (role, unit or "", jurisdiction)
        if who not in self._tokens:
            self._tokens[who] = self.issuer.issue(role, unit, jurisdiction)
        return {"Authorization": f"Bearer {self._tokens[who]}"}

    async def get(self, path: str, role: Role = "admin", unit: str | None = None, **params: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(role, unit), params=params)

    async def post(
        self, path: str, body: Mapping[str, Any], role: Role, unit: str | None = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = {**self.headers(role, unit), "Idempotency-Key": key or str(new_id())}
        return await self.client.post(path, json=body, headers=headers)

    async def enter_unit(self, code: str, etag: str | None = None, **entry: Any) -> httpx.Response:
        body = {
            "name": code,
            "kind": "municipal_department",
            "handlers": ["zhang", "li"],
            "leader": "zhao",
            "office": "综合科",
            **entry,
        }
        headers = self.headers("admin") | ({"If-Match": etag} if etag else {})
        return await self.client.put(f"units/{code}", json=body, headers=headers)

    async def enter_units(self, *names: str) -> None:
        """Several units at once, by the command itself."""
        async with self.service.room.transaction() as tx:
            for name in names:
                code = f"{self.pack.jurisdiction}.{name}"
                unit = Unit(
                    code, code, "municipal_department", handlers=("zhang", "li"), leader="zhao", office="综合科"
                )
                await register(tx, unit, None, self.pack, Actor(role="admin"))

    # --- the bus ---

    async def activate(self, pack: Pack = SHUANGYASHAN) -> None:
        self.pack = pack
        now = self.clock.now()
        activated = PolicyActivated(
            occurred_at=now,
            accepted_at=now,
            actor=SYSTEM,
            jurisdiction=pack.jurisdiction,
            version=pack.version,
            effective_from=pack.effective_from,
            pack=pack.dump(),
        )
        await self.wire.deliver(activated, subject=f"policy/{pack.jurisdiction}")

    def created(self, *, has_contact: bool = True, ticket: UUID | None = None) -> TicketCreated:
        now = self.clock.now()
        ticket = ticket or new_id()
        return TicketCreated(
            jurisdiction="shuangyashan",
            policy=self.pack.version,
            ticket=ticket,
            number=f"SYS20250926{ticket.int % 10**6:06d}",
            round=0,
            occurred_at=now,
            accepted_at=now,
            actor=Actor(role="agent"),
            type="complaint",
            channel="phone",
            category="城市管理/市政道路",
            address="兴隆台区某路",
            statement="路灯脱落，一直无人处理。",
            requester=Requester(anonymous=not has_contact, has_contact=has_contact, confidential=False),
            received_at=now,
        )

    async def register(self, *, has_contact: bool = True) -> UUID:
        created = self.created(has_contact=has_contact)
        await self.wire.deliver(created)
        return created.ticket

    def fact(self, kind: str, docket: Docket, **more: Any) -> Payload:
        """A fact of another service about the ticket, valid by its schema; what matters is named."""
        given = example(kind).data.model_dump()
        now = self.clock.now()
        about = {
            "jurisdiction": docket.jurisdiction,
            "policy": docket.policy,
            "ticket": docket.ticket,
            "number": docket.number,
            "round": docket.round,
            "occurred_at": now,
            "accepted_at": now,
        }
        return CATALOGUE[kind].model.model_validate({**given, **about, **more})

    async def hear(self, kind: str, ticket: UUID, **more: Any) -> None:
        await self.wire.deliver(self.fact(kind, await self.docket(ticket), **more))

    async def echo(self) -> None:
        """Dispatch reads from the bus what it has announced itself since the last time."""
        async with self.service.room.database.engine.connect() as connection:
            rows = (await connection.execute(UNPUBLISHED, {"most": 100_000})).all()
        fresh, self._echoed = rows[self._echoed :], len(rows)
        messages = [
            Message(row.topic, row.subject, row.headers | {"ce_sequence": str(row.sequence)}, row.value.encode(), 0, n)
            for n, row in enumerate(fresh)
            if row.sequence
        ]
        if messages:
            await self.service.runners[0].apply(messages)

    async def announced(self, ticket: UUID, *types: str) -> Sequence[Event]:
        return await self.wire.announced(*types, about=f"ticket/{ticket}")

    async def types(self, ticket: UUID) -> list[str]:
        return [event.type for event in await self.announced(ticket)]

    async def parked(self) -> list[str]:
        async with self.service.room.database.engine.connect() as connection:
            return list((await connection.execute(text("select reason from parked where ended_at is null"))).scalars())

    # --- the ticket ---

    async def docket(self, ticket: UUID) -> Docket:
        async with self.service.room.database.engine.connect() as connection:
            docket = await load(connection, ticket)
        assert docket is not None
        return docket

    async def dockets(self, tickets: Iterable[UUID]) -> list[Docket]:
        async with self.service.room.database.engine.connect() as connection:
            found = [await load(connection, ticket) for ticket in tickets]
        return [docket for docket in found if docket is not None]

    async def put_in(self, ticket: UUID, status: Status, **columns: Any) -> None:
        """Set the docket as some history would have left it."""
        values = {"status": status, **columns}
        async with self.service.room.database.engine.begin() as connection:
            assignments = ", ".join(f"{name} = :{name}" for name in values)
            await connection.execute(
                text(f"update docket set {assignments} where ticket = :ticket"), {**values, "ticket": ticket}
            )

    async def assign(self, ticket: UUID, unit: str = LEAD, round: int = 0, **more: Any) -> httpx.Response:
        body = {"round": round, "unit": unit, "principle": "function", **more}
        return await self.post(f"tickets/{ticket}/assignments", body, "dispatcher")

    async def sign_in(self, ticket: UUID, unit: str = LEAD, round: int = 1) -> httpx.Response:
        return await self.post(f"tickets/{ticket}/sign-ins", {"round": round}, "unit", unit)

    async def file_closing(self, ticket: UUID, unit: str = LEAD, round: int = 1) -> httpx.Response:
        body = {"round": round, "result": "已更换灯具。"}
        return await self.post(f"tickets/{ticket}/closing-reports", body, "unit", unit)

    async def dispatched(self, **more: Any) -> UUID:
        ticket = await self.register()
        assert (await self.assign(ticket, **more)).status_code == 201
        return ticket

    async def signed_in(self, **more: Any) -> UUID:
        ticket = await self.dispatched(**more)
        assert (await self.sign_in(ticket)).status_code == 201
        return ticket

    async def closed(self, **more: Any) -> UUID:
        ticket = await self.signed_in(**more)
        assert (await self.file_closing(ticket)).status_code == 201
        return ticket
