"""What reporting archives and counts."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text
from tests.support.wire import Wire, at

from common.clock import FrozenClock
from common.events import dispatch, intake, review, sla
from common.events.envelope import Actor
from common.events.vocabulary import Anchor, DeadlineKind, Requester
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer

DISPATCHER = Actor(role="dispatcher", account="d1")
UNIT = "shuangyashan.chengjian"


def fact(ticket: UUID, round: int, moment: str) -> dict[str, Any]:
    return {
        "jurisdiction": "shuangyashan",
        "policy": "shuangyashan@0123456789ab",
        "ticket": ticket,
        "number": "SYS20250304000001",
        "round": round,
        "occurred_at": at(moment),
        "accepted_at": at(moment),
        "actor": DISPATCHER,
    }


def created(ticket: UUID) -> intake.TicketCreated:
    return intake.TicketCreated(
        **fact(ticket, 0, "2025-03-03 10:00"),
        type="complaint",
        channel="phone",
        category="城市管理/市政道路",
        address="某路",
        statement="路面坑洼",
        requester=Requester(kind="natural_person", anonymous=False, has_contact=True, confidential=False),
        received_at=at("2025-03-03 09:58"),
    )


def dispatched(ticket: UUID, round: int = 1) -> dispatch.Dispatched:
    return dispatch.Dispatched(**fact(ticket, round, "2025-03-03 10:05"), unit=UNIT)


def deadline_set(ticket: UUID, *kinds: DeadlineKind) -> sla.DeadlineSet:
    rows = tuple(
        sla.DeadlineRow(
            kind=kind,
            unit=UNIT,
            round=1,
            anchor=Anchor(event=uuid4(), at=at("2025-03-03 10:05")),
            due_at=at("2025-03-05 00:00"),
            original_due_at=at("2025-03-05 00:00"),
            window=kind.endswith("window"),
            provisional=False,
            calendar="2025",
        )
        for kind in kinds
    )
    return sla.DeadlineSet(**fact(ticket, 1, "2025-03-03 10:05"), cause=uuid4(), deadlines=rows)


def verdict(model: type[sla.OneDeadline], ticket: UUID, kind: DeadlineKind, **more: Any) -> sla.OneDeadline:
    due = at("2025-03-05 00:00")
    return model(
        **fact(ticket, 1, "2025-03-04 09:00"),
        kind=kind,
        unit=UNIT,
        due_at=due,
        generation=1,
        **more,
    )


async def figures(service: Service, issuer: DevelopmentIssuer, **params: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {issuer.issue('viewer', jurisdiction='shuangyashan')}"}
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://suite", headers=headers) as client:
        answer = await client.get("/reporting/v1/indicators", params={"jurisdiction": "shuangyashan", **params})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_every_event_is_archived_as_it_lay_on_the_bus(service: Service, wire: Wire) -> None:
    ticket = uuid4()
    messages = [wire.message(created(ticket)), wire.message(dispatched(ticket))]
    await wire.deliver(*messages)
    async with service.room.database.engine.connect() as connection:
        rows = (await connection.execute(text("select * from archive order by sequence, type"))).all()
    kept = {row.type: row for row in rows}
    for message in messages:
        row = kept[message.headers["ce_type"].split(".")[1]]
        assert (row.topic, row.partition, row.offset) == (message.topic, message.partition, message.offset)
        assert row.value.encode() == message.value
        assert row.headers == message.headers


async def test_a_repeated_event_is_counted_once(service: Service, wire: Wire, issuer: DevelopmentIssuer) -> None:
    ticket = uuid4()
    returned = wire.message(review.Returned(**fact(ticket, 1, "2025-03-03 11:00"), case=uuid4(), unit=UNIT))
    await wire.deliver(created(ticket), dispatched(ticket))
    await wire.deliver(returned)
    await wire.deliver(returned)
    assert (await figures(service, issuer))["returns"] == 1


async def test_a_ticket_is_counted_under_the_status_dispatch_gave_it(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    first, second = uuid4(), uuid4()
    await wire.deliver(created(first), created(second), dispatched(first))
    told = await figures(service, issuer)
    assert {row["value"]: row["count"] for row in told["statuses"]} == {"awaiting_dispatch": 1, "dispatched": 1}
    ruling = dispatch.RulingApplied(
        **fact(first, 1, "2025-03-04 08:00"),
        ruling=uuid4(),
        kind="return",
        outcome="approved",
        ended_round=1,
        round_ended_at=at("2025-03-03 11:00"),
        new_status="awaiting_dispatch",
    )
    await wire.deliver(ruling)
    by_unit = await figures(service, issuer, by="unit")
    assert {(row["group"], row["value"]): row["count"] for row in by_unit["statuses"]} == {("", "awaiting_dispatch"): 2}


async def test_on_time_is_met_of_judged_and_windows_are_left_out(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    ticket, other = uuid4(), uuid4()
    await wire.deliver(created(ticket), dispatched(ticket), deadline_set(ticket, "sign_in", "closing", "return_window"))
    await wire.deliver(created(other), dispatched(other), deadline_set(other, "sign_in", "closing", "return_window"))
    await wire.deliver(
        verdict(sla.DeadlineMet, ticket, "sign_in"),
        verdict(sla.DeadlineMissed, other, "sign_in"),
        verdict(sla.DeadlineBreached, other, "closing"),
        verdict(sla.DeadlineStopped, ticket, "closing", reason="superseded"),
    )
    rows = {row["kind"]: row for row in (await figures(service, issuer))["deadlines"]}
    assert rows["sign_in"] | {"group": ""} == {
        "group": "", "kind": "sign_in", "met": 1, "missed": 1, "open": 0, "open_late": 0, "on_time": 5000,
    }  # fmt: skip
    assert (rows["closing"]["open"], rows["closing"]["open_late"], rows["closing"]["on_time"]) == (1, 1, None)
    assert "return_window" not in rows


async def test_what_was_returned_late_or_closed_late_is_counted_once_as_overdue(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    both, closed_late, signed_in_late, in_time = uuid4(), uuid4(), uuid4(), uuid4()
    for ticket in (both, closed_late, signed_in_late, in_time):
        await wire.deliver(created(ticket), dispatched(ticket), deadline_set(ticket, "sign_in", "closing"))
    assert (await figures(service, issuer))["overdue"] == 0

    def denied(ticket: UUID, late: bool) -> review.ReturnDenied:
        about = fact(ticket, 1, "2025-03-04 12:00")
        filed_at = at("2025-03-04 11:00")
        return review.ReturnDenied(**about, case=uuid4(), unit=UNIT, filed_at=filed_at, by_rule=False, late=late)

    await wire.deliver(
        denied(both, late=True),
        denied(in_time, late=False),
        verdict(sla.DeadlineMissed, both, "closing"),
        verdict(sla.DeadlineMissed, closed_late, "closing"),
        verdict(sla.DeadlineMissed, signed_in_late, "sign_in"),
        verdict(sla.DeadlineMet, in_time, "closing"),
    )
    told = await figures(service, issuer)
    assert told["overdue"] == 2
    assert "超期办理件" in told["definition"]["overdue"]
    assert (await figures(service, issuer, to=at("2025-03-03 09:58").isoformat()))["overdue"] == 0


async def test_a_breach_that_is_withdrawn_is_no_longer_counted_as_late(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    ticket = uuid4()
    await wire.deliver(created(ticket), dispatched(ticket), deadline_set(ticket, "sign_in"))
    await wire.deliver(verdict(sla.DeadlineBreached, ticket, "sign_in"))
    await wire.deliver(verdict(sla.BreachWithdrawn, ticket, "sign_in", reason="fact_in_time"))
    await wire.deliver(verdict(sla.DeadlineMet, ticket, "sign_in"))
    row = (await figures(service, issuer))["deadlines"][0]
    assert (row["met"], row["open"], row["open_late"]) == (1, 0, 0)


async def test_a_limit_that_moves_and_is_past_all_the_same_stays_late(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    ticket = uuid4()
    await wire.deliver(created(ticket), dispatched(ticket), deadline_set(ticket, "closing"))
    await wire.deliver(verdict(sla.DeadlineBreached, ticket, "closing"))
    row = deadline_set(ticket, "closing").deadlines[0]
    later = row.model_copy(update={"due_at": at("2025-03-06 00:00"), "generation": 2})
    told = {**later.model_dump(), **fact(ticket, 1, "2025-03-10 09:00")}
    moved = sla.DeadlineMoved(**told, old_due_at=row.due_at, reason="extension")
    await wire.deliver(moved)
    row_told = (await figures(service, issuer))["deadlines"][0]
    assert (row_told["open"], row_told["open_late"]) == (1, 1)


async def test_only_tickets_received_in_the_span_are_counted(
    service: Service, wire: Wire, issuer: DevelopmentIssuer, clock: FrozenClock
) -> None:
    await wire.deliver(created(uuid4()))
    before = {"to": at("2025-03-03 09:58").isoformat()}
    within = {"from": at("2025-03-03 09:58").isoformat(), "to": (clock.now() + timedelta(days=1)).isoformat()}
    assert (await figures(service, issuer, **before))["outcomes"] == []
    assert (await figures(service, issuer, **within))["outcomes"][0]["count"] == 1


async def test_another_jurisdictions_figures_answer_as_absent(service: Service, issuer: DevelopmentIssuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.issue('viewer', jurisdiction='tongjiang')}"}
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://suite", headers=headers) as client:
        answer = await client.get("/reporting/v1/indicators", params={"jurisdiction": "shuangyashan"})
    assert answer.status_code == 404


async def test_the_first_page_and_its_stream_tell_totals_without_a_token(service: Service, wire: Wire) -> None:
    await wire.deliver(created(uuid4()))
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://suite") as client:
        page = await client.get("/reporting/")
    assert page.status_code == 200
    assert "12345" in page.text
    assert "超期办理件" in page.text
    told: list[dict[str, Any]] = []
    activity = service.app.state.activity

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        await asyncio.Event().wait()  # the reader stays
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message.get("body", b"").startswith(b"data: "):
            told.append(json.loads(message["body"][6:]))
            activity.ending = True

    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/reporting/v1/stream", "raw_path": b"/reporting/v1/stream",
        "query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http", "client": None, "server": None,
    }  # fmt: skip
    await service.app(scope, receive, send)
    assert told[0]["outcomes"] == [{"group": "", "value": "work_order", "count": 1}]
