"""The same registration sent again: registered once, answered the same."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from tests.intake.centre import Centre, demand

from common.web.edge import Activity


async def test_a_repeat_is_answered_as_the_first_time(centre: Centre) -> None:
    first = await centre.post("/tickets", demand(), key="k")
    again = await centre.post("/tickets", demand(), key="k")
    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["Hotline-Event"] == first.headers["Hotline-Event"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert await centre.count("ticket") == 1
    assert len(await centre.wire.announced()) == 1


async def test_a_repeat_is_answered_with_the_possible_duplicates_of_the_first_time(centre: Centre) -> None:
    await centre.register()
    first = await centre.post("/tickets", demand(), key="k")
    await centre.register()
    again = await centre.post("/tickets", demand(), key="k")
    assert len(again.json()["possible_duplicates"]) == 1
    assert again.json() == first.json()


async def test_another_body_under_the_same_key_is_refused(centre: Centre) -> None:
    await centre.post("/tickets", demand(), key="k")
    refused = await centre.post("/tickets", demand(address="别处"), key="k")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    refused = await centre.post("/tickets", demand(address=None), key="k")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await centre.count("ticket") == 1


async def test_another_client_with_the_same_key_is_independent(centre: Centre) -> None:
    await centre.post("/tickets", demand(), key="k")
    other = await centre.post("/tickets", demand(), key="k", role="softphone")
    assert other.status_code == 201
    assert await centre.count("ticket") == 2


async def test_of_many_at_once_one_registers(centre: Centre) -> None:
    answers = await asyncio.gather(*(centre.post("/tickets", demand(), key="k") for _ in range(30)))
    assert Counter(answer.status_code for answer in answers) == {201: 30}
    assert len({answer.content for answer in answers}) == 1
    assert await centre.count("ticket") == 1
    assert await centre.count("outbox") == 1


@pytest.mark.parametrize("key", [None, "has space", "k" * 201])
async def test_without_a_proper_key_nothing_is_registered(centre: Centre, key: str | None) -> None:
    refused = await centre.post("/tickets", demand(), key=key)
    assert refused.status_code == 400
    assert await centre.count("ticket") == 0


async def test_a_retry_after_a_refusal_for_the_moment_counts_at_the_first_attempt(centre: Centre) -> None:
    activity: Activity = centre.service.app.state.activity
    activity.clock_moving = True
    refused = await centre.post("/tickets", demand(), key="k")
    activity.clock_moving = False
    assert refused.status_code == 503
    first_at = centre.clock.now()
    await centre.pass_to("2025-09-26 18:00")
    told = await centre.post("/tickets", demand(), key="k")
    assert told.status_code == 201
    assert told.json()["accepted_at"] == first_at.isoformat().replace("+00:00", "Z")
    again = await centre.post("/tickets", demand(), key="k")
    assert again.json() == told.json()
    (event,) = await centre.wire.announced()
    assert told.headers["Hotline-Event"] == str(event.id)
    assert event.time == first_at


async def test_connections_that_the_server_cut_are_replaced(centre: Centre) -> None:
    for cut in range(10):
        await centre.register()
        await centre.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'hotline-intake' and datname = current_database()"
        )
        statuses = [(await centre.post("/tickets", demand(), key=f"after-{cut}")).status_code for _ in range(4)]
        assert set(statuses) <= {201, 503}
        assert statuses[-1] == 201
    assert await centre.count("ticket") == 20


async def test_a_lock_that_is_not_got_is_a_refusal_for_the_moment(centre: Centre) -> None:
    waiting = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with centre.service.room.database.engine.begin() as blocking:
        await blocking.execute(text("lock table ticket in access exclusive mode"))
        impatient = asyncio.create_task(centre.post("/tickets", demand(), key="k"))
        async with asyncio.timeout(5):
            while not await centre.rows(f"select 1 {waiting}"):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        await centre.rows(f"select pg_cancel_backend(pid) {waiting}")
        refused = await impatient
    assert refused.status_code == 503
    first_at = centre.clock.now()
    await centre.pass_to("2025-09-26 18:00")
    told = (await centre.post("/tickets", demand(), key="k")).json()
    assert told["accepted_at"] == first_at.isoformat().replace("+00:00", "Z")
