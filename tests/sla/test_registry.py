"""Packs and calendars: the first start, activation, publication, and who may."""

import asyncio
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.sla.desk import PACK, Desk
from tests.support.wire import at

from common.calendar import Allowance
from common.clock import new_id
from common.events.sla import CalendarPublished, PolicyActivated
from common.observability import Metrics
from common.policy import PackInvalid, pack_directories, parse_pack
from sla.expiry import Expiry, differing, in_force_until
from sla.registry import SYSTEM, activate, activate_first, one_at_a_time
from sla.store import versions_listed
from sla.store.packs import Listed

PACKS = Path("policies")


async def test_the_first_start_puts_in_force_what_lies_in_policies(bare: Desk) -> None:
    await activate_first(bare.service.room, PACKS)
    events = await bare.wire.announced()
    years = [event.data.year for event in events if isinstance(event.data, CalendarPublished)]
    assert years == list(range(2018, 2027))
    activated = {event.subject: event.data for event in events if isinstance(event.data, PolicyActivated)}
    assert set(activated) == {f"policy/{directory.name}" for directory in pack_directories(PACKS)}
    assert activated["policy/shuangyashan"].version == PACK.version
    assert parse_pack(activated["policy/shuangyashan"].pack).version == PACK.version


async def test_several_processes_that_start_at_once_activate_once_and_a_second_start_nothing(bare: Desk) -> None:
    await asyncio.gather(*(activate_first(bare.service.room, PACKS) for _ in range(3)))
    await activate_first(bare.service.room, PACKS)
    assert len(await bare.wire.announced("PolicyActivated")) == len(pack_directories(PACKS))
    assert len(await bare.wire.announced("CalendarPublished")) == 9


async def test_a_broken_pack_is_refused_with_file_and_line_and_nothing_is_in_force(bare: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "policies"
    shutil.copytree(PACKS, broken)
    limits = broken / "shuangyashan" / "limits.yaml"
    limits.write_text(limits.read_text().replace("amount: 15", "amount: -15"))
    with pytest.raises(PackInvalid, match=r"limits\.yaml:\d+"):
        await activate_first(bare.service.room, broken)
    assert await bare.wire.announced() == []


async def post(desk: Desk, path: str, body: Any, role: Any = "admin", key: str | None = None) -> httpx.Response:
    headers = desk.headers(role) | {"Idempotency-Key": key or str(new_id())}
    return await desk.client.post(path, json=body, headers=headers)


def other_pack() -> dict[str, Any]:
    """双鸭山's pack with 3 instead of 2 working days for inquiries."""
    content = PACK.dump()
    content["limits"]["kinds"]["closing"]["rules"][0]["allowance"]["amount"] = 3
    return content


async def test_a_pack_that_was_sent_is_activated_once_and_tickets_keep_theirs(desk: Desk) -> None:
    old = await desk.dispatch(type="inquiry")
    desk.set("2024-09-27 17:00")
    preview = await post(desk, "policies/shuangyashan/activations", {"content": other_pack(), "preview": True})
    assert (preview.status_code, preview.json()["open_tickets"], preview.json()["event"]) == (200, 1, None)
    answer = await post(desk, "policies/shuangyashan/activations", {"content": other_pack()}, key="once")
    again = await post(desk, "policies/shuangyashan/activations", {"content": other_pack()}, key="once")
    assert (answer.status_code, again.json()) == (201, answer.json())
    assert answer.headers["Hotline-Event"] == answer.json()["event"]
    version = answer.json()["version"]
    assert version != PACK.version
    unchanged = await post(desk, "policies/shuangyashan/activations", {"content": other_pack()})
    assert (unchanged.status_code, unchanged.json()["active_already"]) == (200, True)

    listed = (await desk.get("policies")).json()["items"]
    assert {one["version"]: one["in_force"] for one in listed} == {version: True, PACK.version: False}
    desk.policy = version
    new = await desk.dispatch(type="inquiry")
    await desk.tell(desk.dispatched(old, 2))
    assert (await desk.row(old, "closing", 2)).counting.allowance == Allowance(2, "working_days")
    assert (await desk.row(new, "closing")).counting.allowance == Allowance(3, "working_days")


async def test_the_files_of_the_server_are_activated_when_none_are_sent(bare: Desk) -> None:
    answer = await post(bare, "policies/shuangyashan/activations", {})
    assert (answer.status_code, answer.json()["version"]) == (201, PACK.version)
    assert (await post(bare, "policies/nowhere/activations", {})).status_code == 404
    assert (await post(bare, "policies/..%2Fetc/activations", {})).status_code in (404, 422)


async def test_a_pack_with_faults_is_refused_and_each_is_named(desk: Desk) -> None:
    content = PACK.dump()
    content["limits"]["kinds"]["closing"]["rules"] = content["limits"]["kinds"]["closing"]["rules"][:1]
    answer = await post(desk, "policies/shuangyashan/activations", {"content": content})
    assert (answer.status_code, answer.json()["code"]) == (422, "pack_invalid")
    assert any("limits.kinds.closing" in field["message"] for field in answer.json()["fields"])
    assert all(
        re.fullmatch(r"规则包(位置 [\w.-]+ )?有误，详见开发人员说明。", one["message"])
        for one in answer.json()["fields"]
    )
    foreign = {**PACK.dump(), "jurisdiction": "tongjiang", "units": []}
    assert (await post(desk, "policies/shuangyashan/activations", {"content": foreign})).status_code == 422


async def test_only_an_administrator_activates_and_publishes(desk: Desk) -> None:
    refused = await post(desk, "policies/shuangyashan/activations", {}, role="supervisor")
    assert refused.status_code == 403
    year = (await desk.get("calendars/2024")).json()
    put = await desk.client.put("calendars/2024", json=year, headers=desk.headers("supervisor"))
    assert put.status_code == 403
    of_one_city = await desk.client.put("calendars/2024", json=year, headers=desk.headers("admin"))
    assert of_one_city.status_code == 404
    assert (await desk.client.get("calendars/2024")).status_code == 401


async def test_a_year_is_read_corrected_by_who_has_seen_it_and_published_anew(desk: Desk) -> None:
    read = await desk.get("calendars/2024")
    assert (read.status_code, read.json()["year"]) == (200, 2024)
    assert read.headers["ETag"] == f'"{read.json()["version"]}"'
    content = {name: value for name, value in read.json().items() if name not in ("version", "published_at")}
    notice = {"title": "更正通知", "number": None, "published_on": "2024-09-27"}
    content["corrections"] = [{"notice": notice, "no_longer_makeup": ["2024-09-29"]}]
    headers = desk.headers("admin", None, None)
    blind = await desk.client.put("calendars/2024", json=content, headers=headers)
    stale = await desk.client.put("calendars/2024", json=content, headers=headers | {"If-Match": '"2024@0"'})
    assert (blind.status_code, stale.status_code) == (428, 412)
    seen = headers | {"If-Match": read.headers["ETag"]}
    put = await desk.client.put("calendars/2024", json=content, headers=seen)
    assert put.status_code == 200
    assert put.headers["ETag"] != read.headers["ETag"]
    event = (await desk.wire.announced("CalendarPublished"))[-1]
    assert isinstance(event.data, CalendarPublished)
    assert (event.subject, str(event.id)) == ("calendar/2024", put.headers["Hotline-Event"])
    [correction] = event.data.content["corrections"]
    assert correction["no_longer_makeup"] == ["2024-09-29"]


async def test_of_two_corrections_at_once_one_is_told_that_the_year_has_changed(desk: Desk) -> None:
    read = await desk.get("calendars/2024")
    content = {name: value for name, value in read.json().items() if name not in ("version", "published_at")}
    headers = desk.headers("admin", None, None) | {"If-Match": read.headers["ETag"]}

    async def correct(title: str) -> int:
        notice = {"title": title, "number": None, "published_on": "2024-09-27"}
        body = content | {"corrections": [{"notice": notice, "no_longer_makeup": ["2024-09-29"]}]}
        return (await desk.client.put("calendars/2024", json=body, headers=headers)).status_code

    async with desk.service.room.transaction() as holding:
        await one_at_a_time(holding.connection)
        both = [asyncio.create_task(correct(title)) for title in ("更正一", "更正二")]
        await asyncio.wait(both, timeout=0.3)
        assert not any(task.done() for task in both), [task.result() for task in both if task.done()]
    assert sorted(await asyncio.gather(*both)) == [200, 412]


async def test_a_year_that_cannot_be_is_refused_with_its_faults(desk: Desk) -> None:
    assert (await desk.get("calendars/2027")).status_code == 404
    headers = desk.headers("admin", None, None)
    year = {
        "year": 2027,
        "notice": {"title": "通知", "number": None, "published_on": "2026-11-01"},
        "days_off": [{"holiday": "元旦", "first": "2027-01-01", "last": "2027-01-03"}],
        "makeup_days": ["2027-01-04"],
    }
    weekday = await desk.client.put("calendars/2027", json=year, headers=headers)
    assert (weekday.status_code, weekday.json()["fields"][0]["field"]) == (422, "makeup_days.0")
    assert weekday.json()["fields"][0]["message"].startswith("2027-01-0")
    assert "Monday" in weekday.json()["fields"][0]["hint"]
    other = await desk.client.put("calendars/2028", json=year | {"makeup_days": []}, headers=headers)
    assert other.status_code == 422
    unknown = await desk.client.put("calendars/2027", json=year | {"makeup_days": [], "extra": 1}, headers=headers)
    assert (unknown.status_code, unknown.json()["fields"][0]["message"]) == (422, "没有这个字段。")
    eve = [{"holiday": "元旦", "first": "2026-12-31", "last": "2027-01-01"}]
    good = await desk.client.put("calendars/2027", json=year | {"makeup_days": [], "days_off": eve}, headers=headers)
    assert good.status_code == 201
    assert (await desk.get("calendars/2027")).json()["notice"]["title"] == "通知"
    # The eve belongs to the arrangement for 2027 now: that for 2026 cannot speak of it as well.
    read = await desk.get("calendars/2026")
    content = {name: value for name, value in read.json().items() if name not in ("version", "published_at")}
    content["days_off"] = [*content["days_off"], eve[0] | {"last": "2026-12-31"}]
    seen = headers | {"If-Match": read.headers["ETag"]}
    contradicting = await desk.client.put("calendars/2026", json=content, headers=seen)
    assert (contradicting.status_code, contradicting.json()["code"]) == (409, "calendars_contradict")


async def test_a_preview_says_per_unit_what_would_move_be_newly_owed_be_lifted_and_stay(desk: Desk) -> None:
    early, late = await desk.dispatch(type="inquiry"), await desk.dispatch(type="inquiry")
    desk.set("2024-09-28 12:00")
    await desk.tell(desk.closing_reported(early))
    content = other_pack()
    silent = {"rule": "SYS-16", "assumption": "测试：没有签收时限。", "no_limit": True}
    content["limits"]["kinds"]["sign_in"]["rules"] = [silent]
    body = {"content": content, "preview": True}
    answer = (await post(desk, "policies/shuangyashan/activations", body)).json()
    assert (answer["applies_to_open_tickets"], answer["event"], answer["preview"]) == (False, None, True)
    found = answer["would_move"]
    assert (found["tickets"], found["looked_at"], found["without_rule"]) == (2, 2, 0)
    moved = [item for item in found["items"] if item["fate"] == "moved" and item["kind"] == "closing"]
    assert [(one["ticket"], one["old_due_at"], one["due_at"]) for one in moved] == [
        (str(late), "2024-09-30T16:00:00Z", "2024-10-08T16:00:00Z")
    ]
    lifted = [item["kind"] for item in found["items"] if item["fate"] == "lifted"]
    assert lifted == ["sign_in", "sign_in"]
    [unit] = [one for one in found["units"] if one["unit"] == moved[0]["unit"]]
    assert (unit["moved"], unit["lifted"], unit["stays"]) == (found["moved"], 2, sum(found["stays"].values()))
    assert found["stays"]["filed"] == 1
    page = (await post(desk, "policies/shuangyashan/activations", body | {"size": 1, "offset": 1})).json()["would_move"]
    assert (page["items"], page["total"]) == (found["items"][1:2], found["total"])
    assert len(await desk.wire.announced("PolicyActivated")) == 1
    assert (await desk.row(late, "closing")).generation == 1


async def test_open_tickets_without_a_pack_in_force_are_an_alarm_and_registration_is_refused_before(desk: Desk) -> None:
    content = PACK.dump() | {"effective": {"from": "2024-06-13", "to": "2024-12-31"}}
    async with desk.service.room.transaction() as tx:
        # The one without end is replaced by one that ends: of the same first day the last one given holds.
        await tx.connection.execute(text("delete from policy_version"))
        await activate(tx, parse_pack(content), SYSTEM)
    desk.policy = parse_pack(content).version
    await desk.dispatch()
    expiry = Expiry(desk.service.room, Metrics("sla"))
    assert await expiry.look() == []
    desk.set("2025-01-01 00:00")
    assert await expiry.look() == ["shuangyashan"]
    [shown] = (await desk.get("policies")).json()["items"]
    assert (shown["effective_to"], shown["in_force"]) == ("2024-12-31", False)


def test_packs_reach_as_far_as_one_follows_another() -> None:
    def listed(begins: str, ends: str | None) -> Listed:
        last = date.fromisoformat(ends) if ends else None
        return Listed(begins, "x", date.fromisoformat(begins), last, at("2025-01-01 00:00"))

    today = date(2025, 6, 1)
    followed = [listed("2025-01-01", "2025-06-30"), listed("2025-07-01", "2025-12-31")]
    assert in_force_until(followed, today) == date(2025, 12, 31)
    assert in_force_until([followed[0], listed("2025-08-01", None)], today) == date(2025, 6, 30)
    assert in_force_until([*followed, listed("2025-12-31", None)], today) == date.max
    assert in_force_until(followed[1:], today) is None


async def test_after_an_upgrade_the_packs_that_wait_to_be_activated_are_named(desk: Desk, tmp_path: Path) -> None:
    async with desk.service.room.database.engine.connect() as connection:
        versions = await versions_listed(connection)
    folder = tmp_path / "policies"
    shutil.copytree(PACKS / "shuangyashan", folder / "shuangyashan")
    assert differing(folder, versions) == []
    limits = folder / "shuangyashan" / "limits.yaml"
    limits.write_text(limits.read_text().replace("amount: 15", "amount: 16"))
    [(jurisdiction, version, active)] = differing(folder, versions)
    assert (jurisdiction, active) == ("shuangyashan", PACK.version)
    assert version != PACK.version


async def test_an_event_under_a_version_that_is_not_here_yet_waits_and_is_never_parked(desk: Desk) -> None:
    content = other_pack()
    content["limits"]["kinds"]["closing"]["rules"][0]["allowance"]["amount"] = 7  # no other test has parsed it yet
    new = parse_pack(content)
    desk.policy = new.version
    coming = asyncio.create_task(desk.dispatch(type="inquiry"))
    await asyncio.wait({coming}, timeout=0.3)
    assert not coming.done()
    assert await desk.parked() == []
    async with desk.service.room.transaction() as tx:
        await activate(tx, new, SYSTEM)
    ticket = await coming
    assert (await desk.row(ticket, "closing")).policy == new.version
    assert await desk.parked() == []
