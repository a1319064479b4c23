"""What the pack of 兴隆台 says, beside what its circular says."""

from datetime import date
from pathlib import Path

import pytest

from common.calendar import Allowance
from common.policy import Limit, NoLimit, Pack, Situation, load_pack

NAMED = {
    "区市场局", "区城管大队", "区城建中心", "区住建局", "区教育局", "兴盛街道", "振兴街道", "创新街道", "惠宾街道",
    "兴海街道", "兴隆街道", "渤海街道", "区文广局", "区人社局", "区营商局", "区12345平台", "区营商环境建设领导小组",
}  # fmt: skip


@pytest.fixture(scope="module")
def xinglongtai() -> Pack:
    return load_pack(Path(__file__).parents[2] / "policies" / "xinglongtai")


@pytest.mark.parametrize(
    ("channel", "days", "words"), [("phone", 5, "话务端5个工作日内报结"), ("web", 10, "网络端10个工作日内报结")]
)
def test_the_limit_goes_by_the_channel_whatever_the_type(
    xinglongtai: Pack, channel: str, days: int, words: str
) -> None:
    for type_ in xinglongtai.ticket.types:
        limit = xinglongtai.limits.find("closing", Situation(type=type_, channel=channel))
        assert isinstance(limit, Limit)
        assert limit.allowance == Allowance(days, "working_days")
        assert (limit.basis.article, limit.basis.quote) == ("三（二）", words)


def test_the_message_board_is_a_channel_of_its_own_whose_limit_comes_from_above(xinglongtai: Pack) -> None:
    board = xinglongtai.ticket.channels["message_board"]
    assert (board.handed_down, board.basis.article) == (True, "一（三）")
    assert isinstance(xinglongtai.limits.find("closing", Situation(type="help", channel="message_board")), NoLimit)
    assert xinglongtai.limits.imposed_limits is not None
    assert xinglongtai.limits.imposed_limits.kinds == ("closing",)


def test_a_return_is_filed_within_24_hours_by_the_clock_and_the_other_reading_is_kept(xinglongtai: Pack) -> None:
    window = xinglongtai.limits.find("return_window", Situation(type="help", channel="phone"))
    assert isinstance(window, Limit)
    assert (window.allowance, window.anchor) == (Allowance(24, "clock_hours"), "dispatched")
    assert window.basis.quote == "可在24小时内经区12345平台审核后申请退件"
    (row,) = xinglongtai.limits.tables["return_window"].rules
    assert row.readings is not None
    assert row.readings["working_day"]["allowance"] == {"amount": 1, "unit": "working_days"}


def test_a_return_names_who_is_responsible_is_signed_and_two_phrases_are_no_reason(xinglongtai: Pack) -> None:
    grounds = xinglongtai.returns.grounds_for_return
    assert list(grounds) == ["not_this_units_duty", "unclear_content", "requester_unreachable", "other_special"]
    assert grounds["not_this_units_duty"].basis.article == "三（四）"
    denied = xinglongtai.returns.denial_grounds
    assert "“不是我局职能”“不在我中心管辖”" in denied["forbidden_words"].label
    assert "主要负责同志签字" in denied["not_signed"].label
    assert {denied[code].basis.article for code in ("forbidden_words", "not_signed", "no_responsible_body")} == {
        "三（四）"
    }


def test_the_first_receiver_leads_and_the_others_report_to_it_in_the_same_time(xinglongtai: Pack) -> None:
    assert xinglongtai.dispatching.principles["first_receiver"].basis.article == "四（四）"
    part = xinglongtai.limits.find("co_handler_part", Situation(type="help", channel="web"))
    assert isinstance(part, Limit)
    assert part.allowance == Allowance(10, "working_days")
    assert xinglongtai.limits.tables["co_handler_part"].owners == ("co_handler",)
    assert xinglongtai.limits.interim is not None
    assert xinglongtai.limits.interim.value == "meets_nothing", "a stage report is not a result"


def test_the_four_instruments(xinglongtai: Pack) -> None:
    assert xinglongtai.supervision is not None
    assert xinglongtai.accountability is not None
    forms = xinglongtai.supervision.forms
    assert [form.label for form in forms.values()] == ["督办单", "专题协调"]
    assert not any(form.reply_due for form in forms.values())
    assert xinglongtai.accountability.notice_kinds is not None
    assert xinglongtai.accountability.notice_kinds.kinds["talk"].label == "约谈提醒"
    assert xinglongtai.accountability.addressee.name == "区纪委监委"


def test_the_register_holds_the_units_that_the_circular_names(xinglongtai: Pack) -> None:
    assert {unit.name for unit in xinglongtai.units} == NAMED
    assert sum(unit.kind == "subdistrict" for unit in xinglongtai.units) == 7


def test_it_is_in_force_from_before_the_first_case_that_it_tells(xinglongtai: Pack) -> None:
    assert (xinglongtai.effective_from, xinglongtai.effective_to) == (date(2022, 11, 1), None)
    assert xinglongtai.documents["circular"].published_on is None, "the circular bears no date"
