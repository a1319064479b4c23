"""派单建议 over HTTP: whose a matter is, what is still asked, and an assignment that names its item."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.dispatch.office import SYSTEM, Office

from common.calendar import load_calendar
from common.calendar.shape import serialise
from common.clock import new_id
from common.events.sla import CalendarPublished
from common.policy.reading import load_pack

POLICIES = Path("policies")
TONGJIANG, ZHENRU = load_pack(POLICIES / "tongjiang"), load_pack(POLICIES / "zhenru")


async def suggest(office: Office, jurisdiction: str, **matter: Any) -> httpx.Response:
    headers = office.headers("agent", jurisdiction=jurisdiction)
    return await office.client.post("suggestions", json={"jurisdiction": jurisdiction, **matter}, headers=headers)


async def first(office: Office, jurisdiction: str, **matter: Any) -> dict[str, Any]:
    answer = await suggest(office, jurisdiction, **matter)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["items"][0]
    return found


@pytest.fixture
async def tongjiang(bare: Office) -> Office:
    await bare.activate(TONGJIANG)
    return bare


@pytest.fixture
async def zhenru(bare: Office) -> Office:
    await bare.activate(ZHENRU)
    return bare


async def test_a_statement_finds_its_item_and_the_question_that_decides_it(tongjiang: Office) -> None:
    told = {"statement": "有人把车停在人行道上，行人没法走路", "address": "同江市某街"}
    answer = (await suggest(tongjiang, "tongjiang", **told)).json()
    assert [one["item"] for one in answer["items"]] == ["2.4"]
    assert answer["questions"] == [
        {
            "id": "pavement",
            "ask": "车辆是否停在人行道上？（否：停在城市道路车行道上）",
            "options": [True, False],
            "labels": {},
            "counted_in": None,
        }
    ]
    assert (answer["none_fits"], answer["person"]) == (False, False)
    assert (answer["items"][0]["manner"], answer["items"][0]["lead"]) == ("ask", [])

    answered = (await suggest(tongjiang, "tongjiang", **told, answers={"pavement": True})).json()
    [item] = answered["items"]
    assert (item["lead"], item["co_handlers"], answered["questions"]) == (["tongjiang.chengguan"], [], [])
    assert 0 < item["score"] < 1
    assert item["basis"]["article"] == "二（二）4"
    assert item["basis"]["quote"] == "人行道的机动车停车管理由城市管理综合行政执法大队解决"
    assert item["statutes"] == [{"title": "佳木斯市城市机动车停车条例", "articles": ["第六条", "第二十条"]}]


async def test_joint_by_function_and_paired_leads_are_told_apart(tongjiang: Office) -> None:
    joint = await first(tongjiang, "tongjiang", item="2.1")
    assert (joint["manner"], joint["lead"]) == ("joint", [])
    assert joint["joint"] == ["tongjiang.ziranziyuan", "tongjiang.zhujian"]
    shared = await first(tongjiang, "tongjiang", item="2.9", answers={"managed": True})
    assert (shared["manner"], shared["lead"]) == ("by_function", [])
    assert shared["by_function"] == ["tongjiang.zhufang", "tongjiang.xiaofang"]
    assert [one["reference"] for one in shared["references"]] == ["local_police"]
    paired = await first(tongjiang, "tongjiang", item="2.15", answers={"vehicle": "ship"})
    assert paired["lead"] == ["tongjiang.jiaotong", "tongjiang.haishi"]


async def test_who_is_not_known_by_code_is_named_in_the_role_where_it_stands(tongjiang: Office) -> None:
    walked = await first(tongjiang, "tongjiang", item="2.11")
    assert (walked["manner"], walked["lead"], walked["unresolved"], walked["person"]) == ("lead", [], True, True)
    assert [(one["reference"], one["role"]) for one in walked["references"]] == [("local_police", "lead")]
    manholes = await first(tongjiang, "tongjiang", item="2.18")
    assert (manholes["joint"], manholes["unresolved"], manholes["person"]) == (["tongjiang.zhujian"], False, False)
    assert [(one["reference"], one["role"]) for one in manholes["references"]] == [("local_street", "joint")]
    rubble = await first(tongjiang, "tongjiang", item="2.8")
    assert [(one["reference"], one["role"]) for one in rubble["references"]] == [("local_street", "helper")]


async def test_an_item_found_by_words_is_a_proposal_and_a_weak_one_is_for_a_person(tongjiang: Office) -> None:
    named = await first(tongjiang, "tongjiang", item="2.10")
    assert (named["proposal"], named["person"]) == (False, False)
    near = await first(tongjiang, "tongjiang", statement="物业公司乱收费")
    assert (near["item"], near["proposal"], near["person"]) == ("2.10", True, False)
    far = (await suggest(tongjiang, "tongjiang", statement="孩子上学的问题怎么解决")).json()
    assert [(one["proposal"], one["person"]) for one in far["items"]] == [(True, True)] * 2
    assert far["person"] is True


async def test_the_questions_of_every_item_that_is_shown_are_told_in_words(tongjiang: Office) -> None:
    answer = (await suggest(tongjiang, "tongjiang", statement="噪声扰民，商户外放喇叭，船舶噪声")).json()
    assert {code for one in answer["items"] for code in one["questions"]} == {"noise_from", "vehicle"}
    assert {one["id"] for one in answer["questions"]} == {"noise_from", "vehicle"}


async def test_an_unstated_combination_goes_to_a_person(tongjiang: Office) -> None:
    answers = {"adult_exam": False, "academic": False, "permit": True, "licence": True}
    answer = (await suggest(tongjiang, "tongjiang", item="2.19", answers=answers)).json()
    assert (answer["person"], answer["questions"], answer["none_fits"]) == (True, [], False)
    [item] = answer["items"]
    assert (item["manner"], item["basis"]["quote"]) == ("person", "非学科类纠纷退费问题（如成人公考、艺术类退费问题）")


async def test_a_decision_is_quoted_in_the_words_that_decide_it(tongjiang: Office) -> None:
    answers = {"adult_exam": False, "academic": False, "permit": False, "licence": False}
    item = await first(tongjiang, "tongjiang", item="2.19", answers=answers)
    assert item["lead"] == ["tongjiang.jiaoyu"]
    assert "由教育局会同相关部门" in item["basis"]["quote"]
    carriageway = await first(tongjiang, "tongjiang", item="2.4", answers={"pavement": False})
    assert carriageway["basis"]["quote"] == "城市道路车行道机动车停车管理公安机关交通管理部门解决"


async def test_what_is_quoted_depends_on_the_day(tongjiang: Office) -> None:
    for day, article in (("2025-12-31", "第七十五条"), ("2026-01-01", "第八十九条")):
        item = await first(tongjiang, "tongjiang", item="2.11", at=f"{day}T12:00:00+08:00")
        assert item["statutes"] == [{"title": "中华人民共和国治安管理处罚法", "articles": [article]}]


async def test_what_no_item_covers_is_said_to_fit_nothing(tongjiang: Office) -> None:
    answer = (await suggest(tongjiang, "tongjiang", statement="想问社保卡怎么补办")).json()
    assert (answer["items"], answer["none_fits"]) == ([], True)
    assert [one["id"] for one in answer["questions"]] == ["needs_approval"]
    approved = (
        await suggest(tongjiang, "tongjiang", statement="想问社保卡怎么补办", answers={"needs_approval": True})
    ).json()
    [who] = approved["outside"]["references"]
    assert (who["label"], who["by"], approved["outside"]["basis"]["rule"]) == ("审批部门", "permit", "TJ-1")


async def test_a_unit_that_the_address_names_is_taken_and_otherwise_a_person_chooses(zhenru: Office) -> None:
    item = await first(zhenru, "zhenru", item="7", address="真如镇街道某路1号")
    [zone] = item["references"]
    assert (item["lead"], zone["unit"]) == ([], None)
    assert zone["candidates"] == ["zhenru.beishi", "zhenru.zhenguang"]
    assert item["helpers"] == [
        {
            "unit": "zhenru.zhifadui",
            "reference": None,
            "role": "enforce",
            "qualifier": None,
            "as_needed": False,
            "pending": [],
        }
    ]
    named = await first(zhenru, "zhenru", item="7", address="北石片区某路1号")
    assert named["lead"] == ["zhenru.beishi"]


async def test_helpers_wait_for_the_answer_that_their_qualifier_needs(zhenru: Office) -> None:
    open_ = await first(zhenru, "zhenru", item="4")
    assert (open_["manner"], open_["co_handlers"], open_["questions"]) == ("lead", [], ["place"])
    street = await first(zhenru, "zhenru", item="4", answers={"place": "street"})
    assert street["co_handlers"] == ["zhenru.guanli"]
    assert [one["qualifier"] for one in street["helpers"]] == ["街面"]


async def test_a_routing_action_is_no_owner(zhenru: Office) -> None:
    item = await first(zhenru, "zhenru", item="53", answers={"floor_area": 300})
    assert (item["manner"], item["lead"], item["helpers"]) == ("routing", [], [])
    assert item["routing"] == {"action": "return", "to": "建管委", "reason": None}
    hornets = await first(zhenru, "zhenru", item="84", at="2023-02-06T17:00:00+08:00")
    assert hornets["routing"]["to"] == "119"


async def test_the_working_day_is_read_in_the_calendar_and_unknown_without_one(zhenru: Office) -> None:
    asked = {"item": "97", "at": "2023-01-28T10:00:00+08:00"}
    assert (await first(zhenru, "zhenru", **asked))["manner"] == "person"
    await publish(zhenru, 2023)
    assert (await first(zhenru, "zhenru", **asked))["lead"] == ["zhenru.chengyun"]  # a Saturday that was made up
    holiday = await first(zhenru, "zhenru", item="97", at="2023-01-23T10:00:00+08:00")
    assert holiday["lead"] == ["zhenru.dangzheng"]
    assert (await first(zhenru, "zhenru", item="97", at="2024-02-12T10:00:00+08:00"))["manner"] == "person"


async def publish(office: Office, year: int) -> None:
    calendar = load_calendar(POLICIES / "calendar")
    [content] = [serialise(one) for one in calendar.years if one.year == year]
    now = office.clock.now()
    published = CalendarPublished(
        occurred_at=now, accepted_at=now, actor=SYSTEM, year=year, version=f"{year}@1", content=content
    )
    await office.wire.deliver(published, subject=f"calendar/{year}")


async def test_without_a_catalogue_nothing_fits_and_a_person_decides(office: Office) -> None:
    answer = (await suggest(office, "shuangyashan", statement="路灯坏了")).json()
    assert answer == {"items": [], "questions": [], "none_fits": True, "person": True, "outside": None}


async def test_what_cannot_be_asked_names_its_field(tongjiang: Office) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({}, "statement", "required"),
        ({"item": "2.24"}, "item", "unknown_item"),
        ({"item": "two"}, "item", "format"),
        ({"item": "2.4", "answers": {"colour": "red"}}, "answers.colour", "unknown_question"),
        ({"item": "2.4", "answers": {"pavement": "yes"}}, "answers.pavement", "no_answer"),
        ({"item": "2.4", "answers": {"pavement": 0.5}}, "answers.pavement", "invalid"),
        ({"item": "2.4", "at": "2020-01-01T00:00:00+08:00"}, "at", "no_policy"),
    ]
    for matter, field, rule in cases:
        refused = await suggest(tongjiang, "tongjiang", **matter)
        assert refused.status_code == 422
        [wrong] = refused.json()["fields"]
        assert (wrong["field"], wrong["rule"]) == (field, rule)


async def test_another_jurisdictions_catalogue_is_not_there(tongjiang: Office) -> None:
    headers = tongjiang.headers("agent", jurisdiction="shuangyashan")
    body = {"jurisdiction": "tongjiang", "item": "2.4"}
    assert (await tongjiang.client.post("suggestions", json=body, headers=headers)).status_code == 404


async def registered(office: Office) -> UUID:
    created = office.created().model_copy(update={"jurisdiction": "zhenru"})
    await office.wire.deliver(created)
    return created.ticket


async def assign(office: Office, ticket: UUID, **more: Any) -> httpx.Response:
    body = {"round": 0, "unit": "zhenru.zhenguang", "principle": "responsibility_list", **more}
    headers = {**office.headers("dispatcher", jurisdiction="zhenru"), "Idempotency-Key": str(new_id())}
    return await office.client.post(f"tickets/{ticket}/assignments", json=body, headers=headers)


async def test_an_assignment_names_its_item_and_the_helpers_that_the_item_gives(zhenru: Office) -> None:
    ticket = await registered(zhenru)
    helpers = [{"unit": "zhenru.zhifadui", "role": "enforce"}, {"unit": "zhenru.lvrong", "role": "guide"}]
    taken = await assign(zhenru, ticket, item="17", helpers=helpers)
    assert taken.status_code == 201, taken.text
    [dispatched] = await zhenru.announced(ticket, "Dispatched")
    data = dispatched.data.model_dump(mode="json")
    assert (data["item"], data["helpers"]) == ("17", helpers)


async def test_an_assignment_keeps_what_was_answered_and_what_the_rows_made_of_it(zhenru: Office) -> None:
    for answers, manner in (({}, "ask"), ({"night_permit": True}, "routing"), ({"night_permit": False}, "lead")):
        ticket = await registered(zhenru)
        taken = await assign(zhenru, ticket, item="91", answers=answers)
        assert taken.status_code == 201, taken.text
        [dispatched] = await zhenru.announced(ticket, "Dispatched")
        data = dispatched.data.model_dump(mode="json")
        assert ({one["question"]: one["answer"] for one in data["answers"]}, data["manner"]) == (answers, manner)


async def test_an_item_or_helper_that_is_not_in_the_catalogue_is_refused(zhenru: Office) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"item": "105"}, "item", "unknown_item"),
        ({"helpers": [{"unit": "zhenru.zhifadui", "role": "enforce"}]}, "helpers", "without_item"),
        ({"item": "17", "helpers": [{"unit": "zhenru.zhifadui", "role": "guide"}]}, "helpers", "not_in_item"),
        ({"item": "17", "helpers": [{"unit": "zhenru.nobody", "role": "guide"}]}, "helpers", "unknown_unit"),
        ({"item": "17", "helpers": [{"unit": "zhenru.zhenguang", "role": "guide"}]}, "helpers", "repeated"),
        ({"answers": {"night_permit": True}}, "answers", "without_item"),
        ({"item": "91", "answers": {"colour": True}}, "answers.colour", "unknown_question"),
        ({"item": "91", "answers": {"night_permit": "yes"}}, "answers.night_permit", "no_answer"),
    ]
    ticket = await registered(zhenru)
    for more, field, rule in cases:
        refused = await assign(zhenru, ticket, **more)
        assert refused.status_code == 422
        [wrong] = refused.json()["fields"]
        assert (wrong["field"], wrong["rule"]) == (field, rule)


async def test_a_redo_runs_under_the_same_item_and_a_new_dispatch_under_its_own(zhenru: Office) -> None:
    ticket = await registered(zhenru)
    helpers = [{"unit": "zhenru.zhifadui", "role": "enforce"}]
    assert (await assign(zhenru, ticket, item="17", helpers=helpers)).status_code == 201
    await zhenru.put_in(ticket, "closed")
    await zhenru.hear("CallbackJudged", ticket, outcome="redo")
    [again] = await zhenru.announced(ticket, "Reissued")
    told = again.data.model_dump(mode="json")
    assert (told["item"], told["helpers"]) == ("17", helpers)

    await zhenru.put_in(ticket, "awaiting_dispatch")
    assert (await assign(zhenru, ticket, round=2)).status_code == 201
    assert ((await zhenru.docket(ticket)).item, (await zhenru.docket(ticket)).helpers) == (None, ())
