"""知识库: a policy that takes effect is entered by the unit that leads its carrying out (双鸭山 第二十五条)."""

from tests.intake.centre import LEAD, OTHER, Centre

from common.events.intake import KnowledgeDue, KnowledgeEntered

DUTY = {
    "jurisdiction": "shuangyashan",
    "unit": LEAD,
    "title": "城市照明管理规定",
    "level": "national",
    "effective_on": "2025-10-01",
}


async def test_a_policy_is_owed_by_its_unit_until_it_has_entered_it_once(centre: Centre) -> None:
    imposed = await centre.post("/knowledge/duties", DUTY, role="supervisor")
    assert imposed.status_code == 201, imposed.text
    duty = imposed.json()["id"]
    (due,) = await centre.wire.announced("KnowledgeDue")
    assert isinstance(due.data, KnowledgeDue)
    assert (due.subject, due.data.unit, due.data.effective_on.isoformat()) == (f"entry/{duty}", LEAD, "2025-10-01")
    assert due.data.basis[0].article == "第二十五条"
    entries = f"/knowledge/duties/{duty}/entries"
    assert (await centre.post(entries, {}, role="unit", unit=OTHER)).status_code == 404
    assert (await centre.post(entries, {}, role="unit", unit=LEAD)).status_code == 201
    again = await centre.post(entries, {}, role="unit", unit=LEAD)
    assert (again.status_code, again.json()["code"]) == (409, "entered_already")
    (entered,) = await centre.wire.announced("KnowledgeEntered")
    assert isinstance(entered.data, KnowledgeEntered)
    own = (await centre.get("/knowledge/duties", role="unit", unit=LEAD)).json()["items"]
    assert [(one["id"], one["entered_at"] is not None) for one in own] == [(duty, True)]
    assert (await centre.get("/knowledge/duties", role="unit", unit=OTHER)).json()["items"] == []


async def test_a_duty_names_a_level_of_the_pack_and_a_unit_of_the_city(centre: Centre) -> None:
    for field, value in (("level", "county"), ("unit", "tongjiang.zhujianju")):
        answer = await centre.post("/knowledge/duties", {**DUTY, field: value}, role="supervisor")
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
    assert (await centre.post("/knowledge/duties", DUTY, role="unit", unit=LEAD)).status_code in (403, 404)
