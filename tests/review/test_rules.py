"""The rules alone, beside their clauses (双鸭山 第十八、十九、二十二条); no database."""

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from tests.review.desk import CHENGGUAN, DUE, JURISDICTION, MORNING, PACKS, ZHUJIAN, pack_with

from common.clock import new_id
from common.policy.reading import load_pack
from review.callbacks import rules as callbacks
from review.refusals import StaleRound, require_round
from review.returns import rules as returns
from review.returns.rules import Filing, Window
from review.statuses import HELD

PACK = load_pack(PACKS / JURISDICTION)
WINDOW = Window(DUE)


def filing(**given: Any) -> Filing:
    whole: dict[str, Any] = {
        "id": new_id(),
        "ticket": new_id(),
        "round": 1,
        "unit": CHENGGUAN,
        "state": "queued",
        "ground": "not_this_units_duty",
        "reason": "由住建部门管理",
        "legal_basis": "条例第六条",
        "suggested_unit": ZHUJIAN,
        "papers": (),
        "filed_at": MORNING,
    }
    return Filing(**whole | given)


@pytest.mark.parametrize(
    ("given", "designated", "redo", "ground"),
    [
        # 第十九条（二）未注明退回理由和依据的
        ({"reason": None}, False, False, "missing_reason_or_basis"),
        ({"legal_basis": None}, False, False, "missing_reason_or_basis"),
        # 两项都缺，又系指定承办：先看退单本身是否完整
        ({"reason": None, "legal_basis": None}, True, False, "missing_reason_or_basis"),
        # 第十九条（四）上级领导、有关部门或经过会商指定承办单位的
        ({}, True, False, "designated"),
        ({"suggested_unit": None}, True, True, "designated"),
        # 缺转送建议不在第十九条之列；再次办理的可以退单（推定）
        ({"suggested_unit": None}, False, False, None),
        ({}, False, True, None),
        # 第十八条：超期退回仍然审核
        ({"filed_at": DUE + timedelta(days=9)}, False, False, None),
        ({}, False, False, None),
    ],
)
def test_what_a_rule_denies_at_once(given: dict[str, Any], designated: bool, redo: bool, ground: str | None) -> None:
    decision = returns.denied_by_rule(PACK.returns, filing(**given), WINDOW, designated=designated, redo=redo)
    assert (decision and decision.ground) == ground
    if decision is not None:
        assert (decision.outcome, decision.by_rule, decision.window_due_at) == ("denied", True, DUE)
        assert decision.basis[0] == PACK.returns.denial_grounds[str(ground)].basis


@pytest.mark.parametrize(
    ("filed_at", "late"), [(MORNING, False), (DUE - timedelta(microseconds=1), False), (DUE, True)]
)
def test_the_limit_is_the_first_late_instant(filed_at: Any, late: bool) -> None:
    assert WINDOW.late(filed_at) is late
    assert Window(None).late(filed_at) is None


def test_every_ground_serves_its_own_decision_only() -> None:
    for decision, grounds in (("approve", PACK.returns.grounds_for_return), ("deny", PACK.returns.denial_grounds)):
        offered = {one.code for one in returns.grounds_for(PACK.returns, decision)}  # type: ignore[arg-type]
        for ground in (*PACK.returns.grounds_for_return, *PACK.returns.denial_grounds):
            if ground in offered:
                made = returns.ruled(PACK.returns, filing(), WINDOW, decision, ground, None)  # type: ignore[arg-type]
                assert made.basis[0] == grounds[ground].basis
                continue
            with pytest.raises(returns.GroundNotOfDecision) as refused:
                returns.ruled(PACK.returns, filing(), WINDOW, decision, ground, None)  # type: ignore[arg-type]
            assert set(refused.value.allowed) == offered
    assert {one.code for one in returns.grounds_for(PACK.returns, "deny")} == {
        "unit_duty_whole_or_part",
        "needs_further_inquiry",
        "other_lawful",
    }


@pytest.mark.parametrize("state", get_args(returns.State))
def test_only_a_queued_return_is_ruled_on(state: Any) -> None:
    if state == "queued":
        made = returns.ruled(PACK.returns, filing(state=state), WINDOW, "approve", "outside_scope", None)
        assert made.outcome == "approved"
        return
    with pytest.raises(returns.WindowUnknown if state == "pending" else returns.ReturnDecided):
        returns.ruled(PACK.returns, filing(state=state), WINDOW, "approve", "outside_scope", None)


STATUSES = ("awaiting_dispatch", *sorted(HELD), "closed", "archived", "withdrawn", "merged", "stopped")


@pytest.mark.parametrize(("status", "ended", "unsettled"), list(product(STATUSES, (False, True), (None, "queued"))))
def test_a_round_is_returnable_while_a_unit_holds_it_and_no_other_return_waits(
    status: str, ended: bool, unsettled: Any
) -> None:
    possible = status in HELD and not ended and unsettled is None
    try:
        returns.require_returnable(PACK.returns, status, round_ended=ended, unsettled=unsettled)
    except returns.ReturnPending:
        assert unsettled is not None
    except returns.NotReturnable:
        assert not possible
        assert unsettled is None
    else:
        assert possible


def test_a_command_names_the_round_that_is() -> None:
    require_round(2, 2)
    with pytest.raises(StaleRound, match="stale_round") as refused:
        require_round(1, 2)
    assert refused.value.detail == "工单现为第 2 轮，请按现轮次办理。"


def test_where_the_pack_is_stricter_it_is_the_rule_that_denies() -> None:
    strict = pack_with(returns__late="refused_and_marked_overdue", returns__redo_round_may_be_returned=False).returns
    late = returns.denied_by_rule(strict, filing(filed_at=DUE), WINDOW, designated=False, redo=False)
    redo = returns.denied_by_rule(strict, filing(), WINDOW, designated=False, redo=True)
    assert late is not None
    assert redo is not None
    assert (late.late, late.basis[0]) == (True, strict.late.basis)
    assert (redo.late, redo.basis[0]) == (False, strict.redo_round_may_be_returned.basis)
    assert returns.denied_by_rule(strict, filing(filed_at=DUE), Window(None), designated=False, redo=False) is None


def callback(**given: Any) -> callbacks.Callback:
    whole: dict[str, Any] = {
        "id": new_id(),
        "ticket": new_id(),
        "round": 1,
        "state": "queued",
        "outcome": "reached",
        "responded": True,
        "resolved": True,
        "satisfaction": "satisfied",
        "attempt": 1,
        "occurred_at": MORNING,
        "remark": None,
    }
    return callbacks.Callback(**whole | given)


@pytest.mark.parametrize(
    ("responded", "resolved", "satisfaction"),
    list(product((True, False, None), (True, False, None), ("satisfied", "dissatisfied", None))),
)
def test_only_the_best_answer_to_all_three_questions_archives_by_rule(
    responded: bool | None, resolved: bool | None, satisfaction: str | None
) -> None:
    asked = callback(responded=responded, resolved=resolved, satisfaction=satisfaction)
    settled = callbacks.archived_by_rule(PACK.callbacks, asked)
    assert (settled is not None) == (responded is True and resolved is True and satisfaction == "satisfied")


def test_an_unanswered_callback_is_never_archived_by_rule() -> None:
    assert callbacks.archived_by_rule(PACK.callbacks, callback(outcome="not_reached")) is None


def test_what_a_person_may_decide_of_a_callback() -> None:
    """In every state, whatever was answered and the unit did since: what is offered can be made, nothing else can."""
    deeds: tuple[dict[str, Any] | None, ...] = (None, {"unit": "shuangyashan.chengguan"})
    grounds = {"redo": "not_handled", "statement": "unreasonable"}
    for state, satisfaction, asked, explained, stated in product(
        get_args(callbacks.State), ("satisfied", "dissatisfied", None), ("explanation", "statement"), deeds, deeds
    ):
        about = callback(
            state=state, satisfaction=satisfaction, judgement=asked, explained=explained, stated=stated,
            outcome="not_reached" if state == "not_reached" else "reached",
        )  # fmt: skip
        offered = {one.code for one in callbacks.judgements_for(PACK.callbacks, about)}
        owed = satisfaction == "dissatisfied" and explained is None and stated is None
        for outcome in get_args(callbacks.Outcome):
            try:
                made = callbacks.judged(PACK.callbacks, about, outcome, grounds.get(outcome), "经核实")
            except callbacks.CallbackJudged:
                assert state not in callbacks.OPEN
                assert offered == set()
            except callbacks.NotReached:
                assert state == "not_reached"
                assert offered == {"archive"}
            except callbacks.UnitAwaited:
                assert state == "awaiting_unit"
                assert offered == {"redo"}
            except callbacks.ExplanationOwed:
                assert (state, outcome, owed) == ("queued", "archive", True)
            except callbacks.JudgementNotOpen:
                assert outcome in ("explanation", "statement")
                assert outcome not in offered
            else:
                assert outcome in offered
                assert made.basis
