"""Registration under 真如's pack: what the district's platform hands down with its two limits."""

from pathlib import Path
from typing import Any

from tests.intake.centre import Centre, demand

from common.events.intake import TicketCreated
from common.policy import load_pack

ZHENRU = load_pack(Path("policies/zhenru"))
PAPER = {"document": "工单交办单", "article": "派单要求", "quote": "五个工作日内办结"}


def limit(days: int) -> dict[str, Any]:
    return {"limit": {"amount": days, "unit": "working_days"}, "basis": PAPER}


async def test_a_ticket_brings_the_given_and_the_whole_limit_of_the_platform_above(centre: Centre) -> None:
    await centre.activate(ZHENRU)
    [channel] = [code for code, one in ZHENRU.ticket.channels.items() if one.handed_down][:1]
    entered = demand(
        jurisdiction="zhenru", channel=channel, external_ref="SH-1", marks=[], imposed_limit=limit(5),
        imposed_whole_limit=limit(15),
    )  # fmt: skip
    answer = await centre.post("/tickets", entered, jurisdiction="zhenru")
    assert answer.status_code == 201, answer.text
    [event] = await centre.wire.announced("TicketCreated")
    assert isinstance(event.data, TicketCreated)
    given, whole = event.data.imposed_limit, event.data.imposed_whole_limit
    assert given is not None
    assert whole is not None
    assert given.limit is not None
    assert whole.limit is not None
    assert (given.limit.amount, whole.limit.amount) == (5, 15)
