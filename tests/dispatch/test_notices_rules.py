"""Which notices an event brings about: occasions, addressees, words, quiet hours; what an attempt comes to."""

from datetime import timedelta
from typing import Any

import pytest
from tests.dispatch.office import SHUANGYASHAN
from tests.support.wire import at

from common.policy.matching import Situation
from dispatch.notices.rules import (
    MOST_ATTEMPTS,
    Happened,
    Outcome,
    after_attempt,
    drafts,
    limit_in_words,
    outcome_of_status,
    pause_after,
    settled_by,
)

NOTICES, LIMITS = SHUANGYASHAN.notices, SHUANGYASHAN.limits
LEAD, HELPER, COUNTY, AUTHORITY = "s.lead", "s.helper", "s.county", "s.authority"
ABOVE = {
    LEAD: ((LEAD, "other"), ("s.bureau", "municipal_department"), (COUNTY, "county_district"), ("s.top", "other")),
    HELPER: ((HELPER, "municipal_department"),),
    COUNTY: ((COUNTY, "county_district"),),
}


def told(kind: str, when: str = "2025-09-26 16:00", marks: tuple[str, ...] = (), **more: Any) -> dict[str, str]:
    """Unit → occasion."""
    assert NOTICES is not None
    situation = Situation(type="complaint", channel="phone", category="城市管理/市政道路", marks=frozenset(marks))
    happened = Happened(
        kind, at(when), "SYS20250926000001", situation, "投诉", authority=AUTHORITY, above=ABOVE, **more
    )
    return {draft.unit or "": draft.occasion for draft in drafts(NOTICES, LIMITS, happened)}


HELD: dict[str, Any] = {"lead": LEAD, "co_handlers": (HELPER,)}
SPECIAL = frozenset({"special"})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # SYS-13 派单时即时提醒：主办、协办各一条
        (told("Dispatched", **HELD), {LEAD: "dispatched", HELPER: "dispatched"}),
        (told("Reissued", lead=LEAD), {LEAD: "dispatched"}),
        # SYS-17 特殊事项：属地政府及相关承办单位，每家只一条
        (
            told("Dispatched", marks=("special",), **HELD),
            {LEAD: "special_matter", HELPER: "special_matter", COUNTY: "special_matter"},
        ),
        (
            told("Dispatched", marks=("special", "special_urgent"), lead=LEAD),
            {LEAD: "special_urgent_matter", COUNTY: "special_urgent_matter"},
        ),
        # 承办单位不在县（区）之下：登记的属地；没有登记的，通报无处可发，留下记录
        (
            told("Dispatched", marks=("special",), lead=HELPER, territory=COUNTY),
            {HELPER: "special_matter", COUNTY: "special_matter"},
        ),
        (told("Dispatched", marks=("special",), lead=HELPER), {HELPER: "special_matter", "": "special_matter"}),
        # the county itself holds it: told once
        (told("Dispatched", marks=("special",), lead=COUNTY), {COUNTY: "special_matter"}),
        # 派单后补作标记：标记时通报；其他更正不通报；派单前没有单位可通报
        (
            told("TicketAmended", marks=("special",), new_marks=SPECIAL, lead=LEAD),
            {LEAD: "special_matter", COUNTY: "special_matter"},
        ),
        (told("TicketAmended", marks=("special",), lead=LEAD), {}),
        (told("TicketAmended", marks=("special",), new_marks=SPECIAL), {}),
        # SYS-11 紧急求助向主管部门报告；普通的三方通话、其他不予受理的情形不报告
        (told("TicketTransferred", line="119", emergency=True), {AUTHORITY: "emergency_transferred"}),
        (told("TicketTransferred"), {}),
        (told("TicketDeclined", emergency=True), {AUTHORITY: "emergency_declined"}),
        (
            told("TicketDeclined", emergency=True, unit=HELPER),
            {HELPER: "emergency_declined", AUTHORITY: "emergency_declined"},
        ),
        (told("TicketDeclined"), {}),
        # SYS-32 督办三种形式
        (told("SupervisionIssued", unit=LEAD, form="phone"), {LEAD: "phone_supervision"}),
        (told("SupervisionIssued", unit=LEAD, form="consultation"), {LEAD: "consultation_supervision"}),
        (told("SupervisionIssued", unit=LEAD, form="special"), {LEAD: "special_supervision"}),
        # SYS-15 会商通知参加单位
        (told("ConsultationConvened", participants=(HELPER,)), {HELPER: "consultation_invited"}),
        # 催单提醒主办单位
        (told("TicketUrged", times=2, **HELD), {LEAD: "urged"}),
        (told("TicketUrged", times=1), {}),
    ],
)  # fmt: skip
def test_who_is_told_of_what(found: dict[str, str], expected: dict[str, str]) -> None:
    assert found == expected


def test_the_words_name_the_ticket_its_type_and_the_limit_and_nothing_of_the_requester() -> None:
    assert NOTICES is not None
    situation = Situation(type="inquiry", channel="phone", category="城市管理", marks=frozenset({"special_urgent"}))
    happened = Happened("Dispatched", at("2025-09-26 16:00"), "SYS1", situation, "咨询", lead=LEAD, above=ABOVE)
    [first, _] = drafts(NOTICES, LIMITS, happened)
    assert first.text == (
        "【特殊紧急事项】12345热线工单SYS1（咨询）已派至承办单位，请立即联动处置，承办单位2个小时内反馈初步响应意见。"
    )
    plain = Situation(type="inquiry", channel="phone", category="城市管理")
    [second] = drafts(NOTICES, LIMITS, Happened("Dispatched", happened.at, "SYS1", plain, "咨询", lead=LEAD))
    assert second.text == "【12345热线】工单SYS1（咨询）已派至你单位，请于1个工作日内签收。"
    urged = Happened("TicketUrged", happened.at, "SYS1", plain, "咨询", lead=LEAD, times=3)
    assert drafts(NOTICES, LIMITS, urged)[0].text == "【12345热线】诉求人第3次催办工单SYS1（咨询），请抓紧办理。"
    assert limit_in_words(LIMITS, "supervision_reply", plain, happened.at) == "3个工作日"
    assert limit_in_words(LIMITS, "first_response", plain, happened.at) == "规定时限"


@pytest.mark.parametrize(
    ("kind", "marks", "when", "rings"),
    [
        ("TicketUrged", (), "2025-09-26 21:59:59", "2025-09-26 21:59:59"),
        ("TicketUrged", (), "2025-09-26 22:00", "2025-09-27 07:00"),
        ("TicketUrged", (), "2025-09-27 00:00", "2025-09-27 07:00"),
        ("TicketUrged", (), "2025-09-27 06:59:59", "2025-09-27 07:00"),
        ("TicketUrged", (), "2025-09-27 07:00", "2025-09-27 07:00"),
        ("TicketUrged", ("special",), "2025-09-27 03:00", "2025-09-27 03:00"),
        ("Dispatched", (), "2025-09-27 03:00", "2025-09-27 03:00"),
    ],
)
def test_by_night_only_what_is_told_at_once_rings(kind: str, marks: tuple[str, ...], when: str, rings: str) -> None:
    assert NOTICES is not None
    situation = Situation(type="help", marks=frozenset(marks))
    happened = Happened(kind, at(when), "SYS1", situation, "求助", lead=LEAD, times=1)
    assert {draft.not_before for draft in drafts(NOTICES, LIMITS, happened)} == {at(rings)}


def test_what_an_answer_means_and_how_often_it_is_tried_again() -> None:
    assert outcome_of_status(202) == Outcome("sent")
    assert [outcome_of_status(status).state for status in (400, 401, 404, 410, 302)] == ["failed"] * 5
    assert [outcome_of_status(status).state for status in (408, 425, 429, 500, 503)] == [None] * 5
    pauses = [pause_after(attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert pauses[0] == timedelta(seconds=5)
    assert pauses == sorted(pauses)
    assert sum(pauses, timedelta()) < timedelta(minutes=30)
    assert after_attempt(Outcome(None, "no_answer"), MOST_ATTEMPTS - 1).state is None
    assert after_attempt(Outcome(None, "no_answer"), MOST_ATTEMPTS) == Outcome("failed", "no_answer")


def test_the_first_receipt_decides() -> None:
    assert settled_by("waiting", "delivered") == "delivered"  # the receipt was faster than the answer
    assert settled_by("sent", "failed") == "failed"
    assert [settled_by(state, "delivered") for state in ("delivered", "failed", "unsent")] == [None] * 3
