"""集中诉求: what comes in numbers is shown to the unit, and its measure is kept (双鸭山 第八条（五）, SYS-8.5)."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.intake.centre import LEAD, OTHER, PHONE, Centre

from common.clock import new_id
from common.events.dispatch import Dispatched
from common.events.envelope import Message
from common.events.intake import ClusterDetected, PushAnswered, PushIssued
from common.policy import Pack, parse_pack

FEEDBACK = {"text": f"{PHONE}等反映的路灯多已超过使用年限", "measure": "按月巡检，年内更换全部老旧灯杆"}


def needed(centre: Centre) -> int:
    section = centre.pack.clusters
    assert section is not None
    return section.reached.count


async def come(centre: Centre, times: int, unit: str = LEAD, **changed: Any) -> list[str]:
    """Tickets that are registered now and dispatched to the unit; returns their ids."""
    tickets = await asyncio.gather(*(centre.register(**changed) for _ in range(times)))
    for ticket in tickets:
        await centre.dispatched(ticket, unit)
    return [ticket["id"] for ticket in tickets]


async def clusters(centre: Centre, **query: str | int) -> list[dict[str, Any]]:
    answer = await centre.get("/clusters", query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_demands_that_come_in_numbers_are_shown_to_the_unit_once_and_further_ones_join(centre: Centre) -> None:
    number = needed(centre)
    tickets = await come(centre, number - 1)
    await come(centre, 1, type="praise")
    await come(centre, 1, category="城市管理/井盖")
    await come(centre, 1, OTHER)
    (again,) = await centre.rows("select number, policy from intake.ticket where id = $1", tickets[0])
    redispatched = {"id": tickets[0], "number": again["number"], "policy": again["policy"]}
    await centre.wire.deliver(Dispatched(**centre.facts(redispatched, 2), unit=LEAD))
    assert await centre.wire.announced("ClusterDetected") == []
    tickets += await come(centre, 1)
    (event,) = await centre.wire.announced("ClusterDetected")
    fact = event.data
    assert isinstance(fact, ClusterDetected)
    assert event.subject == f"cluster/{fact.cluster}"
    assert (fact.unit, fact.category, fact.count) == (LEAD, "城市管理/路灯", number)
    assert {str(ticket) for ticket in fact.tickets} == set(tickets)
    assert {basis.article for basis in fact.basis} == {"第八条（五）"}
    assert fact.window_from <= centre.clock.now() < fact.window_to
    tickets += await come(centre, 2)
    (shown,) = await clusters(centre)
    assert (shown["id"], shown["count"], shown["state"]) == (str(fact.cluster), number + 2, "open")
    whole = (await centre.get(f"/clusters/{fact.cluster}", role="unit", unit=LEAD)).json()
    assert {ticket["id"] for ticket in whole["tickets"]} == set(tickets)
    assert again["number"] in [ticket["number"] for ticket in whole["tickets"]]
    assert len(await centre.wire.announced("ClusterDetected")) == 1


async def test_the_units_measure_is_kept_and_what_comes_after_it_is_counted_anew(centre: Centre) -> None:
    number = needed(centre)
    await come(centre, number)
    (first,) = await clusters(centre)
    cluster = first["id"]
    path = f"/clusters/{cluster}/feedback"
    assert (await centre.post(path, FEEDBACK, role="unit", unit=OTHER)).status_code == 404
    assert (await centre.post(path, FEEDBACK, role="admin", jurisdiction="qingyuan")).status_code == 404
    assert (await centre.post(path, FEEDBACK, role="supervisor")).status_code == 403
    assert (await centre.post(f"/clusters/{new_id()}/feedback", FEEDBACK, role="unit", unit=LEAD)).status_code == 404
    refused = await centre.post(path, {"text": "已研究", "measure": " "}, role="unit", unit=LEAD)
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "measure")
    answers = await asyncio.gather(*(centre.post(path, FEEDBACK, role="unit", unit=LEAD, key="one") for _ in range(2)))
    assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]
    (event,) = await centre.wire.announced("PushAnswered")
    assert answers[0].headers["Hotline-Event"] == str(event.id)
    fact = event.data
    assert isinstance(fact, PushAnswered)
    assert (event.subject, event.sequence) == (f"cluster/{cluster}", 2)
    assert (fact.unit, fact.measure, PHONE in fact.text) == (LEAD, FEEDBACK["measure"], False)
    (shown,) = await clusters(centre, state="answered")
    assert (shown["measure"], PHONE in shown["text"]) == (FEEDBACK["measure"], False)
    again = await centre.post(path, FEEDBACK, role="unit", unit=LEAD)
    assert (again.status_code, again.json()["code"]) == (409, "cluster_answered")
    assert again.json()["basis"][0]["article"] == "第八条（五）"
    await come(centre, number - 1)
    assert await clusters(centre, state="open") == []
    await come(centre, 1)
    (second,) = await clusters(centre, state="open")
    assert (second["count"], second["id"] != cluster) == (number, True)


async def test_a_cluster_takes_in_tickets_until_its_window_passes_and_is_read_by_whom_it_concerns(
    centre: Centre,
) -> None:
    number = needed(centre)
    await come(centre, number - 1)
    await centre.pass_to("2025-10-25 23:59:59")
    await come(centre, 1)
    (first,) = await clusters(centre, state="open")
    assert (first["starts_at"], first["ends_at"]) == ("2025-09-25T16:00:00Z", "2025-10-25T16:00:00Z")
    await centre.pass_to("2025-10-26 00:00")
    late = await come(centre, number, type="help")
    assert [shown["state"] for shown in await clusters(centre)] == ["open", "waiting"]
    assert (await clusters(centre, state="waiting"))[0]["count"] == number
    (second,) = (await centre.get("/clusters", {"size": 1})).json()["items"]
    whole = (await centre.get(f"/clusters/{second['id']}")).json()
    assert {ticket["id"] for ticket in whole["tickets"]} == set(late)
    page = (await centre.get("/clusters", {"size": 1})).json()
    (rest,) = (await centre.get("/clusters", {"size": 1, "cursor": page["next"]})).json()["items"]
    assert rest["id"] == first["id"]
    assert len((await centre.get("/clusters", role="unit", unit=LEAD)).json()["items"]) == 2
    assert (await centre.get("/clusters", role="unit", unit=OTHER)).json()["items"] == []
    assert await clusters(centre, unit=OTHER) == []
    assert (await centre.get("/clusters", jurisdiction="qingyuan")).json()["items"] == []
    assert (await centre.get(f"/clusters/{first['id']}", role="unit", unit=OTHER)).status_code == 404
    assert (await centre.get(f"/clusters/{first['id']}", jurisdiction="qingyuan")).status_code == 404
    assert (await centre.get("/clusters", role="softphone")).status_code == 403
    late_answer = await centre.post(f"/clusters/{first['id']}/feedback", FEEDBACK, role="unit", unit=LEAD)
    assert late_answer.status_code == 201


async def test_the_tickets_of_several_runners_that_are_counted_at_once_open_one_cluster(centre: Centre) -> None:
    number = needed(centre)
    await come(centre, number - 1)
    last = [await centre.register() for _ in range(2)]
    messages: list[Message] = [centre.wire.message(Dispatched(**centre.facts(ticket, 1), unit=LEAD)) for ticket in last]
    await asyncio.gather(*(centre.service.runners[0].apply([message]) for message in messages))
    (shown,) = await clusters(centre)
    assert shown["count"] == number + 1


def pushing_pack(centre: Centre) -> Pack:
    """双鸭山's pack as it would be if concentrated demands were pushed to units, as 真如 does."""
    content = centre.pack.dump()
    ruled = {"rule": "ZR-3.6", "assumption": "试行"}
    pushes = {
        **ruled,
        "reasons": {"mass": {"label": "群体性事项", **ruled}, "other": {"label": "其他", **ruled}},
        "levels": {"section_head": {"label": "科室负责人", **ruled}},
    }
    feedback = {
        "anchor": {"value": "pushed", **ruled},
        "warn_before": {"amount": 1, "unit": "working_days", **ruled},
        "rules": [{"allowance": {"amount": 3, "unit": "working_days"}, **ruled}],
    }
    limits = {**content["limits"], "kinds": {**content["limits"]["kinds"], "push_feedback": feedback}}
    return parse_pack({**content, "limits": limits, "clusters": {**content["clusters"], "pushes": pushes}})


async def test_a_cluster_is_pushed_to_its_unit_as_often_as_needed_and_each_push_is_answered(centre: Centre) -> None:
    centre.clock.set(centre.clock.now() + timedelta(minutes=1))  # of two packs the one activated later counts
    await centre.activate(pushing_pack(centre))
    await come(centre, needed(centre))
    (shown,) = await clusters(centre)
    path, body = f"/clusters/{shown['id']}", {"reason": "mass", "level": "section_head", "content": f"{PHONE}等"}
    wrong = await centre.post(f"{path}/pushes", {**body, "reason": "weather"}, role="supervisor")
    assert (wrong.status_code, wrong.json()["fields"][0]["field"]) == (422, "reason")
    first = await centre.post(f"{path}/pushes", body, role="supervisor")
    assert first.status_code == 201, first.text
    second = await centre.post(f"{path}/pushes", body, role="supervisor")
    numbers = [answer.json()["number"].partition("-")[2] for answer in (first, second)]
    assert (numbers, second.json()["times_pushed"]) == (["001", "002"], 2)
    pushed = [event.data for event in await centre.wire.announced("PushIssued")]
    assert [str(one.push) for one in pushed if isinstance(one, PushIssued)] == [first.json()["id"], second.json()["id"]]
    assert all(PHONE not in one.content and one.channels == ("phone",) for one in pushed if isinstance(one, PushIssued))
    assert (await centre.post(f"{path}/feedback", FEEDBACK, role="unit", unit=LEAD)).status_code == 201
    answered = [event.data for event in await centre.wire.announced("PushAnswered")]
    assert [str(one.push) for one in answered if isinstance(one, PushAnswered)] == [
        first.json()["id"], second.json()["id"],
    ]  # fmt: skip
    again = await centre.post(f"{path}/feedback", FEEDBACK, role="unit", unit=LEAD)
    assert (again.status_code, again.json()["code"]) == (409, "cluster_answered")
    whole = (await centre.get(path, role="unit", unit=LEAD)).json()
    assert [push["answered_at"] is not None for push in whole["pushes"]] == [True, True]


async def test_where_the_pack_knows_no_pushes_nothing_is_pushed(centre: Centre) -> None:
    await come(centre, needed(centre))
    (shown,) = await clusters(centre)
    body = {"reason": "mass", "level": "section_head", "content": "路灯"}
    answer = await centre.post(f"/clusters/{shown['id']}/pushes", body, role="supervisor")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_provided")
