"""A hint inside one process that there is something to do. Polling is the truth; this only saves the wait.

And whether there is to be an end of it: a driver may let the cancellation of a task of its own escape, and work that
took this for its own end would be missing without a word.
"""

import asyncio


class Bell:
    """Anybody may ring; every waiter is woken at once.

    A waiter says how many rings it had heard before it last looked for work, so that no ring falls between its look
    and its wait.
    """

    def __init__(self) -> None:
        self.rings = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        self.rings += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, heard: int, seconds: float) -> None:
        """Return when there was a ring after ``heard``, at the latest after ``seconds``."""
        if self.rings != heard:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._next.wait()
        except TimeoutError:
            return


def told_to_end() -> bool:
    """Whether somebody has cancelled the present task itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
