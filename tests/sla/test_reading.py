"""What sla shows: a ticket's deadlines, why they are what they are, previews; and to whom."""

from typing import Any
from uuid import uuid4

from tests.sla.desk import LEAD, OTHER, PACK, Desk

from common.policy import Pack, parse_pack
from sla.registry import SYSTEM, activate


async def test_a_deadline_is_shown_as_the_contract_says(desk: Desk) -> None:
    ticket = await desk.dispatch()
    answer = await desk.get(f"tickets/{ticket}/deadlines")
    assert answer.status_code == 200
    rows = {row["kind"]: row for row in answer.json()["items"]}
    assert set(rows) == {"sign_in", "return_window", "closing", "extension_window"}
    shown = rows["closing"]
    assert shown["due_at"] == "2024-10-23T16:00:00Z"
    assert shown["allowance"] == {"amount": 15, "unit": "working_days"}
    assert (shown["subject"], shown["unit"], shown["round"]) == (f"ticket/{ticket}", LEAD, 1)
    assert (shown["state"], shown["verdict"], shown["provisional"]) == ("armed", None, False)
    assert (shown["basis"]["rule"], shown["basis"]["article"]) == ("SYS-16", "第十六条（三）")
    assert shown["policy"] == PACK.version


async def test_an_explanation_goes_day_by_day_and_quotes_its_clause(desk: Desk) -> None:
    ticket = await desk.dispatch(type="inquiry")
    told = (await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")).json()
    assert (told["exempt"], told["due_at"], told["allowance"]) == (False, "2024-09-30T16:00:00Z", "2个工作日")
    assert {day["on"]: (day["counts"], day["why"]) for day in told["explanation"]} == {
        "2024-09-27": (False, "起算当日不计"),
        "2024-09-28": (False, "周末"),
        "2024-09-29": (True, "调休上班"),
        "2024-09-30": (True, "工作日"),
    }
    assert told["text"][0] == (
        "依据《双鸭山市12345政务服务便民热线运行管理办法》第十六条（一）：“咨询类事项2个工作日内”。"
    )
    assert told["text"][-1] == "期限至2024年9月30日24:00届满，此后办理的为超期。"


async def test_an_explanation_is_of_the_current_round_unless_another_is_named(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-10-08 09:00")
    await desk.tell(desk.round_ended(ticket, "2024-10-08 09:00"), desk.dispatched(ticket, 2, OTHER))
    path = f"tickets/{ticket}/deadlines/sign_in/explanation"
    assert (await desk.get(path)).json()["unit"] == OTHER
    first = (await desk.get(path, round=1, unit=LEAD)).json()
    assert (first["unit"], first["due_at"]) == (LEAD, "2024-09-29T16:00:00Z")
    assert (await desk.get(path, round=1, unit=OTHER)).json()["code"] == "deadline_not_set"


async def test_an_explanation_holds_the_calendar_that_the_deadline_was_counted_with(desk: Desk) -> None:
    ticket = await desk.dispatch()
    desk.set("2024-09-29 10:00")
    await desk.tell(desk.signed_in(ticket))
    await desk.take_back_make_up_day()
    told = (await desk.get(f"tickets/{ticket}/deadlines/sign_in/explanation")).json()
    assert told["due_at"] == "2024-09-29T16:00:00Z"
    assert told["explanation"][-1] == {"on": "2024-09-29", "counts": True, "why": "调休上班"}


async def test_a_kind_without_limit_is_explained_as_exempt_with_its_basis(desk: Desk) -> None:
    content = PACK.dump()
    rule: dict[str, Any] = content["limits"]["kinds"]["closing"]["rules"][1]
    rule["when"]["type"]["in"] = ["help", "suggestion"]
    free = {"when": {"type": {"eq": "praise"}}, "no_limit": True, "rule": "SYS-16", "assumption": "表扬无须办理。"}
    content["limits"]["kinds"]["closing"]["rules"].insert(2, free)
    pack = parse_pack(content)
    async with desk.service.room.transaction() as tx:
        await activate(tx, pack, SYSTEM)
    desk.policy = pack.version
    ticket = await desk.dispatch(type="praise")
    assert [row.kind for row in await desk.rows(ticket)] == ["return_window", "sign_in"]
    told = (await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")).json()
    assert (told["exempt"], told["due_at"], told["basis"]["assumption"]) == (True, None, "表扬无须办理。")
    unknown = (await desk.get(f"tickets/{ticket}/deadlines/first_contact/explanation")).json()
    assert (unknown["exempt"], unknown["basis"]) == (True, None)


def without_praise() -> Pack:
    """The pack of a place that does not take praise."""
    content: dict[str, Any] = PACK.dump()
    del content["ticket"]["types"]["praise"], content["clusters"]
    content["limits"]["kinds"]["closing"]["rules"][1]["when"]["type"]["in"] = ["help", "suggestion"]
    return parse_pack(content)


async def test_a_ticket_for_which_no_rule_is_found_is_parked_and_not_taken_for_one_without_limit(desk: Desk) -> None:
    pack = without_praise()
    async with desk.service.room.transaction() as tx:
        await activate(tx, pack, SYSTEM)
    desk.policy = pack.version
    ticket = await desk.dispatch(type="praise")
    assert await desk.parked() == [f"{pack.version} has no row of closing for the ticket's situation"]
    assert await desk.rows(ticket) == []
    answer = await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")
    assert (answer.status_code, answer.json()["code"]) == (404, "deadline_not_set")


async def test_a_preview_without_a_type_is_refused_and_not_told_that_there_is_no_limit(desk: Desk) -> None:
    wanted = {"jurisdiction": "shuangyashan", "kind": "closing", "from": "2025-09-26T16:00:00+08:00"}
    headers = desk.headers("viewer")

    async def preview(**changed: Any) -> tuple[int, Any]:
        answer = await desk.client.post("deadline-previews", json={**wanted, **changed}, headers=headers)
        return answer.status_code, answer.json()

    for situation in ({}, {"channel": "phone", "round": 2}):
        status, told = await preview(situation=situation)
        assert (status, told["fields"][0]["field"], told["fields"][0]["rule"]) == (422, "situation.type", "required")
    # What the table says for every type needs none; what the pack does not know at all is said to be so.
    assert (await preview(situation={}, kind="sign_in"))[1]["exempt"] is False
    assert (await preview(situation={}, kind="first_contact"))[1]["exempt"] is True


async def test_a_preview_for_a_type_that_the_place_does_not_take_is_refused(desk: Desk) -> None:
    desk.set("2024-09-27 16:05")
    async with desk.service.room.transaction() as tx:
        await activate(tx, without_praise(), SYSTEM)
    wanted = {"jurisdiction": "shuangyashan", "from": "2025-09-26T16:00:00+08:00", "situation": {"type": "praise"}}
    for kind in ("closing", "sign_in"):
        body = {**wanted, "kind": kind}
        refused = await desk.client.post("deadline-previews", json=body, headers=desk.headers("viewer"))
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "situation.type")
        assert refused.json()["fields"][0]["rule"] == "not_in_pack"


async def test_a_ticket_that_was_not_dispatched_has_no_deadline_to_explain(desk: Desk) -> None:
    ticket = await desk.register()
    assert (await desk.get(f"tickets/{ticket}/deadlines")).json()["items"] == []
    answer = await desk.get(f"tickets/{ticket}/deadlines/closing/explanation")
    assert (answer.status_code, answer.json()["code"]) == (404, "deadline_not_set")


async def test_a_preview_counts_for_a_situation_that_does_not_exist(desk: Desk) -> None:
    situation = {"type": "complaint", "channel": "phone", "marks": []}
    wanted = {"jurisdiction": "shuangyashan", "kind": "closing", "from": "2025-09-26T16:00:00+08:00"}
    headers = desk.headers("viewer")
    answer = await desk.client.post("deadline-previews", json={**wanted, "situation": situation}, headers=headers)
    assert answer.status_code == 200
    assert (answer.json()["due_at"], answer.json()["provisional"]) == ("2025-10-23T16:00:00Z", False)
    assert {"on": "2025-09-28", "counts": True, "why": "调休上班"} in answer.json()["explanation"]
    for wrong, field in (
        ({"from": "2025-09-26T16:00:00"}, "from"),
        ({"kind": "nonsense"}, "kind"),
        ({"from": "2020-01-01T00:00:00+08:00"}, "from"),
        ({"situation": {"type": "x"}}, "situation.type"),
        ({"surplus": 1}, "surplus"),
    ):
        refused = await desk.client.post("deadline-previews", json={**wanted, **wrong}, headers=headers)
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, field)


async def test_foreign_tickets_answer_as_absent_ones(desk: Desk) -> None:
    ticket = await desk.dispatch()
    path = f"tickets/{ticket}/deadlines"
    assert (await desk.get(path, "unit", LEAD)).status_code == 200
    foreign = await desk.get(path, "unit", OTHER)
    absent = await desk.get(f"tickets/{uuid4()}/deadlines", "unit", OTHER)
    assert (foreign.status_code, foreign.json()["code"]) == (absent.status_code, absent.json()["code"])
    assert foreign.status_code == 404
    elsewhere = await desk.client.get(path, headers=desk.headers("viewer", jurisdiction="tongjiang"))
    assert elsewhere.status_code == 404


async def test_a_unit_that_lost_the_ticket_sees_its_own_deadlines_only(desk: Desk) -> None:
    ticket = await desk.dispatch()
    await desk.tell(desk.round_ended(ticket, "2024-09-27 16:00"), desk.dispatched(ticket, 2, OTHER))
    seen = (await desk.get(f"tickets/{ticket}/deadlines", "unit", LEAD)).json()["items"]
    assert {row["unit"] for row in seen} == {LEAD}
    assert len((await desk.get(f"tickets/{ticket}/deadlines", "unit", OTHER)).json()["items"]) == 8
