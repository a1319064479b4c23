"""Units' feeds: the story at assignment, then what happens, up to the event that takes the ticket away."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.dispatch.office import LEAD, OTHER, THIRD, Office

from common.clock import new_id
from common.events.codec import decode
from common.events.envelope import Fact, Message
from dispatch.feed.commands import number_feeds

Line = tuple[int, str]


async def number(office: Office) -> None:
    """The writer's turn, until nothing is left."""
    while True:
        async with office.service.room.transaction() as tx:
            if not await number_feeds(tx):
                return


async def lines(office: Office, unit: str, **params: Any) -> list[Line]:
    """What the unit reads: number and type."""
    answer = await office.get(f"units/{unit}/events", "unit", unit, **params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["next"] == (body["items"][-1]["seq"] if body["items"] else params.get("after", 0))
    return [(item["seq"], item["event"]["type"].split(".")[1]) for item in body["items"]]


async def told(office: Office) -> None:
    await office.echo()
    await number(office)


def types(read: list[Line]) -> list[str]:
    return [kind for _, kind in read]


async def test_at_assignment_the_story_so_far_is_sent(office: Office) -> None:
    ticket = await office.register()
    await office.hear("TicketSupplemented", ticket)
    await office.assign(ticket)
    await told(office)
    assert await lines(office, LEAD) == [(1, "TicketCreated"), (2, "TicketSupplemented"), (3, "Dispatched")]
    assert await lines(office, OTHER) == []


async def test_the_feed_holds_each_event_as_it_was_announced_but_for_the_officials_account(office: Office) -> None:
    ticket = await office.dispatched()
    await told(office)
    [announced] = await office.announced(ticket)
    body = (await office.get(f"units/{LEAD}/events", "unit", LEAD, after=1)).json()
    event = body["items"][0]["event"]
    assert (event["id"], event["source"], event["sequence"]) == (str(announced.id), "/hotline/dispatch", "1")
    assert event["type"] == "hotline.Dispatched.v1"
    assert event["subject"] == f"ticket/{ticket}"
    said = announced.data.model_dump(mode="json")
    assert said["actor"]["account"]
    assert event["data"] == {**said, "actor": {**said["actor"], "account": None}}


async def test_no_way_of_reading_the_feed_tells_an_officials_account(office: Office) -> None:
    await office.enter_unit(LEAD, '"1"', kafka_feed=True)
    ticket = await office.signed_in()
    await told(office)
    announced = await office.announced(ticket)
    accounts = {event.data.actor.account for event in announced if isinstance(event.data, Fact)}
    assert accounts
    assert None not in accounts
    read = (await office.get(f"units/{LEAD}/events", "unit", LEAD)).json()["items"]
    forwarded = [decode(one).data for one in await unit_messages(office)]
    assert len(read) == len(forwarded) == len(announced) + 1
    assert {item["event"]["data"]["actor"]["account"] for item in read} == {None}
    actors = [data.actor for data in forwarded if isinstance(data, Fact)]
    assert {actor.account for actor in actors} == {None}
    assert [actor.role for actor in actors] == [item["event"]["data"]["actor"]["role"] for item in read]


async def unit_messages(office: Office) -> list[Message]:
    """What was put on the units' topics."""
    async with office.service.room.database.engine.connect() as connection:
        rows = await connection.execute(
            text("select * from outbox where topic like 'hotline.units.%' order by outbox.id")
        )
        return [Message(row.topic, row.subject, row.headers, row.value.encode()) for row in rows]


async def test_lead_and_co_handlers_read_on_and_nobody_else_does(office: Office) -> None:
    ticket = await office.signed_in(co_handlers=[OTHER])
    await told(office)
    await office.hear("DeadlineApproaching", ticket)
    await office.post(f"tickets/{ticket}/progress-reports", {"round": 1, "text": "到场"}, "unit", OTHER)
    await told(office)
    wanted = ["TicketCreated", "Dispatched", "SignedIn", "DeadlineApproaching", "ProgressReported"]
    assert types(await lines(office, LEAD)) == types(await lines(office, OTHER)) == wanted
    assert await lines(office, LEAD, after=3) == [(4, "DeadlineApproaching"), (5, "ProgressReported")]
    assert await lines(office, THIRD) == []


async def test_what_is_prepared_about_a_unit_is_not_told_to_units(office: Office) -> None:
    ticket = await office.signed_in(co_handlers=[OTHER])
    await told(office)
    about = {"case": new_id(), "unit": LEAD, "ground": "shirking", "addressee": "有权机关"}
    await office.hear("ReferralPrepared", ticket, **about)
    await office.hear("TicketUrged", ticket)
    await told(office)
    assert types(await lines(office, LEAD)) == types(await lines(office, OTHER))
    assert types(await lines(office, LEAD)) == ["TicketCreated", "Dispatched", "SignedIn", "TicketUrged"]


async def test_a_unit_that_lost_the_ticket_reads_up_to_the_event_that_took_it_away(office: Office) -> None:
    ticket, case = await office.signed_in(co_handlers=[OTHER]), new_id()
    await told(office)
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
    await told(office)
    await office.assign(ticket, THIRD, round=1)
    await office.hear("TicketUrged", ticket)
    await told(office)
    until = ["TicketCreated", "Dispatched", "SignedIn", "Returned", "ReturnApproved", "RulingApplied"]
    assert types(await lines(office, LEAD)) == until
    assert types(await lines(office, OTHER)) == until
    # Urging came to the bus before the second dispatch did: it belongs to the story so far.
    assert types(await lines(office, THIRD)) == [*until, "TicketUrged", "Dispatched"]


async def test_holding_is_read_from_the_log_although_the_docket_is_ahead(office: Office) -> None:
    ticket, case = await office.signed_in(), new_id()
    # The ruling is applied before dispatch has read its own first dispatch back from the bus.
    await office.hear("Returned", ticket, case=case, unit=LEAD)
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
    await office.assign(ticket, OTHER, round=1)
    await told(office)
    story = ["TicketCreated", "Returned", "ReturnApproved", "Dispatched", "SignedIn", "RulingApplied"]
    assert types(await lines(office, LEAD)) == story
    assert types(await lines(office, OTHER)) == [*story, "Dispatched"]


async def test_a_unit_that_gets_the_ticket_back_is_told_only_what_it_missed(office: Office) -> None:
    ticket, case = await office.dispatched(), new_id()
    await told(office)
    await office.hear("ReturnApproved", ticket, case=case, unit=LEAD)
    await told(office)
    await office.assign(ticket, OTHER, round=1)
    await office.hear("TicketUrged", ticket)
    await told(office)
    await office.hear("ReturnApproved", ticket, case=new_id(), unit=OTHER)
    await told(office)
    await office.assign(ticket, LEAD, round=2)
    await told(office)
    read = await lines(office, LEAD)
    assert [seq for seq, _ in read] == list(range(1, len(read) + 1))
    assert types(read) == [
        *("TicketCreated", "Dispatched", "ReturnApproved", "RulingApplied"),
        *("TicketUrged", "Dispatched", "ReturnApproved", "RulingApplied", "Dispatched"),
    ]


async def test_a_redo_goes_on_in_the_same_feeds(office: Office) -> None:
    ticket = await office.closed(co_handlers=[OTHER])
    await told(office)
    await office.hear("CallbackJudged", ticket, outcome="redo")
    await told(office)
    assert types(await lines(office, OTHER))[-3:] == ["CallbackJudged", "RulingApplied", "Reissued"]
    assert await lines(office, OTHER) == await lines(office, LEAD)


async def test_what_the_bus_repeats_is_told_once(office: Office) -> None:
    ticket = await office.dispatched()
    urged = office.wire.message(office.fact("TicketUrged", await office.docket(ticket)))
    await office.echo()
    await office.wire.deliver(urged)
    await office.wire.deliver(urged, urged)
    await told(office)
    assert types(await lines(office, LEAD)) == ["TicketCreated", "Dispatched", "TicketUrged"]


async def test_several_writers_at_once_number_every_feed_without_gap_or_repeat(office: Office) -> None:
    await office.enter_unit(LEAD, '"1"', kafka_feed=True)
    tickets = [await office.dispatched(co_handlers=[OTHER]) for _ in range(12)]
    await office.echo()

    async def write() -> None:
        for _ in range(6):
            async with office.service.room.transaction() as tx:
                await number_feeds(tx)

    await asyncio.gather(write(), write(), write())
    await number(office)
    for unit in (LEAD, OTHER):
        read = await lines(office, unit)
        assert [seq for seq, _ in read] == list(range(1, 2 * len(tickets) + 1))
    forwarded = [int(one["seq"]) for one in await on_unit_topics(office)]
    assert forwarded == list(range(1, 2 * len(tickets) + 1))


async def test_a_unit_that_asked_for_a_topic_gets_the_same_events_under_the_same_numbers(office: Office) -> None:
    await office.enter_unit(LEAD, '"1"', kafka_feed=True)
    ticket = await office.dispatched(co_handlers=[OTHER])
    await told(office)
    forwarded = await on_unit_topics(office)
    assert [(one["topic"], one["seq"], one["type"]) for one in forwarded] == [
        (f"hotline.units.{LEAD}", "1", "hotline.TicketCreated.v1"),
        (f"hotline.units.{LEAD}", "2", "hotline.Dispatched.v1"),
    ]
    assert {one["subject"] for one in forwarded} == {f"ticket/{ticket}"}
    read = (await office.get(f"units/{LEAD}/events", "unit", LEAD)).json()["items"]
    assert [one["id"] for one in forwarded] == [item["event"]["id"] for item in read]


async def on_unit_topics(office: Office) -> list[dict[str, str]]:
    async with office.service.room.database.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "select topic, subject, headers ->> 'ce_feedseq' as seq, headers ->> 'ce_type' as type, "
                "headers ->> 'ce_id' as id from outbox where topic like 'hotline.units.%' order by outbox.id"
            )
        )
        return [dict(row._mapping) for row in rows]


async def test_a_feed_is_its_units_alone(office: Office) -> None:
    path = f"units/{LEAD}/events"
    foreign = await office.get(path, "unit", OTHER)
    absent = await office.get("units/shuangyashan.nobody/events", "unit", "shuangyashan.nobody")
    assert foreign.status_code == absent.status_code == 404
    assert {**foreign.json(), "trace": ""} == {**absent.json(), "trace": ""}
    assert (await office.get(path, "dispatcher")).status_code == 403
    assert (await office.get(path, "admin")).status_code == 200
    assert (await office.get(path, "unit", LEAD, after=-1)).status_code == 422
    assert (await office.get(path, "unit", LEAD, wait=31)).status_code == 422


async def test_open_tickets_are_listed_with_the_units_part_for_reconciliation(office: Office) -> None:
    led = await office.signed_in(co_handlers=[OTHER])
    helped = await office.register()
    await office.assign(helped, OTHER, co_handlers=[LEAD])
    await office.closed()
    await told(office)
    listed = (await office.get(f"units/{LEAD}/open", "unit", LEAD)).json()
    assert [(one["ticket"], one["status"], one["part"]) for one in listed["items"]] == [
        (str(led), "signed_in", "lead"),
        (str(helped), "dispatched", "co_handler"),
    ]
    assert listed["seq"] == (await lines(office, LEAD))[-1][0]
    pages = [(await office.get(f"units/{LEAD}/open", "dispatcher", size=1)).json()]
    pages.append((await office.get(f"units/{LEAD}/open", "dispatcher", size=1, cursor=pages[0]["next"])).json())
    assert [UUID(page["items"][0]["ticket"]) for page in pages] == [led, helped]
    assert (await office.get(f"units/{LEAD}/open", "unit", OTHER)).status_code == 404
    assert (await office.get(f"units/{LEAD}/open", "unit", LEAD, cursor="bad")).status_code == 422
