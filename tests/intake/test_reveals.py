"""Looking at a requester: by whom, with what purpose, and what stays of it."""

import pytest
from tests.intake.centre import ADDRESS, LEAD, NAME, OTHER, PHONE, STATEMENT, Centre

from common.clock import new_id
from common.events.dispatch import Archived, RulingApplied


def look(*tickets: str, field: str = "contact") -> dict[str, object]:
    return {"tickets": list(tickets), "purpose": "联系诉求人", "field": field}


async def test_the_unit_that_holds_the_ticket_sees_the_contact_and_the_look_is_audited(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    seen = await centre.post("/contact-reveals", look(ticket["id"]), role="unit", unit=LEAD)
    expected = {"ticket": ticket["id"], "number": ticket["number"], "name": NAME, "phone": PHONE}
    assert seen.json() == {"reveals": [expected]}
    assert seen.headers["Cache-Control"] == "no-store"
    (audited,) = await centre.rows("select * from intake.audit")
    assert (audited["object"], audited["unit"], audited["purpose"], audited["outcome"]) == (
        f"ticket/{ticket['id']}",
        LEAD,
        "联系诉求人",
        "shown",
    )


async def test_a_co_handler_sees_the_original_words(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket, co_handlers=(OTHER,))
    seen = await centre.post("/contact-reveals", look(ticket["id"], field="original"), role="unit", unit=OTHER)
    (shown,) = seen.json()["reveals"]
    assert (shown["statement"], shown["address"]) == (STATEMENT, ADDRESS)


async def test_a_foreign_ticket_answers_as_an_absent_one_and_the_attempt_is_audited(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    foreign = await centre.post("/contact-reveals", look(ticket["id"]), role="unit", unit=OTHER)
    absent = await centre.post("/contact-reveals", look(str(new_id())), role="unit", unit=OTHER)
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["code"] == absent.json()["code"]
    rows = await centre.rows("select outcome from intake.audit")
    assert [row["outcome"] for row in rows] == ["refused", "refused"]


async def test_of_several_tickets_all_are_shown_or_none(centre: Centre) -> None:
    mine, theirs = await centre.register(), await centre.register()
    await centre.dispatched(mine)
    await centre.dispatched(theirs, unit=OTHER)
    refused = await centre.post("/contact-reveals", look(mine["id"], theirs["id"]), role="unit", unit=LEAD)
    assert refused.status_code == 404
    assert PHONE not in refused.text


async def test_a_confidential_requester_is_shown_to_the_centre_only(centre: Centre) -> None:
    ticket = await centre.register(requester={"name": NAME, "phone": PHONE, "confidential": True})
    await centre.dispatched(ticket)
    for field in ("contact", "original"):
        refused = await centre.post("/contact-reveals", look(ticket["id"], field=field), role="unit", unit=LEAD)
        assert (refused.status_code, refused.json()["code"]) == (403, "confidential")
        assert refused.json()["basis"][0]["rule"] == "G-1"
    assert (await centre.post("/contact-reveals", look(ticket["id"]))).json()["reveals"][0]["phone"] == PHONE


async def test_a_unit_that_lost_the_ticket_sees_nothing_any_more(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    returned = RulingApplied(
        **centre.facts(ticket, 1),
        ruling=new_id(),
        kind="return",
        outcome="approved",
        ended_round=1,
        round_ended_at=centre.clock.now(),
        new_status="awaiting_dispatch",
    )
    await centre.wire.deliver(returned)
    assert (await centre.post("/contact-reveals", look(ticket["id"]), role="unit", unit=LEAD)).status_code == 404
    assert (await centre.get(f"/tickets/{ticket['id']}", role="unit", unit=LEAD)).status_code == 404


async def test_after_the_file_is_archived_the_unit_has_nothing_to_ask(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    assert (await centre.post("/contact-reveals", look(ticket["id"]), role="unit", unit=LEAD)).status_code == 200
    await centre.wire.deliver(Archived(**centre.facts(ticket, 1), how="callback"))
    assert (await centre.post("/contact-reveals", look(ticket["id"]), role="unit", unit=LEAD)).status_code == 404


async def test_a_look_is_never_kept_for_a_repeat(centre: Centre) -> None:
    ticket = await centre.register()
    for _ in range(2):
        await centre.post("/contact-reveals", look(ticket["id"]), key="same")
    assert await centre.count("audit") == 2
    assert await centre.count("idempotency") == 1


@pytest.mark.parametrize("role", ["viewer", "supervisor", "reviewer", "dispatcher", "softphone"])
async def test_nobody_else_may_look(centre: Centre, role: str) -> None:
    ticket = await centre.register()
    assert (await centre.post("/contact-reveals", look(ticket["id"]), role=role)).status_code == 403  # type: ignore[arg-type]


async def test_without_purpose_nothing_is_shown(centre: Centre) -> None:
    ticket = await centre.register()
    for purpose in ("", "  ", None):
        refused = await centre.post("/contact-reveals", {**look(ticket["id"]), "purpose": purpose})
        assert refused.status_code == 422
