"""What the pack of 清远 says, beside what its document says: no time limit stands in it."""

from datetime import date
from pathlib import Path

import pytest

from common.calendar import Allowance
from common.policy import Limit, NoLimit, Pack, Situation, load_pack
from common.policy.accountability import Shirking

PRINCIPLES = {
    "new_matter": "二（一）",
    "principle_only": "二（二）",
    "management_first": "二（三）",
    "asks_for_opinion": "二（四）",
    "government_document": "二（五）",
    "territorial_counterpart": "二（六）",
}


@pytest.fixture(scope="module")
def qingyuan() -> Pack:
    return load_pack(Path(__file__).parents[2] / "policies" / "qingyuan")


def test_no_limit_is_borrowed_from_anybody(qingyuan: Pack) -> None:
    for type_ in qingyuan.ticket.types:
        for kind in ("closing", "return_window"):
            found = qingyuan.limits.find(kind, Situation(type=type_, channel="phone"))
            assert isinstance(found, NoLimit)
            assert found.basis.article is None, "an assumption is never quoted as a clause"
    assert set(qingyuan.limits.kinds()) == {"closing", "return_window", "look_back"}


@pytest.mark.parametrize("mark", ["historical", "systemic", "high_frequency"])
def test_what_is_historical_systemic_or_frequent_is_looked_back_at(qingyuan: Pack, mark: str) -> None:
    found = qingyuan.limits.find("look_back", Situation(type="complaint", marks=frozenset({"difficult", mark})))
    assert isinstance(found, Limit)
    assert (found.anchor, found.allowance) == ("closed", Allowance(30, "natural_days"))
    assert found.basis.article == "三（三）2"
    assert "机制未写何时回头看" in (found.basis.assumption or "")


def test_nothing_else_is_looked_back_at(qingyuan: Pack) -> None:
    assert isinstance(qingyuan.limits.find("look_back", Situation(marks=frozenset({"difficult"}))), NoLimit)


def test_the_first_decision_names_one_of_six_principles_each_with_its_clause(qingyuan: Pack) -> None:
    assert qingyuan.consultation is not None
    assert qingyuan.consultation.principles.value == tuple(PRINCIPLES)
    for code, article in PRINCIPLES.items():
        assert qingyuan.dispatching.principles[code].basis.article == article


def test_the_bureau_proposes_then_coordinates_then_the_government_decides(qingyuan: Pack) -> None:
    assert qingyuan.consultation is not None
    assert qingyuan.escalation is not None
    assert tuple(qingyuan.consultation.forms) == ("designation", "coordination")
    assert {form.led_by for form in qingyuan.consultation.forms.values()} == {"authority"}
    assert "second_return" in qingyuan.consultation.grounds_of("coordination")
    assert tuple(qingyuan.escalation.grounds) == ("still_unsettled", "historical_or_systemic", "high_frequency")
    assert qingyuan.escalation.after.value == ("designation", "coordination")
    assert qingyuan.escalation.addressee.value == "清远市人民政府"
    names = {unit.function: unit.name for unit in qingyuan.units}
    assert names["authority"] == "市政务服务数据管理局"
    assert (names["staffing"], names["judicial_administration"]) == ("市编办", "市司法局")


def test_only_returns_of_a_confirmed_unit_make_a_ticket_a_shirked_one(qingyuan: Pack) -> None:
    assert qingyuan.accountability is not None
    ground = qingyuan.accountability.ground_of("shirking")
    assert ground is not None
    assert isinstance(ground.found_by, Shirking)
    assert (ground.code, ground.follows, ground.label) == ("shirked", "referral", "推诿工单")
    assert (ground.found_by.denied_in_all, ground.found_by.denied_when_designated) == (None, 3)
    assert qingyuan.accountability.addressee.name == "市纪委监委"


def test_sending_people_to_court_without_mediation_is_a_ground_of_denial(qingyuan: Pack) -> None:
    ground = qingyuan.returns.denial_grounds["law_without_mediation"]
    assert (ground.decided_by, ground.basis.article) == ("person", "二（三）")
    assert qingyuan.returns.grounds_for_return["guided"].basis.article == "二（二）"
    assert qingyuan.acceptance.grounds["statutory_procedure"].basis.quote == "涉法涉诉事项不属热线受理范围"


def test_it_is_in_force_from_the_day_it_was_issued(qingyuan: Pack) -> None:
    assert (qingyuan.effective_from, qingyuan.effective_to) == (date(2019, 7, 29), None)
    assert qingyuan.extensions is None
