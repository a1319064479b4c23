"""The life of a ticket: to the archive, back through a return, on after a denied one, around again."""

from typing import Any

import pytest
from tests.journeys.conftest import Journey

from hotline.demo.player import Ended

LIFE = [
    "TicketCreated",
    "Dispatched",
    "SignedIn",
    "RequesterContacted",
    "ClosingReported",
    "Closed",
    "CallbackRecorded",
    "CallbackJudged",
    "RulingApplied",
    "Archived",
]


def types(ended: Ended) -> list[str]:
    return [entry["type"] for entry in ended.timeline]


def deadline(ended: Ended, round: int, kind: str) -> Any:
    return next(one for one in ended.deadlines if (one["round"], one["kind"]) == (round, kind))


async def test_a_case_lives_to_the_archive_and_its_timeline_tells_the_story_in_order(journey: Journey) -> None:
    ended = journey.ended("欠薪900元")
    assert ended.ticket["status"] == "archived"
    told = [type for type in types(ended) if not type.startswith(("Deadline", "Breach"))]
    assert told == LIFE
    instants = [entry["accepted_at"] for entry in ended.timeline]
    assert instants == sorted(instants)


@pytest.mark.parametrize("story", ["欠薪900元", "灯杆螺丝断裂", "路灯脱落", "退单不予同意", "不满意再次办理"])
async def test_what_was_solved_to_satisfaction_is_archived(journey: Journey, story: str) -> None:
    assert journey.ended(story).ticket["status"] == "archived"


async def test_an_approved_return_brings_a_new_round_with_fresh_clocks(journey: Journey) -> None:
    ended = journey.ended("沥青喷洒")
    assert ended.ticket["round"] == 2
    first, fresh = deadline(ended, 1, "closing"), deadline(ended, 2, "closing")
    assert (first["state"], first["verdict"]) == ("superseded", None)
    dispatched = [entry for entry in ended.timeline if entry["type"] == "Dispatched"]
    assert [one["anchor"]["at"] for one in (first, fresh)] == [entry["occurred_at"] for entry in dispatched]
    assert fresh["unit"] == "shuangyashan.zhujian"


async def test_a_denied_return_leaves_the_first_clock(journey: Journey) -> None:
    ended = journey.ended("退单不予同意")
    assert ended.ticket["round"] == 1
    (filed,) = ended.returns
    assert (filed["state"], filed["decision"]["ground"]) == ("denied", "unit_duty_whole_or_part")
    closing = deadline(ended, 1, "closing")
    assert (closing["generation"], closing["due_at"], closing["verdict"]) == (1, closing["original_due_at"], "met")
    assert "DeadlineMoved" not in types(ended)


async def test_a_dissatisfied_requester_brings_the_unit_a_second_round_of_its_own(journey: Journey) -> None:
    ended = journey.ended("不满意再次办理")
    assert ended.ticket["round"] == 2
    assert deadline(ended, 1, "closing")["verdict"] == "missed"  # 咨询2个工作日：7月3日派单，8日才办结
    assert deadline(ended, 2, "closing")["verdict"] == "met"
    assert [one["unit"] for one in ended.deadlines if one["kind"] == "sign_in"] == ["shuangyashan.zhujian"] * 2
    reissued = next(entry for entry in ended.timeline if entry["type"] == "Reissued")
    assert reissued["data"]["previous_round"] == 1
    assert types(ended)[-1] in ("Archived", "DeadlineStopped")


async def test_a_unit_sees_the_story_of_its_own_tickets_only(journey: Journey) -> None:
    desk, ticket = journey.stage.desk, journey.case("路灯脱落").ticket
    own = await desk.get("shuangyashan.zhujian", f"/intake/v1/tickets/{ticket}/timeline")
    assert own["entries"]
    assert await desk.status("shuangyashan.chengjian", f"/intake/v1/tickets/{ticket}/timeline") == 404
    assert await desk.status("shuangyashan.chengjian", f"/sla/v1/tickets/{ticket}/deadlines") == 404
