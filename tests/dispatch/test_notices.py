"""Notices over a real HTTP gateway: sent once, tried again, acknowledged; held by night; shown."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.conftest import FreshDatabase
from tests.contracts.examples import example
from tests.dispatch.gateway import KEY, Gateway, Sent, answer, gateway
from tests.dispatch.office import LEAD, OTHER, THIRD, Office
from tests.support.wire import Wire, alone, at

from common.clock import RealClock, SimulatedClock, new_id
from common.events.dispatch import UnitNotified
from common.runtime.service import NoticeGateway, Surroundings
from common.security.signatures import check_signed, key_for, signed
from dispatch.notices.commands import NoticeSender
from dispatch.notices.driver import Driver
from dispatch.service import build

COUNTY, AUTHORITY = "shuangyashan.jianshan", "shuangyashan.yingshang"


@dataclass
class Desk:
    """The office with a gateway at the other end of the line."""

    office: Office
    gateway: Gateway
    driver: Driver

    @property
    def sender(self) -> NoticeSender:
        return NoticeSender(self.office.service.room, self.driver, self.office.service.room.bell)

    async def send(self, driver: Driver | None = None) -> None:
        while await self.sender.send_some(driver or self.driver):
            pass

    async def awaited(self) -> bool:
        """Whether simulated time waits for a notice."""
        return "dispatch: notices" in (await self.office.service.state()).busy

    async def at_once(self) -> None:
        """Pauses and leases are over: machine time has passed."""
        async with self.office.service.room.database.engine.begin() as connection:
            await connection.execute(text("update notice set next_attempt_at = clock_timestamp()"))

    async def listed(self, **wanted: Any) -> list[dict[str, Any]]:
        read = await self.office.get("notices", "dispatcher", **wanted)
        assert read.status_code == 200, read.text
        items: list[dict[str, Any]] = read.json()["items"]
        return items

    async def receipt(self, body: bytes, key: bytes = KEY, age_s: int = 0) -> httpx.Response:
        at = int(RealClock().now().timestamp()) - age_s
        headers = {**signed(key, "r-1", at, body), "Content-Type": "application/json"}
        return await self.office.client.post("notices/receipts", content=body, headers=headers)

    async def says(self, notice: str, outcome: str) -> int:
        return (await self.receipt(json.dumps({"notice": notice, "outcome": outcome}).encode())).status_code

    async def dispatched(self, **more: Any) -> UUID:
        ticket = await self.office.dispatched(**more)
        await self.office.echo()
        return ticket


@pytest.fixture
async def desk(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Desk]:
    """Three units with a telephone on duty; the gateway answers 202 unless told otherwise."""
    clock = SimulatedClock(at("2025-09-26 16:00"))
    async with gateway() as gate:
        known = NoticeGateway(gate.url, KEY, frozenset({"localhost"}))

        def with_gateway(around: Surroundings) -> Any:
            return build(replace(around, notices=known))

        driver = Driver(known.url, known.key, known.hosts, development=True)
        async with alone(with_gateway, database, clock, tmp_path) as found:
            transport = httpx.ASGITransport(app=found.service.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://hotline/dispatch/v1") as client:
                office = Office(found.service, Wire(found.service, clock), client, found.issuer, clock)
                await office.activate()
                await office.enter_unit(COUNTY, kind="county_district", duty_contact="0469-1111111")
                for number, unit in enumerate((LEAD, OTHER, THIRD)):
                    await office.enter_unit(unit, parent=COUNTY, duty_contact=f"0469-428000{number}")
                yield Desk(office, gate, driver)
        await driver.close()


def key_of(sent: Sent) -> str:
    return sent.headers["idempotency-key"]


async def test_the_lead_and_the_co_handlers_are_told_at_once_and_the_receipt_is_announced(desk: Desk) -> None:
    ticket = await desk.dispatched(co_handlers=[OTHER])
    assert await desk.awaited()  # simulated time waits until it was tried
    await desk.send()
    requests = {sent.told["unit"]: sent for sent in desk.gateway.received}
    assert sorted(requests) == sorted([LEAD, OTHER])
    first = requests[LEAD]
    number = (await desk.office.docket(ticket)).number
    assert first.told == {
        "notice": key_of(first),
        "channel": "phone",
        "unit": LEAD,
        "ticket": str(ticket),
        "number": number,
        "occasion": "dispatched",
        "text": f"【12345热线】工单{number}（投诉）已派至你单位，请于1个工作日内签收。",
        "to": "0469-4280000",
    }
    check_signed(KEY, first.headers, first.body, int(RealClock().now().timestamp()))
    assert first.headers["host"] == f"127.0.0.1:{desk.gateway.port}"
    assert {one["state"] for one in await desk.listed(ticket=str(ticket))} == {"sent"}

    assert await desk.says(key_of(first), "delivered") == 204
    assert await desk.says(key_of(first), "delivered") == 204
    assert await desk.says(key_of(first), "failed") == 409
    assert await desk.says(key_of(requests[OTHER]), "failed") == 204
    notified = [event.data for event in await desk.office.announced(ticket, "UnitNotified")]
    assert [
        (one.unit, one.reason, one.outcome, one.basis[0].rule) for one in notified if isinstance(one, UnitNotified)
    ] == [(LEAD, "dispatched", "delivered", "SYS-13"), (OTHER, "dispatched", "failed", "SYS-13")]
    await desk.office.echo()
    assert await desk.office.parked() == []
    assert [(one["unit"], one["state"]) for one in await desk.listed(state="delivered")] == [(LEAD, "delivered")]


async def test_a_receipt_is_input_from_outside(desk: Desk) -> None:
    await desk.dispatched()
    await desk.send()
    [sent] = desk.gateway.received
    good = json.dumps({"notice": key_of(sent), "outcome": "delivered"}).encode()
    stray = json.dumps({"notice": str(new_id()), "outcome": "delivered"}).encode()
    unsigned = await desk.office.client.post("notices/receipts", content=good)
    found = [
        unsigned.status_code,
        (await desk.receipt(good, key=b"another key, of somebody else")).status_code,
        (await desk.receipt(good, age_s=600)).status_code,
        (await desk.receipt(stray)).status_code,
        (await desk.receipt(b"{")).status_code,
        (await desk.receipt(good.replace(b"delivered", b"eaten"))).status_code,
        (await desk.receipt(good[:-1] + b', "unit": "x"}')).status_code,
        (await desk.receipt(b" " * 20_000)).status_code,
    ]
    assert found == [401, 401, 401, 404, 400, 422, 422, 422]
    assert [one["state"] for one in await desk.listed()] == ["sent"]


async def test_an_attempt_that_fails_for_the_moment_is_made_again_with_the_same_key(desk: Desk) -> None:
    desk.gateway.answers = [answer(503), None, answer(200)]
    ticket = await desk.dispatched()
    hasty = Driver(desk.gateway.url, KEY, frozenset(), development=True, longest_s=0.5)
    for driver, reason in ((desk.driver, "answered_503"), (hasty, "no_answer")):
        await desk.send(driver)
        [waiting] = await desk.listed()
        assert (waiting["state"], waiting["reason"]) == ("waiting", reason)
        assert not await desk.awaited()  # nobody waits for the gateway
        await desk.at_once()
    await hasty.close()
    await desk.send()
    assert len({key_of(sent) for sent in desk.gateway.received}) == 1
    [sent] = await desk.listed()
    assert (sent["state"], sent["attempts"]) == ("sent", 3)
    assert await desk.office.announced(ticket, "UnitNotified") == []


async def test_after_the_last_attempt_and_after_a_refusal_it_is_given_up_and_said(desk: Desk) -> None:
    desk.gateway.answers = [answer(500)]
    tired = await desk.dispatched()
    for _ in range(9):
        await desk.send()
        await desk.at_once()
    desk.gateway.answers = [answer(302, f"location: {desk.gateway.url}/elsewhere")]
    refused = await desk.dispatched()
    await desk.send()
    assert len(desk.gateway.received) == 8 + 1
    assert {sent.path for sent in desk.gateway.received} == {"/sms"}
    fates = {one["ticket"]: (one["state"], one["reason"], one["attempts"]) for one in await desk.listed()}
    assert fates == {str(tired): ("failed", "answered_500", 8), str(refused): ("failed", "answered_302", 1)}
    for ticket in (tired, refused):
        [event] = await desk.office.announced(ticket, "UnitNotified")
        assert isinstance(event.data, UnitNotified)
        assert event.data.outcome == "failed"


async def test_a_sender_that_dies_before_it_noted_the_sending_repeats_itself_with_the_same_key(desk: Desk) -> None:
    desk.gateway.answers = [None, answer(202)]
    await desk.dispatched()
    dying = asyncio.create_task(desk.sender.send_some(desk.driver))
    await desk.gateway.reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await desk.send()
    assert len(desk.gateway.received) == 1  # it is still in the dead one's hand
    await desk.at_once()  # until the lease ends
    await desk.send()
    first, again = map(key_of, desk.gateway.received)
    assert first == again
    assert [one["state"] for one in await desk.listed()] == ["sent"]


async def test_two_senders_at_once_send_each_notice_once(desk: Desk) -> None:
    for _ in range(4):
        await desk.dispatched(co_handlers=[OTHER, THIRD])
    await asyncio.gather(*(desk.sender.send_some(desk.driver) for _ in range(2)))
    await desk.send()
    keys = [key_of(sent) for sent in desk.gateway.received]
    assert len(keys) == len(set(keys)) == 12


async def test_by_night_an_urging_waits_for_the_morning_and_the_clock_stops_there(desk: Desk) -> None:
    ticket = await desk.dispatched()
    await desk.send()
    desk.office.clock.set(at("2025-09-26 23:30"))
    await desk.office.hear("TicketUrged", ticket, times=1)
    assert (await desk.office.service.state()).next_due == at("2025-09-27 07:00")
    assert not await desk.awaited()
    await desk.send()
    assert len(desk.gateway.received) == 1
    [held] = await desk.listed(state="waiting")
    assert (held["occasion"], held["held_until"]) == ("urged", "2025-09-26T23:00:00Z")
    desk.office.clock.set(at("2025-09-27 07:00"))
    await desk.send()
    assert desk.gateway.received[1].told["occasion"] == "urged"
    assert (await desk.office.service.state()).next_due is None


async def test_of_a_special_matter_the_county_learns_at_once_also_when_it_is_marked_later(desk: Desk) -> None:
    created = desk.office.created()
    await desk.office.wire.deliver(created.model_copy(update={"marks": ("special",)}))
    await desk.office.assign(created.ticket)
    await desk.office.echo()
    plain = await desk.dispatched()
    await desk.office.hear("TicketAmended", plain, marks=("special_urgent",), changed=("marks",))
    await desk.office.hear("TicketAmended", plain, marks=("special_urgent",), changed=("address",))
    notices = [(one["ticket"], one["unit"], one["occasion"]) for one in await desk.listed()]
    assert sorted(notices) == sorted(
        [
            (str(created.ticket), LEAD, "special_matter"),
            (str(created.ticket), COUNTY, "special_matter"),
            (str(plain), LEAD, "dispatched"),
            (str(plain), LEAD, "special_urgent_matter"),
            (str(plain), COUNTY, "special_urgent_matter"),
        ]
    )


async def test_the_authority_hears_of_emergencies_and_units_of_supervision_and_consultation(desk: Desk) -> None:
    for kind, more in (
        ("TicketTransferred", {"transferred_to": "119"}),
        ("TicketDeclined", {"ground": "emergency", "unit_told": THIRD}),
        ("TicketDeclined", {"ground": "emergency", "unit_told": "shuangyashan.nowhere"}),
        ("TicketDeclined", {"ground": "military"}),
    ):
        given = {**example(kind).data.model_dump(), "ticket": new_id(), "policy": desk.office.pack.version, **more}
        await desk.office.wire.deliver(example(kind).data.model_validate({**given, "jurisdiction": "shuangyashan"}))
    ticket = await desk.dispatched()
    await desk.office.hear("SupervisionIssued", ticket, unit=LEAD, form="phone")
    await desk.office.hear("ConsultationConvened", ticket, participants=(OTHER, THIRD))
    notices = [(one["unit"], one["occasion"]) for one in await desk.listed()]
    assert notices == [
        (THIRD, "consultation_invited"),
        (OTHER, "consultation_invited"),
        (LEAD, "phone_supervision"),
        (LEAD, "dispatched"),
        (AUTHORITY, "emergency_declined"),
        ("shuangyashan.nowhere", "emergency_declined"),
        (AUTHORITY, "emergency_declined"),
        (THIRD, "emergency_declined"),
        (AUTHORITY, "emergency_transferred"),
    ]
    assert await desk.office.parked() == []
    await desk.send()  # the authority has named nobody on duty
    unsent = await desk.listed(state="unsent")
    assert {(one["unit"], one["reason"]) for one in unsent} == {
        (AUTHORITY, "no_duty_contact"),
        ("shuangyashan.nowhere", "unknown_unit"),
    }


async def test_a_unit_that_takes_its_notices_itself_has_them_when_it_answers(desk: Desk) -> None:
    hook = f"http://localhost:{desk.gateway.port}/hook"
    await desk.office.enter_unit(LEAD, '"1"', parent=COUNTY, duty_contact=hook)
    await desk.office.enter_unit(OTHER, '"1"', parent=COUNTY, duty_contact=f"http://elsewhere:{desk.gateway.port}/")
    ticket = await desk.dispatched(co_handlers=[OTHER])
    await desk.send()
    [sent] = desk.gateway.received
    assert (sent.path, sent.told["channel"], sent.told.get("to")) == ("/hook", "webhook", None)
    check_signed(key_for(KEY, LEAD), sent.headers, sent.body, int(RealClock().now().timestamp()))
    fates = {one["unit"]: (one["state"], one["reason"]) for one in await desk.listed()}
    assert fates == {LEAD: ("delivered", None), OTHER: ("unsent", "host_not_listed")}
    assert [event.data.unit for event in await desk.office.announced(ticket, "UnitNotified")] == [LEAD]  # type: ignore[attr-defined]
    own_key = json.dumps({"notice": key_of(sent), "outcome": "failed"}).encode()
    assert (await desk.receipt(own_key, key=key_for(KEY, LEAD))).status_code == 401


async def test_a_unit_reads_its_own_notices_and_the_centre_reads_them_all_in_pages(desk: Desk) -> None:
    for _ in range(2):
        await desk.dispatched(co_handlers=[OTHER])
    office = desk.office
    own = (await office.get("notices", "unit", OTHER)).json()["items"]
    assert {one["unit"] for one in own} == {OTHER}
    foreign = (("unit", OTHER, LEAD), ("viewer", None, "elsewhere.unit"))
    asked = [
        (await office.client.get(f"notices?unit={unit}", headers=office.headers(role, own))).status_code  # type: ignore[arg-type]
        for role, own, unit in foreign
    ]
    assert asked == [404, 404]
    assert (await office.get("notices", "softphone")).status_code == 403
    read: list[str] = []
    following: dict[str, str] = {}
    while True:
        page = (await office.get("notices", "viewer", size=3, **following)).json()
        read += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        following = {"cursor": page["next"]}
    assert len(read) == len(set(read)) == 4
    assert read == sorted(read, reverse=True)
    assert "0469" not in json.dumps(own)


async def test_the_running_service_sends_by_itself_what_its_own_dispatch_brings_about(desk: Desk) -> None:
    office, service = desk.office, desk.office.service
    await service.start()
    created = office.wire.message(office.created())
    await service.bus.sink().publish([created])
    ticket = UUID(created.key.removeprefix("ticket/"))
    headers = office.headers("dispatcher") | {"Idempotency-Key": "k", "If-After": created.headers["ce_id"]}
    body = {"round": 0, "unit": LEAD, "principle": "function"}
    assert (await office.client.post(f"tickets/{ticket}/assignments", json=body, headers=headers)).status_code == 201
    async with asyncio.timeout(20):
        await desk.gateway.reached.wait()
    assert [(sent.told["unit"], sent.told["occasion"]) for sent in desk.gateway.received] == [(LEAD, "dispatched")]


async def test_without_a_gateway_a_notice_is_kept_unsent_and_says_why(office: Office) -> None:
    ticket = await office.dispatched()
    await office.echo()
    [kept] = (await office.get("notices", "unit", LEAD)).json()["items"]
    assert (kept["ticket"], kept["state"], kept["reason"]) == (str(ticket), "unsent", "no_gateway")
    assert (await office.client.post("notices/receipts", content=b"{}")).status_code == 404
    await office.hear("TicketUrged", ticket, times=1)
    assert (await office.service.state()).next_due is None
