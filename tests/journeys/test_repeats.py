"""What is sent twice happens once; what one has written one can read."""

from typing import Any
from uuid import uuid4

import httpx
from tests.journeys.conftest import Journey

from common.clock import new_id
from hotline.demo.player import Asked


def registration(journey: Journey) -> Asked:
    asked = journey.case("路灯脱落").played[0].asked
    assert asked is not None
    return asked


async def raw(journey: Journey, path: str, **headers: str) -> httpx.Response:
    token = journey.stage.running.issuer.issue("supervisor")
    async with httpx.AsyncClient(base_url=journey.stage.running.url, timeout=30) as client:
        return await client.get(path, headers={"Authorization": f"Bearer {token}", **headers})


async def test_every_step_sent_again_under_its_key_answers_the_same_and_announces_nothing(journey: Journey) -> None:
    before = len(await journey.captured())
    sent = 0
    for played in journey.played():
        if played.asked is None or played.answer is None or not played.answer.done:
            continue  # a refusal is not kept: sent again, it is another attempt
        asked = played.asked
        again = await journey.stage.desk.post(asked.who, asked.path, asked.body, asked.key)
        assert again == played.answer
        sent += 1
    assert sent > 40
    await journey.stage.desk.clock(await journey.stage.desk.now())
    assert len(await journey.captured()) == before


async def test_a_key_with_another_body_is_refused(journey: Journey) -> None:
    asked = registration(journey)
    other = await journey.stage.desk.post(asked.who, asked.path, {**asked.body, "statement": "别的事。"}, asked.key)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


async def test_what_was_just_registered_can_be_dispatched_at_once_with_if_after(journey: Journey) -> None:
    desk, asked = journey.stage.desk, registration(journey)
    for _ in range(5):
        made = await desk.post("softphone", "/intake/v1/tickets", asked.body, f"again-{uuid4()}")
        assert made.done
        order: dict[str, Any] = {"round": 0, "unit": "shuangyashan.zhujian", "principle": "function"}
        path = f"/dispatch/v1/tickets/{made.body['id']}/assignments"
        sent = await desk.post("dispatcher", path, order, f"again-{uuid4()}", after=made.event)
        assert (sent.status, sent.body["status"], sent.body["round"]) == (201, "dispatched", 1)
        limits = await desk.get("supervisor", f"/sla/v1/tickets/{made.body['id']}/deadlines", after=sent.event)
        assert {one["kind"] for one in limits["items"]} == {"sign_in", "return_window", "closing", "extension_window"}
        seen = await desk.get("supervisor", f"/intake/v1/tickets/{made.body['id']}", after=sent.event)
        assert (seen["status"], seen["unit"], seen["round"]) == ("dispatched", "shuangyashan.zhujian", 1)


async def test_an_event_that_never_comes_is_waited_for_and_then_refused_for_the_moment(journey: Journey) -> None:
    ticket = journey.case("路灯脱落").ticket
    answer = await raw(journey, f"/sla/v1/tickets/{ticket}/deadlines", **{"If-After": str(new_id())})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_yet_here")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_command_that_saw_an_older_round_is_refused_with_the_present_one(journey: Journey) -> None:
    ticket = journey.case("沥青喷洒").ticket
    late = await journey.stage.desk.post(
        "shuangyashan.zhujian", f"/dispatch/v1/tickets/{ticket}/sign-ins", {"round": 1}, f"stale-{uuid4()}"
    )
    assert (late.status, late.code) == (409, "stale_round")


async def test_nothing_is_parked_and_the_first_page_counts_what_there_is(journey: Journey) -> None:
    for service in ("intake", "dispatch", "sla", "review", "reporting"):
        assert (await journey.stage.desk.get("admin", f"/{service}/v1/parked"))["items"] == []
    figures = await journey.stage.desk.get(
        "supervisor", "/reporting/v1/indicators", {"jurisdiction": "shuangyashan", "to": "2024-07-04T00:00:00+08:00"}
    )
    assert sum(one["count"] for one in figures["outcomes"]) == len(journey.endings)
    met = sum(one["met"] for one in figures["deadlines"])
    duties = [one for ended in journey.endings for one in ended.deadlines if not one["window"]]
    assert met == sum(one["verdict"] == "met" for one in duties)
