"""What the pack of 双鸭山 says, beside what its articles say."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from common.calendar import Allowance
from common.policy import Limit, NoLimit, Pack, Situation
from common.policy.ruled import Ruled, Stated

LIMITS = [
    ("sign_in", "inquiry", 1, "第十六条", "应当在1个工作日内签收"),
    ("sign_in", "tip_off", 1, "第十六条", "应当在1个工作日内签收"),
    ("return_window", "help", 1, "第十八条", "应当在1个工作日内退回"),
    ("closing", "inquiry", 2, "第十六条（一）", "咨询类事项2个工作日内"),
    ("closing", "help", 5, "第十六条（二）", "求助、意见建议、表扬类事项5个工作日内"),
    ("closing", "suggestion", 5, "第十六条（二）", "求助、意见建议、表扬类事项5个工作日内"),
    ("closing", "praise", 5, "第十六条（二）", "求助、意见建议、表扬类事项5个工作日内"),
    ("closing", "complaint", 15, "第十六条（三）", "投诉、举报类事项15个工作日内"),
    ("closing", "tip_off", 15, "第十六条（三）", "投诉、举报类事项15个工作日内"),
]


@pytest.mark.parametrize(("kind", "type_", "days", "article", "words"), LIMITS)
def test_a_limit_is_what_its_article_says(
    pack: Pack, kind: str, type_: str, days: int, article: str, words: str
) -> None:
    limit = pack.limits.find(kind, Situation(type=type_, channel="phone"))
    assert isinstance(limit, Limit)
    assert limit.allowance == Allowance(days, "working_days")
    assert (limit.basis.article, limit.basis.document) == (article, "双鸭山市12345政务服务便民热线运行管理办法")
    assert words in (limit.basis.quote or "")
    assert limit.basis.rule in {"SYS-16", "SYS-18"}
    assert (limit.day_end, limit.roll) == (None, True), "the last day ends at 24:00 (G-4)"


SPECIAL = [
    ("first_response", "special", Allowance(4, "clock_hours"), "应当在4个小时内反馈初步响应意见"),
    ("first_response", "special_urgent", Allowance(2, "clock_hours"), "应当在2个小时内反馈初步响应意见"),
    ("progress", "special", Allowance(3, "working_days"), "3个工作日内反馈处理进度情况"),
    ("progress", "special_urgent", Allowance(2, "working_days"), "2个工作日内反馈处理进度情况"),
]
CASES = [
    ("ruling", "returned", 3, "第十五条", "对权责不清、有分歧的事项"),
    ("designation", "convened", 3, "第十五条", "应当在3个工作日内"),
    ("coordination", "convened", 3, "第十五条", "应当在3个工作日内协调相关单位"),
    ("consultation", "convened", 5, "第十五条", "由各级司法行政部门在5个工作日内会同"),
    ("escalation", "unresolved", 3, "第十五条", "应在3个工作日内形成专报"),
    ("supervision_reply", "supervised", 3, "第三十二条（三）", "应当在3个工作日内作出书面回复"),
]


def test_special_matters_have_a_first_response_and_a_progress_limit_and_no_others_do(pack: Pack) -> None:
    for kind, mark, allowance, words in SPECIAL:
        limit = pack.limits.find(kind, Situation(type="help", marks=frozenset({mark})))
        assert isinstance(limit, Limit)
        assert (limit.allowance, limit.basis.article) == (allowance, "第十七条")
        assert words in (limit.basis.quote or "")
        both = pack.limits.find(kind, Situation(type="help", marks=frozenset({mark, "special_urgent"})))
        assert both == pack.limits.find(kind, Situation(type="help", marks=frozenset({"special_urgent"})))
        assert isinstance(pack.limits.find(kind, Situation(type="help", marks=frozenset({"urgent"}))), NoLimit)


def test_what_is_to_be_decided_about_a_ticket_has_its_limit_too(pack: Pack) -> None:
    for kind, anchor, days, article, words in CASES:
        limit = pack.limits.find(kind, Situation(type="help"))
        assert isinstance(limit, Limit)
        assert (limit.anchor, limit.allowance, limit.basis.article) == (
            anchor,
            Allowance(days, "working_days"),
            article,
        )
        assert words in (limit.basis.quote or "")


def test_the_extension_window_and_the_co_handlers_part_follow_the_closing(pack: Pack) -> None:
    assert pack.limits.followers("closing") == ("extension_window", "co_handler_part")
    for type_ in pack.ticket.types:
        closing, window, part = (
            pack.limits.find(kind, Situation(type=type_)) for kind in ("closing", "extension_window", "co_handler_part")
        )
        assert isinstance(closing, Limit)
        assert isinstance(window, Limit)
        assert isinstance(part, Limit)
        assert closing.allowance == window.allowance == part.allowance
        assert (window.window, part.window, part.warn_before) == (True, False, Allowance(2, "working_days"))


def test_who_signs_in_and_who_owes_a_part(pack: Pack) -> None:
    owners = {kind: table.owners for kind, table in pack.limits.tables.items() if table.owners != ("lead",)}
    assert owners == {"sign_in": ("lead", "co_handler"), "co_handler_part": ("co_handler",)}


def test_limits_run_from_the_dispatch_and_say_that_this_is_a_reading(pack: Pack) -> None:
    for kind in ("sign_in", "return_window", "closing", "extension_window", "co_handler_part"):
        limit = pack.limits.find(kind, Situation(type="help"))
        assert isinstance(limit, Limit)
        assert limit.anchor == "dispatched"
        assert "首次接到" in (limit.basis.assumption or "")


def test_the_windows_have_no_lamp_and_the_duties_have_one(pack: Pack) -> None:
    assert pack.limits.windows() == ("return_window", "extension_window")
    for kind in pack.limits.kinds():
        limit = pack.limits.find(kind, Situation(type="help", marks=frozenset({"special"})))
        assert isinstance(limit, Limit)
        assert (limit.warn_before is None) is limit.window is (kind in pack.limits.windows())


def test_where_the_city_is_silent_no_limit_is_borrowed(pack: Pack) -> None:
    for kind in ("first_contact", "callback", "special_extension_window", "promised"):
        assert pack.limits.find(kind, Situation(type="help")) is None


def test_a_law_of_its_own_goes_before_the_closing_limit_only(pack: Pack) -> None:
    assert pack.limits.law_overrides.kinds == ("closing",)
    assert pack.limits.imposed_limits is not None
    assert pack.limits.concluded_limits is not None
    assert pack.limits.imposed_limits.kinds == pack.limits.concluded_limits.kinds == ("closing",)
    assert pack.limits.law_overrides.basis.quote == "法律、法规、规章对办理时限另有规定的，从其规定"


def test_six_types_of_demand_in_the_official_words(pack: Pack) -> None:
    assert {code: entry.label for code, entry in pack.ticket.types.items()} == {
        "inquiry": "咨询",
        "help": "求助",
        "suggestion": "意见建议",
        "praise": "表扬",
        "complaint": "投诉",
        "tip_off": "举报",
    }


def test_six_grounds_of_non_acceptance_each_with_its_item_of_article_twelve(pack: Pack) -> None:
    grounds = pack.acceptance.grounds
    assert [(code, ground.basis.article) for code, ground in grounds.items()] == [
        ("statutory_procedure", "第十二条（一）"),
        ("secrets_privacy_morals", "第十二条（二）"),
        ("abuse_or_no_substance", "第十二条（三）"),
        ("emergency", "第十二条（四）"),
        ("military", "第十二条（五）"),
        ("other_law", "第十二条（六）"),
    ]
    assert all(ground.tell.endswith(("。", "！")) for ground in grounds.values())


def test_a_call_is_passed_on_only_with_consent(pack: Pack) -> None:
    consent = {code: outcome.consent_required for code, outcome in pack.acceptance.outcomes.items()}
    assert consent == {"answered": False, "transferred": True, "work_order": False, "declined": False}


def test_five_grounds_of_denial_two_of_them_by_rule(pack: Pack) -> None:
    assert [(g.code, g.decided_by, g.mechanism, g.basis.article) for g in pack.returns.denial_grounds.values()] == [
        ("unit_duty_whole_or_part", "person", None, "第十九条（一）"),
        ("missing_reason_or_basis", "rule", "missing_reason_or_basis", "第十九条（二）"),
        ("needs_further_inquiry", "person", None, "第十九条（三）"),
        ("designated", "rule", "designated", "第十九条（四）"),
        ("other_lawful", "person", None, "第十九条（五）"),
    ]
    assert list(pack.returns.grounds_for_return) == ["outside_scope", "not_this_units_duty"]


def test_a_missing_basis_denies_before_a_designation_does(pack: Pack) -> None:
    ground = pack.returns.denied_by_rule({"reason"}, designated=True)
    assert ground is not None
    assert ground.code == "missing_reason_or_basis"


def test_what_the_return_does_to_the_clocks(pack: Pack) -> None:
    assert (pack.returns.approved.value, pack.returns.denied.value) == ("clocks_restart", "first_clock")
    assert pack.returns.approved.basis.article == pack.returns.denied.basis.article == "第十八条"


def test_the_callback_asks_three_questions(pack: Pack) -> None:
    questions = pack.callbacks.questions
    assert list(questions) == ["responded", "resolved", "satisfaction"]
    assert list(questions["satisfaction"].scale) == ["satisfied", "dissatisfied"]
    assert pack.callbacks.archives({"responded": True, "resolved": True, "satisfaction": "satisfied"})
    assert not pack.callbacks.archives({"responded": True, "resolved": False, "satisfaction": "satisfied"})
    assert not pack.callbacks.archives({})


def test_the_principles_of_dispatching_and_who_reports_to_whom(pack: Pack) -> None:
    assert [(one.label, one.for_kinds, one.below_kinds) for one in pack.dispatching.principles.values()] == [
        ("首接负责", (), ()),
        ("属地管理", (), ()),
        ("职能职责", (), ()),
        ("直转", (), ("county_district",)),
        ("县（区）兜底", ("county_district",), ()),
        ("谁许可谁监管", (), ()),
        ("谁主管谁负责", (), ()),
    ]
    assert pack.dispatching.sub_assignment is not None
    assert pack.dispatching.claims is not None
    assert pack.dispatching.claims.principle == "function"
    assert {code: role.reports_to for code, role in pack.dispatching.roles.items()} == {
        "lead": "requester",
        "co_handler": "lead",
    }


def test_the_register_names_only_what_the_document_names(pack: Pack) -> None:
    assert [(unit.name, unit.function) for unit in pack.units] == [
        ("市营商环境局", "authority"),
        ("市12345热线管理部门", "centre"),
        ("市司法局", "judicial_administration"),
        ("市委编办", "staffing"),
    ]
    assert len(pack.unit_kinds) == 6


NOTHING_NAMED = {"handlers": 1, "leader": False, "office": False, "duty_contact": False}
FLAGS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("municipal_department", {}, ()),
    ("municipal_department", NOTHING_NAMED, ("too_few_handlers", "no_leader", "no_office")),
    ("public_utility", {"duty_contact": False}, ("no_duty_contact",)),
]


def test_what_a_units_row_is_held_to(pack: Pack) -> None:
    assert pack.unit_register is not None
    for kind, named, flags in FLAGS:
        given = {"handlers": 2, "leader": True, "office": True, "duty_contact": True, **named}
        assert pack.unit_register.flags(kind=kind, **given) == flags


def test_four_grounds_to_stop_handling_each_with_its_item_of_article_twenty_three(pack: Pack) -> None:
    assert pack.cessation is not None
    assert [(code, ground.basis.article) for code, ground in pack.cessation.grounds.items()] == [
        ("other_procedure", "第二十三条（一）"),
        ("unlawful_or_improper", "第二十三条（二）"),
        ("repeated", "第二十三条（三）"),
        ("other_law", "第二十三条（四）"),
    ]
    assert pack.cessation.explanation_owed(has_contact=True)
    assert not pack.cessation.explanation_owed(has_contact=False)


def test_ticket_numbers_count_within_the_local_day(pack: Pack) -> None:
    assert pack.ticket.format_number(date(2025, 9, 26), 7) == "SYS20250926000007"
    with pytest.raises(ValueError, match="counted from 1"):
        pack.ticket.format_number(date(2025, 9, 26), 0)


def ruled(value: Any) -> Iterator[Ruled]:
    if isinstance(value, Ruled):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from ruled(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from ruled(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from ruled(item)


def test_every_value_has_a_clause_to_quote_or_says_that_it_was_assumed(pack: Pack) -> None:
    values = list(ruled(pack))
    assert len(values) > 80
    for value in values:
        basis = value.basis
        quoted = (basis.document, basis.article, basis.quote)
        assert all(quoted) or (not any(quoted) and basis.assumption)


def test_a_stated_value_is_never_mistaken_for_true(pack: Pack) -> None:
    assert isinstance(pack.returns.redo_round_may_be_returned, Stated)
    with pytest.raises(TypeError, match=r"ask its \.value"):
        bool(pack.returns.redo_round_may_be_returned)
