"""限制使用: a number that abuses the line does without the telephone for a time (双鸭山 第三十五条, SYS-35)."""

import asyncio
from typing import Any
from uuid import UUID

from tests.intake.centre import HERE, NAME, PHONE, Centre, demand

from common.events.intake import RestrictionImposed, RestrictionLifted

ABUSE: dict[str, Any] = {
    "jurisdiction": HERE,
    "phone": "+86 139-0469-1234",
    "ground": "harassing_staff",
    "ends_at": "2025-10-03T16:00:00+08:00",
    "approver": "bureau-chief",
    "reason": f"{PHONE}多次辱骂话务员",
}


async def impose(centre: Centre, **changed: Any) -> Any:
    body = {name: value for name, value in (ABUSE | changed).items() if value is not ...}
    return await centre.post("/restrictions", body, role="supervisor")


async def test_a_restricted_number_is_refused_on_the_phone_with_basis_and_end(centre: Centre) -> None:
    answer = await impose(centre, referred_to_police=True)
    assert answer.status_code == 201, answer.text
    (event,) = await centre.wire.announced()
    assert answer.headers["Hotline-Event"] == str(event.id)
    fact = event.data
    assert isinstance(fact, RestrictionImposed)
    assert event.subject == f"case/{answer.json()['id']}"
    assert (fact.ground, fact.starts_at, fact.approver) == ("harassing_staff", centre.clock.now(), "bureau-chief")
    assert [basis.quote for basis in fact.basis] == [
        "骚扰、侮辱、威胁热线工作人员",
        "涉嫌违反治安管理法律法规的，依法交由公安机关处理",
    ]
    assert "1390469" not in fact.model_dump_json()
    refused = await centre.post("/tickets", demand())
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (403, "caller_restricted")
    assert problem["basis"][0]["article"] == "第三十五条"
    assert problem["fields"][0]["message"] == "2025-10-03T16:00:00+08:00"
    assert "2025年10月3日16时00分" in problem["detail"]
    assert await centre.count("ticket") == 0
    assert await centre.count("idempotency") == 1


async def test_other_channels_callers_and_emergencies_stay_open_and_the_end_ends_it(centre: Centre) -> None:
    before = await centre.post("/tickets", demand(), key="before")
    await impose(centre)
    assert (await centre.post("/tickets", demand(), key="before")).json() == before.json()
    await centre.register(channel="web")
    await centre.register(requester={"name": NAME, "phone": "13800000000"})
    await centre.register(type="tip_off", requester={"anonymous": True})
    passed = {"outcome": "transferred", "consent": True, "mode": "transfer"}
    await centre.register(**passed, transferred_to="消防119")
    await centre.register(outcome="declined", ground="emergency", told=True)
    assert (await centre.post("/tickets", demand(**passed, transferred_to="社保专家座席"))).status_code == 403
    anonymous = demand(type="tip_off", requester={"anonymous": True, "phone": PHONE})
    assert (await centre.post("/tickets", anonymous)).status_code == 403
    await centre.pass_to("2025-10-03 15:59:59")
    assert (await centre.post("/tickets", demand())).status_code == 403
    await centre.pass_to("2025-10-03 16:00")
    await centre.register()


async def test_among_registrations_that_come_together_only_the_restricted_one_is_refused(centre: Centre) -> None:
    await impose(centre)
    others = [demand(requester={"name": "某人", "phone": f"1380000000{n}"}) for n in range(4)]
    answers = await asyncio.gather(*(centre.post("/tickets", body) for body in (*others[:2], demand(), *others[2:])))
    assert [answer.status_code for answer in answers] == [201, 201, 403, 201, 201]


async def test_a_restriction_begins_when_it_says_and_can_be_lifted_once(centre: Centre) -> None:
    case = (await impose(centre, starts_at="2025-09-27T08:00:00+08:00")).json()["id"]
    await centre.register()
    await centre.pass_to("2025-09-27 08:00")
    assert (await centre.post("/tickets", demand())).status_code == 403
    path = f"/restrictions/{case}/lift"
    lifted = await centre.post(path, {"reason": f"{PHONE}已书面道歉"}, role="supervisor")
    assert lifted.status_code == 200, lifted.text
    (event,) = await centre.wire.announced("RestrictionLifted")
    assert isinstance(event.data, RestrictionLifted)
    assert (event.data.case, event.sequence) == (UUID(case), 2)
    assert PHONE not in event.data.reason
    await centre.register()
    again = await centre.post(path, {"reason": "再次"}, role="supervisor")
    assert (again.status_code, again.json()["code"]) == (409, "restriction_over")
    assert (await centre.post(path, {"reason": "x"}, role="supervisor", jurisdiction="qingyuan")).status_code == 404
    assert (await centre.post(path, {"reason": "x"}, role="agent")).status_code == 403


async def test_what_the_pack_does_not_allow_is_refused_by_field(centre: Centre) -> None:
    rows: list[tuple[dict[str, Any], str, str]] = [
        ({"ground": "tired"}, "ground", "choice"),
        ({"starts_at": "2025-09-26T15:59:59+08:00"}, "starts_at", "in_past"),
        ({"ends_at": "2025-09-26T16:00:00+08:00"}, "ends_at", "too_early"),
        ({"ends_at": "2025-10-26T16:00:01+08:00"}, "ends_at", "too_long"),
        ({"phone": "没有"}, "phone", "phone"),
        ({"approver": "张局长"}, "approver", "format"),
        ({"approver": f"a{PHONE}"}, "approver", "personal_data"),
        ({"reason": ...}, "reason", "required"),
    ]
    for changed, field, rule in rows:
        refused = await impose(centre, **changed)
        assert refused.status_code == 422, refused.text
        assert [(each["field"], each["rule"]) for each in refused.json()["fields"]] == [(field, rule)]
    assert "一次限制不得超过30日" in (await impose(centre, ends_at="2025-10-26T16:00:01+08:00")).text
    assert (await impose(centre, ends_at="2025-10-26T16:00:00+08:00")).status_code == 201
    twice = await impose(centre)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_restricted")
    assert len(await centre.wire.announced()) == 1


async def test_two_officials_at_once_restrict_a_number_once(centre: Centre) -> None:
    answers = await asyncio.gather(impose(centre), impose(centre))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_the_list_shows_numbers_masked_and_what_stands(centre: Centre) -> None:
    first = (await impose(centre)).json()["id"]
    await impose(centre, phone="0469-4123456", ground="repeated_calling", ends_at="2025-09-26T18:00:00+08:00")
    await centre.post(f"/restrictions/{first}/lift", {"reason": "道歉"}, role="supervisor")
    await centre.pass_to("2025-09-26 19:00")
    listed = (await centre.get("/restrictions")).json()["items"]
    assert [(item["phone"], item["state"]) for item in listed] == [("469*****56", "ended"), ("139******34", "lifted")]
    assert listed[1]["reason"] == "[诉求人]多次辱骂话务员"
    page = (await centre.get("/restrictions", {"size": 1})).json()
    rest = (await centre.get("/restrictions", {"size": 1, "cursor": page["next"]})).json()
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [item["id"] for item in listed]
    assert (await centre.get("/restrictions", jurisdiction="qingyuan")).json()["items"] == []
    assert (await centre.get("/restrictions", role="viewer")).status_code == 403
