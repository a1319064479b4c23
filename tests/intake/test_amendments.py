"""更正: what a ticket says from now on, who may say it, until when (SYS-11, SYS-16, SYS-17)."""

from typing import Any

import pytest
from tests.intake.centre import LEAD, NAME, OTHER, PHONE, Centre

from common.clock import new_id
from common.events.dispatch import RulingApplied
from common.events.intake import TicketAmended
from common.events.review import ReturnDenied

LAW = {"amount": 60, "unit": "natural_days", "basis": {"document": "信访工作条例", "article": "第三十四条"}}


async def amend(centre: Centre, ticket: dict[str, Any], etag: str | None = None, **body: Any) -> Any:
    """Amend what was read just now, or under another ETag; empty: none."""
    if etag is None:
        etag = (await centre.get(f"/tickets/{ticket['id']}")).headers["ETag"]
    headers = {"If-Match": etag} if etag else {}
    given = {"round": 0, "reason": "核对后更正", **body}
    return await centre.post(f"/tickets/{ticket['id']}/amendments", given, headers=headers)


async def test_what_is_amended_stands_on_the_ticket_in_lists_and_in_the_event(centre: Centre) -> None:
    ticket = await centre.register()
    address = f"新兴广场北侧，{NAME}家门口"
    given: dict[str, Any] = {
        "type": "help",
        "address": address,
        "marks": ["special"],
        "category": "城市管理/供水",
        "legal_limit": LAW,
    }
    answer = await amend(centre, ticket, **given)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == '"2"'
    (event,) = await centre.wire.announced("TicketAmended")
    assert answer.headers["Hotline-Event"] == str(event.id)
    fact = event.data
    assert isinstance(fact, TicketAmended)
    assert fact.changed == ("type", "category", "address", "marks", "legal_limit")
    assert (fact.type, fact.category, fact.marks) == ("help", "城市管理/供水", ("special",))
    assert fact.address == "新兴广场北侧，[诉求人]家门口"
    assert fact.legal_limit is not None
    assert fact.legal_limit.amount == 60
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert (read["type"], read["marks"], read["address"]) == ("help", ["special"], fact.address)
    assert (await centre.get("/tickets", {"type": "complaint"})).json()["items"] == []
    (found,) = (await centre.get("/tickets", {"mark": "special", "category": "城市管理/供水"})).json()["items"]
    assert found["id"] == ticket["id"]
    look = {"tickets": [ticket["id"]], "purpose": "上门", "field": "original"}
    (seen,) = (await centre.post("/contact-reveals", look)).json()["reveals"]
    assert seen["address"] == address
    assert [(each["kind"], NAME in each["text"]) for each in seen["further"]] == [("address", True)]


async def test_only_what_is_given_changes_and_a_law_s_limit_can_be_taken_away(centre: Centre) -> None:
    ticket = await centre.register(legal_limit=LAW)
    await amend(centre, ticket, legal_limit=None)
    (event,) = await centre.wire.announced("TicketAmended")
    fact = event.data
    assert isinstance(fact, TicketAmended)
    assert (fact.changed, fact.legal_limit, fact.marks) == (("legal_limit",), None, ("urgent",))
    assert (await centre.get(f"/tickets/{ticket['id']}")).json()["legal_limit"] is None


async def test_whoever_amends_names_the_version_and_the_round_he_read(centre: Centre) -> None:
    ticket = await centre.register()
    without = await amend(centre, ticket, etag="", type="help")
    assert (without.status_code, without.json()["code"]) == (428, "if_match_required")
    assert (await amend(centre, ticket, etag="W/1", type="help")).status_code == 400
    assert (await amend(centre, ticket, etag='"1"', type="help")).status_code == 201
    stale = await amend(centre, ticket, etag='"1"', type="inquiry")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_passed")
    await centre.dispatched(ticket)
    other = await amend(centre, ticket, type="inquiry")
    assert (other.status_code, other.json()["code"]) == (409, "stale_round")
    assert (await amend(centre, ticket, type="inquiry", round=1)).status_code == 201


async def test_a_repeat_is_answered_although_its_version_has_passed(centre: Centre) -> None:
    ticket = await centre.register()
    path, body = f"/tickets/{ticket['id']}/amendments", {"round": 0, "reason": "更正", "type": "help"}
    first = await centre.post(path, body, key="same", headers={"If-Match": '"1"'})
    again = await centre.post(path, body, key="same", headers={"If-Match": '"1"'})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(await centre.wire.announced("TicketAmended")) == 1


async def test_what_cannot_stand_is_refused_by_field(centre: Centre) -> None:
    ticket = await centre.register()
    refused: list[tuple[dict[str, Any], str, str]] = [
        ({}, "nothing_changed", "body"),
        ({"type": "complaint", "marks": ["urgent"]}, "nothing_changed", "body"),
        ({"type": "petition"}, "invalid_input", "type"),
        ({"marks": ["urgent", "overdue"]}, "not_in_pack", "marks.1"),
        ({"marks": ["urgent", "loud"]}, "not_in_pack", "marks.1"),
        ({"category": f"路灯/{NAME}"}, "invalid_input", "category"),
        ({"category": f"路灯/{PHONE}"}, "invalid_input", "category"),
        ({"address": " "}, "invalid_input", "address"),
        ({"statement": "改写事实"}, "invalid_input", "statement"),
        ({"reason": None, "type": "help"}, "invalid_input", "reason"),
    ]
    for body, code, field in refused:
        answer = await amend(centre, ticket, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert field in [each["field"] for each in answer.json()["fields"]]
        assert NAME not in answer.text
    assert await centre.wire.announced("TicketAmended") == []


async def test_a_mark_that_a_rule_set_is_neither_entered_nor_dropped_and_must_have_been_read(centre: Centre) -> None:
    ticket = await centre.register()
    before = (await centre.get(f"/tickets/{ticket['id']}")).headers["ETag"]
    await centre.dispatched(ticket)
    late = centre.facts(ticket, 1, case=new_id(), unit=LEAD, filed_at=centre.clock.now(), late=True)
    extended: dict[str, Any] = {
        "ruling": new_id(),
        "kind": "extension",
        "outcome": "granted",
        "new_status": "dispatched",
    }
    await centre.wire.deliver(ReturnDenied(**late, by_rule=False), RulingApplied(**centre.facts(ticket, 1), **extended))
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert read["marks"] == ["urgent", "overdue", "extended"]
    assert (await amend(centre, ticket, etag=before, round=1, marks=["mediation"])).status_code == 412
    dropped = await amend(centre, ticket, round=1, marks=["mediation", "overdue"])
    assert (dropped.status_code, dropped.json()["fields"][0]["rule"]) == (422, "set_by_rule")
    assert "延期工单" in dropped.json()["fields"][0]["message"]
    kept = await amend(centre, ticket, round=1, marks=["mediation", "overdue", "extended"])
    assert kept.status_code == 201, kept.text


@pytest.mark.parametrize("outcome", ["denied", "lapsed"])
async def test_an_extension_that_took_no_effect_makes_no_extended_ticket(centre: Centre, outcome: str) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    facts = centre.facts(ticket, 1, ruling=new_id(), kind="extension", outcome=outcome, new_status="dispatched")
    await centre.wire.deliver(RulingApplied(**facts))
    assert (await centre.get(f"/tickets/{ticket['id']}")).json()["marks"] == ["urgent"]


async def test_after_the_closing_nothing_is_amended(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    refused = await amend(centre, ticket, type="help", round=1)
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["callback", "supplement"])
    assert refused.json()["basis"][0]["assumption"]
    settled = await centre.register(outcome="answered", answer="已答复")
    assert (await amend(centre, settled, type="help")).status_code == 409


async def test_nobody_else_amends_and_a_foreign_ticket_is_absent(centre: Centre) -> None:
    ticket = await centre.register()
    path, body = f"/tickets/{ticket['id']}/amendments", {"round": 0, "reason": "更正", "type": "help"}
    match = {"If-Match": '"1"'}
    assert (await centre.post(path, body, role="unit", unit=OTHER, headers=match)).status_code == 403
    assert (await centre.post(path, body, jurisdiction="qingyuan", headers=match)).status_code == 404
