"""Entering and changing units; the base register that a pack brings."""

from common.events.dispatch import UnitChanged
from common.events.envelope import Actor, Event
from common.events.sla import PolicyActivated
from common.messaging.room import Transaction
from common.policy.pack import Pack, parse_pack
from common.web.problems import Problem, invalid
from dispatch.docket import SYSTEM
from dispatch.units import store
from dispatch.units.rules import Unit, UnitRefused, check


def version_passed() -> Problem:
    return Problem(412, "version_passed", "内容已变动", "单位信息已被他人修改，请重新读取后再改。")


async def register(tx: Transaction, unit: Unit, seen: int | None, pack: Pack, actor: Actor) -> int:
    """Enter the unit (``seen`` None) or write it over the version the caller saw; returns the new version.

    428 for a change without a version, 412 for a version that has passed, 422 for a row that cannot stand.
    """
    await store.lock_register(tx.connection, unit.jurisdiction)
    known = await store.find(tx.connection, unit.code)
    if known is None and seen is not None:
        raise version_passed()
    if known is not None and seen is None:
        if known[0] == unit:
            return known[1]  # the same entry sent again
        raise Problem(428, "if_match_required", "缺少版本", "修改单位须带 If-Match 请求头。")
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
    announce(tx, unit, actor)
    return (seen or 0) + 1


async def enter_base_register(tx: Transaction, event: Event) -> None:
    """Consumer of ``PolicyActivated``: the pack's own units are entered where they are missing, never changed."""
    data = event.data
    assert isinstance(data, PolicyActivated)
    for listed in parse_pack(data.pack).units:
        unit = Unit(code=listed.code, name=listed.name, kind=listed.kind, parent=listed.parent)
        if await store.add(tx.connection, unit):
            announce(tx, unit, SYSTEM)


def announce(tx: Transaction, unit: Unit, actor: Actor) -> None:
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
            handlers=len(unit.handlers),
            has_leader=unit.leader is not None,
        ),
        f"unit/{unit.code}",
    )
