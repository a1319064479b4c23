"""One ticket of each city, over HTTP, from the registration to the archive under its own pack, in one suite."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import FreshDatabase
from tests.journeys.city import Aside, City, city_of
from tests.support.wire import at

PACKS = Path(__file__).parents[2] / "policies"


@dataclass(frozen=True, slots=True)
class Told:
    """What is particular to a city. ``due``: by kind, its first late instant and what became of it, counted by hand
    from Wednesday, June 11th 2025, nine o'clock."""

    city: str
    number: str
    kind: str
    channel: str = "phone"
    marks: tuple[str, ...] = ()
    promised: str | None = None
    due: dict[str, tuple[str, str | None]] = field(default_factory=dict)


CITIES = [
    Told(
        "shuangyashan",
        "SYS20250611000001",
        "municipal_department",
        due={"sign_in": ("2025-06-13 00:00", "met"), "closing": ("2025-07-03 00:00", "met")},
    ),
    Told(
        "tongjiang",
        "TJ20250611000001",
        "department",
        promised="2025-07-01 00:00",
        due={
            "convening": ("2025-06-14 00:00", "met"),
            "closing": ("2025-06-17 00:00", "met"),
            "promised": ("2025-07-01 00:00", "met"),
        },
    ),
    Told(
        "qingyuan",
        "QY20250611000001",
        "department",
        marks=("historical",),
        due={"look_back": ("2025-07-12 00:00", None)},
    ),
    Told(
        "xinglongtai",
        "XLT20250611000001",
        "department",
        channel="web",
        due={"closing": ("2025-06-26 00:00", "met")},
    ),
]


@pytest.fixture
def city(database: FreshDatabase, tmp_path: Path) -> Iterator[tuple[City, Aside]]:
    with city_of(database, at("2025-06-11 09:00"), PACKS, tmp_path) as opened:
        yield opened


def test_a_ticket_of_each_city_lives_to_the_archive_under_its_own_pack(city: tuple[City, Aside]) -> None:
    suite, other = city
    for told in CITIES:
        other.do(_live(suite, told))


async def _done(city: City, who: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await city.post(who, path, body)
    assert answer.status == 201, (path, answer)
    await city.rest()
    return answer.body


async def _live(city: City, told: Told) -> None:
    lead, beside = f"{told.city}.lead", f"{told.city}.beside"
    for unit in (lead, beside):
        entered = await city.put(
            f"admin@{told.city}", f"/dispatch/v1/units/{unit}", {"name": "某局", "kind": told.kind}
        )
        assert entered.status == 201, entered
    await city.rest()
    ticket = await _done(
        city, f"agent@{told.city}", "/intake/v1/tickets",
        jurisdiction=told.city, channel=told.channel, type="complaint", category="城市管理/路灯", statement="路灯不亮",
        address="新兴广场", marks=list(told.marks), requester={"name": "某人", "phone": "13800000000"},
    )  # fmt: skip
    assert ticket["number"] == told.number
    its = {service: f"/{service}/v1/tickets/{ticket['id']}" for service in ("intake", "dispatch", "sla", "review")}
    await _done(
        city, f"dispatcher@{told.city}", f"{its['dispatch']}/assignments",
        round=0, unit=lead, co_handlers=[beside], principle="function",
    )  # fmt: skip
    await _done(city, lead, f"{its['dispatch']}/sign-ins", round=1)
    if told.promised is not None:
        await _report_back(city, told, its, lead, beside)
    await _done(city, lead, f"{its['dispatch']}/closing-reports", round=1, result="路灯已经修好。")
    answers = {"responded": True, "resolved": True, "satisfaction": "satisfied"}
    await _done(
        city, f"agent@{told.city}", f"{its['intake']}/callbacks", round=1, means="phone", outcome="reached", **answers
    )
    assert (await city.get(f"agent@{told.city}", its["intake"])).body["status"] == "archived"
    rows = (await city.get(f"supervisor@{told.city}", f"{its['sla']}/deadlines")).body["items"]
    found = {
        row["kind"]: (datetime.fromisoformat(row["due_at"]), row["verdict"]) for row in rows if row["unit"] != beside
    }
    assert {kind: found.get(kind) for kind in told.due} == {
        kind: (at(due), verdict) for kind, (due, verdict) in told.due.items()
    }
    assert all(row["policy"].startswith(f"{told.city}@") for row in rows)


async def _report_back(city: City, told: Told, its: dict[str, str], lead: str, beside: str) -> None:
    """同江 三（一）（二）: the lead calls the others together, concludes, and reports back with a date."""
    assert told.promised is not None
    called = await _done(
        city, lead, f"{its['review']}/consultations", round=1, form="coordination", subject="谁修", participants=[]
    )
    await _done(
        city, lead, f"/review/v1/consultations/{called['id']}/conclusions",
        round=1, outcome="unit_named", unit=lead, co_handlers=[beside], principle="first_receiver", solution="一并修。",
    )  # fmt: skip
    await _done(
        city, lead, f"{its['dispatch']}/progress-reports",
        round=1, text="已列入计划。", promised_at=at(told.promised).isoformat(),
    )  # fmt: skip
