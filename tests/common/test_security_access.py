"""Roles and relations: one table, refused by default, foreign as absent."""

from typing import get_args

import pytest

from common.security.access import TABLE, Principal, Relation, Role, admit, require, visible_unit
from common.security.refusals import Forbidden, NotVisible, OwnUnit

HERE = "shuangyashan"
MINE = "shuangyashan.chengguan"
THEIRS = "shuangyashan.renshe"

ALLOWED = {
    "ticket.register": "softphone agent admin",
    "ticket.read": "agent dispatcher unit reviewer supervisor viewer admin softphone",
    "ticket.timeline": "agent dispatcher unit reviewer supervisor viewer admin softphone",
    "ticket.callback": "agent softphone admin",
    "cluster.read": "agent dispatcher unit reviewer supervisor viewer admin",
    "cluster.answer": "unit admin",
    "contact.reveal": "unit agent admin",
    "suggestion.ask": "agent dispatcher unit reviewer supervisor viewer admin softphone",
    "assignment.create": "dispatcher admin",
    "sign_in.create": "unit admin",
    "contact.create": "unit admin",
    "cluster.push": "agent dispatcher supervisor admin",
    "knowledge.impose": "agent supervisor admin",
    "knowledge.read": "agent dispatcher unit reviewer supervisor viewer admin",
    "knowledge.enter": "unit admin",
    "contact.create_centre": "agent dispatcher admin",
    "clock.stop": "unit reviewer admin",
    "look_back.record": "reviewer supervisor admin",
    "progress.create": "unit admin",
    "closing.create": "unit admin",
    "closing.decide": "reviewer dispatcher admin",
    "return.create": "unit admin",
    "return.rule": "reviewer admin",
    "callback.judge": "reviewer admin",
    "units.write": "admin",
    "units.read": "agent dispatcher unit reviewer supervisor viewer admin softphone",
    "unit.feed": "unit admin",
    "accountability.read": "agent dispatcher reviewer supervisor viewer admin",
    "accountability.read_notice": "agent dispatcher unit reviewer supervisor viewer admin",
    "unit_notices.read": "agent dispatcher unit reviewer supervisor viewer admin",
    "deadlines.read": "agent dispatcher unit reviewer supervisor viewer admin softphone",
    "calendars.write": "admin",
    "policies.activate": "admin",
    "parked.read": "admin",
    "parked.replay": "admin",
    "parked.discard": "admin",
    "indicators.read": "agent dispatcher unit reviewer supervisor viewer admin",
    "archive.read": "admin",
}


def principal(role: Role, unit: str | None = None, jurisdiction: str | None = HERE) -> Principal:
    return Principal("someone", role, unit or (MINE if role == "unit" else None), jurisdiction)


@pytest.mark.parametrize("action", sorted(ALLOWED))
@pytest.mark.parametrize("role", get_args(Role))
def test_a_role_may_do_what_is_written_here_and_nothing_else(action: str, role: Role) -> None:
    if role in ALLOWED[action].split():
        admit(action, principal(role))
    else:
        with pytest.raises(Forbidden):
            admit(action, principal(role))


@pytest.mark.parametrize("role", get_args(Role))
def test_an_action_that_nobody_wrote_down_is_refused(role: Role) -> None:
    with pytest.raises(Forbidden):
        require("ticket.erase", principal(role), jurisdiction=HERE)


@pytest.mark.parametrize("action", sorted(name for name, row in TABLE.items() if row.get("unit") is Relation.HOLDS))
def test_a_unit_acts_only_for_tickets_it_holds(action: str) -> None:
    require(action, principal("unit"), jurisdiction=HERE, holders=(THEIRS, MINE))
    for holders in ((), (THEIRS,)):
        with pytest.raises(NotVisible):
            require(action, principal("unit"), jurisdiction=HERE, holders=holders)


@pytest.mark.parametrize(
    ("action", "role"),
    sorted(
        (name, role)
        for name, row in TABLE.items()
        for role, relation in row.items()
        if relation is Relation.JURISDICTION
    ),
)
def test_a_limited_token_sees_its_own_jurisdiction_only(action: str, role: Role) -> None:
    require(action, principal(role), jurisdiction=HERE)
    require(action, principal(role, jurisdiction=None), jurisdiction="tongjiang")
    for elsewhere in ("tongjiang", None):
        with pytest.raises(NotVisible):
            require(action, principal(role), jurisdiction=elsewhere)


def test_the_feed_is_the_units_own() -> None:
    require("unit.feed", principal("unit"), holders=(MINE,))
    with pytest.raises(NotVisible):
        require("unit.feed", principal("unit"), holders=(THEIRS,))


def test_nobody_rules_on_a_return_of_his_own_unit() -> None:
    require("return.rule", principal("reviewer"), jurisdiction=HERE, holders=(MINE,))
    require("return.rule", principal("reviewer", unit=THEIRS), jurisdiction=HERE, holders=(MINE,))
    with pytest.raises(OwnUnit) as refused:
        require("return.rule", principal("reviewer", unit=MINE), jurisdiction=HERE, holders=(MINE,))
    assert refused.value.basis[0].assumption
    with pytest.raises(NotVisible):
        require("return.rule", principal("reviewer", unit=MINE), jurisdiction="tongjiang", holders=(MINE,))


def test_lists_are_cut_to_what_the_role_may_see() -> None:
    assert visible_unit("ticket.list", principal("unit")) == MINE
    assert visible_unit("ticket.list", principal("viewer")) is None
    with pytest.raises(Forbidden):
        visible_unit("parked.read", principal("unit"))


def test_a_foreign_object_reads_exactly_as_an_absent_one() -> None:
    from common.web.problems import not_found

    absent = not_found()
    assert (NotVisible.status, NotVisible.code, NotVisible.title, NotVisible.detail) == (
        absent.status,
        absent.code,
        absent.title,
        absent.detail,
    )
