"""The record of the suite in this process, judged once more under its own pack."""

import httpx
from tests.journeys.city import HERE, Aside, City

from hotline.backtest.codes import codes_for
from hotline.backtest.record import Suite
from hotline.backtest.tally import trials


class Through(httpx.BaseTransport):
    """Asks the suite in its own event loop."""

    def __init__(self, city: City, other: Aside) -> None:
        self._city = city
        self._other = other

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._other.do(self._ask(request))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        answer = await self._city.get("admin", request.url.raw_path.decode())
        return httpx.Response(answer.status, json=answer.body)


def differences(city: City, other: Aside) -> tuple[int, list[str]]:
    """How many tickets were judged again, and what was announced of them otherwise than the same rules judge now."""
    with httpx.Client(transport=Through(city, other), base_url="http://hotline") as client:
        record = Suite(client, HERE).read()
        [pack] = record.packs.values()
        found = list(trials(record, codes_for(pack, {}), record.calendar))
    wrong = [f"{one.number}: {what}" for one in found for what in (*one.differences, *one.unchecked, *one.reasons)]
    return len(found), wrong
