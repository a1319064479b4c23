"""The pack's words are those of the published events: the two may not import each other, so a test compares them."""

from typing import get_args

from common.events.intake import CallbackRecorded
from common.events.review import NoticeIssued
from common.events.vocabulary import DeadlineKind, Requester, TicketType
from common.policy import DUTIES, WINDOWS, Pack
from common.policy.accountability import NoticeKindCode


def test_the_kinds_of_deadline_are_the_same_in_packs_and_events() -> None:
    assert get_args(DeadlineKind) == DUTIES + WINDOWS


def test_ticket_types_and_requesters_travel_under_the_packs_codes(pack: Pack) -> None:
    assert tuple(pack.ticket.types) == get_args(TicketType)
    assert set(pack.ticket.requester_kinds) == set(get_args(Requester.model_fields["kind"].annotation))


def test_the_callbacks_questions_are_fields_of_the_event(pack: Pack) -> None:
    assert set(pack.callbacks.questions) <= set(CallbackRecorded.model_fields)


def test_the_kinds_of_notice_are_the_same_in_packs_and_events() -> None:
    assert get_args(NoticeKindCode) == get_args(NoticeIssued.model_fields["kind"].annotation)
