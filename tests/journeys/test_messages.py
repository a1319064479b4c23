"""Every message of every journey is one that the served document describes."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.contracts.validation import PlainConsumer, Undocumented
from tests.journeys.conftest import Journey

from common.events.catalogue import CATALOGUE, DEAD, TICKETS, unit_topic


async def test_every_message_on_the_bus_is_documented(journey: Journey) -> None:
    consumer = PlainConsumer(await journey.stage.desk.asyncapi())
    messages = await journey.captured()
    seen = Counter(
        consumer.check(message.headers, message.value, topic=message.topic, key=message.key) for message in messages
    )
    # These lives say at least this much; a capture that missed a topic would not.
    assert set(seen) >= {
        "PolicyActivated",
        "CalendarPublished",
        "UnitChanged",
        "TicketCreated",
        "Dispatched",
        "SignedIn",
        "RequesterContacted",
        "ProgressReported",
        "ClosingReported",
        "Closed",
        "Returned",
        "ReturnApproved",
        "ReturnDenied",
        "RulingApplied",
        "Reissued",
        "Archived",
        "CallbackRecorded",
        "CallbackJudged",
        "DeadlineSet",
        "DeadlineApproaching",
        "DeadlineBreached",
        "BreachWithdrawn",
        "DeadlineMet",
        "DeadlineMissed",
        "DeadlineStopped",
        "DeadlineMoved",
        "SupervisionIssued",
        "ConsultationConvened",
        "OpinionGiven",
        "MinutesRecorded",
        "ConsultationConcluded",
    }
    assert set(seen) <= set(CATALOGUE)
    assert not [message for message in messages if message.topic == DEAD]


async def test_a_type_that_is_not_listed_fails(journey: Journey) -> None:
    consumer = PlainConsumer(await journey.stage.desk.asyncapi())
    honest = next(one for one in await journey.captured() if one.topic == TICKETS)
    forged = replace(honest, headers={**honest.headers, "ce_type": "hotline.TicketTeleported.v1"})
    with pytest.raises(Undocumented, match="TicketTeleported"):
        consumer.check(forged.headers, forged.value, topic=forged.topic, key=forged.key)


async def test_each_service_numbers_a_subjects_facts_without_gap_or_repeat(journey: Journey) -> None:
    numbered: dict[tuple[str, str], list[int]] = {}
    for message in await journey.captured():
        if message.topic == TICKETS:
            place = (message.headers["ce_source"], message.headers["ce_subject"])
            numbered.setdefault(place, []).append(int(message.headers["ce_sequence"]))
    assert numbered
    for place, numbers in numbered.items():
        assert numbers == list(range(1, len(numbers) + 1)), place


async def test_the_units_own_program_hears_its_feed_and_nothing_of_others(journey: Journey) -> None:
    stage = journey.stage
    assert await stage.ear.hears(await stage.feed())
    heard = [(line["seq"], line["type"], line["number"]) for line in stage.ear.heard]
    assert [seq for seq, *_ in heard] == list(range(1, await stage.feed() + 1))
    own = {"凤凰名店人行路", "灯杆螺丝断裂", "沥青喷洒", "退单不予同意"}
    assert {number for *_, number in heard} == {journey.case(story).number for story in own}
    # A unit that lost the ticket sees up to the event that took it away.
    for story in ("凤凰名店人行路", "沥青喷洒"):
        number = journey.case(story).number
        assert [kind for _, kind, of in heard if of == number][-1] == "RulingApplied"
    topic = unit_topic(stage.ear.unit)
    on_the_bus = [int(one.headers["ce_feedseq"]) for one in await journey.captured() if one.topic == topic]
    assert all(later == earlier + 1 for earlier, later in pairwise(on_the_bus))


async def test_nothing_personal_is_on_the_bus(journey: Journey) -> None:
    phones = [
        played.asked.body["requester"]["phone"]
        for played in journey.played()
        if played.asked is not None and "requester" in played.asked.body
    ]
    assert len(phones) == len(journey.endings)
    everything = b"\n".join(message.value for message in await journey.captured())
    assert not [phone for phone in phones if phone.encode() in everything or phone[4:].encode() in everything]
    assert "演示诉求人".encode() not in everything
