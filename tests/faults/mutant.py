"""``python -m tests.faults.mutant NAME up …``: the suite with one promise of its event layer broken."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from common.failpoint import reach
from common.messaging.room import Room, Transaction
from common.messaging.runner import Runner
from hotline.cli import app


@asynccontextmanager
async def announced_after_commit(room: Room, now: datetime | None = None) -> AsyncIterator[Transaction]:
    """The rows are committed first, what they announce in a transaction of its own behind them."""
    async with room.database.engine.begin() as connection:
        tx = Transaction(room.service, connection, now or room.clock.now())
        yield tx
    if tx.anything_announced:
        reach("mutant.between")
        async with room.database.engine.begin() as connection:
            tx.connection = connection
            await tx.write_announced()
        room.bell.ring()


async def offsets_first(runner: Runner) -> int:
    """The offsets are committed when messages are handed out, before their effect."""
    looked_at = runner.room.clock.now()
    fetched = await runner.source.fetch(runner.most, runner.wait_seconds)
    if fetched.messages:
        await runner.source.commit({(one.topic, one.partition): one.offset + 1 for one in fetched.messages})
        # Until the relay has marked them: what is not marked is published again and would cover up the loss.
        await asyncio.sleep(0.2)
        reach("mutant.between")
        await runner.apply(fetched.messages)
    if runner._on_caught_up is not None and fetched.caught_up:
        await runner._on_caught_up(fetched.caught_up, looked_at)
    return len(fetched.messages)


if __name__ == "__main__":
    name = sys.argv.pop(1)
    if name == "announced_after_commit":
        Room.transaction = announced_after_commit  # type: ignore[assignment, method-assign]
    elif name == "offsets_first":
        Runner.step = offsets_first  # type: ignore[assignment, method-assign]
    else:
        sys.exit(f"no mutant {name}")
    app()
