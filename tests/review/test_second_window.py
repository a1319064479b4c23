"""退单 in a second window (真如 三（二）3): more is needed, it is not late yet; after both nothing is reviewed."""

from typing import Any

import pytest
from tests.review.desk import DUE, JURISDICTION, PACKS, Desk, Ticket
from tests.support.wire import at

from common.events.review import ReturnDenied
from common.policy.pack import Pack, parse_pack
from common.policy.reading import load_pack

LAST = at("2025-09-30 00:00")


def pack_of_two_windows() -> Pack:
    content = load_pack(PACKS / JURISDICTION).dump()
    why = {"rule": "ZR-3.3a", "assumption": "试验"}
    limits, returns = content["limits"]["kinds"], content["returns"]
    limits["return_late_window"] = {
        "anchor": {"value": "dispatched", **why},
        "rules": [{"allowance": {"amount": 2, "unit": "working_days"}, **why}],
    }
    returns["late_window_needs"] = {"value": ["explanation"], **why}
    returns["late"]["value"] = "refused_and_marked_overdue"
    return parse_pack(content)


async def windowed(desk: Desk) -> Ticket:
    pack = pack_of_two_windows()
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack, window=False)
    await ticket.windowed(LAST, kind="return_late_window")
    await ticket.windowed(DUE)
    return ticket


@pytest.mark.parametrize(
    ("filed_at", "given", "state", "late"),
    [
        ("2025-09-28 23:59:59", {}, "queued", False),
        ("2025-09-29 00:00", {}, "denied", False),
        ("2025-09-29 00:00", {"explanation": "查图纸"}, "queued", False),
        ("2025-09-29 23:59:59", {"explanation": "查图纸"}, "queued", False),
        ("2025-09-30 00:00", {"explanation": "查图纸"}, "denied", True),
    ],
)
async def test_what_comes_in_the_second_window_says_more_and_is_not_late(
    desk: Desk, filed_at: str, given: dict[str, Any], state: str, late: bool
) -> None:
    ticket = await windowed(desk)
    desk.clock.set(at(filed_at))
    filed = await desk.filed(ticket, **given)
    assert (filed["state"], filed["late"]) == (state, late)
    if state == "denied" and not late:
        assert filed["decision"]["note"] == "未填写：详细情况说明。"


async def test_what_comes_after_both_windows_is_refused_by_rule_and_told_as_late(desk: Desk) -> None:
    """The mark 超期办理件 is intake's to set, by this ``late``."""
    ticket = await windowed(desk)
    desk.clock.set(LAST)
    filed = await desk.filed(ticket, explanation="查图纸")
    [told] = await ticket.announced("ReturnDenied")
    assert isinstance(told.data, ReturnDenied)
    assert (told.data.by_rule, told.data.late, told.data.actor.role) == (True, True, "system")
    assert {one.rule for one in told.data.basis} == {"SYS-18"}, filed
