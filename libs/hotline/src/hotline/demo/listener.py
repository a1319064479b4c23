"""``python -m hotline.demo.listener``: a unit's own program, which consumes the unit's events from the bus.

It knows the bus and the unit's topic, and prints each event as one line of JSON. It ends with its standard input.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from common.database import driver_url
from common.events.catalogue import unit_topic
from common.events.envelope import Message
from common.messaging.bus import Bus
from common.messaging.pglog import PgLog
from common.messaging.wakeup import Bell

_MOST = 100
_LOOK_SECONDS = 0.25


def opened(bus: str) -> Bus:
    """``kafka://host:port``, or the embedded log by its ``postgresql://`` URL."""
    scheme, _, rest = bus.partition("://")
    if scheme == "kafka":
        from common.messaging.kafka import Kafka

        return Kafka(rest)
    return PgLog(create_async_engine(driver_url(bus), pool_size=2), Bell())


def told(message: Message) -> dict[str, Any]:
    """What the line says of one event."""
    data = json.loads(message.value)
    return {
        "seq": int(message.headers["ce_feedseq"]),
        "type": message.headers["ce_type"].split(".")[1],
        "number": data.get("number"),
        "round": data.get("round"),
        "occurred_at": data["occurred_at"],
    }


async def listen(bus: Bus, unit: str, tell: Callable[[dict[str, Any]], None]) -> None:
    """Consume the unit's topic from its beginning, until cancelled."""
    source = bus.source(f"unit.{unit}", [unit_topic(unit)])
    await source.start()
    try:
        while True:
            fetched = await source.fetch(_MOST, _LOOK_SECONDS)
            for message in fetched.messages:
                tell(told(message))
            if fetched.messages:
                await source.commit({(one.topic, one.partition): one.offset + 1 for one in fetched.messages})
    finally:
        await source.close()
        await bus.close()


async def _until_standard_input_ends() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def _run(bus: str, unit: str) -> None:
    listening = asyncio.create_task(
        listen(opened(bus), unit, lambda line: print(json.dumps(line, ensure_ascii=False), flush=True))
    )
    ending = asyncio.create_task(_until_standard_input_ends())
    await asyncio.wait({listening, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    listening.cancel()
    done, _ = await asyncio.wait({listening})
    for task in done:
        if not task.cancelled():
            task.result()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bus", required=True)
    arguments.add_argument("--unit", required=True)
    chosen = arguments.parse_args()
    asyncio.run(_run(chosen.bus, chosen.unit))
