"""补充、催单、撤单: what the requester wants of a ticket later on (G-3)."""

from typing import Any

from tests.intake.centre import LEAD, NAME, PHONE, Centre

from common.events.dispatch import RulingApplied, RulingOvertaken
from common.events.intake import TicketSupplemented, TicketUrged, TicketWithdrawn


async def test_a_supplement_is_announced_masked_and_kept_in_the_requesters_words(centre: Centre) -> None:
    ticket = await centre.register()
    text = f"灯杆今天又歪了，{NAME}补充，电话{PHONE}"
    answer = await centre.post(f"/tickets/{ticket['id']}/supplements", {"round": 0, "text": text, "call_id": "call-7"})
    assert answer.status_code == 201, answer.text
    (event,) = await centre.wire.announced("TicketSupplemented")
    assert answer.headers["Hotline-Event"] == str(event.id)
    fact = event.data
    assert isinstance(fact, TicketSupplemented)
    assert fact.text == "灯杆今天又歪了，[诉求人]补充，电话[诉求人]"
    await centre.dispatched(ticket)
    look = {"tickets": [ticket["id"]], "purpose": "核对", "field": "original"}
    (seen,) = (await centre.post("/contact-reveals", look, role="unit", unit=LEAD)).json()["reveals"]
    assert [(each["kind"], each["text"]) for each in seen["further"]] == [("supplement", text)]


async def test_urgings_are_counted_and_shown(centre: Centre) -> None:
    ticket = await centre.register()
    path = f"/tickets/{ticket['id']}"
    assert (await centre.get(path)).json()["urgings"] == {"times": 0, "last_at": None}
    assert (await centre.post(f"{path}/urgings", {"round": 0})).json()["times"] == 1
    await centre.pass_to("2025-09-27 09:00")
    again = await centre.post(f"{path}/urgings", {"round": 0, "text": f"{NAME}第二次催"}, role="softphone")
    assert again.json()["times"] == 2
    told = [event.data for event in await centre.wire.announced("TicketUrged")]
    assert [fact.times for fact in told if isinstance(fact, TicketUrged)] == [1, 2]
    assert [fact.text for fact in told if isinstance(fact, TicketUrged)] == [None, "[诉求人]第二次催"]
    assert (await centre.get(path)).json()["urgings"] == {"times": 2, "last_at": "2025-09-27T01:00:00Z"}


async def withdraw(centre: Centre, ticket: dict[str, Any], round: int = 0) -> Any:
    body = {"round": round, "reason": f"{NAME}已自行解决"}
    return await centre.post(f"/tickets/{ticket['id']}/withdrawal", body)


async def test_a_withdrawal_takes_effect_when_dispatch_says_so(centre: Centre) -> None:
    ticket = await centre.register()
    answer = await withdraw(centre, ticket)
    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    (event,) = await centre.wire.announced("TicketWithdrawn")
    fact = event.data
    assert isinstance(fact, TicketWithdrawn)
    assert (str(fact.case), fact.reason) == (answer.json()["id"], "[诉求人]已自行解决")
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert (read["status"], read["withdrawal"]["case"]) == ("awaiting_dispatch", answer.json()["id"])
    second = await withdraw(centre, ticket)
    assert (second.status_code, second.json()["code"]) == (409, "withdrawal_pending")
    applied: dict[str, Any] = {
        "ruling": fact.case,
        "kind": "withdrawal",
        "outcome": "withdrawn",
        "new_status": "withdrawn",
    }
    await centre.wire.deliver(RulingApplied(**centre.facts(ticket, 0), **applied))
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert (read["status"], read["withdrawal"]) == ("withdrawn", None)
    for path, body in (("urgings", {}), ("supplements", {"text": "x"}), ("withdrawal", {"reason": "x"})):
        refused = await centre.post(f"/tickets/{ticket['id']}/{path}", {"round": 0, **body})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
        assert "allowed" not in refused.json()


async def test_a_withdrawal_that_came_too_late_is_pending_no_longer(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.dispatched(ticket)
    case = (await withdraw(centre, ticket, 1)).json()["id"]
    overtaken: dict[str, Any] = {"ruling": case, "kind": "withdrawal", "reason": "closed", "status": "closed"}
    await centre.wire.deliver(RulingOvertaken(**centre.facts(ticket, 1), **overtaken))
    assert (await centre.get(f"/tickets/{ticket['id']}")).json()["withdrawal"] is None


async def test_after_the_closing_only_a_supplement_is_taken(centre: Centre) -> None:
    ticket = await centre.register()
    await centre.closed(ticket)
    path = f"/tickets/{ticket['id']}"
    urged = await centre.post(f"{path}/urgings", {"round": 1})
    assert (urged.status_code, urged.json()["allowed"]) == (409, ["callback", "supplement"])
    assert urged.json()["basis"][0]["assumption"]
    assert (await withdraw(centre, ticket, 1)).status_code == 409
    assert (await centre.post(f"{path}/supplements", {"round": 1, "text": "仍有一盏不亮"})).status_code == 201


async def test_bad_wishes_are_refused(centre: Centre) -> None:
    ticket = await centre.register()
    path = f"/tickets/{ticket['id']}"
    rows: list[tuple[str, dict[str, Any], int, str]] = [
        ("supplements", {"round": 0, "text": " "}, 422, "text"),
        ("supplements", {"round": 0}, 422, "text"),
        ("supplements", {"text": "x"}, 422, "round"),
        ("urgings", {"round": 0, "times": 9}, 422, "times"),
        ("urgings", {"round": 0, "call_id": f"call-{PHONE}"}, 422, "call_id"),
        ("urgings", {"round": 4}, 409, "round"),
        ("withdrawal", {"round": 0}, 422, "reason"),
    ]
    for command, body, status, field in rows:
        refused = await centre.post(f"{path}/{command}", body)
        assert (refused.status_code, [each["field"] for each in refused.json()["fields"]]) == (status, [field])
    assert (await centre.post(f"{path}/urgings", {"round": 0}, role="unit", unit=LEAD)).status_code == 403
    assert (await centre.post(f"{path}/urgings", {"round": 0}, jurisdiction="qingyuan")).status_code == 404
    assert (await centre.post(f"{path}/urgings", {"round": 0}, key=None)).status_code == 400
    assert len(await centre.wire.announced()) == 1
