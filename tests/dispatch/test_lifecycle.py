"""The table of the life cycle, by itself: total, printable, and only as wide as its rules say."""

from typing import get_args

import pytest

from common.events.catalogue import CATALOGUE
from common.events.vocabulary import Status
from dispatch.lifecycle import (
    AUTOMATIC,
    BY_OUTCOME,
    COMMANDS,
    FOREIGN,
    HELD,
    LABELS,
    MOVES,
    STATUSES,
    NotAllowed,
    allowed,
    matters,
    move,
    printed,
    reply,
    trigger,
)
from dispatch.rulings.commands import RULINGS

FOREIGN_TYPES = sorted(
    name for name, entry in CATALOGUE.items() if "ticket" in entry.about and entry.owner != "dispatch"
)
EFFECTIVE = {
    "ReturnApproved",
    "ExtensionGranted",
    "ConsultationConcluded",
    "EscalationDecided",
    "CallbackJudged",
    "RepeatRegistered",
    "TicketMerged",
    "TicketWithdrawn",
}
"""The rulings that semantics lists: nobody acts on them before dispatch has answered."""


def test_every_fact_of_the_catalogue_that_another_service_tells_about_a_ticket_has_its_row() -> None:
    assert sorted({named.partition(":")[0] for named in FOREIGN}) == FOREIGN_TYPES


@pytest.mark.parametrize("named", sorted(FOREIGN))
def test_every_row_answers_in_every_status(named: str) -> None:
    assert set(FOREIGN[named]) == set(STATUSES)


@pytest.mark.parametrize("kind", sorted(BY_OUTCOME))
def test_every_outcome_of_a_ruling_has_its_row(kind: str) -> None:
    outcomes = set(get_args(CATALOGUE[kind].model.model_fields["outcome"].annotation))
    rows = {named.partition(":")[2] for named in FOREIGN if named.startswith(f"{kind}:")}
    told_apart = {"unit_confirmed", "unit_absent"} if "unit_named" in outcomes else set()
    assert rows == outcomes | told_apart


def test_rulings_are_answered_everywhere_and_nothing_else_is_but_a_late_return() -> None:
    for named, row in FOREIGN.items():
        kind = named.partition(":")[0]
        answers = {met.for_round(current).answer for met in row.values() for current in (True, False)}
        if kind in EFFECTIVE:
            assert answers <= {"apply", "overtaken"}, named
            assert kind in RULINGS
        elif kind == "Returned":
            assert answers == {"note", "overtaken"}
        else:
            assert answers <= {"note", "ignore"}, named
            assert kind not in RULINGS


def test_only_what_takes_effect_changes_the_status() -> None:
    for row in FOREIGN.values():
        for met in row.values():
            assert met.becomes is None or met.answer == "apply"


def test_what_has_ended_stays_ended() -> None:
    for status in ("archived", "withdrawn", "merged", "stopped"):
        assert allowed(status) == ()
        assert not any((status, command) in MOVES for command in COMMANDS)
        assert {row[status].becomes for row in FOREIGN.values()} == {None}


def test_every_status_can_be_reached() -> None:
    reached = {to.becomes for to in MOVES.values()} | {met.becomes for row in FOREIGN.values() for met in row.values()}
    assert set(STATUSES) <= reached


@pytest.mark.parametrize("status", get_args(Status))
def test_every_command_moves_or_is_refused_with_what_is_allowed(status: Status) -> None:
    for command in COMMANDS:
        if (status, command) in MOVES:
            assert move(status, command) == MOVES[status, command].becomes
            continue
        with pytest.raises(NotAllowed) as refused:
            move(status, command)
        assert refused.value.allowed == allowed(status)
        assert not AUTOMATIC & set(refused.value.allowed)


def test_every_status_has_its_official_word() -> None:
    assert set(LABELS) == set(STATUSES)
    assert HELD == ("dispatched", "signed_in", "closing_filed")


def test_a_filed_report_decides_nothing_and_an_accepted_one_does() -> None:
    assert reply("closing_filed", "ReturnApproved", current_round=True).becomes == "awaiting_dispatch"
    assert reply("closed", "ReturnApproved", current_round=True).answer == "overtaken"


def test_naming_the_present_lead_is_another_case_than_naming_another_unit() -> None:
    assert trigger("EscalationDecided", "unit_named", "unit_confirmed") == "EscalationDecided:unit_confirmed"
    assert trigger("EscalationDecided", "answered", "unit_confirmed") == "EscalationDecided:answered"
    assert trigger("CallbackRecorded", "reached") == "CallbackRecorded"


def test_the_tables_can_be_printed_row_by_row() -> None:
    lines = printed()
    for (status, command), to in MOVES.items():
        assert any(line.split()[:4] == [status, command, "→", to.becomes] for line in lines.splitlines())
    assert all(named in lines for named in FOREIGN)


def test_what_is_ignored_everywhere_does_not_even_ask_for_the_docket() -> None:
    assert not matters("DeadlineSet")
    assert matters("Returned")
    assert matters("CallbackJudged")
