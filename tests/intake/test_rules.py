"""The rules alone: what the clauses of 双鸭山 let in, and what moves a docket."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.examples import example
from tests.support.wire import at

from common.events.catalogue import CATALOGUE
from common.policy import Pack, load_pack
from intake.callbacks.rules import Callback, CallbackRefused
from intake.callbacks.rules import check as check_callback
from intake.docket import changed_by
from intake.registration.rules import (
    Acceptance,
    CallerNotTold,
    ConsentMissing,
    Demand,
    ElementMissing,
    NotInPack,
    Outcome,
    OutcomeIncomplete,
    ReceivedInFuture,
    RegistrationRefused,
    Requester,
    Settlement,
    accept,
)
from intake.vault.rules import Asked, Confidential, NotHeldNow
from intake.vault.rules import check as check_look

NOW = at("2025-09-26 16:00")
COMPLETE = Demand(
    outcome="work_order",
    type="complaint",
    channel="phone",
    category="城市管理/路灯",
    marks=(),
    statement="路灯不亮",
    address="新兴广场",
    requester=Requester(name="某人", phone="13904691234"),
    received_at=NOW,
)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(Path("policies/shuangyashan"))


@pytest.mark.parametrize(
    ("outcome", "settlement", "article"),
    [
        ("work_order", Settlement(), "第十三条"),
        ("answered", Settlement(answer="已答复"), "第十三条"),
        ("transferred", Settlement(transferred_to="119", consent=True, mode="three_way"), "第十三条 第十一条"),
        ("declined", Settlement(ground="statutory_procedure", told=True), "第十二条（一）"),
        ("declined", Settlement(ground="secrets_privacy_morals", told=True), "第十二条（二）"),
        ("declined", Settlement(ground="abuse_or_no_substance", told=True), "第十二条（三）"),
        ("declined", Settlement(ground="emergency", told=True, right_body="110"), "第十二条（四） 第十二条 第十一条"),
        ("declined", Settlement(ground="military", told=True), "第十二条（五）"),
        ("declined", Settlement(ground="other_law", told=True, legal_basis="某法第一条"), "第十二条（六）"),
    ],
)
def test_each_outcome_rests_on_its_clause(pack: Pack, outcome: Outcome, settlement: Settlement, article: str) -> None:
    accepted = accept(replace(COMPLETE, outcome=outcome, settlement=settlement), pack, NOW)
    assert isinstance(accepted, Acceptance)
    assert " ".join(basis.article or "" for basis in accepted.basis) == article
    assert (accepted.tell is not None) is (outcome == "declined")


REFUSED: list[tuple[str, Demand, type[RegistrationRefused]]] = [
    ("第二条：缺诉求事实", replace(COMPLETE, statement=None), ElementMissing),
    ("第二条：缺联系方式且非匿名", replace(COMPLETE, requester=Requester(name="某人")), ElementMissing),
    (
        "直接解答也要有类型",
        replace(COMPLETE, type=None, outcome="answered", settlement=Settlement(answer="答")),
        ElementMissing,
    ),
    ("第十一条：没有这种类型", replace(COMPLETE, type="petition"), NotInPack),
    (
        "第十二条：没有这种情形",
        replace(COMPLETE, outcome="declined", settlement=Settlement(ground="x", told=True)),
        NotInPack,
    ),
    (
        "第十二条：未告知诉求人",
        replace(COMPLETE, outcome="declined", settlement=Settlement(ground="military", told=False)),
        CallerNotTold,
    ),
    (
        "第十二条（六）：未写明依据的条款",
        replace(COMPLETE, outcome="declined", settlement=Settlement(ground="other_law", told=True)),
        OutcomeIncomplete,
    ),
    (
        "第十三条：未经同意转接",
        replace(
            COMPLETE,
            outcome="transferred",
            settlement=Settlement(transferred_to="119", consent=False, mode="transfer"),
        ),
        ConsentMissing,
    ),
    ("派发工单却写了答复", replace(COMPLETE, settlement=Settlement(answer="答")), OutcomeIncomplete),
    ("诉求时间在未来", replace(COMPLETE, received_at=at("2025-09-26 16:01")), ReceivedInFuture),
]


@pytest.mark.parametrize(("demand", "refusal"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_the_clauses_do_not_let_in(pack: Pack, demand: Demand, refusal: type[RegistrationRefused]) -> None:
    with pytest.raises(refusal):
        accept(demand, pack, NOW)


def test_what_no_clause_says_rests_on_the_packs_assumption(pack: Pack) -> None:
    named = replace(COMPLETE, requester=Requester(name="某人", anonymous=True))
    untyped = replace(COMPLETE, type=None, outcome="answered", settlement=Settlement(answer="答"))
    for demand, basis in ((named, pack.ticket.anonymity.basis), (untyped, pack.ticket.settled_elements.basis)):
        with pytest.raises(RegistrationRefused) as refused:
            accept(demand, pack, NOW)
        assert basis in refused.value.basis
        assert basis.assumption


def test_an_anonymous_requester_owes_neither_name_nor_contact(pack: Pack) -> None:
    accept(replace(COMPLETE, requester=Requester(anonymous=True)), pack, NOW)


def test_a_callback_before_the_closing_is_none(pack: Pack) -> None:
    early = Callback("phone", "not_reached", occurred_at=at("2025-09-26 14:59"), proof="rec-1")
    with pytest.raises(CallbackRefused, match="too_early"):
        check_callback(early, pack, closed_at=at("2025-09-26 15:00"), accepted_at=NOW)


def test_only_the_centre_looks_at_a_confidential_requester() -> None:
    check_look(Asked(is_open=True, confidential=True, by_unit=False))
    check_look(Asked(is_open=True, confidential=False, by_unit=True))
    with pytest.raises(Confidential):
        check_look(Asked(is_open=True, confidential=True, by_unit=True))
    with pytest.raises(NotHeldNow):
        check_look(Asked(is_open=False, confidential=False, by_unit=True))


MOVING = {
    "Dispatched",
    "Reissued",
    "ClosingReported",
    "ClosingSentBack",
    "Closed",
    "Archived",
    "HandlingStopped",
    "RulingApplied",
    "UnitSucceeded",
    "PolicyApplied",
}


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if "ticket" in entry.about])
def test_only_dispatch_and_the_pack_move_a_docket(name: str) -> None:
    data = example(name).data
    if name == "SignedIn":  # a co-handler signs for its own part and moves nothing
        assert changed_by(name, data.model_copy(update={"part": "lead"})) == {"status": "signed_in"}
        assert changed_by(name, data.model_copy(update={"part": "co_handler"})) == {}
    elif name == "SubAssigned":  # to a person inside, it gives no other unit a right to read
        assert changed_by(name, data.model_copy(update={"to_unit": None})) == {}
        assert set(changed_by(name, data.model_copy(update={"to_unit": "x.y"}))) == {"sub_units"}
    elif name == "RulingOvertaken":  # only one who withdrew waits for it
        assert changed_by(name, data.model_copy(update={"kind": "return"})) == {}
    else:
        assert bool(changed_by(name, data)) is (name in MOVING)
