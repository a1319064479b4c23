"""属地政府: of a special matter it is told, or somebody sees that nobody knows it (SYS-17)."""

from typing import Any
from uuid import UUID

import pytest
from tests.dispatch.office import LEAD, OTHER, Office

COUNTY, ENDED = "shuangyashan.jianshan", "shuangyashan.sifangtai"
NO_GATEWAY, NOBODY_KNOWS = "no_gateway", "no_territory"


@pytest.fixture
async def counties(office: Office) -> Office:
    """Two counties, one of them ended; the units of the office are the city's own."""
    await office.enter_unit(COUNTY, kind="county_district")
    await office.enter_unit(ENDED, kind="county_district", ended_on="2025-09-01", successor=COUNTY)
    return office


async def special(office: Office) -> UUID:
    created = office.created()
    await office.wire.deliver(created.model_copy(update={"marks": ("special",)}))
    return created.ticket


async def told(office: Office, ticket: UUID) -> list[tuple[str, str | None, str]]:
    await office.echo()
    read = await office.get("notices", "dispatcher", ticket=str(ticket))
    items: list[dict[str, Any]] = read.json()["items"]
    return sorted((one["occasion"], one["unit"] or "", one["reason"]) for one in items)


async def test_a_special_matter_goes_to_city_units_only_with_the_county_it_happens_in(counties: Office) -> None:
    ticket = await special(counties)
    cases = [
        (None, "required"),
        ("shuangyashan.nowhere", "unknown_unit"),
        (ENDED, "unit_ended"),
        (OTHER, "not_of_kind"),
    ]
    for territory, rule in cases:
        refused = await counties.assign(ticket, territory=territory)
        [field] = refused.json()["fields"]
        assert (refused.status_code, field["field"], field["rule"]) == (422, "territory", rule)
        if rule in ("required", "not_of_kind"):
            assert [one["article"] for one in refused.json()["basis"]] == ["第十七条"]
    claimed = await counties.post(f"tickets/{ticket}/claims", {"round": 0}, "unit", LEAD)
    assert (claimed.status_code, claimed.json()["fields"][0]["rule"]) == (422, "required")
    assert (await counties.assign(ticket, territory=COUNTY)).status_code == 201
    assert await told(counties, ticket) == [
        ("special_matter", COUNTY, NO_GATEWAY),
        ("special_matter", LEAD, NO_GATEWAY),
    ]
    [event] = await counties.announced(ticket, "Dispatched")
    assert event.data.territory == COUNTY  # type: ignore[attr-defined]

    # it is the matter's: a later round and a mark that comes later find it too
    await counties.put_in(ticket, "closed")
    await counties.hear("CallbackJudged", ticket, outcome="redo")
    await counties.echo()
    await counties.hear("TicketAmended", ticket, marks=("special", "special_urgent"), changed=("marks",))
    assert await told(counties, ticket) == sorted(
        (occasion, unit, NO_GATEWAY)
        for occasion in ("special_matter", "special_matter", "special_urgent_matter")
        for unit in (COUNTY, LEAD)
    )


async def test_a_county_above_a_holder_or_an_ordinary_matter_asks_for_no_territory(counties: Office) -> None:
    below = "shuangyashan.jianshan-zhujian"
    await counties.enter_unit(below, parent=COUNTY)
    ticket = await special(counties)
    assert (await counties.assign(ticket, co_handlers=[below])).status_code == 201
    assert [unit for _, unit, _ in await told(counties, ticket)] == [COUNTY, below, LEAD]
    assert (await counties.assign(await counties.register())).status_code == 201


async def test_where_nobody_knows_the_territory_a_notice_that_was_not_sent_says_so(counties: Office) -> None:
    ticket = await counties.dispatched()
    await counties.echo()
    await counties.hear("TicketAmended", ticket, marks=("special",), changed=("marks",))
    assert await told(counties, ticket) == [
        ("dispatched", LEAD, NO_GATEWAY),
        ("special_matter", "", NOBODY_KNOWS),
        ("special_matter", LEAD, NO_GATEWAY),
    ]
    unsent = await counties.get("notices", "dispatcher", ticket=str(ticket), state="unsent")
    assert [one["unit"] for one in unsent.json()["items"] if one["reason"] == NOBODY_KNOWS] == [None]
    assert await counties.parked() == []
