"""The catalogue holds every event of the suite, once, and nothing personal."""

import pytest
from tests.contracts.examples import SCHEMAS, example
from tests.contracts.validation import PlainConsumer

from common.events.asyncapi import asyncapi_document
from common.events.catalogue import CATALOGUE, REFERENCE
from common.events.codec import decode, encode, peek

ANNOUNCED = {
    "intake": "TicketCreated TicketDeclined TicketAnswered TicketTransferred TicketAmended TicketSupplemented "
    "TicketUrged TicketWithdrawn TicketMerged TicketAbsorbed AttachmentAdded ClusterDetected PushIssued PushAnswered "
    "KnowledgeDue KnowledgeEntered CallbackRecorded RestrictionImposed RestrictionLifted",
    "dispatch": "Dispatched SubAssigned SignedIn RequesterContacted ProgressReported ClosingReported ClosingSentBack "
    "Closed HandlingStopped ClockStopped ClockResumed StatementSubmitted UnitNotified Reissued Archived RulingApplied "
    "RulingOvertaken "
    "UnitChanged OfficerChanged UnitSucceeded CatalogueAmended",
    "sla": "DeadlineSet DeadlineMoved DeadlineApproaching DeadlineBreached BreachWithdrawn DeadlineMet DeadlineMissed "
    "DeadlineStopped DeadlineResumed PolicyActivated PolicyApplied CalendarPublished",
    "review": "Returned ReturnApproved ReturnDenied ReturnLapsed ExtensionRequested ExtensionGranted ExtensionDenied "
    "ExtensionLapsed ClosingFlagged MarkedDifficult MarkedShirked ConsultationConvened OpinionGiven "
    "MinutesRecorded ConsultationConcluded Escalated EscalationDecided SupervisionIssued SupervisionReplied "
    "CallbackJudged RepeatRegistered NoticeIssued CardIssued ReferralPrepared ReferralSent LookBackRecorded "
    "CatalogueChangeProposed",
    "reporting": "ReportPublished",
}
CONSUMER = PlainConsumer(asyncapi_document())
PERSONAL = {"phone", "mobile", "telephone", "contact", "email", "mail", "id_card", "identity", "plate", "caller"}


@pytest.mark.parametrize("owner", ANNOUNCED)
def test_each_service_announces_its_own_facts_and_no_others(owner: str) -> None:
    assert {name for name, entry in CATALOGUE.items() if entry.owner == owner} == set(ANNOUNCED[owner].split())


def test_no_event_belongs_to_anybody_else() -> None:
    assert {entry.owner for entry in CATALOGUE.values()} == set(ANNOUNCED)


def test_what_never_expires_is_what_a_new_reader_needs() -> None:
    on_reference = {name for name, entry in CATALOGUE.items() if entry.topic == REFERENCE}
    assert on_reference == {"PolicyActivated", "CalendarPublished", "UnitChanged", "OfficerChanged", "CatalogueAmended"}


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if "ticket" in entry.about])
def test_an_event_about_a_ticket_carries_what_every_such_event_carries(name: str) -> None:
    common = {"jurisdiction", "policy", "ticket", "number", "round", "occurred_at", "accepted_at", "actor", "basis"}
    assert common <= set(SCHEMAS[name]["properties"])


def test_no_event_has_a_field_for_personal_data() -> None:
    for shape, schema in SCHEMAS.items():
        for field in schema.get("properties", {}):
            assert not PERSONAL & set(field.split("_")) or field == "has_contact", f"{shape}.{field}"
            assert field != "name" or shape == "UnitChanged", f"{shape}.{field}"


def test_the_requester_on_the_bus_is_four_words_and_no_more() -> None:
    assert set(SCHEMAS["Requester"]["properties"]) == {"kind", "anonymous", "has_contact", "confidential"}


def test_every_shape_and_every_event_says_what_it_means() -> None:
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_event_survives_the_bus_and_is_described_by_the_document(name: str) -> None:
    topic = CATALOGUE[name].topic
    for seed in range(8):
        event = example(name, seed)
        message = encode(event, topic)

        assert decode(message) == event
        assert peek(message) == (event.id, event.source, event.type, event.subject, event.sequence)
        assert CONSUMER.check(message.headers, message.value, topic=topic, key=message.key) == name
