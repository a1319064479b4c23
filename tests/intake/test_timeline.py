"""A ticket's story across services, in the order of the log, for those who may read it."""

from typing import Any
from uuid import UUID

import pytest
from tests.intake.centre import HERE, LEAD, OTHER, Centre

from common.clock import new_id
from common.events.dispatch import Dispatched, Reissued, SignedIn, SubAssigned
from common.events.review import ReturnApproved, ReturnDenied
from common.events.sla import DeadlineRow, DeadlineSet
from common.events.vocabulary import Anchor


async def test_the_story_is_told_in_the_order_of_the_log_with_its_position(centre: Centre) -> None:
    ticket = await centre.register()
    path = f"/tickets/{ticket['id']}/timeline"
    empty = (await centre.get(path)).json()
    assert empty["position"] == {"event": None, "entries": 0}
    await centre.hear_itself()
    (cause,) = await centre.wire.deliver(Dispatched(**centre.facts(ticket, 1), unit=LEAD))
    row = DeadlineRow(
        kind="sign_in",
        unit=LEAD,
        round=1,
        anchor=Anchor(event=cause, at=centre.clock.now(), type="Dispatched"),
        due_at=centre.clock.now(),
        original_due_at=centre.clock.now(),
        window=False,
        provisional=False,
        calendar="2025@x",
    )
    (last,) = await centre.wire.deliver(DeadlineSet(**centre.facts(ticket, 1), cause=cause, deadlines=(row,)))
    told = (await centre.get(path)).json()
    assert [entry["type"] for entry in told["entries"]] == ["TicketCreated", "Dispatched", "DeadlineSet"]
    assert told["position"] == {"event": str(last), "entries": 3}
    assert told["entries"][1]["data"] == {
        "unit": LEAD,
        "co_handlers": [],
        "designated": False,
        "helpers": [],
        "answers": [],
        "claimed": False,
    }
    assert told["entries"][2]["data"]["deadlines"][0]["kind"] == "sign_in"
    assert told["entries"][2]["source"] == "sla"


async def test_the_same_event_twice_is_told_once(centre: Centre) -> None:
    ticket = await centre.register()
    message = centre.wire.message(Dispatched(**centre.facts(ticket, 1), unit=LEAD))
    await centre.wire.deliver(message)
    await centre.wire.deliver(message)
    assert (await centre.get(f"/tickets/{ticket['id']}/timeline")).json()["position"]["entries"] == 1


async def test_the_docket_follows_dispatch(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket, co_handlers=(OTHER,))
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert (read["status"], read["unit"], read["co_handlers"], read["round"]) == ("dispatched", LEAD, [OTHER], 1)
    await centre.wire.deliver(SignedIn(**centre.facts(ticket, 1), unit=LEAD))
    assert (await centre.get(f"/tickets/{ticket['id']}")).json()["status"] == "signed_in"


@pytest.mark.parametrize("ruling", [ReturnApproved, ReturnDenied])
async def test_a_ticket_that_was_returned_late_is_marked_overdue_whatever_was_decided(
    centre: Centre, ruling: type[ReturnApproved | ReturnDenied]
) -> None:
    tickets = [await centre.register() for _ in range(3)]
    for ticket, late in zip(tickets, (True, False, None), strict=True):
        await centre.dispatched(ticket)
        # A second late one, in a later round, marks the ticket no second time.
        for round_ in (1, 2):
            facts = centre.facts(ticket, round_, case=new_id(), unit=LEAD, filed_at=centre.clock.now(), late=late)
            await centre.wire.deliver(ruling(**facts, by_rule=False))
    marks = [(await centre.get(f"/tickets/{ticket['id']}")).json()["marks"] for ticket in tickets]
    assert marks == [["urgent", "overdue"], ["urgent"], ["urgent"]]
    listed = {item["id"]: item["marks"] for item in (await centre.get("/tickets")).json()["items"]}
    assert listed[tickets[0]["id"]] == ["urgent", "overdue"]


async def test_a_unit_reads_its_own_tickets_without_officials_accounts(centre: Centre) -> None:
    mine, theirs = await centre.register(), await centre.register()
    await centre.hear_itself()
    await centre.dispatched(mine)
    await centre.dispatched(theirs, unit=OTHER)
    listed = (await centre.get("/tickets", role="unit", unit=LEAD)).json()
    assert [item["id"] for item in listed["items"]] == [mine["id"]]
    asked_for_others = (await centre.get("/tickets", {"unit": OTHER}, role="unit", unit=LEAD)).json()
    assert asked_for_others["items"] == []
    told = (await centre.get(f"/tickets/{mine['id']}/timeline", role="unit", unit=LEAD)).json()
    assert [entry["actor"]["account"] for entry in told["entries"]] == [None, None]
    agent = (await centre.get(f"/tickets/{mine['id']}/timeline")).json()
    assert agent["entries"][0]["actor"]["account"] == "dev-agent"


async def test_foreign_and_absent_tickets_answer_alike(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    for path in ("/tickets/{}", "/tickets/{}/timeline"):
        strangers: tuple[dict[str, Any], ...] = ({"role": "unit", "unit": OTHER}, {"jurisdiction": "qingyuan"})
        for who in strangers:
            foreign = await centre.get(path.format(ticket["id"]), **who)
            absent = await centre.get(path.format(new_id()), **who)
            assert foreign.status_code == absent.status_code == 404
            assert foreign.json()["code"] == absent.json()["code"]
            assert foreign.json()["detail"] == absent.json()["detail"]
        assert (await centre.get(path.format(new_id()), role="admin", jurisdiction=None)).status_code == 404


async def test_lists_are_narrowed_and_bad_filters_refused(centre: Centre) -> None:
    ticket = await centre.register(received_at="2025-09-20T08:00:00+08:00")
    await centre.dispatched(ticket)
    narrowed: tuple[dict[str, Any], ...] = (
        {"number": ticket["number"]},
        {"status": "dispatched"},
        {"unit": LEAD},
        {"category": "城市管理/路灯"},
        {"jurisdiction": HERE},
        {"received_from": "2025-09-20T00:00:00+08:00", "received_to": "2025-09-21T00:00:00+08:00"},
    )
    for query in narrowed:
        listed = (await centre.get("/tickets", query)).json()
        assert [UUID(item["id"]) for item in listed["items"]] == [UUID(ticket["id"])], query
    empty: tuple[dict[str, Any], ...] = (
        {"status": "closed"},
        {"received_from": "2025-09-21T00:00:00+08:00"},
        {"jurisdiction": "qingyuan"},
        {"unit": OTHER},
        {"unit": "𠮷"},
    )
    for query in empty:
        assert (await centre.get("/tickets", query)).json() == {"items": [], "next": None}
    refused: tuple[dict[str, Any], ...] = (
        {"size": "0"},
        {"size": "201"},
        {"cursor": "x"},
        {"cursor": "WyJ4Il0"},
        {"number": "a\x00"},
        {"x": "1"},
    )
    for query in refused:
        assert (await centre.get("/tickets", query)).status_code == 422, query


async def test_a_co_handlers_signature_moves_nothing_and_a_sub_assigned_unit_reads(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket, co_handlers=(OTHER,))
    await centre.wire.deliver(SignedIn(**centre.facts(ticket, 1), unit=OTHER, part="co_handler"))
    assert (await centre.get(f"/tickets/{ticket['id']}")).json()["status"] == "dispatched"
    inside = "shuangyashan.ludengsuo"
    for path in ("", "/timeline"):
        assert (await centre.get(f"/tickets/{ticket['id']}{path}", role="unit", unit=inside)).status_code == 404
    passed_on: dict[str, Any] = {"assignment": new_id(), "unit": LEAD, "to_unit": inside}
    await centre.wire.deliver(SubAssigned(**centre.facts(ticket, 1), **passed_on))
    await centre.wire.deliver(SubAssigned(**centre.facts(ticket, 1), **passed_on))
    read = await centre.get(f"/tickets/{ticket['id']}", role="unit", unit=inside)
    assert (read.json()["unit"], read.json()["sub_units"]) == (LEAD, [inside])
    assert (await centre.get(f"/tickets/{ticket['id']}/timeline", role="unit", unit=inside)).status_code == 200
    (listed,) = (await centre.get("/tickets", role="unit", unit=inside)).json()["items"]
    assert listed["id"] == ticket["id"]
    look = {"tickets": [ticket["id"]], "purpose": "上门", "field": "contact"}
    assert (await centre.post("/contact-reveals", look, role="unit", unit=inside)).status_code == 200
    await centre.wire.deliver(Reissued(**centre.facts(ticket, 2), unit=LEAD, reason="redo", previous_round=1))
    assert (await centre.get(f"/tickets/{ticket['id']}", role="unit", unit=inside)).status_code == 404
