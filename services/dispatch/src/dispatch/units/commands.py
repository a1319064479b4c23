"""Entering and changing units and their officers; the base register that a pack brings."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from common.events.dispatch import OfficerChanged, UnitChanged
from common.events.envelope import Actor, Event
from common.events.sla import PolicyActivated
from common.messaging.room import Transaction
from common.policy.pack import Pack, parse_pack
from common.web.problems import Problem, invalid, not_found
from dispatch.docket import SYSTEM
from dispatch.units import store
from dispatch.units.rules import Officer, Unit, UnitRefused, check, check_officer


def version_passed() -> Problem:
    return Problem(412, "version_passed", "内容已变动", "登记的内容已被他人修改，请重新读取后再改。")


def _version_wanted() -> Problem:
    return Problem(428, "if_match_required", "缺少版本", "修改已登记的内容须带 If-Match 请求头。")


async def register(
    tx: Transaction, unit: Unit, seen: int | None, pack: Pack, actor: Actor
) -> tuple[Unit, int, Mapping[str, Officer]]:
    """Enter the unit (``seen`` None) or write it over the version the caller saw; answers the row as it stands, its
    version and the unit's officers.

    428 for a change without a version, 412 for a version that has passed, 422 for a row that cannot stand. What a unit
    of the pack's base register is to the hotline is the pack's alone.
    """
    await store.lock_register(tx.connection, unit.jurisdiction)
    known = await store.find(tx.connection, unit.code)
    officers = (await store.officers_of(tx.connection, [unit.code]))[unit.code]
    if known is None and seen is not None:
        raise version_passed()
    unit = _with_function(unit, pack)
    if known is not None and seen is None:
        if known[0] == unit:
            return unit, known[1], officers  # the same entry sent again
        raise _version_wanted()
    try:
        check(unit, pack.unit_kinds, await store.of_jurisdiction(tx.connection, unit.jurisdiction))
    except UnitRefused as refusal:
        raise invalid(refusal.field, refusal.rule, refusal.message) from None
    if seen is None:
        stands = await store.add(tx.connection, unit)
    else:
        stands = await store.change(tx.connection, unit, seen)
    if not stands:
        raise version_passed()
    announce(tx, unit, officers.values(), actor)
    return unit, (seen or 0) + 1, officers


async def enter_base_register(tx: Transaction, event: Event) -> None:
    """Consumer of ``PolicyActivated``: the pack's own units are entered where they are missing. Of one that stands,
    only what it is to the hotline follows the pack.

    Then the rest of the register is told again: who keeps a copy, and began to after it was entered, has all of it.
    """
    data = event.data
    assert isinstance(data, PolicyActivated)
    await store.lock_register(tx.connection, data.jurisdiction)
    entered = set[str]()
    for listed in parse_pack(data.pack).units:
        unit = Unit(listed.code, listed.name, listed.kind, listed.parent, function=listed.function)
        if await store.add(tx.connection, unit):
            announce(tx, unit, (), SYSTEM)
            entered.add(unit.code)
            continue
        found = await store.find(tx.connection, unit.code)
        assert found is not None
        stands, version = found
        if stands.function != unit.function:
            await store.change(tx.connection, replace(stands, function=unit.function), version)
    standing = await store.of_jurisdiction(tx.connection, data.jurisdiction)
    officers = await store.officers_of(tx.connection, standing.keys())
    for code, unit in sorted(standing.items()):
        if code not in entered:
            announce(tx, unit, officers[code].values(), SYSTEM)


async def appoint(tx: Transaction, officer: Officer, seen: int | None, actor: Actor) -> int:
    """Enter or change an officer of a unit; answers the row's version.

    404 for an absent unit; 428, 412 and 422 as for units. A unit whose handlers or leader change by it is announced.
    """
    await store.lock_register(tx.connection, officer.unit.partition(".")[0])
    found = await store.find(tx.connection, officer.unit)
    if found is None:
        raise not_found()
    unit = found[0]
    rows = {one.account: (one, version) for one, version in await store.officer_versions(tx.connection, officer.unit)}
    known = rows.get(officer.account)
    if seen != (known[1] if known else None):
        if seen is not None:
            raise version_passed()
        if known is not None and known[0] == officer:
            return known[1]  # the same entry sent again
        raise _version_wanted()
    others = [one for one, _ in rows.values() if one.account != officer.account]
    try:
        check_officer(officer, unit, others)
    except UnitRefused as refusal:
        raise invalid(refusal.field, refusal.rule, refusal.message) from None
    version = (seen or 0) + 1
    await store.write_officer(tx.connection, officer, version)
    before, after = [one for one, _ in rows.values()], [*others, officer]
    tx.announce(
        OfficerChanged(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor,
            jurisdiction=unit.jurisdiction,
            unit=unit.code,
            account=officer.account,
            duties=officer.duties,
            substitute=officer.substitute,
            absent_from=officer.absent_from,
            absent_to=officer.absent_to,
        ),
        f"unit/{unit.code}",
    )
    if (unit.named_handlers(before), unit.has_leader(before)) != (unit.named_handlers(after), unit.has_leader(after)):
        announce(tx, unit, after, actor)
    return version


def announce(tx: Transaction, unit: Unit, officers: Collection[Officer], actor: Actor) -> None:
    tx.announce(
        UnitChanged(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor,
            jurisdiction=unit.jurisdiction,
            unit=unit.code,
            name=unit.name,
            kind=unit.kind,
            parent=unit.parent,
            ended_on=unit.ended_on,
            successor=unit.successor,
            kafka_feed=unit.kafka_feed,
            handlers=unit.named_handlers(officers),
            has_leader=unit.has_leader(officers),
            has_office=unit.office is not None,
            function=unit.function,
        ),
        f"unit/{unit.code}",
    )


def _with_function(unit: Unit, pack: Pack) -> Unit:
    listed = next((one for one in pack.units if one.code == unit.code), None)
    if listed is None or unit.function == listed.function:
        return unit
    if unit.function is not None:
        raise invalid("function", "set_by_pack", "该单位在热线中的职能由本地规则规定。")
    return replace(unit, function=listed.function)
