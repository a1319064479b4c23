"""Officers of a unit: duties, absences, substitutes; who has the work of somebody who is away."""

from datetime import date
from typing import Any

import httpx
import pytest
from tests.dispatch.office import LEAD, OTHER, Office

from common.events.dispatch import OfficerChanged, UnitChanged
from common.security.access import Role
from dispatch.units.rules import Officer, Unit, UnitRefused, who_acts

AWAY = {"absent_from": "2025-09-25", "absent_to": "2025-09-30"}


async def put(
    office: Office, account: str, etag: str | None = None, role: Role = "unit", unit: str = LEAD, **entry: Any
) -> httpx.Response:
    body = {"duties": ["handler"], **entry}
    headers = office.headers(role, unit if role == "unit" else None) | ({"If-Match": etag} if etag else {})
    return await office.client.put(f"officers/{LEAD}/{account}", json=body, headers=headers)


async def test_a_unit_keeps_its_own_officers_and_each_change_is_announced(office: Office) -> None:
    first = await put(office, "wang", duties=["handler", "duty"])
    assert (first.status_code, first.headers["ETag"], first.json()["absent"]) == (201, '"1"', False)
    assert (await put(office, "wang", duties=["handler", "duty"])).status_code == 200
    assert (await put(office, "wang", duties=["duty"])).status_code == 428
    away = await put(office, "wang", '"1"', role="admin", duties=["duty"], substitute="zhang", **AWAY)
    assert (away.status_code, away.json()["absent"], away.json()["version"]) == (200, True, 2)
    assert (await put(office, "wang", '"1"')).status_code == 412
    assert (await put(office, "sun", '"1"')).status_code == 412

    listed = (await office.get(f"officers/{LEAD}", "viewer")).json()["items"]
    assert [(one["account"], one["duties"], one["substitute"]) for one in listed] == [("wang", ["duty"], "zhang")]
    read = await office.get(f"officers/{LEAD}/wang", "unit", LEAD)
    assert (read.headers["ETag"], read.json()["absent_to"]) == ('"2"', "2025-09-30")
    announced = [event.data for event in await office.wire.announced("OfficerChanged", about=f"unit/{LEAD}")]
    assert [(one.account, one.duties) for one in announced if isinstance(one, OfficerChanged)] == [
        ("wang", ("handler", "duty")),
        ("wang", ("duty",)),
    ]


async def test_officers_count_as_named_handlers_and_as_the_leader(office: Office) -> None:
    await office.enter_unit(LEAD, '"1"', handlers=[], leader=None)
    for account, duties in (("wang", ["handler"]), ("sun", ["handler", "leader"])):
        assert (await put(office, account, duties=duties)).status_code == 201
    assert (await office.get(f"units/{LEAD}")).json()["flags"] == []
    told = [event.data for event in await office.wire.announced("UnitChanged", about=f"unit/{LEAD}")]
    assert [(one.handlers, one.has_leader) for one in told if isinstance(one, UnitChanged)] == [
        (2, True),
        (0, False),
        (1, False),
        (2, True),
    ]


IMPOSSIBLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("wang", {"duties": ["boss"]}, "duties.0", "choice"),
    ("wang", {"duties": ["duty", "duty"]}, "duties", "repeated"),
    ("wang", {"substitute": "wang"}, "substitute", "oneself"),
    ("wang", {"substitute": "nobody"}, "substitute", "unknown_officer"),
    ("wang", {"absent_to": "2025-09-30"}, "absent_to", "before_begin"),
    ("wang", {"absent_from": "2025-10-01", "absent_to": "2025-09-30"}, "absent_to", "before_begin"),
    ("wang", {"name": "王五"}, "name", "unknown_field"),
]


async def test_an_officer_that_cannot_be_names_field_and_rule(office: Office) -> None:
    for account, entry, field, rule in IMPOSSIBLE:
        refused = await put(office, account, **entry)
        assert refused.status_code == 422, entry
        assert (refused.json()["fields"][0]["field"], refused.json()["fields"][0]["rule"]) == (field, rule)
    assert await office.wire.announced("OfficerChanged") == []


async def test_a_unit_reads_and_writes_only_its_own_officers(office: Office) -> None:
    assert (await put(office, "wang", unit=OTHER)).status_code == 404
    assert (await put(office, "wang", role="dispatcher")).status_code == 403
    assert (await office.get(f"officers/{LEAD}", "unit", OTHER)).status_code == 404
    assert (await office.get("officers/shuangyashan.nobody", "admin")).status_code == 404
    assert (await office.get(f"officers/{LEAD}/nobody", "admin")).status_code == 404


UNIT = Unit(LEAD, "住建局", "municipal_department", leader="zhao", handlers=("zhang", "li"))
ON = date(2025, 9, 26)


def away(account: str, substitute: str | None, until: date | None = None) -> Officer:
    return Officer(LEAD, account, ("handler",), substitute, date(2025, 9, 25), until)


@pytest.mark.parametrize(
    ("account", "officers", "acts"),
    [
        ("zhang", [], "zhang"),  # named in the unit's own row
        ("zhao", [], "zhao"),
        ("zhang", [away("zhang", "li")], "li"),
        ("zhang", [away("zhang", "li", date(2025, 9, 26))], "li"),  # the last day counts
        ("zhang", [away("zhang", "li", date(2025, 9, 25))], "zhang"),
        ("zhang", [away("zhang", "li"), away("li", "zhao")], "zhao"),  # a substitute who is away too
        ("zhang", [away("zhang", "li"), away("li", "zhang")], "absent"),  # each stands in for the other
        ("zhang", [away("zhang", None)], "absent"),
        ("zhang", [away("zhang", "gone"), Officer(LEAD, "gone")], "absent"),  # the substitute has left
        ("gone", [Officer(LEAD, "gone")], "unknown_officer"),
        ("nobody", [], "unknown_officer"),
    ],
)
def test_who_has_the_work_of_somebody_on_a_day(account: str, officers: list[Officer], acts: str) -> None:
    try:
        found = who_acts(account, UNIT, officers, ON)
    except UnitRefused as refused:
        found = refused.rule
    assert found == acts
