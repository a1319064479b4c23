"""回访 (双鸭山 第二十二条): when, what is asked, what is announced."""

from typing import Any

import pytest
from tests.intake.centre import LEAD, NAME, PHONE, Centre

from common.events.dispatch import Reissued, RulingApplied
from common.events.intake import CallbackRecorded

SATISFIED: dict[str, Any] = {
    "round": 1,
    "outcome": "reached",
    "responded": True,
    "resolved": True,
    "satisfaction": "satisfied",
}


async def test_a_callback_of_a_closed_ticket_is_announced(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    answer = await centre.post(f"/tickets/{ticket['id']}/callbacks", SATISFIED)
    assert answer.status_code == 201, answer.text
    (event,) = await centre.wire.announced("CallbackRecorded")
    fact = event.data
    assert isinstance(fact, CallbackRecorded)
    assert (fact.round, fact.attempt, fact.satisfaction, fact.resolved) == (1, 1, "satisfied", True)
    assert event.sequence == 2
    assert answer.json()["id"] == str(fact.callback)
    assert answer.headers["Hotline-Event"] == str(event.id)


async def test_attempts_are_counted_until_the_requester_is_reached(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    path = f"/tickets/{ticket['id']}/callbacks"
    missed = await centre.post(path, {"round": 1, "outcome": "not_reached"})
    reached = await centre.post(path, SATISFIED | {"satisfaction": "dissatisfied"})
    assert (missed.json()["attempt"], reached.json()["attempt"]) == (1, 2)
    again = await centre.post(path, SATISFIED)
    assert (again.status_code, again.json()["code"]) == (409, "already_reached")


async def test_each_round_is_called_back_by_itself(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    path = f"/tickets/{ticket['id']}/callbacks"
    await centre.post(path, SATISFIED | {"satisfaction": "dissatisfied"})
    callback = (await centre.wire.announced("CallbackRecorded"))[0].data
    assert isinstance(callback, CallbackRecorded)
    await centre.wire.deliver(
        RulingApplied(
            **centre.facts(ticket, 1),
            ruling=callback.callback,
            kind="callback",
            outcome="redo",
            new_status="dispatched",
        ),
        Reissued(**centre.facts(ticket, 2), unit=LEAD, reason="redo", previous_round=1),
    )
    refused = await centre.post(path, SATISFIED)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_round")
    assert refused.json()["fields"] == [{"field": "round", "rule": "stale", "message": "现为第 2 轮。"}]
    refused = await centre.post(path, SATISFIED | {"round": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_closed")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"satisfaction": None}, "satisfaction"),
        ({"satisfaction": "very_satisfied"}, "satisfaction"),
        ({"responded": None}, "responded"),
        ({"responded": "yes"}, "responded"),
        ({"resolved": 0}, "resolved"),
        ({"round": "1"}, "round"),
        ({"outcome": "not_reached"}, "responded"),
        ({"means": "pigeon"}, "means"),
        ({"occurred_at": "2025-09-26T17:00:01+08:00", "proof": "rec-1"}, "occurred_at"),
        ({"occurred_at": "2025-09-26T15:59:59+08:00", "proof": "rec-1"}, "occurred_at"),
        ({"occurred_at": "2025-09-26T16:30:00+08:00"}, "proof"),
        ({"occurred_at": "2025-09-26T16:30:00"}, "occurred_at"),
        ({"proof": f"rec-{PHONE}"}, "proof"),
        ({"unit": LEAD}, "unit"),
    ],
)
async def test_an_incomplete_or_impossible_callback_is_refused_by_field(
    centre: Centre, changed: dict[str, Any], field: str
) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    await centre.pass_to("2025-09-26 17:00")
    refused = await centre.post(f"/tickets/{ticket['id']}/callbacks", SATISFIED | changed)
    assert refused.status_code == 422, refused.text
    assert [each["field"] for each in refused.json()["fields"]] == [field]
    assert await centre.count("callback") == 0
    assert await centre.wire.announced("CallbackRecorded") == []


async def test_an_earlier_call_counts_at_its_own_time_with_its_recording(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    await centre.pass_to("2025-09-26 17:00")
    earlier = SATISFIED | {"occurred_at": "2025-09-26T16:30:00+08:00", "proof": "rec-1"}
    told = (await centre.post(f"/tickets/{ticket['id']}/callbacks", earlier)).json()
    assert (told["occurred_at"], told["accepted_at"]) == ("2025-09-26T08:30:00Z", "2025-09-26T09:00:00Z")


async def test_the_remark_is_masked_with_the_requester_s_own_name(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    await centre.post(f"/tickets/{ticket['id']}/callbacks", SATISFIED | {"remark": f"{NAME}表示感谢"})
    (event,) = await centre.wire.announced("CallbackRecorded")
    assert isinstance(event.data, CallbackRecorded)
    assert event.data.remark == "[诉求人]表示感谢"


async def test_an_open_or_foreign_or_absent_ticket_is_not_called_back(centre: Centre) -> None:
    ticket = await centre.register()
    path = f"/tickets/{ticket['id']}/callbacks"
    refused = await centre.post(path, SATISFIED | {"round": 0})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_closed")
    assert (await centre.post(path, SATISFIED, jurisdiction="qingyuan")).status_code == 404
    assert (await centre.post(path, SATISFIED, role="unit", unit=LEAD)).status_code == 403
    absent = "/tickets/0199827a-0000-7000-8000-000000000000/callbacks"
    assert (await centre.post(absent, SATISFIED)).status_code == 404
