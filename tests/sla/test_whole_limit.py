"""The whole limit of a ticket (整体时限) runs from its registration and is met by whichever round closes it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from tests.sla.desk import LEAD, PACK
from tests.support.wire import PACKS, at

from common.calendar import load_calendar
from common.events.vocabulary import Anchor
from common.policy import parse_pack
from sla.deadlines import Deadline
from sla.docket import Docket, Registration
from sla.facts import Fact
from sla.plan import Rules
from sla.retelling import told

CALENDAR: Final = load_calendar(PACKS / "calendar")
WHOLE: Final = {
    "anchor": {"value": "registered", "rule": "ZR-3.2f", "assumption": "自登记起计"},
    "warn_before": {"amount": 3, "unit": "working_days", "rule": "ZR-3.2f", "assumption": "亮灯"},
    "rules": [{"allowance": {"amount": 15, "unit": "working_days"}, "rule": "ZR-3.2f", "assumption": "整体时限"}],
}


def fact(type_: str, when: str, round_: int, source: str = "dispatch", **more: Any) -> Fact:
    return Fact(uuid4(), type_, source, at(when), at(when), round_, LEAD if round_ else None, None, more)


def whole(*facts: Fact) -> Deadline:
    """The ticket's whole limit after its registration on 3 March 2025, a Monday, and these facts."""
    content = PACK.dump()
    content["limits"]["kinds"]["closing_whole"] = WHOLE
    pack = parse_pack(content)
    came: Mapping[str, Any] = {"type": "complaint", "channel": "phone", "category": "城市管理/路灯", "marks": []}
    created = fact("TicketCreated", "2025-03-03 09:00", 0, "intake", **came)
    docket = _docket(pack.version, created)
    _, rows = told(docket, (created, *facts), {pack.version: Rules(pack, CALENDAR)})
    return rows["closing_whole", None, 0, None]


def _docket(policy: str, created: Fact) -> Docket:
    return Docket(
        ticket=UUID(int=1),
        number="SYS1",
        jurisdiction="shuangyashan",
        policy=policy,
        type="complaint",
        channel="phone",
        category="城市管理/路灯",
        marks=(),
        legal_limit=None,
        round=0,
        unit=None,
        co_handlers=(),
        former=(),
        partition=0,
        registration=Registration(Anchor(event=created.event, at=created.at), created.at),
    )


def second_round(filed: str) -> list[Fact]:
    """Returned and sent to another unit, which closes it."""
    ended: dict[str, Any] = {"kind": "return", "new_status": "awaiting_dispatch", "ended_round": 1}
    return [
        fact("Dispatched", "2025-03-03 10:00", 1),
        fact("RulingApplied", "2025-03-05 10:00", 1, round_ended_at=at("2025-03-04 10:00").isoformat(), **ended),
        fact("Dispatched", "2025-03-05 11:00", 2),
        fact("ClosingReported", filed, 2),
    ]


@pytest.mark.parametrize(
    ("filed", "verdict"),
    [("2025-03-24 23:59:59", "met"), ("2025-03-25 00:00", "missed")],  # 15 working days after 3 March: 24 March, 24:00
)
def test_whichever_round_closes_the_ticket_meets_its_whole_limit(filed: str, verdict: str) -> None:
    closed = fact("Closed", "2025-03-26 09:00", 2, filed_at=at(filed).isoformat())
    row = whole(*second_round(filed), closed)
    assert (row.verdict, row.fact_at, row.due_at) == (verdict, at(filed), at("2025-03-25 00:00"))


def test_a_closing_report_stops_the_whole_limit_until_it_is_sent_back() -> None:
    *others, filed = second_round("2025-03-20 09:00")
    assert whole(*others).state == "armed"
    assert whole(*others, filed).state == "stopped"
    assert whole(*others, filed, fact("ClosingSentBack", "2025-03-21 09:00", 2)).state == "armed"
