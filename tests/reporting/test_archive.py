"""What was announced, read again over HTTP: verbatim, ticket by ticket, by nobody but the administrator."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from tests.support.wire import Wire, at

from common.events.dispatch import Dispatched
from common.events.envelope import Actor
from common.events.intake import TicketCreated
from common.events.sla import CalendarPublished, PolicyActivated
from common.events.vocabulary import Requester
from common.runtime.service import Service
from common.security.access import Role
from common.security.development import DevelopmentIssuer

HERE = "shuangyashan"


def said(ticket: UUID, when: str, jurisdiction: str = HERE, round_: int = 0) -> dict[str, Any]:
    return {
        "jurisdiction": jurisdiction,
        "policy": f"{jurisdiction}@0",
        "ticket": ticket,
        "number": "SYS1",
        "round": round_,
        "occurred_at": at(when),
        "accepted_at": at(when),
        "actor": Actor(role="agent"),
    }


def created(ticket: UUID, when: str, jurisdiction: str = HERE) -> TicketCreated:
    return TicketCreated(
        **said(ticket, when, jurisdiction),
        type="complaint",
        channel="phone",
        category="城市管理/路灯",
        address="某路",
        statement="路灯不亮",
        requester=Requester(anonymous=False, has_contact=True, confidential=False),
        received_at=at(when),
    )


async def ask(
    service: Service, issuer: DevelopmentIssuer, path: str = "", params: Mapping[str, str | int] = {}, *, role: Role
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {issuer.issue(role, jurisdiction=HERE)}"}
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://suite", headers=headers) as client:
        return await client.get(f"/reporting/v1/archive{path}", params={"jurisdiction": HERE, **params})


async def page(service: Service, issuer: DevelopmentIssuer, path: str = "", **params: str | int) -> Mapping[str, Any]:
    answer = await ask(service, issuer, path, params, role="admin")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_ticket_is_told_with_all_its_events_in_the_order_of_the_bus(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    ticket = uuid4()
    messages = [
        wire.message(created(ticket, "2025-03-03 09:00")),
        wire.message(Dispatched(**said(ticket, "2025-03-03 10:00", round_=1), unit=f"{HERE}.chengguan")),
    ]
    await wire.deliver(*messages)
    told = await page(service, issuer)
    [item] = told["items"]
    assert (item["ticket"], told["tickets"], told["next"]) == (str(ticket), 1, None)
    assert datetime.fromisoformat(told["as_of"]) == at("2025-03-04 09:00")
    assert [(one["headers"], one["value"].encode()) for one in item["events"]] == [
        (message.headers, message.value) for message in messages
    ]


async def test_tickets_come_in_pages_by_when_they_were_received_and_only_those_of_the_span(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    tickets = [uuid4() for _ in range(5)]
    for day, ticket in enumerate(tickets, 1):
        await wire.deliver(created(ticket, f"2025-03-0{day} 09:00"))
    await wire.deliver(created(uuid4(), "2025-03-02 09:00", "elsewhere"))
    found, cursor = list[str](), cast(str | None, "")
    span = {"from": "2025-03-02T00:00:00+08:00", "to": "2025-03-05T00:00:00+08:00"}
    while cursor is not None:
        told = await page(service, issuer, size=2, **span, **({"cursor": cursor} if cursor else {}))
        assert told["tickets"] == 3
        found += [one["ticket"] for one in told["items"]]
        cursor = told["next"]
    assert found == [str(one) for one in tickets[1:4]]


async def test_packs_and_calendars_are_told_apart_from_tickets(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    when: dict[str, Any] = {
        "occurred_at": at("2025-03-01 09:00"),
        "accepted_at": at("2025-03-01 09:00"),
        "actor": Actor(role="system"),
    }
    for place in (HERE, "elsewhere"):
        content = {"jurisdiction": place, "version": f"{place}@1", "effective_from": date(2025, 1, 1), "pack": {}}
        await wire.deliver(PolicyActivated.model_validate(when | content), subject=f"policy/{place}")
    years = [
        wire.message(CalendarPublished(**when, year=year, version=f"{year}@1", content={}), subject=f"calendar/{year}")
        for year in range(2010, 2018)
    ]
    await wire.deliver(*years)
    found, cursor = list[str](), cast(str | None, "")
    while cursor is not None:
        told = await page(service, issuer, "/reference", **({"cursor": cursor} if cursor else {}))
        found += [one["subject"] for one in told["items"]]
        cursor = told["next"]
    assert found == [f"policy/{HERE}", *(f"calendar/{year}" for year in range(2010, 2018))]


@pytest.mark.parametrize("role", ["agent", "dispatcher", "reviewer", "supervisor", "viewer", "softphone"])
async def test_nobody_but_the_administrator_reads_the_archive(
    service: Service, issuer: DevelopmentIssuer, role: Role
) -> None:
    assert (await ask(service, issuer, role=role)).status_code == 403


async def test_a_foreign_jurisdiction_is_answered_as_absent_and_a_made_up_cursor_is_refused(
    service: Service, issuer: DevelopmentIssuer
) -> None:
    assert (await ask(service, issuer, params={"jurisdiction": "elsewhere"}, role="admin")).status_code == 404
    for path in ("", "/reference"):
        assert (await ask(service, issuer, path, {"cursor": "WyJ4IiwieSJd"}, role="admin")).status_code == 422
