"""The rules of 会商 and 专报 alone, without a database: one case of the pack beside each outcome."""

from pathlib import Path

import pytest

from common.events.vocabulary import Limit
from common.policy.reading import load_pack
from review.consultation.rules import (
    Conclusion,
    InviteeMissing,
    NoConsultation,
    conclusion_basis,
    convening,
    recusal,
    require_section,
)
from review.escalation.rules import Decision, NotUnresolved, decision_basis, escalation_basis
from review.escalation.rules import require_section as require_escalation
from review.refusals import FieldRefused, Refused

PACK = load_pack(Path(__file__).parents[2] / "policies" / "shuangyashan")
SECTION = require_section(PACK.consultation)
UPWARD = require_escalation(PACK.escalation)
PLAYERS = {"judicial_administration": ["sys.sifaju"], "staffing": ["sys.bianban"], "authority": ["sys.yingshang"]}


def test_who_takes_part_follows_from_the_form() -> None:
    led = convening(SECTION, "consultation", "high_frequency_enforcement", ["sys.b"], ["sys.a"], PLAYERS)
    assert (led.convener, led.by_rule) == ("sys.sifaju", ("sys.sifaju", "sys.bianban", "sys.yingshang"))
    assert led.disputants == ("sys.a", "sys.b")
    by_authority = convening(SECTION, "coordination", None, ["sys.b"], [], {})
    assert (by_authority.convener, by_authority.participants) == (None, ("sys.b",))
    itself = convening(SECTION, "consultation", "overlapping_functions", ["sys.sifaju"], ["sys.sifaju"], PLAYERS)
    assert "sys.sifaju" in itself.disputants  # it leads by rule, and it is also the one that holds the ticket
    with pytest.raises(InviteeMissing) as missing:
        convening(SECTION, "consultation", "overlapping_functions", ["sys.b"], [], PLAYERS | {"staffing": []})
    assert missing.value.basis[0].rule == "SYS-15.2"
    with pytest.raises(NoConsultation):
        require_section(None)


def test_whose_people_may_not_conclude_is_the_packs() -> None:
    assert recusal(SECTION, {"sys.a"}, "sys.b") is None
    assert recusal(SECTION, {"sys.a"}, None) is None
    because = recusal(SECTION, {"sys.a"}, "sys.a")
    assert because is not None
    relaxed = SECTION.model_copy(
        update={"disputants_recused": SECTION.disputants_recused.model_copy(update={"value": False})}
    )
    assert recusal(relaxed, {"sys.a"}, "sys.a") is None


def test_a_unit_is_named_by_a_principle_that_fits_its_kind() -> None:
    principles = PACK.dispatching.principles
    county = Conclusion("unit_named", "sys.jianshan", (), "county_last_resort", Limit(amount=5, unit="working_days"))
    basis = conclusion_basis(SECTION, principles, "designation", county, "county_district")
    assert [one.rule for one in basis] == ["SYS-15.1", "SYS-15.1", "SYS-32"]
    for kind in ("municipal_department", None):
        with pytest.raises(FieldRefused) as unfit:
            conclusion_basis(SECTION, principles, "designation", county, kind)
        assert (unfit.value.field, unfit.value.rule) == ("unit", "kind")
    unresolved = conclusion_basis(SECTION, principles, "consultation", Conclusion("unresolved"), None)
    assert [one.rule for one in unresolved] == ["SYS-15.2"]


def test_a_matter_goes_up_after_the_forms_of_the_pack_only() -> None:
    for settled_by in ("coordination", "consultation"):
        basis = escalation_basis(UPWARD, "signed_in", "cross_region", unresolved_form=settled_by, unsettled=None)
        assert {one.rule for one in basis} == {"SYS-15.3"}
    for form in (None, "designation"):
        with pytest.raises(NotUnresolved) as early:
            escalation_basis(UPWARD, "signed_in", "cross_region", unresolved_form=form, unsettled=None)
        assert early.value.allowed == ("coordination", "consultation")
    with pytest.raises(Refused, match="escalation_open"):
        escalation_basis(UPWARD, "signed_in", "cross_region", unresolved_form="coordination", unsettled="reported")
    named = Decision("unit_named", "由住建牵头", "sys.b")
    assert decision_basis(UPWARD, "reported", named)[0].article == "第十九条（四）"
    with pytest.raises(Refused, match="escalation_settled"):
        decision_basis(UPWARD, "decided", named)
