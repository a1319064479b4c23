"""The unit register: entered, changed by whoever saw the last version, never deleted."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.dispatch.office import LEAD, OTHER, SHUANGYASHAN, Office

from common.events.dispatch import UnitChanged
from common.policy import parse_pack
from common.security.access import Role
from dispatch.units.rules import Unit
from dispatch.units.store import change, standing

NEW = "shuangyashan.jiaoyuju"


async def changes(office: Office, code: str) -> list[UnitChanged]:
    return [event.data for event in await office.wire.announced("UnitChanged", about=f"unit/{code}")]  # type: ignore[misc]


async def test_a_pack_brings_its_base_register_and_announces_it(bare: Office) -> None:
    await bare.activate()
    shown = await bare.get("units/shuangyashan.hotline_centre")
    assert shown.status_code == 200
    assert (shown.json()["name"], shown.json()["parent"]) == ("市12345热线管理部门", "shuangyashan.yingshang")
    [announced] = await changes(bare, "shuangyashan.yingshang")
    assert (announced.kind, announced.actor.role) == ("municipal_department", "system")


async def test_a_pack_that_comes_again_leaves_edited_units_alone_and_tells_the_register_again(office: Office) -> None:
    code = "shuangyashan.yingshang"
    etag = (await office.get(f"units/{code}")).headers["ETag"]
    await office.enter_unit(code, etag, name="营商环境建设监督局")
    await office.activate()
    assert (await office.get(f"units/{code}")).json()["name"] == "营商环境建设监督局"
    assert [unit.name for unit in (await changes(office, code))[1:]] == ["营商环境建设监督局"] * 2
    assert len(await changes(office, LEAD)) == 2


async def test_a_new_unit_is_entered_announced_and_flagged_when_it_names_too_few_handlers(office: Office) -> None:
    answer = await office.enter_unit(NEW, name="市教育局", handlers=["wang"], leader="zhao", kafka_feed=True)
    assert answer.status_code == 201
    assert (answer.json()["flags"], answer.json()["version"]) == (["too_few_handlers"], 1)
    [announced] = await changes(office, NEW)
    assert (announced.name, announced.handlers, announced.has_leader, announced.kafka_feed) == (
        "市教育局",
        1,
        True,
        True,
    )
    etag = answer.headers["ETag"]
    fuller = await office.enter_unit(NEW, etag, name="市教育局", handlers=["wang", "sun"])
    assert (fuller.status_code, fuller.json()["flags"], fuller.headers["ETag"]) == (200, [], '"2"')
    assert fuller.headers["Hotline-Event"]


@pytest.mark.parametrize(("at_least", "flags"), [(2, []), (3, ["too_few_handlers"]), (None, [])])
async def test_a_unit_is_held_to_the_number_of_handlers_that_its_own_pack_says(
    bare: Office, at_least: int | None, flags: list[str]
) -> None:
    content = SHUANGYASHAN.dump()
    if at_least is None:
        del content["unit_register"]
    else:
        content["unit_register"]["named_handlers"]["at_least"] = at_least
    await bare.activate(parse_pack(content))
    entered = await bare.enter_unit(NEW, name="市教育局", handlers=["wang", "sun"])
    listed = (await bare.get("units")).json()["items"]
    assert entered.json()["flags"] == (await bare.get(f"units/{NEW}")).json()["flags"] == flags
    assert [unit["flags"] for unit in listed if unit["code"] == NEW] == [flags]


async def test_the_same_entry_sent_again_changes_nothing(office: Office) -> None:
    first = await office.enter_unit(NEW)
    again = await office.enter_unit(NEW)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert len(await changes(office, NEW)) == 1


async def test_a_change_needs_the_version_that_stands(office: Office) -> None:
    etag = (await office.get(f"units/{LEAD}")).headers["ETag"]
    assert (await office.enter_unit(LEAD, name="住建局")).status_code == 428
    assert (await office.enter_unit(LEAD, etag, name="住建局")).status_code == 200
    stale = await office.enter_unit(LEAD, etag, name="城建局")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_passed")
    assert (await office.enter_unit(NEW, '"1"')).status_code == 412
    assert (await office.enter_unit(LEAD, "*", name="城建局")).status_code == 400
    assert (await office.get(f"units/{LEAD}")).json()["name"] == "住建局"


async def test_of_two_officers_with_the_same_version_one_changes_the_unit(office: Office) -> None:
    for round in range(1, 11):
        answers = await asyncio.gather(
            *(office.enter_unit(LEAD, f'"{round}"', name=f"{who}{round}") for who in ("甲", "乙"))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await changes(office, LEAD)) == 11


IMPOSSIBLE_ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("tongjiang.chengguan", {}, "code", "unknown_jurisdiction"),
    (NEW, {"kind": "ministry"}, "kind", "unknown_kind"),
    (NEW, {"parent": "shuangyashan.nobody"}, "parent", "unknown_unit"),
    (NEW, {"parent": "tongjiang.chengguan"}, "parent", "unknown_unit"),
    (NEW, {"parent": NEW}, "parent", "unknown_unit"),
    (NEW, {"handlers": ["wang", "wang"]}, "handlers", "repeated"),
    (NEW, {"successor": OTHER}, "successor", "not_ended"),
    (NEW, {"ended_on": "2025-10-01", "successor": NEW}, "successor", "unknown_unit"),
    (NEW, {"ended_on": "2025-02-30"}, "ended_on", "date"),
    (NEW, {"name": "  "}, "name", "blank"),
    (NEW, {"deleted": True}, "deleted", "unknown_field"),
    (LEAD, {"parent": LEAD}, "parent", "circle"),
]


async def test_a_row_that_cannot_stand_names_field_and_rule(office: Office) -> None:
    for code, entry, field, rule in IMPOSSIBLE_ROWS:
        if code.startswith("tongjiang"):
            headers = office.headers("admin", jurisdiction="tongjiang")
            body = {"name": "城管局", "kind": "municipal_department"}
            refused = await office.client.put(f"units/{code}", json=body, headers=headers)
        else:
            refused = await office.enter_unit(code, '"1"' if code == LEAD else None, **entry)
        assert refused.status_code == 422, refused.text
        assert (refused.json()["fields"][0]["field"], refused.json()["fields"][0]["rule"]) == (field, rule)
        assert len(await changes(office, code)) == (1 if code == LEAD else 0)


async def test_parents_never_form_a_circle(office: Office) -> None:
    assert (await office.enter_unit(LEAD, '"1"', parent=OTHER)).status_code == 200
    refused = await office.enter_unit(OTHER, '"1"', parent=LEAD)
    assert refused.json()["fields"][0]["rule"] == "circle"


async def test_two_edits_at_once_do_not_form_a_circle_of_parents(office: Office) -> None:
    for round in range(8):
        one, two = f"shuangyashan.a{round}", f"shuangyashan.b{round}"
        await office.enter_units(f"a{round}", f"b{round}")
        answers = await asyncio.gather(
            office.enter_unit(one, '"1"', parent=two), office.enter_unit(two, '"1"', parent=one)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_nobody_ends_a_unit_while_a_ticket_is_being_sent_to_it(office: Office) -> None:
    room = office.service.room

    async def end(unit: Unit) -> None:
        async with room.transaction() as tx:
            await tx.connection.execute(text("set local lock_timeout = '50ms'"))
            await change(tx.connection, replace(unit, ended_on=date(2025, 9, 1)), 1)

    async with room.transaction() as sending:
        unit = (await standing(sending.connection, [LEAD]))[LEAD]
        with pytest.raises(DBAPIError, match="lock timeout"):
            await end(unit)


async def test_a_unit_ends_with_an_heir_and_is_still_there(office: Office) -> None:
    ended = await office.enter_unit(LEAD, '"1"', ended_on="2025-09-01", successor=OTHER)
    assert (ended.json()["ended"], ended.json()["successor"]) == (True, OTHER)
    refused = await office.enter_unit(NEW, ended_on="2025-10-01", successor=LEAD)
    assert refused.json()["fields"][0]["rule"] == "unit_ended"
    assert (await office.client.delete(f"units/{LEAD}", headers=office.headers("admin"))).status_code == 405


async def test_the_register_is_paged_by_code_and_limited_to_the_tokens_city(office: Office) -> None:
    first = (await office.get("units", "viewer", size=4)).json()
    rest = (await office.get("units", "viewer", size=4, cursor=first["next"])).json()
    codes = [unit["code"] for unit in (*first["items"], *rest["items"])]
    assert codes == sorted(codes)
    assert len(codes) == 8
    foreign = await office.client.get("units", headers=office.headers("viewer", jurisdiction="tongjiang"))
    assert foreign.json()["items"] == []


async def test_only_administrators_keep_the_register_and_only_of_their_city(office: Office) -> None:
    body = {"name": "市教育局", "kind": "municipal_department"}
    for role in ("dispatcher", "viewer", "reviewer"):
        refused = await office.client.put(f"units/{NEW}", json=body, headers=office.headers(role))
        assert refused.status_code == 403
    foreign = office.headers("admin", jurisdiction="tongjiang")
    assert (await office.client.put(f"units/{NEW}", json=body, headers=foreign)).status_code == 404
    assert (await office.client.get(f"units/{LEAD}", headers=foreign)).status_code == 404
    assert (await office.client.get("units/shuangyashan.nobody", headers=office.headers("viewer"))).status_code == 404


FLAGGED: list[tuple[dict[str, Any], list[str]]] = [
    ({"leader": None}, ["no_leader"]),
    ({"office": None, "handlers": []}, ["too_few_handlers", "no_office"]),
    ({"kind": "public_utility"}, ["no_duty_contact"]),
    ({"kind": "public_utility", "duty_contact": "0469-4212345"}, []),
    ({"function": "staffing"}, ["no_duty_contact"]),
]


async def test_a_unit_without_leader_office_or_duty_contact_is_flagged(office: Office) -> None:
    for number, (entry, flags) in enumerate(FLAGGED):
        answer = await office.enter_unit(f"{NEW}{number}", **entry)
        assert (answer.status_code, answer.json()["flags"]) == (201, flags), entry


async def test_the_duty_contact_is_shown_to_who_may_call_and_never_announced(office: Office) -> None:
    answer = await office.enter_unit(NEW, duty_contact="https://jiaoyu.example/hotline", office="办公室")
    assert answer.status_code == 201, answer.text
    callers: list[tuple[Role, str | None]] = [("agent", None), ("viewer", None), ("softphone", None), ("unit", LEAD)]
    seen = {who: (await office.get(f"units/{NEW}", who, unit)).json()["duty_contact"] for who, unit in callers}
    assert seen == {"agent": "https://jiaoyu.example/hotline", "viewer": None, "softphone": None, "unit": None}
    own = await office.get(f"units/{NEW}", "unit", NEW)
    assert own.json()["duty_contact"] == "https://jiaoyu.example/hotline"
    [announced] = await changes(office, NEW)
    assert announced.has_office
    assert "jiaoyu.example" not in announced.model_dump_json()
    refused = await office.enter_unit(NEW, '"1"', duty_contact="张三的手机")
    assert (refused.status_code, refused.json()["fields"][0]["rule"]) == (422, "format")


async def test_what_a_unit_is_to_the_hotline_is_the_packs_for_its_own_units_and_told_for_all(office: Office) -> None:
    authority = "shuangyashan.yingshang"
    assert (await changes(office, authority))[0].function == "authority"
    kept = await office.enter_unit(authority, '"1"', name="营商环境建设监督局")
    assert (kept.status_code, kept.json()["function"]) == (200, "authority")
    refused = await office.enter_unit(authority, '"2"', function="centre")
    assert (refused.status_code, refused.json()["fields"][0]["rule"]) == (422, "set_by_pack")
    county = await office.enter_unit(NEW, function="judicial_administration")
    assert county.status_code == 201
    assert [one.function for one in await changes(office, NEW)] == ["judicial_administration"]

    async with office.service.room.database.engine.begin() as connection:
        await connection.execute(text("update unit set function = null where code = :code"), {"code": authority})
    await office.activate()
    assert (await office.get(f"units/{authority}")).json()["function"] == "authority"
