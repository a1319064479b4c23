"""A plain consumer's view of the whole bus: every message there is, read in a group of its own."""

from uuid import uuid4

from common.events.catalogue import unit_topic
from common.events.envelope import Message
from common.messaging.bus import PARTITIONS, Place
from hotline.demo.listener import opened
from hotline.demo.own_suite import Running


async def everything(running: Running, unit: str) -> list[Message]:
    """All messages of all topics, from the beginning to the present end."""
    topics = {**PARTITIONS, unit_topic(unit): 1}
    places = {(topic, number) for topic, count in topics.items() for number in range(count)}
    bus = opened(running.bus or running.database("reporting"))
    await bus.ensure_topics(PARTITIONS)
    source = bus.source(f"plain-{uuid4()}", sorted(topics))
    await source.start()
    found: list[Message] = []
    at_end: set[Place] = set()
    try:
        while at_end < places:
            fetched = await source.fetch(500, 0.3)
            found += fetched.messages
            at_end |= fetched.caught_up
    finally:
        await source.close()
        await bus.close()
    return found
