"""The embedded bus on a database that neither answers nor ends its connections, as when its machine is gone."""

import asyncio
from pathlib import Path

import pytest
from tests.conftest import FreshDatabase
from tests.messaging.scene import NOON, urged
from tests.support.doorkeeper import Doorkeeper

from common.clock import new_id
from common.database import DRIVER_LIMITS
from common.events.catalogue import TICKETS
from common.events.codec import encode
from common.events.envelope import Event, subject_of_ticket
from common.messaging.bus import PARTITIONS, BusUnavailable
from common.messaging.wakeup import Bell
from common.runtime.settings import Settings
from common.runtime.surroundings import open_bus


async def test_a_silent_database_is_an_unavailable_bus_and_is_found_again(
    database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in DRIVER_LIMITS:
        monkeypatch.setitem(DRIVER_LIMITS, limit, 0.5)
    name, _, folder = database.admin_url.partition("?host=")
    before = Doorkeeper(Path(folder))
    ticket = new_id()
    message = encode(
        Event(new_id(), "intake", "TicketUrged", subject_of_ticket(ticket), NOON, 1, urged(ticket, 1)), TICKETS
    )
    async with before.standing_in(tmp_path):
        settings = Settings(database=f"{name}?host={tmp_path}", issuers=[], keys=tmp_path)
        bus = open_bus(settings, Bell(), "intake")
        await bus.ensure_topics(PARTITIONS)
        sink, source = bus.sink(), bus.source("reader", [TICKETS])
        await source.start()
        assert not (await source.fetch(10, 0)).messages
        before.silent = True
        async with asyncio.timeout(20):
            for ask in (sink.publish([message]), source.fetch(10, 0), source.behind()):
                with pytest.raises(BusUnavailable):
                    await ask
            await source.close()
        before.silent = False
        await source.start()
        await sink.publish([message])
        assert [one.value for one in (await source.fetch(10, 0)).messages] == [message.value]
        await source.close()
        await bus.close()
